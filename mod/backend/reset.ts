// Commands of the proxy's own that are no statements: COM_RESET_CONNECTION makes a connection as
// good as new, but for its user, schema and charset; COM_PING does nothing.

import { Command, Expect, frame } from "../wire/mod.ts";
import type { AnswerSink } from "./outstanding.ts";
import type { ServerConnection } from "./server_connection.ts";

const RESET_CONNECTION = frame(Uint8Array.of(Command.RESET_CONNECTION), 0);
/** COM_PING. */
export const PING: Uint8Array = frame(Uint8Array.of(Command.PING), 0);

/** Resets a connection: ends its transaction, frees its locks. Resolves with whether it worked. */
export function resetConnection(connection: ServerConnection): Promise<boolean> {
  return succeeds(connection, RESET_CONNECTION);
}

/**
 * Asks a server for a word. The statement's diagnostics, transaction and variables stay. Resolves
 * with whether it worked.
 */
export function pingConnection(connection: ServerConnection): Promise<boolean> {
  return succeeds(connection, PING);
}

function succeeds(connection: ServerConnection, command: Uint8Array): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const sink: AnswerSink = {
    onAnswerBytes() {},
    onAnswerEnd: () => resolve(connection.tracker.errorCode === 0),
    onServerLost: () => resolve(false),
  };
  connection.request(command, Expect.OK, sink);
  return promise;
}
