// From what the monitor knows of a server to what the judge hears and the topology shows.

import type { Failure } from "./failure.ts";
import type { Flavor } from "./flavor.ts";
import { judge, NOT_ASKED_YET, type Verdict, type Witness } from "./judge.ts";
import type { Orders } from "./orders.ts";
import type { Role } from "./reading.ts";
import type { Known, Roster } from "./roster.ts";
import { type Topology, type TopologyDraft, withUses } from "./topology.ts";

/** What the configuration says of a server. */
export interface ServerSettings {
  /** Its name, or another name it is found under. */
  readonly name: string;
  /** Its share of the work beside others of its role; 0: none while there are others. */
  readonly weight: number;
  readonly tags: readonly string[];
}

/** Where weights and tags come from. */
interface Wishes {
  readonly settings: readonly ServerSettings[];
  readonly orders: Orders;
}

/** What a topology is made from, beside the servers. */
interface Facts extends Wishes {
  /** The one before; the epoch is its. */
  readonly before: Topology;
  /** Milliseconds since 1970. */
  readonly madeMs: number;
  readonly flavor: Flavor;
  readonly flavorReason: string;
  readonly clusterId: string | null;
  /** Who is first to answer at the start must not win by that. */
  readonly allAsked: boolean;
  /** Nobody else gets writes; undefined: whoever is the primary. */
  readonly heldFor: string | undefined;
  /** Told of each server when its role is decided. */
  readonly onRole: (known: Known) => void;
}

/** Decides which role each server has, and what it is used for. */
export function topologyOf(roster: Roster, facts: Facts): Topology {
  const { before, flavor, heldFor, settings, orders } = facts;
  const { servers: known } = roster;
  const manyWriters = flavor.writers === "many";
  const wishes = { roster, settings, orders };
  const silentMs = known.find((each) => each.silentMs !== undefined)?.silentMs;
  const witnesses = known.flatMap((each) => witnessOf(each, { ...wishes, silentMs }) ?? []);
  const verdict = facts.allAsked
    ? judge(witnesses, { flavor: flavor.name, manyWriters })
    : NOT_ASKED_YET;
  for (const each of known) {
    each.role = roleAfter(each, verdict, manyWriters);
    facts.onRole(each);
  }
  const { primary } = verdict;
  const isHeld = heldFor !== undefined && primary !== heldFor;
  const isTransferring = primary !== undefined &&
    roster.get(primary)?.reading?.transferring === true;
  const drafts = known.map((each) => draftOf(each, wishes));
  return {
    revision: before.revision + 1,
    epoch: before.epoch,
    madeMs: facts.madeMs,
    flavor: flavor.name,
    flavorReason: facts.flavorReason,
    clusterId: facts.clusterId,
    primary: primary ?? null,
    primaryReason: isHeld
      ? `switchover to ${heldFor}`
      : isTransferring
      ? "the primary hands its role over"
      : verdict.reason,
    transferring: isHeld || isTransferring,
    servers: withUses(drafts, { primary, manyWriters, isHeld: isHeld || isTransferring }),
  };
}

/**
 * What a server has to say to the judge; undefined: it has never answered.
 *
 * @param of.silentMs Since when the primary is asked in vain: who claims to be it is believed by what
 * it has said since.
 */
function witnessOf(
  known: Known,
  { roster, silentMs, ...wishes }: Wishes & {
    readonly roster: Roster;
    readonly silentMs: number | undefined;
  },
): Witness | undefined {
  const { name, reading, position, trail, standing, failure } = known;
  if (reading === undefined) return undefined;
  const aliases = roster.aliasesOf(name);
  return {
    name,
    aliases,
    reading,
    position,
    trail,
    doubtful: failure !== undefined || (silentMs !== undefined && reading.role === "primary" &&
      reading.atMs < silentMs),
    state: standing.state,
    weight: weightOf(name, aliases, wishes),
  };
}

/** A server's role after the decision. */
function roleAfter(known: Known, verdict: Verdict, manyWriters: boolean): Role {
  const { name, reading, standing, role } = known;
  if (reading === undefined || standing.state === "wrong-cluster") return "none";
  if (manyWriters) return reading.role;
  if (name === verdict.primary) return "primary";
  if (reading.role !== "primary") return reading.role;
  if (verdict.rejected.includes(name)) {
    // It could be the writer and is not, or it repeats what the writer has: either can be read.
    const follows = reading.writerRank !== undefined || reading.source?.connected === true;
    return follows ? "replica" : "none";
  }
  // Gone, and as long as nobody has taken its place it is the primary that is missing.
  return verdict.primary === undefined && role === "primary" ? "primary" : "none";
}

const SILENT: Failure = { kind: "timeout", reason: "no answer yet" };

/** A server as the topology shows it. */
function draftOf(
  known: Known,
  { roster, ...wishes }: Wishes & { readonly roster: Roster },
): TopologyDraft {
  const { name, address, reading, standing } = known;
  const failure = known.failure ?? (known.silentMs === undefined ? undefined : SILENT);
  const isLeading = known.role === "primary" && standing.state !== "down";
  const lag = standing.state === "down" ? undefined : known.lag;
  const aliases = roster.aliasesOf(name);
  return {
    name,
    address,
    aliases,
    seed: known.origin === "seed" || aliases.some((it) => roster.get(it)?.origin === "seed"),
    role: known.role,
    roleWord: reading?.roleWord ?? "",
    state: standing.state,
    reason: standing.reason,
    sinceMs: Math.round(known.sinceWallMs),
    warmAtMs: standing.warmAtMs === undefined
      ? null
      : Math.round(known.sinceWallMs + standing.warmAtMs - standing.sinceMs),
    weight: weightOf(name, aliases, wishes),
    tags: settingsOf(name, aliases, wishes)?.tags ?? [],
    version: reading?.version ?? "",
    readOnly: reading?.readOnly ?? null,
    lagMs: isLeading ? 0 : lag ? Math.round(lag.ms) : null,
    lagMeans: isLeading ? null : lag?.means ?? null,
    position: reading?.position ?? null,
    rttMs: reading ? Math.round(reading.rttMs * 100) / 100 : null,
    answeredMs: known.answeredWallMs ?? null,
    failure: failure?.kind ?? null,
    error: failure?.reason ?? reading?.gaps?.join("; ") ?? "",
  };
}

function weightOf(name: string, aliases: readonly string[], wishes: Wishes): number {
  return wishes.orders[name]?.weight ?? settingsOf(name, aliases, wishes)?.weight ?? 1;
}

function settingsOf(name: string, aliases: readonly string[], { settings }: Wishes) {
  return settings.find((each) => each.name === name) ??
    settings.find((each) => aliases.includes(each.name));
}
