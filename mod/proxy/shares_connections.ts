// Whether a configuration lets sessions take turns on server connections.

import type { Config } from "../config/mod.ts";

/** They are not to, or the server is told of each client's address. */
export function sharesConnections({ pool, proxyProtocol }: Config): boolean {
  return pool.mode === "transaction" && proxyProtocol.backend === "off";
}
