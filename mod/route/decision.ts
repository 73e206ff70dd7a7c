// Where a statement goes, and what has to be done before.

import type { ConsistencyLevel } from "../config/mod.ts";
import { RouteReason } from "./reason.ts";
import type { RouteServer } from "./route_server.ts";

/** What has to be done before a read may run. */
export const RouteAction = {
  NONE: 0,
  /** A statement that waits for what is needed is sent in front, in the same write. */
  WAIT: 1,
  /** The server is asked how far it is; with that as a need it is decided again. */
  ASK: 2,
  /**
   * It runs at once on a server that had all the primary was known to have, and the primary is asked
   * meanwhile: its answer is passed on where the primary has nothing new.
   */
  GUESS: 3,
} as const;

/** A decision: one object, filled anew for each statement. */
export class RouteDecision {
  /** Where it goes, or who is asked. Undefined: there is no primary now; it waits for one. */
  server: RouteServer | undefined;
  /** A value of `RouteAction`. */
  action: number = RouteAction.NONE;
  /** A value of `RouteReason`. */
  reason: number = RouteReason.BARRED;
  /** Why it is no replica read, `Bar` bits; 0: it is one. */
  bars = 0;
  /** The number of the rule that counted; -1: none. */
  rule = -1;
  /** A hint counted. */
  isHinted = false;
  consistency: ConsistencyLevel = "session";
  /** How long a replica is waited for, in milliseconds. */
  timeoutMs = 0;
}
