// What clients are told of what went wrong between the proxy and a server.

import { ChannelClosedError, DialError } from "../net/mod.ts";
import type { SqlError } from "../wire/mod.ts";
import { LoginRefusedError } from "./login_exchange.ts";

/** The error a client gets for what went wrong between the proxy and a server. */
export function serverError(error: unknown, server: string): SqlError {
  if (error instanceof LoginRefusedError) return error.error;
  if (error instanceof DialError) {
    return {
      code: 2003,
      sqlState: "HY000",
      message: `Can't connect to MySQL server on '${server}' (${error.code})`,
    };
  }
  if (error instanceof ChannelClosedError) {
    return {
      code: 2013,
      sqlState: "HY000",
      message: `Lost connection to MySQL server on '${server}' during login: ${error.message}`,
    };
  }
  return { code: 2000, sqlState: "HY000", message: "Unknown MySQL error" };
}

/** The same for a client that is logged in already: what it knows as the loss of a connection. */
export function statementError(error: unknown, server: string): SqlError {
  const told = serverError(error, server);
  if (error instanceof LoginRefusedError) return told;
  const message = `Lost connection to MySQL server during query: ${told.message}`;
  return { code: 2013, sqlState: "HY000", message };
}

/** ER_CON_COUNT_ERROR: `max_connections` of the server. */
const TOO_MANY_CONNECTIONS = 1040;
/** ER_TOO_MANY_USER_CONNECTIONS and ER_USER_LIMIT_REACHED: those of the account. */
const ACCOUNT_LIMITS = new Set([1203, 1226]);

/** A server takes no more connections, of anybody or of an account: those that are there go on. */
export function isFull(error: unknown): boolean {
  return isServerFull(error) ||
    (error instanceof LoginRefusedError && ACCOUNT_LIMITS.has(error.error.code));
}

/** A server takes no more connections of anybody. */
export function isServerFull(error: unknown): boolean {
  return error instanceof LoginRefusedError && error.error.code === TOO_MANY_CONNECTIONS;
}

/** The server's error number; 0 where it could not be reached, or went away. */
export function failureCode(error: unknown): number {
  return error instanceof LoginRefusedError ? error.error.code : 0;
}
