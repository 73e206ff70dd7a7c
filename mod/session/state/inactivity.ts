// The server's wait_timeout for sessions that share connections: a session without one has only the
// proxy to end it, and one whose connection is closed by it ends as without a proxy.
// Source: "wait_timeout" and "interactive_timeout" of the MySQL manual and of MariaDB's.

import { isMariadb } from "../../backend/mod.ts";
import type { SqlError } from "../../wire/mod.ts";
import type { ClientSession } from "../client_session.ts";

/** The clock that commands are timed by stands still for so long, in milliseconds. */
const CLOCK_STEP_MS = 250;

/** What MySQL says to a client that it disconnects for being idle. */
export const IDLE_TOO_LONG: SqlError = {
  code: 4031,
  sqlState: "HY000",
  message: "The client was disconnected by the server because of inactivity. " +
    "See wait_timeout and interactive_timeout for configuring this behavior.",
};

/** A server would have disconnected the session by now. @param now By the context's clock. */
export function isOverWaitTimeout(session: ClientSession, now: number): boolean {
  return now - session.activeAt > waitTimeoutMs(session) + CLOCK_STEP_MS && session.idle;
}

/** The same where the server has just closed the connection that the session was on last. */
export function isClosedForInactivity(session: ClientSession): boolean {
  const { context, activeAt } = session;
  return context.now - activeAt > waitTimeoutMs(session) - 2 * CLOCK_STEP_MS && session.idle;
}

/** Infinite for a session with a connection of its own: its server ends it. */
function waitTimeoutMs({ pooled }: ClientSession): number {
  if (!pooled) return Infinity;
  const literal = pooled.state.variables.get(WAIT_TIMEOUT) ??
    pooled.baseline.literals.get(WAIT_TIMEOUT);
  const seconds = Number(literal);
  return seconds > 0 ? seconds * 1000 : Infinity;
}

const WAIT_TIMEOUT = "wait_timeout";

/** Ends a session as its server does: MySQL tells the client why, MariaDB does not. */
export function endForInactivity(session: ClientSession): void {
  const { context } = session;
  context.counters.sessionsTimedOut++;
  if (isMariadb(context.server.identity!)) session.endLost();
  else session.shutDown(IDLE_TOO_LONG);
}
