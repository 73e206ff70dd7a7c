// The database server of a run: private, temporary, with sysbench's tables and rows to stream.

import { createConnection } from "mysql2/promise";
import { type Row, type ServerKind, startServer } from "../tests/servers/mod.ts";
import type { Endpoint } from "./contenders/mod.ts";
import { tied } from "./processes.ts";

/** A running server with its data in place. Disposing ends it and removes the data. */
export interface Database extends AsyncDisposable {
  /** Of the server's process, and of those that follow it. */
  readonly pids: readonly number[];
  /** Servers that follow it; none where it stands alone. */
  readonly replicas?: readonly Endpoint[];
  readonly kind: ServerKind;
  readonly version: string;
  readonly endpoint: Endpoint;
  /** An account with all privileges. */
  readonly user: string;
  readonly password: string;
  /** What the server authenticates it with. */
  readonly plugin: string;
  /** The database of all tables. */
  readonly name: string;
  /** Runs a statement as the server's administrator, on a connection of its own. */
  readonly sql: (statement: string) => Promise<Row[]>;
}

/** sysbench's tables: small enough to be in memory, large enough for 64 writers. */
export const TABLES = { tables: 4, rows: 10_000 } as const;

/** The database of all tables. */
export const NAME = "sbtest";
/** Some for each of thousands of clients. */
const PREPARED_MAX = 1_000_000;
const STREAM_ROW_BYTES = 1_020;
/** Joined with itself twice this makes 512³ rows: 128 GiB. */
const STREAM_ROWS = 512;

/** A statement whose answer has about `bytes` bytes, in rows of 1 KiB. */
export function streamStatement(bytes: number): string {
  const rows = Math.ceil(bytes / 1024);
  return `SELECT a.body FROM stream a, stream b, stream c LIMIT ${rows}`;
}

/**
 * Starts a server.
 *
 * @throws {Error} If it or sysbench is not installed or fails.
 */
export async function startDatabase(
  kind: ServerKind,
  { connectionsMax }: { readonly connectionsMax: number },
): Promise<Database> {
  const server = await startServer(kind, {
    maxConnections: connectionsMax,
    extraConfig: [
      // What is measured is the way to the server: it shall spend little itself.
      "skip_log_bin",
      "performance_schema = OFF",
      `max_prepared_stmt_count = ${PREPARED_MAX}`,
      // All clients may come at the same time.
      "back_log = 4096",
    ],
  });
  try {
    const { user, password, plugin } = server.accounts.app;
    const database: Database = {
      kind,
      version: server.version,
      pids: [server.pid],
      endpoint: { host: server.host, port: server.port },
      user,
      password,
      plugin,
      name: NAME,
      sql: (statement) => server.sql(statement),
      [Symbol.asyncDispose]: () => server.stop(),
    };
    await fillDatabase(database);
    return database;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/**
 * Makes the tables and their rows.
 *
 * @throws {Error} If sysbench is not installed or fails.
 */
export async function fillDatabase(database: Database): Promise<void> {
  await database.sql(`CREATE DATABASE ${NAME}`);
  await database.sql(
    `CREATE TABLE ${NAME}.stream (body VARCHAR(${STREAM_ROW_BYTES}) CHARACTER SET latin1)`,
  );
  await database.sql(
    `INSERT INTO ${NAME}.stream WITH RECURSIVE n (i) AS
     (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${STREAM_ROWS})
     SELECT REPEAT('x', ${STREAM_ROW_BYTES}) FROM n`,
  );
  await cachePassword(database);
  await prepareTables(database);
}

/** sysbench's options to reach the database through `endpoint`. */
export function sysbenchTarget(database: Database, { host, port }: Endpoint): string[] {
  return [
    "--db-driver=mysql",
    `--mysql-host=${host}`,
    `--mysql-port=${port}`,
    `--mysql-user=${database.user}`,
    `--mysql-password=${database.password}`,
    `--mysql-db=${database.name}`,
    `--tables=${TABLES.tables}`,
    `--table-size=${TABLES.rows}`,
  ];
}

/** One full login, after which the server's cache has what caching_sha2_password's short way needs. */
async function cachePassword({ endpoint, user, password }: Database): Promise<void> {
  const connection = await createConnection({ ...endpoint, user, password });
  await connection.end();
}

async function prepareTables(database: Database): Promise<void> {
  const command = ["sysbench", "oltp_read_write", ...sysbenchTarget(database, database.endpoint)];
  const child = Bun.spawn(tied([...command, "prepare"]), { stdin: "ignore", stderr: "pipe" });
  const [output, errors, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (status !== 0) throw new Error(`Cannot prepare sysbench's tables: ${errors}${output}`);
}
