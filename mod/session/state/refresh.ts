// After COM_RESET_CONNECTION the session is as new.

import {
  CHARSET_VARIABLES,
  isMariadb,
  makeFresh,
  type PooledConnection,
  RESULTS_COLLATION,
  ROLE,
  type SessionState,
} from "../../backend/mod.ts";
import { OwnPin } from "../pins/own_pin.ts";
import type { PooledSession } from "../pooled_session.ts";

/**
 * Learns what the session has set now; it is as new. Never rejects.
 *
 * @param isReset By COM_RESET_CONNECTION, not by a login that was refused.
 */
export async function refresh(
  session: PooledSession,
  pooled: PooledConnection,
  isReset: boolean,
): Promise<void> {
  try {
    const { states } = session.context.tables;
    const { baseline } = session;
    const state = await makeFresh(pooled.connection, { baseline, states, isReset: true });
    if (session.session.closed) return;
    becomeFresh(session, pooled, state);
    if (isReset && isMariadb(session.context.server.identity!)) takeLoginCharsets(session, pooled);
  } catch {
    session.session.endLost();
  }
}

/** A reset on MariaDB brings the character sets of the login back: the session's own login. */
function takeLoginCharsets(session: PooledSession, pooled: PooledConnection): void {
  const { variables } = session.loginState;
  const charsets = [...CHARSET_VARIABLES, RESULTS_COLLATION].map((name) =>
    [name, variables.get(name)] as const
  );
  session.state = session.context.tables.states.with(session.state, charsets);
  if (session.state !== pooled.state) pooled.owner = undefined;
}

/** The session and its connection are as after a login. */
export function becomeFresh(
  session: PooledSession,
  pooled: PooledConnection,
  state: SessionState,
): void {
  pooled.becomeFresh(state);
  pooled.owner = session;
  session.startAnew(state);
  session.pins.clear();
  // What no reset takes away: on MariaDB the role stays, too.
  const kept = hasRole(state) ? OwnPin.ROLE_LEFT : 0;
  session.ownPins = (session.ownPins & kept) |
    (pooled.connection.optionChanged ? OwnPin.OPTION : 0);
  session.statements.clear();
}

/** A role is in force, or may be. */
export function hasRole({ variables }: SessionState): boolean {
  return (variables.get(ROLE) ?? "NONE") !== "NONE";
}
