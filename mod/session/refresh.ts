// After COM_RESET_CONNECTION the session is as new.

import { makeFresh, type PooledConnection } from "../backend/mod.ts";
import type { PooledSession } from "./pooled_session.ts";

/** Learns what the session has set now. Never rejects. */
export async function refresh(session: PooledSession, pooled: PooledConnection): Promise<void> {
  try {
    const { states } = session.context.server.pools!;
    const state = await makeFresh(pooled.connection, { baseline: session.baseline, states });
    if (session.session.closed) return;
    session.becomeFresh(state);
    session.answeredLocally();
  } catch {
    session.session.endLost();
  }
}
