// Applies every timeout with one clock reading: no connection has a timer of its own.

import { CollectionAtRest } from "./collection_at_rest.ts";
import {
  type ClientSession,
  endForInactivity,
  IDLE_TOO_LONG,
  isOverWaitTimeout,
  type SessionContext,
} from "../session/mod.ts";

/** How often the clock is read and the lists are walked, in milliseconds. */
export const JANITOR_MS = 250;

/**
 * Starts walking the lists.
 *
 * @param now A monotonic clock in milliseconds.
 * @returns What stops it.
 */
export function startJanitor(context: SessionContext, now: () => number): () => void {
  const collection = new CollectionAtRest();
  const timer = setInterval(() => {
    sweep(context, now());
    collection.look(context.counters);
  }, JANITOR_MS);
  return () => clearInterval(timer);
}

/** One walk. Exported for tests, which give it the time. */
export function sweep(context: SessionContext, now: number): void {
  context.now = now;
  context.loopLag.tick(now);
  const { limits } = context.config;
  for (const session of context.directory.all()) {
    session.countBytes();
    if (!session.loggedIn) {
      if (now - session.activeAt > limits.loginTimeoutMs) endLogin(session, context);
    } else if (!session.idle) session.activeAt = now; // idle time begins when a command has ended
    else if (limits.idleTimeoutMs > 0 && now - session.activeAt > limits.idleTimeoutMs) {
      context.counters.sessionsTimedOut++;
      session.shutDown(IDLE_TOO_LONG);
    } else if (isOverWaitTimeout(session, now)) endForInactivity(session);
  }
  for (const kill of context.directory.kills) kill.settleIfAbandoned();
  context.servers.sweep();
  context.routing?.sweep();
  context.throttle.expire();
  context.credentials.learned.expire();
}

function endLogin(session: ClientSession, context: SessionContext): void {
  context.log.info("login took too long", { session: session.id, client: session.address });
  context.counters.loginsTimedOut++;
  if (session.attempts?.endWait() !== true) session.stream.destroy();
}
