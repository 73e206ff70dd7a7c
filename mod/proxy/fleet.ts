// What the workers of a supervisor have in common.

import type { PoolOrder } from "../backend/mod.ts";
import type { Topology } from "../cluster/mod.ts";
import type { Config } from "../config/mod.ts";
import type { Log, LogLines, MetricsTotals } from "../observe/mod.ts";
import type { StoredCode } from "../session/mod.ts";
import type { Credentials } from "./credentials.ts";
import type { WorkerHandle } from "./supervisor.ts";
import type { Watcher } from "./watcher.ts";

/** What all workers have in common. */
export interface Fleet {
  config: Config;
  readonly log: Log;
  /** The last lines of it. */
  readonly lines: LogLines;
  readonly credentials: Credentials;
  readonly certificate: { readonly key: string; readonly cert: string } | undefined;
  /** How often each worker listens on each address. */
  readonly copies: number;
  /** They take the place of an older proxy's. */
  readonly replace: boolean;
  readonly workers: readonly WorkerHandle[];
  /** The servers as they are known now. */
  topology: Topology;
  /** Who watches them; undefined: nobody, or not yet. */
  watcher: Watcher | undefined;
  /** Stored functions and views; undefined: not known. */
  code: StoredCode | undefined;
  /** New clients are refused: a worker that starts anew has to do so too. */
  isPaused: boolean;
  /** The orders that a worker which starts anew has to be told. */
  paused: readonly PoolOrder[];
  /** What workers have measured. */
  readonly totals: MetricsTotals;
  /** The end has begun: the dead stay dead. */
  ending: boolean;
}
