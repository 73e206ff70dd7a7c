// Routines and triggers may leave temporary tables, locked tables and the like, of which the server
// says only that something has changed. It counts the statements that make them, though.

import { isMariadb, type PooledConnection } from "../backend/mod.ts";
import { Effect } from "../sql/mod.ts";
import type { PooledSession } from "./pooled_session.ts";
import { runsText, startsWith } from "./statement_text.ts";

/** Counters of statements that leave something. MySQL counts all of CREATE TABLE together. */
const COUNTERS = {
  mariadb: ["Com_create_temporary_table", "Com_prepare_sql", "Com_lock_tables", "Com_ha_open"],
  mysql: ["Com_create_table", "Com_prepare_sql", "Com_lock_tables", "Com_ha_open"],
} as const;

/** Asks for the counters. */
export function hiddenPinQuery(session: PooledSession): string {
  const mariadb = isMariadb(session.context.server.identity!);
  const names = COUNTERS[mariadb ? "mariadb" : "mysql"].map((name) => `'${name}'`).join(",");
  if (limitOf(session) === undefined || !mariadb) {
    return `SHOW SESSION STATUS WHERE Variable_name IN (${names})`;
  }
  return "SELECT VARIABLE_NAME,VARIABLE_VALUE FROM information_schema.session_status " +
    `WHERE VARIABLE_NAME IN (${names}) LIMIT 10`;
}

/**
 * What goes in front of that, and behind it: `sql_select_limit` counts for SHOW, too, and no table of
 * MySQL has these counters. Undefined where nothing is in the way.
 */
export function limitLifted(session: PooledSession): readonly [string, string] | undefined {
  const limit = limitOf(session);
  if (limit === undefined || isMariadb(session.context.server.identity!)) return undefined;
  const set = (value: string) => `SET @@SESSION.sql_select_limit=${value}`;
  return [set("DEFAULT"), set(limit)];
}

/** The session's own limit, where it cuts the counters short. */
function limitOf({ state: { variables } }: PooledSession): string | undefined {
  const limit = variables.get("sql_select_limit");
  return limit === undefined || Number(limit) >= COUNTERS.mysql.length ? undefined : limit;
}

/** Judges and keeps the counters. @returns Something was made since they were read last. */
export function hasHiddenPin(
  pooled: PooledConnection,
  rows: readonly (readonly (string | undefined)[])[],
): boolean {
  const counted = rows.reduce((sum, [, value]) => sum + Number(value), 0);
  const before = pooled.pinsCounted;
  // A session's sql_select_limit cuts them short.
  const isWhole = rows.length === COUNTERS.mysql.length;
  pooled.pinsCounted = isWhole ? counted : undefined;
  return before === undefined || !isWhole || counted > before;
}

/** A client's own statement moves the counters: they must be read before code is run. */
export function movesCounters(session: PooledSession): boolean {
  const { effects } = session;
  if (effects & COUNTED) return true;
  // Nor is it one that changes rows, unless that is what code out of the text may do.
  const isOther = (effects & Effect.READS) !== 0 ||
    (effects & (Effect.RUNS_TRIGGERS | Effect.CALLS)) === Effect.RUNS_TRIGGERS;
  return !isOther && runsText(session) && startsWith(session, "CREATE");
}

const COUNTED = Effect.TEMPORARY_TABLE | Effect.TABLE_LOCK | Effect.HANDLER |
  Effect.NAMED_STATEMENT | Effect.MULTI;
