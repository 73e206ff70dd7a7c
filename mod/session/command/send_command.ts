// Sends a pooled session's command on a connection that is in the session's state.

import type { PooledConnection } from "../../backend/mod.ts";
import { Command, Expect, frame, HEADER_LENGTH } from "../../wire/mod.ts";
import { replaceCalls } from "../stages/connection_id.ts";
import type { PooledSession } from "../pooled_session.ts";
import { RenamedColumns } from "../stages/renamed_columns.ts";

/**
 * Sends the command under way.
 *
 * @param options.isLong It is of many packets and goes out in pieces.
 * @param options.givesRowCount ROW_COUNT() in it is replaced by the session's.
 * @returns false where there is nothing to wait for.
 */
export function sendCommand(
  pooledSession: PooledSession,
  pooled: PooledConnection,
  options: { readonly isLong: boolean; readonly givesRowCount: boolean },
): boolean {
  const { command, session, statement, statements } = pooledSession;
  const code = command[HEADER_LENGTH];
  pooledSession.seat.noteSent();
  if (options.isLong) {
    const sink = statement ? statements.startLong(pooled, statement, command) : session;
    session.sendLong(command, sink);
    return true;
  }
  if (code === Command.STMT_SEND_LONG_DATA) {
    statements.passLongData(pooled, statement!, command);
    return false;
  }
  if (statements.send(pooled, statement, command)) return true;
  const rewritten = options.givesRowCount && code === Command.QUERY
    ? replaceCalls(
      session,
      command.subarray(HEADER_LENGTH),
      pooled.connection,
      pooledSession.rowCount,
    )
    : undefined;
  if (rewritten) {
    const { payload, replacements } = rewritten;
    const sink = new RenamedColumns(session, { replacements, prepared: false });
    const renumbered = session.sinkFor(command, sink);
    pooled.connection.request(frame(payload, 0), Expect.RESULT, renumbered);
  } else session.sendCommand(command);
  return true;
}
