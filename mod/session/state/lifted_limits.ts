// Limits that a session has set for its own queries and that the proxy's would run into: those of
// rows (`sql_select_limit`, which counts for SHOW, too), of what is looked at (`max_join_size`, which is in
// force while `sql_big_selects` is off), and of conditions (`max_error_count`).

import { isMariadb, OFF } from "../../backend/mod.ts";
import type { PooledSession } from "../pooled_session.ts";

/** No query of the proxy's own whose rows a limit counts for has more. */
const ROWS_MAX = 10;
/** `max_error_count` of a server that nobody has configured. */
const ERRORS_KEPT = 64;

/** What goes in front of such queries, and behind them. Undefined where nothing is in the way. */
export function limitsLifted(session: PooledSession): readonly [string, string] | undefined {
  const before: string[] = [];
  const after: string[] = [];
  const limit = valueOf("sql_select_limit", session);
  if (limit !== undefined && Number(limit) < ROWS_MAX) {
    before.push("@@SESSION.sql_select_limit=18446744073709551615");
    after.push(`@@SESSION.sql_select_limit=${limit}`);
  }
  if (limitsJoins(session)) {
    before.push("@@SESSION.sql_big_selects=1");
    after.push("@@SESSION.sql_big_selects=0");
  }
  if (before.length === 0) return undefined;
  return [`SET ${before.join(",")}`, `SET ${after.join(",")}`];
}

/**
 * A query or a block behind which nothing of the proxy's own may run: what it leaves is its purpose. To MySQL
 * tables without a name are no joins.
 */
export function withoutLimits(statement: string, session: PooledSession): string {
  if (!isMariadb(session.context.server.identity!)) return statement;
  if (statement.startsWith("SELECT")) {
    return limitsJoins(session) ? `SET STATEMENT sql_big_selects=1 FOR ${statement}` : statement;
  }
  // A block that raises as many conditions as are kept would lose one of them on its way.
  const kept = valueOf("max_error_count", session);
  const isFull = statement.startsWith("BEGIN") && kept !== undefined && Number(kept) < ERRORS_KEPT;
  return isFull ? `SET STATEMENT max_error_count=${ERRORS_KEPT} FOR ${statement}` : statement;
}

function limitsJoins(session: PooledSession): boolean {
  return OFF.has(valueOf("sql_big_selects", session) ?? "");
}

/** What is set on the session's connection. */
function valueOf(name: string, session: PooledSession): string | undefined {
  const { state, baseline: { literals } } = session;
  return session.here(state).variables.get(name) ?? literals.get(name);
}
