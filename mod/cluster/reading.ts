// What one look at a server gives, in the same terms for every flavor.

import type { ServerAddress } from "../config/mod.ts";
import type { Position } from "./position.ts";

/**
 * What a server is in its cluster: `primary` takes writes; `replica` follows and may become primary;
 * `learner` follows and may not; `logger` votes and has no data; `none` takes no part.
 */
export type Role = "primary" | "replica" | "learner" | "logger" | "none";

/** Who answered, so that one server found under two addresses is known to be one. */
export interface Identity {
  /** What no two servers share: server_uuid, or what the flavor has in its place. */
  readonly id: string;
  /** The host's and the port's name of itself; copies of one data directory differ in them. */
  readonly place: string;
  /** Where the server says it is found; absent where it does not say. */
  readonly reported?: ServerAddress;
}

/** What a server thinks of itself beside its role. */
export type Condition =
  | { readonly kind: "fine" }
  /** It is being filled, or catches up before it takes part again. */
  | { readonly kind: "recovering"; readonly reason: string }
  /** Its administrators want it to get no new work. */
  | { readonly kind: "draining"; readonly reason: string }
  /** It follows nobody although it should: replication is stopped or has failed. */
  | { readonly kind: "stopped"; readonly reason: string }
  /** It answers, and takes no part in the cluster. */
  | { readonly kind: "out"; readonly reason: string };

/** Whom a server replicates from. */
export interface Source {
  readonly address: ServerAddress;
  /** The source's identity; absent where it is not told. */
  readonly id?: string;
  /** The connection to the source stands. */
  readonly connected: boolean;
}

/** What a server of a group believes about the whole. */
export interface View {
  /** Grows with every change of the membership, or every election; compared from the left. */
  readonly number: readonly number[];
  /** The server is with the majority. */
  readonly quorum: boolean;
}

/** What a server says about its lag. */
export interface LagHints {
  /** Milliseconds, from a source that knows them; null: it says that it does not know. */
  readonly exactMs?: number | null;
  /** Seconds_Behind; null: it says that it does not know. */
  readonly seconds?: number | null;
  /** When the transaction that is being applied was committed first, ms since 1970 by the server. */
  readonly applyingMs?: number;
  /** Likewise, the last one applied. */
  readonly appliedMs?: number;
  /** Likewise, the last one received. */
  readonly receivedMs?: number;
  /** Transactions received and not applied. */
  readonly queued?: number;
}

/** What a flavor reads from a server. */
export interface Findings {
  readonly identity: Identity;
  readonly version: string;
  /** Whether clients without special rights may only read. */
  readonly readOnly: boolean;
  readonly role: Role;
  /** The role in the flavor's own word, such as `SECONDARY` or `Follower`. */
  readonly roleWord: string;
  readonly condition: Condition;
  /** What all members of the cluster share; absent where the flavor has no such thing. */
  readonly clusterId?: string;
  readonly position?: Position;
  readonly source?: Source;
  readonly view?: View;
  readonly lag?: LagHints;
  /** The server's clock, ms since 1970, when it answered. */
  readonly clockMs?: number;
  /** A planned change of the primary has begun. */
  readonly transferring?: boolean;
  /** What the proxy's account is not allowed to see, or what else is missing from the reading. */
  readonly gaps?: readonly string[];
  /** Order among servers that could all be the writer: the smallest is. */
  readonly writerRank?: number;
}

/** Findings and the time they were made. */
export interface Reading extends Findings {
  /** The middle of the first question and its answer, on the monitor's clock. */
  readonly atMs: number;
  /** Time from the first question to its answer, in milliseconds. */
  readonly rttMs: number;
}

/** A member that a server names. */
export interface Member {
  readonly address: ServerAddress;
  /** Its identity; absent where it is not told. */
  readonly id?: string;
  /** False for an address that was put together from parts, and may lead nowhere. @default {true} */
  readonly certain?: boolean;
}
