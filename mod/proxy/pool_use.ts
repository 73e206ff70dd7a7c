// How many connections there are to a server, for SHOW RW and SHOW RO.

import type { Config } from "../config/mod.ts";
import type { SessionContext } from "../session/mod.ts";
import { workerCount } from "./worker_count.ts";

/** The connections to a server. */
export interface PoolUse {
  /** In use by sessions. */
  readonly running: number;
  readonly idle: number;
}

/** By the server's name. */
export type PoolUses = Readonly<Record<string, PoolUse>>;

/** Those of one worker: walks its sessions. */
export function poolUseOf({ directory, server }: SessionContext): PoolUse {
  let running = 0;
  for (const session of directory.all()) if (session.server !== undefined) running++;
  let { idle } = server.pool;
  for (const [, pool] of server.pools?.all() ?? []) idle += pool.idle;
  return { running, idle };
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
