// What a client of the load generator sends: sysbench's transactions, or one statement at a time.

import { TABLES } from "../database.ts";
import { streamStatement } from "../database.ts";

/** One parameter of a statement. */
export type Parameter = "id" | "range-end" | "c" | "pad" | "k";

/** A statement; `?` stands for each parameter in both protocols. */
export interface Statement {
  readonly text: string;
  readonly parameters: readonly Parameter[];
  /** Sent as text in both protocols: BEGIN and COMMIT. */
  readonly always?: "text";
}

/** What one client does again and again; its latency is that of the whole. */
export type Unit = readonly Statement[];

/** Rows that a range covers, as sysbench's. */
export const RANGE = 100;

const plain = (text: string): Statement => ({ text, parameters: [], always: "text" });
const point = (table: string): Statement => ({
  text: `SELECT c FROM ${table} WHERE id=?`,
  parameters: ["id"],
});
const range = (what: string, table: string, order = ""): Statement => ({
  text: `SELECT ${what} FROM ${table} WHERE id BETWEEN ? AND ?${order}`,
  parameters: ["id", "range-end"],
});

function reads(table: string): Statement[] {
  return [
    ...Array.from({ length: 10 }, () => point(table)),
    range("c", table),
    range("SUM(k)", table),
    range("c", table, " ORDER BY c"),
    range("DISTINCT c", table, " ORDER BY c"),
  ];
}

function writes(table: string): Statement[] {
  return [
    { text: `UPDATE ${table} SET k=k+1 WHERE id=?`, parameters: ["id"] },
    { text: `UPDATE ${table} SET c=? WHERE id=?`, parameters: ["c", "id"] },
    // The row that is deleted comes back, so that the table stays as it is.
    { text: `DELETE FROM ${table} WHERE id=?`, parameters: ["id"] },
    {
      text: `INSERT INTO ${table} (id, k, c, pad) VALUES (?, ?, ?, ?)`,
      parameters: ["id", "k", "c", "pad"],
    },
  ];
}

const transaction = (statements: Statement[]): Unit => [
  plain("BEGIN"),
  ...statements,
  plain("COMMIT"),
];
const rows = (bytes: number): Unit => [{ text: streamStatement(bytes), parameters: [] }];

/** The works by name, for a client of a number. sysbench's own: oltp_NAME with its defaults. */
export const works: Readonly<Record<string, (client: number) => Unit>> = {
  "point": (client) => [point(tableOf(client))],
  "read-only": (client) => transaction(reads(tableOf(client))),
  "read-write": (client) => transaction([...reads(tableOf(client)), ...writes(tableOf(client))]),
  "write-only": (client) => transaction(writes(tableOf(client))),
  "1k": () => rows(1 << 10),
  "100k": () => rows(100 << 10),
  "10m": () => rows(10 << 20),
};

// One table each: at 4,096 clients the server would have to keep too many prepared statements.
function tableOf(client: number): string {
  return `sbtest${1 + client % TABLES.tables}`;
}
