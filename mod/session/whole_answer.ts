// An answer that has come whole, from a connection that the session did not hold: the client gets it,
// and what the session has then is noted.

import type { PooledConnection } from "../backend/mod.ts";
import type { PooledSession } from "./pooled_session.ts";
import { noteTimes } from "./statement_times.ts";

/** What a plain answer tells of itself. */
interface AnswerFacts {
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

/** The command under way is answered on a connection. To be called before the answer is written. */
export function noteWholeAnswer(session: PooledSession, pooled: PooledConnection): void {
  noteTimes(session, pooled);
  session.route?.noteAnswer(pooled);
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
