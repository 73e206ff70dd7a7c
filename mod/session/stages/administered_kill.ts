// KILL by whoever administers the proxy: nobody's rights are asked for.

import type { SessionContext } from "../context.ts";
import { aimOf } from "./kill_target.ts";

/** What is to be killed. */
export interface KillCommand {
  /** The proxy's id of the session. */
  readonly id: number;
  /** Only its statement is to end. */
  readonly queryOnly: boolean;
}

/** `unknown`: no session has the id; `failed`: the server could not be told. */
export type KillOutcome = "killed" | "unknown" | "failed";

/**
 * Ends a session of this worker, or the statement that it runs. With a session what it has running
 * at a server ends too.
 */
export async function killSession(
  { id, queryOnly }: KillCommand,
  context: SessionContext,
): Promise<KillOutcome> {
  const session = context.directory.get(id);
  if (session === undefined) return "unknown";
  if (!queryOnly) {
    session.endLost();
    return "killed";
  }
  if (session.idle) return "killed"; // there is nothing to be ended
  const aim = await aimOf({ id, queryOnly, user: session.user }, context);
  const { server } = session;
  if (aim.kind !== "ask") return aim.kind === "nobody" ? "unknown" : "killed";
  try {
    if (server?.facts.threadId === aim.thread) await context.servers.of(server).interrupt(server);
    aim.settle("killed");
    return "killed";
  } catch {
    aim.settle("unknown");
    return "failed";
  }
}
