// The tables as a database: SQLite in memory, filled anew when a statement names a table.

import { Database, SQLiteError } from "bun:sqlite";
import type { ColumnType, SqlError, TextResult } from "../wire/mod.ts";
import type { Baselines } from "./proxysql/baselines.ts";
import { ALL_TABLES, DATABASES } from "./schema.ts";
import { makeSource, RefusedError, type Table, type TableRow, type Value } from "./table.ts";
import type { AdminView, Done } from "./view.ts";

/** Rows younger than this are not asked for again, in milliseconds. */
const FRESH_MS = 200;

/** What the tables may show. */
export interface DatabaseOptions {
  /** Hashes of passwords, too: to accounts that may do all. */
  readonly showsSecrets: boolean;
  /** From when on ProxySQL's tables count. */
  readonly baselines: Baselines;
}

/** Answers SQL about the proxy. */
export class AdminDatabase {
  readonly #view: AdminView;
  readonly #options: DatabaseOptions;
  /** Made when somebody asks: most proxies are looked at seldom. */
  #made: Database | undefined;
  readonly #filledAt = new Map<Table, number>();
  /** Tables with changes that are not in force: they are not filled anew. */
  readonly #edited = new Set<Table>();

  constructor(view: AdminView, options: DatabaseOptions) {
    this.#view = view;
    this.#options = options;
  }

  get #database(): Database {
    if (this.#made) return this.#made;
    const database = new Database(":memory:");
    for (const name of DATABASES.slice(1)) database.run(`ATTACH DATABASE ':memory:' AS ${name}`);
    for (const table of ALL_TABLES) {
      database.run(createStatement(table, `${table.schema}.`));
    }
    database.run("PRAGMA query_only = ON");
    return this.#made = database;
  }

  /** Something was changed from here: what comes next is to see it. */
  forget(): void {
    this.#filledAt.clear();
  }

  /** From when on ProxySQL's tables count. */
  get baselines(): Baselines {
    return this.#options.baselines;
  }

  /** Runs a statement that only reads. */
  async query(text: string): Promise<TextResult | SqlError> {
    if (isEndless(text)) return RECURSIVE;
    const tables = namedIn(text);
    try {
      if (tables.some(({ resets }) => resets)) return await this.#resetting(text, tables);
      await this.#fill(tables);
      return this.#run(text);
    } catch (error) {
      if (error instanceof SQLiteError || error instanceof RefusedError) {
        return asSqlError(error.message);
      }
      throw error;
    }
  }

  /** Of tables that reading sets to 0; a statement with a mistake does not. */
  #resetting(text: string, tables: readonly Table[]): Promise<TextResult> {
    this.#database.prepare(text).finalize();
    return this.baselines.inTurn(async () => {
      await this.#fill(tables);
      return this.#run(text);
    });
  }

  /**
   * Runs a statement that changes one table, which from then on holds what is being edited.
   *
   * @param check Looks at the rows as they would be then; what it gives is why they may not be so.
   */
  async write(
    text: string,
    table: Table,
    check: (rows: readonly TableRow[]) => string | undefined,
  ): Promise<Done | SqlError> {
    if (isEndless(text)) return RECURSIVE;
    if (isSeveral(text)) return SEVERAL;
    try {
      await this.#fill([table, ...namedIn(text)]);
      return this.#writable(() => {
        using statement = this.#database.prepare(text);
        const { changes } = statement.run();
        const reason = check(this.#rowsOf(table));
        if (reason !== undefined) throw new RefusedError(reason);
        if (changes > 0) this.#edited.add(table);
        return { affectedRows: changes };
      });
    } catch (error) {
      if (error instanceof SQLiteError || error instanceof RefusedError) {
        return asSqlError(error.message);
      }
      throw error;
    }
  }

  /** The rows of a table: those that are being edited, or those of now. */
  async rows(table: Table): Promise<readonly TableRow[]> {
    await this.#fill([table]);
    return this.#rowsOf(table);
  }

  /** Takes rows of another table of the same columns as what is being edited. */
  async copy(from: Table, to: Table): Promise<void> {
    this.#filledAt.delete(from);
    await this.#fill([from, to]);
    this.#replace(to, this.#rowsOf(from).map((row) => Object.values(row)));
    this.#edited.add(to);
  }

  /** From now on a table shows again what is in force. */
  forgetEdits(table: Table): void {
    this.#edited.delete(table);
    this.#filledAt.clear();
  }

  #rowsOf({ schema, name }: Table): readonly TableRow[] {
    using statement = this.#database.prepare(`SELECT * FROM ${schema}.${name}`);
    return statement.all() as TableRow[];
  }

  async #fill(tables: readonly Table[]): Promise<void> {
    const now = performance.now();
    const stale = tables.filter((table) =>
      !this.#edited.has(table) &&
      (table.resets || now - (this.#filledAt.get(table) ?? -FRESH_MS) >= FRESH_MS)
    );
    if (stale.length === 0) return;
    const source = makeSource(this.#view, this.#options);
    const contents = await Promise.all(stale.map((table) => table.read(source)));
    // From here on without a pause: other statements see all of it or nothing. What somebody has begun
    // to edit meanwhile stays.
    for (const [at, table] of stale.entries()) {
      if (!this.#edited.has(table)) this.#replace(table, contents[at]);
    }
    for (const table of stale) this.#filledAt.set(table, now);
  }

  #replace({ schema, name, columns }: Table, rows: readonly (readonly Value[])[]): void {
    const places = columns.map(() => "?").join(", ");
    this.#writable(() => {
      this.#database.run(`DELETE FROM ${schema}.${name}`);
      const insert = this.#database.query(`INSERT INTO ${schema}.${name} VALUES (${places})`);
      for (const row of rows) insert.run(...row);
    });
  }

  /** Runs what writes, as a whole or not at all. */
  #writable<T>(write: () => T): T {
    this.#database.run("PRAGMA query_only = OFF");
    try {
      return this.#database.transaction(write)();
    } finally {
      this.#database.run("PRAGMA query_only = ON");
    }
  }

  #run(text: string): TextResult {
    using statement = this.#database.prepare(text);
    const rows = statement.values() as unknown[][];
    const { columnNames, declaredTypes } = statement;
    return {
      columns: columnNames,
      types: columnNames.map((_, at) => typeOf(rows, at, declaredTypes[at])),
      rows: rows.map((row) => row.map(textOf)),
    };
  }
}

