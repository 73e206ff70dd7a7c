// What supervisor and workers say to each other: plain values over the channel between processes.

import type { CredentialMode, PlainSnapshot } from "../auth/mod.ts";
import type { PoolOrder, PoolStatus } from "../backend/mod.ts";
import type { ClusterAnswer, ClusterStatement, Topology, TroubleReport } from "../cluster/mod.ts";
import type { Config, ListenAddress } from "../config/mod.ts";
import type { ListeningSocket } from "../net/mod.ts";
import type { ExplainRow, RouteCount } from "../route/mod.ts";
import type { CounterValues, DigestName, LogLine, MetricsDelta } from "../observe/mod.ts";
import type {
  Details,
  KillCommand,
  KillOrder,
  KillOutcome,
  KillVerdict,
  Presence,
  StoredCode,
} from "../session/mod.ts";
import type { PoolUses } from "./pool_use.ts";
import type { RemoteAim } from "./remote_kills.ts";
import type { TakeoverStep } from "./takeover.ts";
import type { WorkerSurvey } from "./survey.ts";
import type { UsageDelta } from "./usage.ts";

/** How logins are decided, for workers that do not read accounts themselves. */
export interface CredentialState {
  readonly mode: CredentialMode;
  readonly reason: string;
  readonly isProvisional: boolean;
  /** Holds secrets: never to be printed. */
  readonly snapshot: PlainSnapshot | undefined;
}

/** A question of one worker that others answer. */
export type Question =
  /** Aim a KILL; answered with an aim. */
  | { readonly kind: "aim"; readonly order: KillOrder }
  /** The server has answered a KILL that was aimed; answered with nothing. */
  | {
    readonly kind: "settle";
    /** The id that was to be killed. */
    readonly id: number;
    /** That of the aim. */
    readonly ticket: number;
    readonly verdict: KillVerdict;
  }
  /** Who and what is at the server; answered with a presence of each worker. */
  | { readonly kind: "presence" }
  /** Have accounts read again; answered, with nothing, when that is done. */
  | { readonly kind: "accounts" }
  /** Servers may answer logins otherwise than before; answered with nothing. */
  | { readonly kind: "logins" }
  /** A login from there has succeeded, or failed for its password; answered with nothing. */
  | { readonly kind: "login"; readonly address: string; readonly hasSucceeded: boolean }
  /** An order to the shared pools, or none; answered with what they are then. */
  | { readonly kind: "pools"; readonly order: PoolOrder | undefined }
  /** Accept no new clients, or accept them again; answered with whether it is done, or why not. */
  | { readonly kind: "pause"; readonly isPaused: boolean }
  /** What went where, by reason; answered with counts. */
  | { readonly kind: "routes" }
  /** Open all log files again by their names; answered with whether it is done, or why not. */
  | { readonly kind: "reopenLogs" }
  /** Where a statement would go; answered with rows. */
  | { readonly kind: "explain"; readonly statement: string }
  /** What the worker says of itself; answered with a survey. */
  | { readonly kind: "survey" }
  /** What its sessions and connections have set and prepared; answered with details. */
  | { readonly kind: "details" }
  /** End a session or its statement; answered with an outcome. */
  | { readonly kind: "kill"; readonly command: KillCommand }
  /**
   * Listen so often on each TCP port, beside the sockets of before; answered with whether it is done,
   * or why not.
   */
  | { readonly kind: "renew"; readonly copies: number }
  /** Close the sockets of before; answered when that is done. */
  | { readonly kind: "settleDown" }
  /** A step of a new configuration; answered with whether it is done, or why not. */
  | { readonly kind: "prepare"; readonly config: Config }
  | { readonly kind: "commit" | "drop" }
  /** A statement about the cluster; answered by the supervisor itself. */
  | { readonly kind: "cluster"; readonly statement: ClusterStatement };

/** What workers have to say to a question: nothing, or one part of each. */
export interface Answer {
  readonly aim?: RemoteAim;
  readonly presences?: readonly Presence[];
  readonly cluster?: ClusterAnswer;
  readonly pools?: readonly PoolStatus[];
  readonly routes?: readonly RouteCount[];
  readonly explained?: readonly ExplainRow[] | undefined;
  readonly survey?: WorkerSurvey;
  readonly details?: Details;
  readonly outcome?: KillOutcome;
  /** Of a configuration's step: empty, or why it failed. */
  readonly failure?: string;
}

/** Sessions by account name. */
export type UserSessions = readonly (readonly [string, number])[];

/** From the supervisor to a worker. */
export type ToWorker =
  | {
    readonly kind: "start";
    readonly config: Config;
    readonly number: number;
    readonly credentials: CredentialState;
    /** How many workers share the pools. */
    readonly workers: number;
    /** How often it listens on each address. */
    readonly copies: number;
    /** It takes the place of an older proxy. */
    readonly replace: boolean;
    /** The certificate that all workers show, where the proxy has made it itself. */
    readonly certificate: { readonly key: string; readonly cert: string } | undefined;
  }
  | { readonly kind: "credentials"; readonly credentials: CredentialState }
  | { readonly kind: "topology"; readonly topology: Topology }
  | { readonly kind: "code"; readonly code: StoredCode }
  /** What servers call digests; only where they are written to the audit log. */
  | { readonly kind: "digests"; readonly names: readonly DigestName[] }
  /** What the other workers have. */
  | {
    readonly kind: "peers";
    readonly clients: number;
    readonly unauthenticated: number;
    readonly users: UserSessions;
  }
  /** So many workers share the pools. */
  | { readonly kind: "share"; readonly workers: number }
  | { readonly kind: "ask"; readonly ticket: number; readonly question: Question }
  | { readonly kind: "answered"; readonly ticket: number; readonly answer: Answer }
  | {
    readonly kind: "steer";
    readonly step: TakeoverStep;
    readonly before: readonly ListeningSocket[];
  }
  | { readonly kind: "reload" | "retire" | "drain" | "stop" };

/** From a worker to the supervisor. */
export type FromWorker =
  | { readonly kind: "listening"; readonly addresses: readonly ListenAddress[] }
  | { readonly kind: "failed"; readonly message: string; readonly status: number }
  | {
    readonly kind: "counters";
    readonly counters: CounterValues;
    readonly pools: PoolUses;
    /** Sessions of each account, where there is a limit on them. */
    readonly users: UserSessions;
  }
  /** What was measured since the last message of this kind. */
  | { readonly kind: "metrics"; readonly metrics: MetricsDelta }
  /** What was used since the last message of this kind. */
  | { readonly kind: "usage"; readonly usage: UsageDelta }
  /** A line of its log. */
  | { readonly kind: "logged"; readonly line: LogLine }
  /** A session has defined something. */
  | { readonly kind: "defined" }
  /** A session has seen something of a server that does not fit. */
  | { readonly kind: "trouble"; readonly report: TroubleReport }
  | { readonly kind: "steered" }
  | { readonly kind: "reloaded"; readonly failure: string | undefined }
  | { readonly kind: "reached" }
  | { readonly kind: "ask"; readonly ticket: number; readonly question: Question }
  | { readonly kind: "answered"; readonly ticket: number; readonly answer: Answer };
