// How many workers there are.

import { availableParallelism } from "node:os";
import type { Config } from "./config.ts";

/** Connections of a pool that each worker has at least, where nobody says how many workers. */
const SHARE_MIN = 4;

/**
 * The number of workers a configuration asks for. By itself it is one per processor core, but for small
 * pools: each worker has a part of `pool.connections_max`, and none of them may be empty.
 */
export function workerCount({ workers, pool: { mode, connectionsMax } }: WorkerFacts): number {
  if (workers > 0) return workers;
  const cores = availableParallelism();
  if (mode === "session") return cores;
  return Math.max(1, Math.min(cores, Math.floor(connectionsMax / SHARE_MIN)));
}

/** What it hangs on. */
interface WorkerFacts {
  readonly workers: number;
  readonly pool: Pick<Config["pool"], "mode" | "connectionsMax">;
}
