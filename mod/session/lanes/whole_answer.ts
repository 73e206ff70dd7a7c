// An answer that has come whole, from a connection that the session did not hold: the client gets it,
// and what the session has then is noted.

import type { PooledConnection } from "../../backend/mod.ts";
import type { PooledSession } from "../pooled_session.ts";
import { type Answered, noteTimes } from "../observing/statement_times.ts";

/** What a plain answer tells of itself. */
export interface AnswerFacts {
  readonly sawRows: boolean;
  readonly rows: number;
  readonly affectedRows: number;
}

/** It left nothing: no error, no warning, no change of its session. */
export function notePlainAnswer(
  session: PooledSession,
  { sawRows, rows, affectedRows }: AnswerFacts,
): void {
  session.rowCount = sawRows ? -1 : affectedRows;
  if (sawRows) session.foundRows = `${rows}`;
  session.conditions = undefined; // on MariaDB there are none
}

/** The command under way is answered on a connection that it has had for itself. */
export function noteOwnAnswer(session: PooledSession, pooled: PooledConnection): void {
  session.seat.noteAnswered(pooled);
  noteTimes(session, pooled.connection);
}

/** The command under way is answered. To be called before the answer is written. */
export function noteWholeAnswer(session: PooledSession, answered: Answered): void {
  noteTimes(session, answered);
  session.route?.noteAnswer(answered.tracker);
}

/** Writes an answer, and ends the command. Its numbers on the session's last connection are older. */
export function writeWholeAnswer(
  session: PooledSession,
  answer: Uint8Array | undefined,
  more: readonly Uint8Array[],
): void {
  if (session.last?.owner === session) session.last.supersede();
  const { stream } = session.session;
  if (answer !== undefined) stream.write(answer);
  for (const bytes of more) stream.write(bytes);
  session.answeredLocally();
}
