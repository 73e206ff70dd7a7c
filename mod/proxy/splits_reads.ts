// Whether a configuration lets statements leave the primary.

import type { Config } from "../config/mod.ts";

/** Statements may go to several servers: sessions share connections, and the servers are watched. */
export function splitsReads({ route, pool, account, proxyProtocol }: Config): boolean {
  return route.split && pool.mode === "transaction" && account !== undefined &&
    proxyProtocol.backend === "off";
}
