// GET DIAGNOSTICS @x = ROW_COUNT on a connection whose last statement was not the session's: what
// the variable should have got is set behind it.

import type { PooledConnection } from "../../backend/mod.ts";
import { Effect } from "../../sql/mod.ts";
import type { PooledSession } from "../pooled_session.ts";
import { startsWith, textOf } from "../command/statement_text.ts";

const ASSIGNED = /(@(?:`[^`]+`|'[^']+'|"[^"]+"|[\w.$]+))\s*=\s*row_count\b/gi;

const SAYS = Effect.ASKS_WARNINGS | Effect.SETS_USER_VARIABLE;

/** The statement that sets such variables; undefined where there are none. */
export function diagnosedRowCount(
  session: PooledSession,
  pooled: PooledConnection,
): string | undefined {
  if (!pooled.rowCountGone || (session.effects & SAYS) !== SAYS) return undefined;
  if (!startsWith(session, "GET")) return undefined;
  const { bytes, start } = textOf(session);
  const text = Buffer.from(bytes.subarray(start)).toString("latin1");
  const names = [...text.matchAll(ASSIGNED)].map(([, name]) => name);
  return names.length === 0
    ? undefined
    : `SET ${names.map((name) => `${name}=${session.rowCount}`).join(",")}`;
}
