// Reads from a server connection what it still holds of a session, before another one uses it: one
// SELECT for all values, with their types, and SHOW WARNINGS.

import { isUtf8 } from "node:buffer";
import { RESULTS_COLLATION, ROLE, roleLiteral, stringLiteral } from "../../backend/mod.ts";
import {
  Capability,
  decodeColumnShape,
  FieldType,
  PacketAssembler,
  PacketReader,
} from "../../wire/mod.ts";

const UNSIGNED = 32;
const BINARY_COLLATION = 63;

/** What a column of the SELECT is for. */
interface Wanted {
  /** `=insert_id`, `=found_rows`, `=role`, a system variable, or a user variable with its `@`. */
  readonly name: string;
  /** Columns it takes. */
  readonly width: number;
}

/** Values by name, as literals. */
export type CapturedValues = ReadonlyMap<string, string>;

/** LAST_INSERT_ID(), under the name of no variable. */
export const INSERT_ID = "=insert_id";
/** FOUND_ROWS() of the statement before. */
export const FOUND_ROWS = "=found_rows";

/** A user variable's longest value that is carried over, in bytes. */
export const USER_VARIABLE_MAX = 64 * 1024;

/** Builds the SELECT and reads its answer. */
export class CaptureQuery {
  readonly #wanted: Wanted[] = [];
  readonly #columns: string[] = [];

  get empty(): boolean {
    return this.#wanted.length === 0;
  }

  /** The settings and user variables among what is asked. */
  get settings(): string[] {
    return this.#wanted.map(({ name }) => name).filter((name) => !name.startsWith("="));
  }

  /** LAST_INSERT_ID(). */
  insertId(): void {
    this.#add(INSERT_ID, "LAST_INSERT_ID()");
  }

  /** FOUND_ROWS() of the statement before. */
  foundRows(): void {
    this.#add(FOUND_ROWS, "FOUND_ROWS()");
  }

  role(): void {
    this.#add(ROLE, "CURRENT_ROLE()");
  }

  /** A system variable, or a user variable with its `@`. */
  variable(name: string): void {
    if (!name.startsWith("@")) {
      this.#add(name, `@@SESSION.${name}`);
      return;
    }
    const shown = quotedName(name);
    this.#add(name, shown, `HEX(${shown})`, `CHARSET(${shown})`, `COLLATION(${shown})`);
  }

  #add(name: string, ...columns: string[]): void {
    this.#wanted.push({ name, width: columns.length });
    this.#columns.push(...columns);
  }

  /** Gives no row to sessions with a `sql_select_limit` of 0. */
  get text(): string {
    return `SELECT ${this.#columns.join(",")}`;
  }

  /** Gives a row to all, and makes their transaction one of unsafe statements, by its LIMIT. */
  get limitedText(): string {
    return `${this.text} LIMIT 1`;
  }

  /** The values in the answer's packets. Empty where there are none. */
  read(packets: PacketAssembler, { capabilities, collations }: {
    readonly capabilities: number;
    /** Names of collations by id. */
    readonly collations: ReadonlyMap<number, string>;
  }): CapturedValues {
    const payloads: Uint8Array[] = [];
    for (let next = packets.next(); next; next = packets.next()) payloads.push(next);
    const count = this.#columns.length;
    const row = payloads[count + (capabilities & Capability.DEPRECATE_EOF ? 1 : 2)];
    const found = new Map<string, string>();
    if (payloads.length < count + 3 || row === undefined) return found;
    const values = readRow(row, count);
    let at = 0;
    for (const { name, width } of this.#wanted) {
      found.set(
        name,
        width === 1
          ? systemLiteral(name, values[at], payloads[at + 1])
          : userLiteral(values.slice(at, at + width), payloads[at + 1]),
      );
      if (name === "collation_connection") {
        // What results are said to have can be seen at any of them only.
        const collation = collations.get(decodeColumnShape(payloads[at + 1]).collation);
        found.set(RESULTS_COLLATION, collation === undefined ? "" : `'${collation}'`);
      }
      at += width;
    }
    return found;
  }
}

/** A user variable's name in backquotes. @param name With its `@`. */
export function quotedName(name: string): string {
  return `@${quoted(name.slice(1))}`;
}

