// A proxy that serves, whether in this process or in several.

import type { TLSOptions } from "bun";
import type { PoolOrder, PoolStatus } from "../backend/mod.ts";
import type { Topology } from "../cluster/mod.ts";
import type { Config, ListenAddress } from "../config/mod.ts";
import type { ListeningSocket } from "../net/mod.ts";
import type { ExplainRow, RouteCount } from "../route/mod.ts";
import type { CounterValues, MetricsTotals } from "../observe/mod.ts";
import type { Details, KillCommand, KillOutcome, StoredCode } from "../session/mod.ts";
import type { RunningCluster } from "./cluster.ts";
import type { LiveConfig } from "./live_config.ts";
import type { Credentials } from "./credentials.ts";
import type { PoolUses } from "./pool_use.ts";
import type { WorkerSurvey } from "./survey.ts";
import type { TakeoverStep } from "./takeover.ts";
import type { UsageTotals } from "./usage.ts";
import type { Watcher } from "./watcher.ts";

/** A worker, or a supervisor of several, from the outside. */
export interface Running {
  /** The one in force. */
  readonly config: Config;
  /** Its revisions; absent inside of other programs. */
  readonly live?: LiveConfig | undefined;
  readonly credentials: Credentials;
  /** The servers as they are watched; absent where the proxy has no account for it. */
  readonly cluster?: RunningCluster | undefined;
  /** Where clients are accepted, with the ports that the system gave. */
  readonly addresses: readonly ListenAddress[];
  /** TLS as clients get it now; undefined where it is off. */
  clientTls(): TLSOptions | undefined;
  /** What has happened since the start, all workers together. */
  counters(): CounterValues;
  /** The connections to each server now, all workers together. */
  pools(): PoolUses;
  /** Applies an order to the shared pools, if there is one, and gives what they are then. */
  managePools(order: PoolOrder | undefined): Promise<readonly PoolStatus[]>;
  /** What was measured of statements since the start, all workers together. */
  metrics(): MetricsTotals;
  /** What sessions have used since the start, all workers together. */
  usage(): UsageTotals;
  /** What each worker says of itself and its sessions now; who does not answer in time is left out. */
  survey(): Promise<readonly WorkerSurvey[]>;
  /** What sessions and connections have set and prepared now, one part for each worker. */
  details(): Promise<readonly Details[]>;
  /** What went where, by reason, all workers together. */
  routes(): Promise<readonly RouteCount[]>;
  /** Where a statement of a new session would go; undefined where nothing is routed. */
  explainRoute(statement: string): Promise<readonly ExplainRow[] | undefined>;
  /** Ends a session, or its statement, whichever worker it is on. */
  kill(command: KillCommand): Promise<KillOutcome>;
  /** Counts a login that was refused at the admin port. */
  noteAdminRefusal(): void;
  /** What is known of the servers has changed. */
  publish(topology: Topology): void;
  /** What is known of stored functions and views has changed. */
  learn(code: StoredCode): void;
  /** From now on sessions may ask about the servers, and tell what they see of them. */
  attach(watcher: Watcher): void;
  /**
   * Puts a configuration in force in all workers, or in none.
   *
   * @returns Why in none; undefined: it is in force.
   */
  configure(config: Config): Promise<string | undefined>;
  /** New sessions are not accepted any more. */
  draining(): boolean;
  /** New clients are refused until that is taken back (PROXYSQL PAUSE). */
  paused(): boolean;
  /**
   * Refuses new clients, or accepts them again on the same ports; sessions go on.
   *
   * @returns Why that is not possible; undefined: it is done.
   */
  pause(isPaused: boolean): Promise<string | undefined>;
  /** New sessions are accepted, and a server was reached. */
  ready(): boolean;
  /** Reads certificates again; connections that are open keep what they have. */
  reload(): Promise<void> | void;
  /**
   * Opens all log files again by their names, for who has moved them; no line is lost.
   *
   * @returns Why one of them was not; undefined: all are.
   */
  reopenLogs(): Promise<string | undefined>;
  /** Does a step of a takeover at the listening sockets. @param before Those of the old proxy. */
  takeStep(step: TakeoverStep, before: readonly ListeningSocket[]): Promise<void> | void;
  /** Another proxy has taken over: accepts no more, and ends when all clients have left. */
  retire(): void;
  /** Accepts no more; idle sessions end at once, others when their transaction ends. */
  drain(): void;
  /** Ends all sessions now. */
  stop(): void;
  /** Resolves when no session is left. */
  drained(): Promise<void>;
}
