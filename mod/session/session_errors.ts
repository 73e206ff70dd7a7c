// Errors of the proxy's own that a logged-in client may get.

import type { SqlError } from "../wire/mod.ts";

/** A command is longer than clients may send. */
export const PACKET_TOO_LARGE: SqlError = {
  code: 1153,
  sqlState: "08S01",
  message: "Got a packet bigger than 'max_allowed_packet' bytes",
};

/** The server connection has ended while a command was under way. */
export function lostConnection(reason: string): SqlError {
  return {
    code: 2013,
    sqlState: "HY000",
    message: `Lost connection to MySQL server during query (${reason})`,
  };
}