/** The tables that a statement may read. */
function namedIn(text: string): readonly Table[] {
  const words = new Set(text.toLowerCase().match(/\w+/g));
  return ALL_TABLES.filter(({ name, schema }) =>
    words.has(name) && (schema !== "disk" || words.has(schema))
  );
}

/** Whether something follows the first semicolon: it would be left out. */
function isSeveral(text: string): boolean {
  const plain = text.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`/g, "");
  return /;\s*\S/.test(plain);
}

const SEVERAL: SqlError = {
  code: 1064,
  sqlState: "42000",
  message: "The admin port takes one statement at a time",
};

/** It may never end, and nothing can stop it: the proxy would stand still. */
function isEndless(text: string): boolean {
  return /\brecursive\b/i.test(text);
}

const RECURSIVE: SqlError = {
  code: 1235,
  sqlState: "42000",
  message: "The admin port does not run WITH RECURSIVE",
};

/** The statement that makes a table, as SHOW CREATE TABLE shows it. */
export function createStatement({ name, columns, key }: Table, prefix = ""): string {
  const lines = columns.map(({ name, type, constraint }) =>
    `  \`${name}\` ${type}${constraint === undefined ? "" : ` ${constraint}`}`
  );
  if (key.length > 0) lines.push(`  PRIMARY KEY (${key.join(", ")})`);
  return `CREATE TABLE ${prefix}\`${name}\` (\n${lines.join(",\n")}\n)`;
}

function typeOf(
  rows: readonly (readonly unknown[])[],
  at: number,
  declared: string | null | undefined,
): ColumnType {
  if (declared === "INTEGER") return "integer";
  if (declared === "REAL") return "real";
  if (declared) return "text";
  const values = rows.map((row) => row[at]).filter((value) => value !== null);
  if (values.length === 0 || values.some((value) => typeof value !== "number")) return "text";
  return values.every((value) => Number.isInteger(value)) ? "integer" : "real";
}

function textOf(value: unknown): string | null {
  if (value === null) return null;
  return value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value);
}

/** SQLite's complaints as MySQL's. */
function asSqlError(message: string): SqlError {
  const [, table] = /no such table: (.+)/.exec(message) ?? [];
  if (table !== undefined) return unknownTable(table);
  const [, column] = /no such column: (.+)/.exec(message) ?? [];
  if (column !== undefined) {
    return { code: 1054, sqlState: "42S22", message: `Unknown column '${column}'` };
  }
  const [, routine] = /no such function: (.+)/.exec(message) ?? [];
  if (routine !== undefined) {
    return { code: 1305, sqlState: "42000", message: `FUNCTION ${routine} does not exist` };
  }
  if (message.includes("readonly database")) return READ_ONLY;
  if (message.includes("UNIQUE constraint failed")) {
    return { code: 1062, sqlState: "23000", message: `Duplicate entry: ${message}` };
  }
  const isSyntax = /syntax error|incomplete input|unrecognized token/.test(message);
  return isSyntax
    ? { code: 1064, sqlState: "42000", message: `You have an error in your SQL syntax: ${message}` }
    : { code: 1105, sqlState: "HY000", message };
}

/** The error for a table that does not exist. */
export function unknownTable(name: string): SqlError {
  const qualified = name.includes(".") ? name : `main.${name}`;
  return { code: 1146, sqlState: "42S02", message: `Table '${qualified}' doesn't exist` };
}

/** The error for a statement that would change a table. */
export const READ_ONLY: SqlError = {
  code: 1290,
  sqlState: "HY000",
  message: "The tables of the admin port are read-only",
};
