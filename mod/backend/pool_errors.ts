// What sessions are told that get no connection.

import type { SqlError } from "../wire/mod.ts";

/** The pool has lost its last connection, and only a login of a client could bring another one. */
export const NO_CONNECTION: SqlError = {
  code: 2013,
  sqlState: "HY000",
  message: "Lost connection to MySQL server during query: connect again, since the proxy does " +
    "not know the account's password and cannot log in itself",
};

/** A wait was too long. */
export function tooLate(waitedMs: number, pool: {
  readonly account: string;
  readonly server: string;
  /** Connections. */
  readonly count: number;
  readonly paused: boolean;
  /** Why no more can be opened; empty where the pool is as large as it may be. */
  readonly lastError: string;
}): SqlError {
  const { account, server, count, paused, lastError } = pool;
  const waited = `waited ${(waitedMs / 1000).toFixed(1)} s`;
  const pooled = `'${account}' at ${server}`;
  const message = paused
    ? `the pool of ${pooled} is paused: ${waited}`
    : `${waited} for one of ${count} connections of ${pooled}` +
      (lastError === "" ? "" : `, and no more can be opened: ${lastError}`);
  return { code: 1040, sqlState: "08004", message: `Too many connections: ${message}` };
}
