// The text of the statement that a session has under way.

import { Command, HEADER_LENGTH } from "../wire/mod.ts";
import type { PooledSession } from "./pooled_session.ts";
import { statementStart } from "./statement_start.ts";

/** The text of the statement under way, or of the one that is executed. */
export function textOf(
  session: PooledSession,
): { readonly bytes: Uint8Array; readonly start: number } {
  const { statement, command } = session;
  if (statement) return { bytes: statement.packet, start: HEADER_LENGTH + 1 };
  const start = command[HEADER_LENGTH] === Command.QUERY && session.session.hasQueryAttributes
    ? statementStart(command, HEADER_LENGTH, command.length)
    : HEADER_LENGTH + 1;
  return { bytes: command, start };
}
