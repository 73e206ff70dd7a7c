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
  const names = COUNTERS[isMariadb(session.context.server.identity!) ? "mariadb" : "mysql"];
  return `SHOW SESSION STATUS WHERE Variable_name IN (${
    names.map((name) => `'${name}'`).join(",")
  })`;
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
  const mayCreate = (effects & ~Effect.CHANGES_SCHEMA) === 0;
  return mayCreate && runsText(session) && startsWith(session, "CREATE");
}

const COUNTED = Effect.TEMPORARY_TABLE | Effect.TABLE_LOCK | Effect.HANDLER |
  Effect.NAMED_STATEMENT | Effect.MULTI;
