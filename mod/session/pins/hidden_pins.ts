// Routines and triggers may leave temporary tables, locked tables and the like, of which the server
// says only that something has changed. It counts the statements that make them, though.

import { isMariadb, type PooledConnection } from "../../backend/mod.ts";
import { Effect, PINS } from "../../sql/mod.ts";
import { OwnPin } from "./own_pin.ts";
import type { PooledSession } from "../pooled_session.ts";
import { runsText, startsWith, wordsOf } from "../command/statement_text.ts";

/** Counters of statements that leave something. MySQL counts all of CREATE TABLE together. */
const COUNTERS = {
  mariadb: ["Com_create_temporary_table", "Com_prepare_sql", "Com_lock_tables", "Com_ha_open"],
  mysql: ["Com_create_table", "Com_prepare_sql", "Com_lock_tables", "Com_ha_open"],
} as const;

/** Asks for the counters. A session's limits count for it: see lifted_limits.ts. */
export function hiddenPinQuery(session: PooledSession): string {
  const mariadb = isMariadb(session.context.server.identity!);
  const names = COUNTERS[mariadb ? "mariadb" : "mysql"].map((name) => `'${name}'`).join(",");
  return `SHOW SESSION STATUS WHERE Variable_name IN (${names})`;
}

/**
 * Keeps the counters; the session is pinned if they have moved since they were read last and code
 * out of its statements' texts has changed something.
 */
export function judgeCounters(
  session: PooledSession,
  pooled: PooledConnection,
  rows: readonly (readonly (string | undefined)[])[],
): void {
  const counted = rows.reduce((sum, [, value]) => sum + Number(value), 0);
  const before = pooled.pinsCounted;
  // A limit that was set out of the proxy's sight cuts them short.
  const isWhole = rows.length === COUNTERS.mysql.length;
  pooled.pinsCounted = isWhole ? counted : undefined;
  const hasMoved = before === undefined || !isWhole || counted > before;
  if (hasMoved && session.isUncounted) session.pins.hold("left by a routine");
  session.isUncounted = false;
}

/**
 * The counters are to be read in front of the statement: it runs code, or holds its session until
 * behind what does, and what they are is not known; or it moves them itself, and code before it may
 * have.
 */
export function needsCounters(session: PooledSession, { pinsCounted }: PooledConnection): boolean {
  // It is pinned until it begins anew, and may be told of what is read in its transactions.
  if ((session.ownPins & OwnPin.TRACKERS) !== 0) return false;
  if (pinsCounted !== undefined) return session.isUncounted && movesCounters(session);
  const runs = session.effects & (Effect.CALLS | Effect.RUNS_TRIGGERS);
  if (!session.pinned) return runs !== 0 || (session.effects & PINS) !== 0;
  // What EXECUTE asks for nobody can put right, nor what the server alone will tell of FOUND_ROWS():
  // to read the counters would take it away.
  return runs === Effect.RUNS_TRIGGERS && session.filledRows === undefined;
}

/** A client's own statement moves the counters. */
export function movesCounters(session: PooledSession): boolean {
  const { effects } = session;
  if (effects & COUNTED) return true;
  // Nor is it one that changes rows, unless that is what code out of the text may do.
  const isOther = (effects & Effect.READS) !== 0 ||
    (effects & (Effect.RUNS_TRIGGERS | Effect.CALLS)) === Effect.RUNS_TRIGGERS;
  return !isOther && runsText(session) && startsWith(session, "CREATE");
}

/**
 * What the counters are behind a statement that is about to be sent, if it succeeds; undefined where
 * nobody can tell.
 */
export function countedBehind(
  session: PooledSession,
  { pinsCounted }: PooledConnection,
): number | undefined {
  if (pinsCounted === undefined || !movesCounters(session)) return pinsCounted;
  if (session.effects & (Effect.MULTI | Effect.CALLS)) return undefined;
  const words = wordsOf(session);
  const makesTable = isMariadb(session.context.server.identity!)
    ? /^CREATE (?:OR REPLACE )?TEMPORARY TABLE\b/
    : /^CREATE (?:TEMPORARY )?TABLE\b/;
  if (MOVES_ONE.test(words) || makesTable.test(words)) return pinsCounted + 1;
  return MOVES_NONE.test(words) ? pinsCounted : undefined;
}

const MOVES_ONE = /^(?:LOCK TABLES?|PREPARE|HANDLER (?:\S+ \. )?\S+ OPEN)\b/;
/** Of statements that begin or end what the counters are about. */
const MOVES_NONE = /^(?:FLUSH|DROP|DEALLOCATE|HANDLER|CREATE (?:OR REPLACE )?(?:TABLE|VIEW))\b/;

const COUNTED = Effect.TEMPORARY_TABLE | Effect.TABLE_LOCK | Effect.HANDLER |
  Effect.NAMED_STATEMENT | Effect.MULTI;
