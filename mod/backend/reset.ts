// COM_RESET_CONNECTION: a connection as good as new, but for its user, schema and charset.

import { Command, Expect, frame } from "../wire/mod.ts";
import type { AnswerSink } from "./outstanding.ts";
import type { ServerConnection } from "./server_connection.ts";

const RESET_CONNECTION = frame(Uint8Array.of(Command.RESET_CONNECTION), 0);

/** Resets a connection: ends its transaction, frees its locks. Resolves with whether it worked. */
export function resetConnection(connection: ServerConnection): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const sink: AnswerSink = {
    onAnswerBytes() {},
    onAnswerEnd: () => resolve(connection.tracker.errorCode === 0),
    onServerLost: () => resolve(false),
  };
  connection.request(RESET_CONNECTION, Expect.OK, sink);
  return promise;
}
