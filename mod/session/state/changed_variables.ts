// User variables that have been set, or may have been, and have to be read before another session
// uses the connection.

import { type PooledConnection, Residue } from "../../backend/mod.ts";
import { OwnPin } from "../pins/own_pin.ts";
import type { PooledSession } from "../pooled_session.ts";

const ASCII = /^[ -~]*$/;

/**
 * Notes them. Names of other letters than ASCII's are in the client's character set, and equal to
 * others by its collation: no other connection is told of them, and the session keeps its own.
 *
 * @param names Each with its `@`.
 */
export function noteChangedVariables(
  session: PooledSession,
  pooled: PooledConnection,
  names: Iterable<string>,
): void {
  for (const name of names) {
    if (ASCII.test(name)) {
      pooled.addDirty(name);
      pooled.residue |= Residue.VARIABLES;
    } else session.ownPins |= OwnPin.USER_VARIABLES;
  }
}
