// The topology: an immutable, numbered value that says of each server what it is and what it may
// be used for. It goes to workers as it is.

import type { ServerAddress } from "../config/mod.ts";
import type { FailureKind } from "./failure.ts";
import type { FlavorName } from "./flavor.ts";
import type { LagMeans } from "./lag.ts";
import type { Position } from "./position.ts";
import type { Role } from "./reading.ts";
import type { ServerState } from "./server_state.ts";

/** A server as it is known now. Times are milliseconds since 1970. */
export interface TopologyServer {
  /** `host:port` or `unix:/path`, as servers are named everywhere. */
  readonly name: string;
  readonly address: ServerAddress;
  /** Other addresses that lead to this server now: virtual addresses, other names. */
  readonly aliases: readonly string[];
  /** Found in the configuration, or named by other servers. */
  readonly seed: boolean;
  readonly role: Role;
  /** The role in the server's own word. */
  readonly roleWord: string;
  readonly state: ServerState;
  /** Why it is in this state; empty where all is well. */
  readonly reason: string;
  readonly sinceMs: number;
  /** New writes may go to it. */
  readonly writes: boolean;
  /** New reads may go to it. */
  readonly reads: boolean;
  /** From when on it gets its full share; null: it does already. */
  readonly warmAtMs: number | null;
  readonly weight: number;
  readonly tags: readonly string[];
  readonly version: string;
  /** Null: it has never answered. */
  readonly readOnly: boolean | null;
  /** Null: not known. 0 for the primary. */
  readonly lagMs: number | null;
  readonly lagMeans: LagMeans | null;
  /** How far its data goes; null: not known. */
  readonly position: Position | null;
  readonly rttMs: number | null;
  /** When it answered last; null: never. All the above is as old as that. */
  readonly answeredMs: number | null;
  /** How the last look failed; null: it did not. */
  readonly failure: FailureKind | null;
  /** Why it does not answer now, or what the proxy's account may not see; empty: all is seen. */
  readonly error: string;
}

/** All servers at one time. */
export interface Topology {
  /** Counts up with every value. */
  readonly revision: number;
  /** Counts up with every change of members, roles, states or of what they are used for. */
  readonly epoch: number;
  readonly madeMs: number;
  readonly flavor: FlavorName;
  /** What said that the cluster is of this flavor. */
  readonly flavorReason: string;
  readonly clusterId: string | null;
  /** Name of the server that takes writes; null: none does. */
  readonly primary: string | null;
  /** Why it is the primary, or why there is none. */
  readonly primaryReason: string;
  /** A planned change of the primary has begun: the old one will be gone in a moment. */
  readonly transferring: boolean;
  readonly servers: readonly TopologyServer[];
}

/** Before anything is known. */
export const NO_TOPOLOGY: Topology = {
  revision: 0,
  epoch: 0,
  madeMs: 0,
  flavor: "static",
  flavorReason: "nothing known yet",
  clusterId: null,
  primary: null,
  primaryReason: "nothing known yet",
  transferring: false,
  servers: [],
};

/** A server before it is decided what it may be used for. */
export type TopologyDraft = Omit<TopologyServer, "reads" | "writes">;

/**
 * What may be used: the last server of a role is not given up for lag or slowness.
 *
 * @param of.isHeld No writes for now; the primary goes on to be read from.
 */
export function withUses(
  drafts: readonly TopologyDraft[],
  { primary, manyWriters, isHeld = false }: {
    readonly primary: string | undefined;
    readonly manyWriters: boolean;
    readonly isHeld?: boolean;
  },
): readonly TopologyServer[] {
  const readers = drafts.filter(({ role }) => role === "replica" || role === "learner");
  const chosen = new Set(usableReaders(readers));
  return drafts.map((draft) => {
    const leads = draft.name === primary || (manyWriters && draft.role === "primary");
    const isThere = leads && isPresent(draft);
    return { ...draft, writes: isThere && !isHeld, reads: isThere || chosen.has(draft) };
  });
}

/** Readers that are well; without any, the one that is least behind of those that are there. */
function usableReaders(readers: readonly TopologyDraft[]): readonly TopologyDraft[] {
  const well = readers.filter(({ state }) => state === "up" || state === "recovering");
  // Being filled is no slowness: such a server has no data to read yet.
  const usable = well.filter(({ state, warmAtMs }) => state === "up" || warmAtMs !== null);
  if (usable.length > 0) return usable;
  const present = readers.filter(({ state, answeredMs }) =>
    (state === "lagging" || state === "suspect") && answeredMs !== null
  );
  const least = present.sort((a, b) => (a.lagMs ?? Infinity) - (b.lagMs ?? Infinity))[0];
  return least === undefined ? [] : [least];
}

/** Whether a primary may be written to: doubts about it are settled by its clients. */
function isPresent({ state }: TopologyDraft): boolean {
  return state === "up" || state === "suspect" || state === "recovering" || state === "lagging";
}

/** Whether two values differ in what routing hangs on. */
export function isNewEpoch(before: Topology, after: Topology): boolean {
  if (
    before.primary !== after.primary || before.flavor !== after.flavor ||
    before.transferring !== after.transferring || before.servers.length !== after.servers.length
  ) return true;
  return after.servers.some((server, at) => {
    const old = before.servers[at];
    return old.name !== server.name || old.role !== server.role || old.state !== server.state ||
      old.reads !== server.reads || old.writes !== server.writes ||
      old.weight !== server.weight || old.tags.join() !== server.tags.join() ||
      old.aliases.join() !== server.aliases.join();
  });
}

/** The server with a name or an alias. */
export function findServer(topology: Topology, name: string): TopologyServer | undefined {
  return topology.servers.find((server) => server.name === name) ??
    topology.servers.find(({ aliases }) => aliases.includes(name));
}
