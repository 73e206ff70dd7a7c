// What FOUND_ROWS() is behind a statement: the number of rows that went out, or something that only
// the server knows.

import { FILLED, isMariadb, type PooledConnection, Residue, UNKNOWN } from "../../backend/mod.ts";
import { Effect } from "../../sql/mod.ts";
import { Capability, ServerStatus } from "../../wire/mod.ts";
import { OwnPin } from "../pins/own_pin.ts";
import type { PooledSession } from "../pooled_session.ts";
import { wantsCursor } from "../prepared/session_statement.ts";
import { startsWith, wordsOf } from "../command/statement_text.ts";

/** Of several statements the last one that has rows counts. */
const LEAVES_FOUND_ROWS = Effect.LEAVES_FOUND_ROWS | Effect.MULTI;

/** The answer is complete. Hot path: nothing is made for most statements. */
export function noteFoundRows(
  session: PooledSession,
  pooled: PooledConnection,
  failed: boolean,
): void {
  const { tracker } = pooled.connection;
  const { effects } = session;
  // Then nothing has run.
  if (tracker.errorCode === PARSE_ERROR && runsItsTextOnly(session)) return;
  const hasCursor = (tracker.status & ServerStatus.CURSOR_EXISTS) !== 0 &&
    wantsCursor(session.command);
  if (!hasCursor && !failed && leavesFoundRows(session)) {
    // FOUND_ROWS() stays what it was
  } else if (effects & LEAVES_FOUND_ROWS || hasCursor) {
    const rows = filledRows(session, pooled, failed);
    session.filledRows = rows;
    if (rows === undefined) {
      pooled.residue |= Residue.FOUND_ROWS;
      pooled.foundRows = undefined;
    } else if (pooled.foundRows !== undefined) pooled.foundRows = FILLED;
  } else if (failed && !tracker.sawRows && hasCountedSubquery(session, pooled)) {
    pooled.residue |= Residue.FOUND_ROWS;
    pooled.foundRows = undefined;
  } else if (tracker.sawRows && failed && !tellsRows(session, pooled)) {
    // What it was, or something new: that can be told where it was the session's own only.
    const isOwn = pooled.foundRows === undefined || pooled.foundRows === session.foundRows;
    pooled.foundRows = isOwn ? undefined : UNKNOWN;
    if (isOwn) pooled.residue |= Residue.FOUND_ROWS;
  } else if (tracker.sawRows && (failed || !(effects & Effect.RUNS_TRIGGERS))) {
    pooled.residue &= ~Residue.FOUND_ROWS;
    session.foundRows = pooled.foundRows = `${tracker.rows}`;
    session.filledRows = undefined;
  } else if (session.filledRows !== undefined && !failed && effects & Effect.RUNS_TRIGGERS) {
    pooled.residue &= ~Residue.FOUND_ROWS;
    session.foundRows = `${session.filledRows}`;
    const isThere = pooled.foundRows === FILLED || pooled.foundRows === session.foundRows;
    pooled.foundRows = isThere ? session.foundRows : UNKNOWN;
    session.filledRows = undefined;
  }
}

/** `ER_PARSE_ERROR`. */
const PARSE_ERROR = 1064;

/** Its text is one statement, if it is any, and no code that may have texts of its own. */
function runsItsTextOnly(session: PooledSession): boolean {
  const { effects, ownPins, session: { capabilities } } = session;
  return (effects & Effect.CALLS) === 0 && (ownPins & OwnPin.OPTION) === 0 &&
    (capabilities & Capability.MULTI_STATEMENTS) === 0;
}

/**
 * Where a SELECT fails behind the definitions of its columns, MariaDB has found the rows that it has
 * sent, and MySQL nothing.
 */
function tellsRows(session: PooledSession, { connection: { tracker } }: PooledConnection): boolean {
  if (!isMariadb(session.context.server.identity!)) return false;
  return tracker.rows > 0 || startsWith(session, "SELECT");
}

/**
 * MariaDB runs some subqueries before anything is sent, and counts what one of them has found that
 * finds too much, whatever was counted before.
 */
function hasCountedSubquery(
  session: PooledSession,
  { connection: { tracker } }: PooledConnection,
): boolean {
  return tracker.errorCode === SUBQUERY_ROWS && isMariadb(session.context.server.identity!);
}

/** `ER_SUBQUERY_NO_1_ROW`. */
const SUBQUERY_ROWS = 1242;

/**
 * The rows that CREATE TABLE ... SELECT has put into its table. MySQL leaves FOUND_ROWS() what it
 * was then, and has it tell them behind the next statement that writes without a query.
 */
function filledRows(
  session: PooledSession,
  { connection: { tracker } }: PooledConnection,
  failed: boolean,
): number | undefined {
  if (failed || tracker.sawRows || (session.effects & Effect.MULTI) !== 0) return undefined;
  if (isMariadb(session.context.server.identity!) || !startsWith(session, "CREATE")) {
    return undefined;
  }
  return tracker.affectedRows;
}

/** SHOW WARNINGS and SHOW ERRORS leave FOUND_ROWS() what it is, and to be; so does SHOW CREATE there. */
function leavesFoundRows(session: PooledSession): boolean {
  if ((session.effects & Effect.ASKS_WARNINGS) !== 0) {
    return /^SHOW (?:WARNINGS|ERRORS)\b/.test(wordsOf(session));
  }
  return session.filledRows !== undefined && /^SHOW CREATE\b/.test(wordsOf(session));
}
