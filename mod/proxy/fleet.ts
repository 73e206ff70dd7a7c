// What the workers of a supervisor have in common.

import type { PoolOrder } from "../backend/mod.ts";
import type { Topology } from "../cluster/mod.ts";
import type { Config } from "../config/mod.ts";
import type { LeveledLog, LogLines, MetricsTotals } from "../observe/mod.ts";
import type { StoredCode } from "../session/mod.ts";
import type { Credentials } from "./credentials.ts";
import type { WorkerHandle } from "./worker_handle.ts";
import type { UsageTotals } from "./usage.ts";
import type { Watcher } from "./watcher.ts";

/** What all workers have in common. */
export interface Fleet {
  config: Config;
  readonly log: LeveledLog;
  /** The last lines of it. */
  readonly lines: LogLines;
  readonly credentials: Credentials;
  readonly certificate: { readonly key: string; readonly cert: string } | undefined;
  /** How often each worker listens on each address. */
  copies: number;
  /** They take the place of an older proxy's. */
  replace: boolean;
  /** Those that are there, with those that leave; the first one has number 0, and never leaves. */
  readonly workers: WorkerHandle[];
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
  /** What their sessions have used. */
  readonly usage: UsageTotals;
  /** The end has begun: the dead stay dead. */
  ending: boolean;
  /** A worker has ended, and no other one follows. */
  onGone(worker: WorkerHandle): void;
}
