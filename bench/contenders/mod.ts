// All contenders, in the order of the tables.

import { bunRelay } from "./bun_relay.ts";
import type { Contender } from "./contender.ts";
import { direct } from "./direct.ts";
import { haproxy, haproxyTwoThreads } from "./haproxy.ts";
import { router, routerShared } from "./mysql_router.ts";
import {
  mysqlproxy,
  mysqlproxyAudited,
  mysqlproxyKnown,
  mysqlproxyPool,
  mysqlproxyPoolTwo,
  mysqlproxySession,
  mysqlproxySessionTwo,
  mysqlproxyTwo,
  mysqlproxyUnmeasured,
  mysqlproxyUnpiped,
} from "./mysqlproxy.ts";
import { readPeers } from "./peers.ts";
import { splitting } from "./split.ts";

export type { Contender, Endpoint, StartOptions, Wrapper } from "./contender.ts";
export { mysqlproxyWith } from "./mysqlproxy.ts";

/** Every contender there is; a further one is a file of its own and a word here. */
export const contenders: readonly Contender[] = [
  direct,
  haproxy,
  haproxyTwoThreads,
  router,
  routerShared,
  ...readPeers(process.env["BENCH_PEERS"] ?? ""),
  bunRelay,
  mysqlproxy,
  mysqlproxyTwo,
  mysqlproxyPool,
  mysqlproxyPoolTwo,
  mysqlproxyUnpiped,
  mysqlproxySession,
  mysqlproxySessionTwo,
  mysqlproxyKnown,
  mysqlproxyUnmeasured,
  mysqlproxyAudited,
  ...["eventual", "session", "global"].map(splitting),
];
