// What a monitor is told, and what it is told of while it runs.

import type { ServerAddress } from "../config/mod.ts";
import type { Clock } from "./clock.ts";
import type { ClusterEvent, EventRing } from "./events.ts";
import type { FlavorName } from "./flavor.ts";
import type { Orders } from "./orders.ts";
import type { Connector } from "./probe_connection.ts";
import type { StateRules } from "./server_state.ts";
import type { ServerSettings } from "./snapshot.ts";
import type { Topology } from "./topology.ts";

/** How the monitor works; the `monitor` and `cluster` sections of the configuration. */
export interface MonitorSettings extends StateRules {
  /** `auto`: found out from a seed. */
  readonly flavor: FlavorName | "auto";
  /** Time between two looks at a server, in milliseconds. */
  readonly intervalMs: number;
  /** Likewise while something is wrong. */
  readonly quickIntervalMs: number;
  /** Time limit of one look, in milliseconds. */
  readonly timeoutMs: number;
  /** A statement whose one value is a replica's lag in seconds; empty: none. */
  readonly lagQuery: string;
  /** Whether servers that others name are taken in. */
  readonly discover: boolean;
  /** How long a member that is gone and named by nobody is remembered, in milliseconds. */
  readonly forgetAfterMs: number;
  /** Events that are kept. */
  readonly eventsMax: number;
  /** Weights and tags that were configured. */
  readonly servers: readonly ServerSettings[];
}

/** What a monitor is given. */
export interface MonitorOptions {
  /** Where it begins. */
  readonly seeds: readonly ServerAddress[];
  /** Further places to begin, known from an earlier run. */
  readonly saved?: readonly ServerAddress[];
  readonly settings: MonitorSettings;
  readonly connector: Connector;
  /** @default the system's */
  readonly clock?: Clock;
  /** From 0 to 1, for the jitter. @default Math.random */
  readonly random?: () => number;
  /** What people had said in an earlier run. */
  readonly orders?: Orders;
  /** What another monitor knew that this one takes over from: it stands until all were looked at. */
  readonly before?: { readonly topology: Topology; readonly events: EventRing };
  readonly onTopology?: (topology: Topology) => void;
  readonly onEvent?: (event: ClusterEvent) => void;
  /** Told what people have said, to be kept. */
  readonly onOrders?: (orders: Orders) => void;
}

/** What the data plane has seen of a server. */
export interface TroubleReport {
  /** `host:port`; absent where it is not known which one. */
  readonly server?: string;
  /** The server's error number; 0 for a connection that was refused or has ended. */
  readonly code: number;
  /** It owes answers, and gives none. @default {false} */
  readonly isSilent?: boolean;
}

/** What an order came to. */
export type OrderOutcome = "done" | "unknown-server";
