// Whether a command may go out right behind what gives its connection the session's state, without
// waiting for the answers: they come before its own, and if one of them is an error the connection
// is given up before anybody has seen its answer.

import { Attention, attention, Effect } from "../../sql/mod.ts";
import { Command, HEADER_LENGTH } from "../../wire/mod.ts";
import type { PooledSession } from "../pooled_session.ts";
import type { Needs } from "./needs.ts";
import { wantsCursor } from "../prepared/session_statement.ts";
import { textOf } from "../command/statement_text.ts";

/** It only reads, so that it does no harm in a state that is not its session's. */
export function followsAtOnce(session: PooledSession, { reset, statement }: Needs): boolean {
  if (session.effects !== Effect.READS || reset || statement !== undefined) return false;
  const { command } = session;
  switch (command[HEADER_LENGTH]) {
    case Command.QUERY: {
      const { bytes, start } = textOf(session);
      return attention(bytes, start, bytes.length) === Attention.NONE; // no stage takes it
    }
    case Command.STMT_EXECUTE:
      return session.statement?.longData === undefined && !session.statement?.longDataPassed &&
        !wantsCursor(command);
    default:
      return false;
  }
}
