// The monitor's connection to one server: opened once, kept, given up where it does not answer.

import type { Connection, RowDataPacket } from "mysql2/promise";
import { connectAsOwn, type OwnEndpoint } from "../auth/mod.ts";
import type { ServerAddress } from "../config/mod.ts";
import type { ProbeSession, Row } from "./flavor.ts";

/** A session that the monitor owns. */
export interface ProbeConnection extends ProbeSession {
  /**
   * Runs several statements in one round trip; their rows in the same order.
   *
   * @throws {Error} With `errno` where the server refuses one of them.
   */
  queryAll(statements: readonly string[]): Promise<readonly (readonly Row[])[]>;
  /** Ends it at once, whatever is under way. */
  close(): void;
}

/** Opens sessions; tests give their own. */
export interface Connector {
  /**
   * @param onLost Told when the connection ends by itself, whether or not a statement is under way.
   * @throws {Error} With the system's or the server's `code` and `errno`.
   */
  open(
    address: ServerAddress,
    options: { readonly timeoutMs: number; readonly onLost: () => void },
  ): Promise<ProbeConnection>;
}

/** Timestamps come as UTC, so that the server's time zone does not matter. */
const FIRST_STATEMENT = "SET SESSION time_zone = '+00:00'";

/** Connects as the proxy's own account. */
export class OwnConnector implements Connector {
  readonly #endpoint: (address: ServerAddress) => OwnEndpoint;

  constructor(endpoint: (address: ServerAddress) => OwnEndpoint) {
    this.#endpoint = endpoint;
  }

  async open(
    address: ServerAddress,
    { timeoutMs, onLost }: { readonly timeoutMs: number; readonly onLost: () => void },
  ): Promise<ProbeConnection> {
    const endpoint = { ...this.#endpoint(address), multipleStatements: true };
    const connection = await connectAsOwn(endpoint, timeoutMs);
    let open = true;
    const end = () => {
      if (!open) return;
      open = false;
      onLost();
    };
    connection.on("error", end);
    connection.on("end", end);
    const close = () => {
      open = false;
      connection.destroy();
    };
    try {
      await connection.query(FIRST_STATEMENT);
    } catch (error) {
      close();
      throw error;
    }
    return {
      address,
      memory: new Map(),
      close,
      query: (sql) => rowsOf(connection, sql),
      queryAll: (statements) => rowsOfAll(connection, statements),
    };
  }
}

async function rowsOf(connection: Connection, sql: string): Promise<readonly Row[]> {
  const [rows] = await connection.query<RowDataPacket[]>({ sql, ...ROWS });
  return Array.isArray(rows) ? rows.map(lowerCased) : [];
}

async function rowsOfAll(
  connection: Connection,
  statements: readonly string[],
): Promise<readonly (readonly Row[])[]> {
  const [results] = await connection.query<RowDataPacket[][]>({
    sql: statements.join(";\n"),
    ...ROWS,
  });
  return results.map((rows) => Array.isArray(rows) ? rows.map(lowerCased) : []);
}

const ROWS = { dateStrings: true, supportBigNumbers: true };

/** Names of columns by how the server writes them: a few hundred at most. */
const lowerNames = new Map<string, string>();

function lowerCased(row: RowDataPacket): Row {
  const out: Record<string, unknown> = {};
  for (const name in row) {
    let lower = lowerNames.get(name);
    if (lower === undefined) lowerNames.set(name, lower = name.toLowerCase());
    out[lower] = row[name];
  }
  return out;
}
