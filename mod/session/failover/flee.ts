// A session leaves a server that hangs, with the command that is under way there.

import type { Server } from "../../backend/mod.ts";
import { unknownSettings } from "./loss.ts";
import type { PooledSession } from "../pooled_session.ts";
import { lossOutcome } from "./repeatable.ts";

/**
 * Has what only reads, and has got nothing of its answer yet, run elsewhere; all else stays. Whoever
 * calls it tells the gate that the server is gone.
 */
export function flee(session: PooledSession, server: Server, reason: string): void {
  const { pooled, seat } = session;
  if (!session.busy || session.server !== server) return;
  if (pooled !== undefined) {
    const mayMove = unknownSettings(pooled).length === 0 &&
      lossOutcome(session, pooled, session.progress(pooled)) === "again";
    if (mayMove) pooled.connection.lose(reason);
  } else if (seat.isTaken && seat.server === undefined) {
    seat.leave();
    session.placeAgain();
  } else session.reconsider();
}