function quoted(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

function readRow(row: Uint8Array, count: number): (Buffer | undefined)[] {
  const reader = new PacketReader(row);
  const values: (Buffer | undefined)[] = [];
  for (let i = 0; i < count; i++) {
    if (row[reader.position] === 0xfb) {
      reader.skip(1);
      values.push(undefined);
    } else values.push(Buffer.from(reader.lenencView()));
  }
  return values;
}

const NUMERIC = new Set([0, 1, 2, 3, 4, 5, 8, 9, 246]);

function systemLiteral(name: string, value: Buffer | undefined, definition: Uint8Array): string {
  if (name === ROLE) return roleLiteral(value?.toString());
  if (value === undefined) return "NULL";
  const text = value.toString();
  if (name.startsWith("=")) return text;
  return NUMERIC.has(decodeColumnShape(definition).type) ? text : stringLiteral(text);
}

/**
 * NULL keeps the type of the value before: behind such a value. The variable's name stands for `@`
 * in what comes in front.
 */
function typedNull(
  { type, flags }: { readonly type: number; readonly flags: number },
  charset: string,
  collation: string,
): string {
  if (type === FieldType.LONGLONG) {
    return `${NULL_OF}${flags & UNSIGNED ? "CAST(1 AS UNSIGNED)" : "1"}`;
  }
  if (type === FieldType.NEWDECIMAL) return `${NULL_OF}1.`;
  if (type === FieldType.DOUBLE) return `${NULL_OF}1e0`;
  if (charset === "binary") return "NULL";
  return `${NULL_OF}_${charset} X'41' COLLATE ${collation}`;
}

/** What servers say of the length of a variable that was set to NULL, unlike one never set. */
const NULL_LENGTH = 0xffffff;

const IS_NUMBER = new Set<number>([FieldType.LONGLONG, FieldType.DOUBLE, FieldType.NEWDECIMAL]);

/** In place of a literal: the variable does not exist. */
export const UNSET = "";

/** Stands in front of a value whose type a NULL has. */
const NULL_OF = "NULL of ";

/** The assignment of a literal to a user variable. @param name Without its `@`. */
export function userAssignment(name: string, literal: string): string {
  const variable = `@${quoted(name)}`;
  if (!literal.startsWith(NULL_OF)) return `${variable}=${literal}`;
  return `${variable}=${literal.slice(NULL_OF.length)},${variable}=NULL`;
}

function userLiteral(
  [value, hex, charset, collation]: (Buffer | undefined)[],
  definition: Uint8Array,
): string {
  const { type, flags, length, collation: shown } = decodeColumnShape(definition);
  if (value === undefined) {
    // CHARSET() of a NULL without one gives the connection's.
    if (type === FieldType.MEDIUM_BLOB && shown === BINARY_COLLATION) return `${NULL_OF}X'41'`;
    const isSet = `${charset}` !== "binary" || length === NULL_LENGTH || IS_NUMBER.has(type);
    return isSet ? typedNull({ type, flags }, `${charset}`, `${collation}`) : UNSET;
  }
  const text = value.toString("latin1");
  if (type === FieldType.LONGLONG) return flags & UNSIGNED ? `CAST(${text} AS UNSIGNED)` : text;
  if (type === FieldType.NEWDECIMAL) return text.includes(".") ? text : `${text}.`;
  if (type === FieldType.DOUBLE) return /e/i.test(text) ? text : `${text}e0`;
  if (type === FieldType.GEOMETRY) { // the number of its reference system in front
    if (isPoint(value)) return `POINT(${value.readDoubleLE(9)}e0,${value.readDoubleLE(17)}e0)`;
    return `ST_GeomFromWKB(X'${`${hex}`.slice(8)}',${value.readUInt32LE(0)})`;
  }
  if (`${charset}` === "binary" || isNoText(`${charset}`, hex)) return `X'${hex}'`;
  return `_${charset} X'${hex}' COLLATE ${collation}`;
}

/**
 * MariaDB gives a variable another character set where a text that sets it is prepared, and leaves
 * its bytes as they are: servers refuse to be told of such a value as it is.
 */
function isNoText(charset: string, hex: Buffer | undefined): boolean {
  return charset.startsWith("utf8") && !isUtf8(Buffer.from(`${hex}`, "hex"));
}

/** A point whose type servers tell, unlike that of other values: with ST_GeomFromWKB() it is lost. */
function isPoint(value: Buffer): boolean {
  return value.length === POINT_LENGTH && value.readUInt32LE(0) === 0 && value[4] === 1 &&
    value.readUInt32LE(5) === WKB_POINT &&
    [9, 17].every((at) => /^-?[0-9.]+$/.test(`${value.readDoubleLE(at)}`));
}

const POINT_LENGTH = 25;
const WKB_POINT = 1;
