// Whether a configuration lets statements leave the primary.

import type { Config } from "../config/mod.ts";
import { sharesConnections } from "./shares_connections.ts";

/** Statements may go to several servers: sessions share connections, and the servers are watched. */
export function splitsReads(config: Config): boolean {
  return config.route.split && config.account !== undefined && sharesConnections(config);
}
