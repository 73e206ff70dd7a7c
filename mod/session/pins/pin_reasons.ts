// Why a session keeps its server connection, in words.

import { OwnPin } from "./own_pin.ts";
import type { PooledSession } from "../pooled_session.ts";

const WORDS: readonly (readonly [number, string])[] = [
  [OwnPin.CURSOR, "cursor"],
  [OwnPin.OPTION, "set option"],
  [OwnPin.TRACKERS, "own trackers"],
  [OwnPin.USER_VARIABLES, "user variables"],
  [OwnPin.STREAM, "replication stream"],
  [OwnPin.FAILED_LOGIN, "failed change of user"],
  [OwnPin.KILLED, "killed"],
  [OwnPin.LONG_DATA, "long data"],
  [OwnPin.METADATA, "no metadata"],
  [OwnPin.AUTO_IS_NULL, "sql_auto_is_null"],
  [OwnPin.ROLE_LEFT, "role of another user"],
  [OwnPin.CONDITIONS, "more warnings than kept"],
];

/** What pins a session, each kind once; a transaction is no pin. */
export function pinReasons({ pins, ownPins }: PooledSession): string[] {
  const own = WORDS.filter(([bit]) => (ownPins & bit) !== 0).map(([, word]) => word);
  return [...pins.reasons, ...own];
}
