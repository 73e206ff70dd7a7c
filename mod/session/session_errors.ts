// Errors of the proxy's own that a logged-in client may get.

import type { SqlError } from "../wire/mod.ts";

/** A command is longer than clients may send. */
export const PACKET_TOO_LARGE: SqlError = {
  code: 1153,
  sqlState: "08S01",
  message: "Got a packet bigger than 'max_allowed_packet' bytes",
};

/** A command that the protocol does not have, or that cannot be read. */
export const UNKNOWN_COMMAND: SqlError = {
  code: 1047,
  sqlState: "08S01",
  message: "Unknown command",
};

/** The server connection has ended while a command was under way. */
export function lostConnection(reason: string): SqlError {
  return {
    code: 2013,
    sqlState: "HY000",
    message: `Lost connection to MySQL server during query (${reason})`,
  };
}

/** What a client is told whose own statement is interrupted; some servers close then. */
const INTERRUPTIONS = new Set([1053, 1317, 1927, 3169]);

/** A statement was interrupted by KILL or by a server's end. */
export function isInterruption(errorCode: number): boolean {
  return INTERRUPTIONS.has(errorCode);
}

/** Error numbers 2000 to 2999 are the client library's own: what it finds wrong by itself. */
const CLIENT_ERRORS_START = 2000;
const CLIENT_ERRORS_END = 2999;
const CANNOT_CONNECT = 2003;
/** ER_CONNECT_TO_FOREIGN_DATA_SOURCE: a server's number for a server that it cannot reach. */
const CANNOT_CONNECT_ONWARD = 1429;
const UNKNOWN_ERROR = 1105;

/** An error that a client library keeps for itself: MariaDB's takes a packet with it for broken. */
export function isClientError({ code }: SqlError): boolean {
  return code >= CLIENT_ERRORS_START && code <= CLIENT_ERRORS_END;
}

/** The same error under a number that every client takes from a server. */
export function asServerError(error: SqlError): SqlError {
  if (!isClientError(error)) return error;
  return { ...error, code: error.code === CANNOT_CONNECT ? CANNOT_CONNECT_ONWARD : UNKNOWN_ERROR };
}

/** Tells from a client's connection attributes whether it takes a client's error from a server. */
export function takesClientErrors(attributes: Uint8Array): boolean {
  return !Buffer.from(attributes.buffer, attributes.byteOffset, attributes.length)
    .includes("libmariadb");
}
