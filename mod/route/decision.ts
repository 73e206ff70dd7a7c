// Where a statement goes, and what has to be done before.

import type { ConsistencyLevel } from "../config/mod.ts";
import { RouteReason } from "./reason.ts";
import type { RouteServer } from "./route_server.ts";

/** What has to be done before a read may run. */
export const RouteAction = {
  NONE: 0,
  /** A statement that waits for what is needed is sent in front, in the same write. */
  WAIT: 1,
  /** The primary is asked how far it is, and the question is put again with that as a need. */
  ASK_PRIMARY: 2,
} as const;

/** A decision: one object, filled anew for each statement. */
export class RouteDecision {
  /** Undefined: there is no primary now; the statement waits for one. */
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
