// Prepared statements of one connection to the admin port: a text with places for values, which are put
// in when it is executed.

import { decodeExecution, type ParameterTypes, type ParameterValue } from "../wire/mod.ts";

/** Statements prepared at a time; as `max_prepared_stmt_count`, for one connection. */
const STATEMENTS_MAX = 1000;
/** What is sent ahead of an execution at most, in bytes. */
const LONG_MAX = 16 * 1024 * 1024;
/** What precedes the data of COM_STMT_SEND_LONG_DATA: command, statement, parameter. */
const LONG_HEAD = 7;

interface Prepared {
  readonly text: string;
  /** Where its `?` are. */
  readonly places: readonly number[];
  types: ParameterTypes;
  readonly long: Map<number, Uint8Array>;
}

/** Those of one connection, by the number of each. */
export class PreparedStatements {
  readonly #statements = new Map<number, Prepared>();
  #last = 0;

  /** Keeps a text; undefined: there are too many. */
  prepare(text: string): { readonly id: number; readonly parameters: number } | undefined {
    if (this.#statements.size >= STATEMENTS_MAX) return undefined;
    const places = placesIn(text);
    const id = ++this.#last;
    this.#statements.set(id, { text, places, types: [], long: new Map() });
    return { id, parameters: places.length };
  }

  /** The text with the values of an execution; undefined: there is no such statement. */
  textOf(payload: Uint8Array): string | undefined {
    const statement = this.#of(payload);
    if (statement === undefined) return undefined;
    const { text, places, types, long } = statement;
    const found = decodeExecution(payload, { parameters: places.length, types, long });
    statement.types = found.types;
    long.clear();
    const literal = isSqlite(text) ? sqliteLiteral : mysqlLiteral;
    let whole = "";
    let from = 0;
    for (const [at, place] of places.entries()) {
      whole += text.slice(from, place) + literal(found.values[at]!);
      from = place + 1;
    }
    return whole + text.slice(from);
  }

  /** A part of a value that comes ahead. It has no answer: what is too much is left out. */
  keepLong(payload: Uint8Array): void {
    const long = this.#of(payload)?.long;
    if (long === undefined) return;
    const parameter = Buffer.from(payload).readUInt16LE(LONG_HEAD - 2);
    const all = Buffer.concat([long.get(parameter) ?? NONE, payload.subarray(LONG_HEAD)]);
    if (all.length <= LONG_MAX) long.set(parameter, all);
  }

  /** Forgets what came ahead. @returns false if there is no such statement. */
  reset(payload: Uint8Array): boolean {
    const statement = this.#of(payload);
    statement?.long.clear();
    return statement !== undefined;
  }

  close(payload: Uint8Array): void {
    this.#statements.delete(idIn(payload));
  }

  /** As after a reset of the connection. */
  clear(): void {
    this.#statements.clear();
  }

  #of(payload: Uint8Array): Prepared | undefined {
    return this.#statements.get(idIn(payload));
  }
}

const NONE = new Uint8Array(0);

function idIn(payload: Uint8Array): number {
  return payload.length < 5 ? 0 : Buffer.from(payload).readUInt32LE(1);
}

/** Quoted text and comments have none. */
function placesIn(text: string): readonly number[] {
  const parts =
    /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`[^`]*`|\/\*.*?\*\/|(?:--\s|#)[^\n]*|(\?)/gs;
  return [...text.matchAll(parts)].flatMap(({ 1: place, index }) => place ? [index] : []);
}

/** Whether SQLite reads the values, to which a backslash is no escape. */
function isSqlite(text: string): boolean {
  return /^\s*(?:select|with|values|insert|replace|update|delete|explain\s+(?!route))/i.test(text);
}

function sqliteLiteral(value: ParameterValue): string {
  // A string that ends with a backslash would not end for whoever looks for comments in MySQL's way.
  if (typeof value === "string" && /[\\\0]/.test(value)) {
    return `CAST(X'${Buffer.from(value).toString("hex")}' AS TEXT)`;
  }
  return mysqlLiteral(value);
}

function mysqlLiteral(value: ParameterValue): string {
  if (value === null) return "NULL";
  if (typeof value !== "string") return String(value);
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
