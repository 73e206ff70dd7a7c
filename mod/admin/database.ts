// The tables as a database: SQLite in memory, filled anew when a statement names a table.

import { Database, SQLiteError } from "bun:sqlite";
import type { ColumnType, SqlError, TextResult } from "../wire/mod.ts";
import { ALL_TABLES, DATABASES } from "./schema.ts";
import { makeSource, type Table, type Value } from "./table.ts";
import type { AdminView } from "./view.ts";

/** Rows younger than this are not asked for again, in milliseconds. */
const FRESH_MS = 200;

/** Answers SQL about the proxy. */
export class AdminDatabase {
  readonly #view: AdminView;
  /** Made when somebody asks: most proxies are looked at seldom. */
  #made: Database | undefined;
  readonly #filledAt = new Map<Table, number>();

  constructor(view: AdminView) {
    this.#view = view;
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

  /** Runs a statement that only reads. */
  async query(text: string): Promise<TextResult | SqlError> {
    if (isEndless(text)) return RECURSIVE;
    await this.#fill(namedIn(text));
    try {
      return this.#run(text);
    } catch (error) {
      if (error instanceof SQLiteError) return asSqlError(error.message);
      throw error;
    }
  }

  async #fill(tables: readonly Table[]): Promise<void> {
    const now = performance.now();
    const stale = tables.filter((table) =>
      now - (this.#filledAt.get(table) ?? -FRESH_MS) >= FRESH_MS
    );
    if (stale.length === 0) return;
    const source = makeSource(this.#view);
    const contents = await Promise.all(stale.map((table) => table.read(source)));
    // From here on without a pause: other statements see all of it or nothing.
    this.#database.run("PRAGMA query_only = OFF");
    this.#database.transaction(() => {
      for (const [at, table] of stale.entries()) this.#replace(table, contents[at]);
    })();
    this.#database.run("PRAGMA query_only = ON");
    for (const table of stale) this.#filledAt.set(table, now);
  }

  #replace({ schema, name, columns }: Table, rows: readonly (readonly Value[])[]): void {
    this.#database.run(`DELETE FROM ${schema}.${name}`);
    const places = columns.map(() => "?").join(", ");
    const insert = this.#database.query(`INSERT INTO ${schema}.${name} VALUES (${places})`);
    for (const row of rows) insert.run(...row);
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
  return ALL_TABLES.filter(({ name }) => words.has(name));
}

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
