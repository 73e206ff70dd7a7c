// How many workers there are.

import { availableParallelism } from "node:os";
import type { Config } from "../config/mod.ts";

/** The number of workers a configuration asks for. */
export function workerCount(config: Config): number {
  return config.workers === 0 ? availableParallelism() : config.workers;
}
