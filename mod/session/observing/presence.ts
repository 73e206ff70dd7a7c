// Who and what of this worker is at the server.

import type { SessionContext } from "../context.ts";
import type { Presence } from "./peers.ts";

/** For process lists: walks all sessions and shared connections. */
export function presenceOf({ directory, server }: SessionContext): Presence {
  const labels = directory.labels();
  const here = labels.filter((label) => label.server === server.name);
  const used = new Set(here.map(({ thread }) => thread));
  const unused: number[] = [];
  for (const [, pool] of server.pools?.all() ?? []) {
    for (const { connection } of pool.census.connections) {
      const { threadId } = connection.facts;
      if (!used.has(threadId)) unused.push(threadId);
    }
  }
  return { labels, unused };
}
