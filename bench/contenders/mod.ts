// All contenders, in the order of the tables.

import { bunRelay } from "./bun_relay.ts";
import type { Contender } from "./contender.ts";
import { direct } from "./direct.ts";
import { haproxy, haproxyTwoThreads } from "./haproxy.ts";
import { mysqlproxy, mysqlproxyKnown, mysqlproxyPool } from "./mysqlproxy.ts";

export type { Contender, Endpoint, StartOptions } from "./contender.ts";

/** Every contender there is; a further one is a file of its own and a word here. */
export const contenders: readonly Contender[] = [
  direct,
  haproxy,
  haproxyTwoThreads,
  bunRelay,
  mysqlproxy,
  mysqlproxyPool,
  mysqlproxyKnown,
];
