// LIKE and WHERE behind a SHOW: the rows become a table of SQLite for the moment.

import { Database } from "bun:sqlite";
import type { SqlError } from "../wire/mod.ts";

/** Rows of text under names; null is SQL's NULL. */
export interface Rows {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** What is asked of the rows. */
export interface Filter {
  /** A pattern for the first column. */
  readonly like?: string | undefined;
  /** An expression over the columns. */
  readonly where?: string | undefined;
}

/** The rows that fit, or the error of an expression that cannot be read. */
export function filterRows(rows: Rows, { like, where }: Filter): Rows | SqlError {
  if (like === undefined && where === undefined) return rows;
  const conditions: string[] = [];
  if (like !== undefined) {
    conditions.push(`${quoted(rows.columns[0] ?? "")} LIKE '${pattern(like)}' ESCAPE '\\'`);
  }
  if (where !== undefined) conditions.push(`(${where})`);
  const database = new Database(":memory:");
  try {
    // Without a declared type numbers in text compare as text: NUMERIC makes numbers of them.
    const columns = rows.columns.map((name) => `${quoted(name)} NUMERIC COLLATE NOCASE`);
    database.run(`CREATE TABLE shown (${columns.join(", ")})`);
    const insert = database.prepare(
      `INSERT INTO shown VALUES (${rows.columns.map(() => "?").join(", ")})`,
    );
    for (const row of rows.rows) insert.run(...row);
    const found = database.query(`SELECT rowid AS n FROM shown WHERE ${conditions.join(" AND ")}`)
      .all() as { readonly n: number }[];
    return { columns: rows.columns, rows: found.map(({ n }) => rows.rows[n - 1]!) };
  } catch (error) {
    const message = `Cannot read the condition: ${(error as Error).message}`;
    return { code: 1064, sqlState: "42000", message };
  } finally {
    database.close();
  }
}

/** A quote that MySQL writes with a backslash is doubled here. */
function pattern(like: string): string {
  return like.replaceAll("\\'", "''");
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
