// How many connections there are to a server, for SHOW RW and SHOW RO.

import { type Config, workerCount } from "../config/mod.ts";
import type { SessionContext } from "../session/mod.ts";

/** The connections to a server. */
export interface PoolUse {
  /** In use by sessions. */
  readonly running: number;
  readonly idle: number;
}

/** By the server's name. */
export type PoolUses = Readonly<Record<string, PoolUse>>;

/** Those of one worker: walks its sessions. */
export function poolUsesOf({ directory, servers }: SessionContext): PoolUses {
  const uses: Record<string, { running: number; idle: number }> = {};
  for (const { name, pool, pools } of servers.all()) {
    let { idle } = pool;
    for (const [, each] of pools?.all() ?? []) idle += each.idle;
    uses[name] = { running: 0, idle };
  }
  for (const { server } of directory.all()) {
    if (server !== undefined) (uses[server.facts.server] ??= { running: 0, idle: 0 }).running++;
  }
  return uses;
}

/** Those of all workers. */
export function addPoolUses(all: readonly PoolUses[]): PoolUses {
  const sum: Record<string, PoolUse> = {};
  for (const uses of all) {
    for (const [server, { running, idle }] of Object.entries(uses)) {
      const before = sum[server] ?? { running: 0, idle: 0 };
      sum[server] = { running: before.running + running, idle: before.idle + idle };
    }
  }
  return sum;
}

/** How many the configuration allows: idle ones, or where they are shared all of an account. */
export function poolMax(config: Config): number {
  const { mode, idleMax, connectionsMax } = config.pool;
  return mode === "session" ? idleMax * workerCount(config) : connectionsMax;
}
