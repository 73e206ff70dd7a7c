// Who is the primary: a pure decision over what all servers say, with its reason.

import type { FlavorName } from "./flavor.ts";
import { formatAddress } from "../config/mod.ts";
import type { ReadPosition } from "./position.ts";
import type { Reading } from "./reading.ts";
import type { ServerState } from "./server_state.ts";

/** How far a server was once. */
export interface PastPosition {
  readonly position: ReadPosition;
  /** On the monitor's clock. */
  readonly atMs: number;
}

/** A server that has answered, and may be believed. */
export interface Witness {
  readonly name: string;
  /** Other names under which the same server is found. */
  readonly aliases: readonly string[];
  readonly reading: Reading;
  readonly position: ReadPosition | undefined;
  /** Where it was at looks of late, the last one too, the first first. */
  readonly trail: readonly PastPosition[];
  /** The last look at it failed, so what it says may be over. */
  readonly doubtful: boolean;
  readonly state: ServerState;
  /** Of servers that could all be the writer the heaviest is. */
  readonly weight: number;
}

/** The decision. */
export interface Verdict {
  /** The one server that takes writes; for flavors with many, any of them; undefined: none. */
  readonly primary: string | undefined;
  /** Why this one, or why none. */
  readonly reason: string;
  /** Servers that claim to be the primary, and are not. */
  readonly rejected: readonly string[];
}

/** Before anything can be said. */
export const NOT_ASKED_YET: Verdict = {
  primary: undefined,
  reason: "not all servers were asked yet",
  rejected: [],
};

/** What the decision hangs on beside what servers say. */
export interface JudgeContext {
  readonly flavor: FlavorName;
  /** All servers of the cluster take writes. */
  readonly manyWriters: boolean;
}

/** Decides. Of two claims one wins by majority or by the newest view, or nobody is the primary. */
export function judge(witnesses: readonly Witness[], context: JudgeContext): Verdict {
  const claims = witnesses.filter(({ reading, state }) =>
    reading.role === "primary" && state !== "down" && state !== "wrong-cluster"
  );
  if (claims.length === 0) return none("no server says that it is the primary", []);
  if (context.manyWriters) return won(claims[0], "every server takes writes", [claims[0]]);
  const counted = claims.filter(({ reading }) => reading.view?.quorum !== false);
  if (counted.length === 0) {
    return none("the primary has lost the majority of its group", claims);
  }
  if (counted.length === 1) return won(counted[0], "the only one that says so", claims);
  if (context.flavor === "static") return won(counted[0], "the first of the configuration", claims);
  // One lost connection is no reason to write elsewhere, where both could be written to.
  if (counted.every(({ reading }) => reading.writerRank !== undefined)) {
    return ranked(counted, claims);
  }
  const certain = counted.filter(({ doubtful }) => !doubtful);
  const left = certain.length > 0 ? certain : counted;
  if (left.length === 1) return won(left[0], "the others no longer answer", claims);
  if (left.every(({ reading }) => (reading.view?.number.length ?? 0) > 0)) {
    return newestView(left, claims);
  }
  return byReplication(left, { witnesses, claims });
}

function won(winner: Witness, reason: string, claims: readonly Witness[]): Verdict {
  const rejected = claims.filter((claim) => claim !== winner).map(({ name }) => name);
  return { primary: winner.name, reason, rejected };
}

function none(reason: string, claims: readonly Witness[]): Verdict {
  return { primary: undefined, reason, rejected: claims.map(({ name }) => name) };
}

/** All could write, and every proxy must choose the same one: not the one that it had before. */
function ranked(left: readonly Witness[], claims: readonly Witness[]): Verdict {
  const sorted = left.toSorted((a, b) =>
    unfitness(a) - unfitness(b) || b.weight - a.weight ||
    (a.reading.writerRank ?? 0) - (b.reading.writerRank ?? 0)
  );
  return won(sorted[0], "the heaviest, then the first of the group", claims);
}

/** Who is being filled or drained is written to last, who is just back after the others. */
function unfitness({ reading, state }: Witness): number {
  if (reading.condition.kind !== "fine" || state === "draining") return 2;
  return state === "recovering" ? 1 : 0;
}

function newestView(left: readonly Witness[], claims: readonly Witness[]): Verdict {
  const sorted = [...left].sort((a, b) => -compareViews(a, b));
  const [winner, second] = sorted;
  if (compareViews(winner, second) > 0) return won(winner, "its view is the newest", claims);
  return none(`${names([winner, second])} both say so in the same view`, claims);
}

function compareViews(a: Witness, b: Witness): number {
  const [one, two] = [a.reading.view?.number ?? [], b.reading.view?.number ?? []];
  for (let at = 0; at < Math.max(one.length, two.length); at++) {
    const difference = (one[at] ?? 0) - (two[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Without a group nobody votes but replicas, by whom they follow, and the data itself. */
function byReplication(
  left: readonly Witness[],
  of: { readonly witnesses: readonly Witness[]; readonly claims: readonly Witness[] },
): Verdict {
  const { witnesses, claims } = of;
  const leading = left.filter((claim) => !left.some((other) => follows(claim, other)));
  if (leading.length === 1) return won(leading[0], "the others follow it", claims);
  if (leading.length === 0) {
    // A ring: each repeats the other, so either may be written to, but only one of them.
    return won(left[0], "the first of a ring of writable servers", claims);
  }
  const voters = witnesses.filter((witness) => !leading.includes(witness) && !witness.doubtful);
  const votes = leading.map((claim) => voters.filter((voter) => follows(voter, claim)).length);
  const most = Math.max(...votes);
  const favoured = leading.filter((_, at) => votes[at] === most);
  if (favoured.length === 1) return won(favoured[0], `followed by ${most} of the servers`, claims);
  const newest = favoured.filter((claim) =>
    favoured.every((other) => other === claim || isAhead(claim, other))
  );
  if (newest.length === 1) return won(newest[0], "its data contains that of the others", claims);
  return none(`${names(favoured)} are writable, and nothing tells which one is right`, claims);
}

/** Whether a server replicates from another one, and is connected to it. */
export function follows({ reading: { source } }: Witness, other: Witness): boolean {
  if (source === undefined || !source.connected) return false;
  if (source.id !== undefined) return source.id === other.reading.identity.id;
  const name = formatAddress(source.address);
  return name === other.name || other.aliases.includes(name);
}

/**
 * Whether one has all that another one has, and more. They are not looked at in the same moment: more
 * is what it had at a look before that at the other one, which may have taken the rest as well by now.
 */
function isAhead(a: Witness, { position, reading }: Witness): boolean {
  if (a.position === undefined || position === undefined) return false;
  const before = a.trail.findLast(({ atMs }) => atMs <= reading.atMs);
  if (before === undefined || position.contains(before.position)) return false;
  return a.position.contains(position);
}

function names(list: readonly Witness[]): string {
  return list.map(({ name }) => name).join(" and ");
}
