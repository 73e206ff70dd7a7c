// Connections at servers that may become the primary, while there is none: the first logins at a
// server take longest, and all that waits would wait for them.

import type { Server } from "../../backend/mod.ts";
import type { SessionContext } from "../context.ts";
import { poolAt } from "../login/pool_opener.ts";

/** Only the accounts with most sessions, so that servers with many are not busy with logins. */
const ACCOUNTS_MAX = 16;

/** Opens a few connections at servers for those that have sessions at the primary of now. */
export function openAhead(servers: readonly Server[], context: SessionContext): void {
  const pools = [...context.server.pools?.all() ?? []]
    .filter(([, { again, census }]) => again !== undefined && census.sessions > 0)
    .sort(([, a], [, b]) => b.census.sessions - a.census.sessions);
  for (const [user, known] of pools.slice(0, ACCOUNTS_MAX)) {
    for (const kind of known.openers.keys()) {
      if (known.census.sessionsOf(kind) === 0) continue;
      for (const server of servers) {
        if (server.pools) poolAt(server, context, { kind, user, known }).openAhead(kind);
      }
    }
  }
}
