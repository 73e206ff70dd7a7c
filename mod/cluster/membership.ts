// Who belongs to the cluster, and who only looks so.

import type { Known, Roster } from "./roster.ts";

/** Members are asked for at every look while something is wrong, else at every fifth. */
const MEMBERS_EVERY = 5;

/** Whether a server is to be asked for members now; if so that is noted. */
export function isMembersTurn(known: Known, { nowMs, intervalMs, isQuick }: {
  readonly nowMs: number;
  readonly intervalMs: number;
  /** Something is wrong. */
  readonly isQuick: boolean;
}): boolean {
  const restMs = nowMs - known.membersAskedMs;
  if (!isQuick && restMs < intervalMs * (MEMBERS_EVERY - 0.5)) return false;
  known.membersAskedMs = nowMs;
  return true;
}

/**
 * The cluster's id: the one it had, as long as any server has it; else that of the first seed, or
 * server, that tells one.
 */
export function clusterIdOf(
  servers: readonly Known[],
  before: string | undefined,
): string | undefined {
  const tells = ({ failure, reading }: Known) => !failure && reading?.clusterId;
  const isStillThere = (known: Known) => tells(known) === before;
  if (before !== undefined && servers.some(isStillThere)) return before;
  const answering = servers.filter(tells);
  if (answering.length === 0) return before;
  const seed = answering.find(({ origin }) => origin === "seed") ?? answering[0];
  return seed?.reading?.clusterId;
}

/** Why a server belongs to other ones; undefined: it does not. */
export function wrongReason(
  known: Known,
  of: {
    readonly clusterId: string | undefined;
    /** The primary, if there is one. */
    readonly reference: Known | undefined;
    readonly roster: Roster;
  },
): string | undefined {
  const { reading, clash } = known;
  if (reading === undefined) return undefined;
  if (clash !== undefined) {
    return `has the identity of ${clash}, "${reading.identity.id}": a copy of its data directory?`;
  }
  const { clusterId } = reading;
  if (clusterId && of.clusterId && clusterId !== of.clusterId) {
    return `is of cluster ${clusterId}, not of ${of.clusterId}`;
  }
  return unrelatedReason(known, of);
}

/** Without an id of the cluster, servers that share no transaction are of different ones. */
function unrelatedReason(
  known: Known,
  { reference, roster }: { readonly reference: Known | undefined; readonly roster: Roster },
): string | undefined {
  if (reference === undefined || reference.reading?.clusterId) return undefined;
  // What was once common stays so: data only grow.
  if (known.related || roster.serverOf(known) === roster.serverOf(reference)) return undefined;
  const [own, other] = [known.position, reference.position];
  if (own === undefined || other === undefined) return undefined;
  if (own.sharesOrigin(other)) {
    known.related = own.count > 0 && other.count > 0;
    return undefined;
  }
  const isConnected = (a: Known, b: Known) =>
    a.reading?.source?.id !== undefined && a.reading.source.id === b.reading?.identity.id;
  if (isConnected(known, reference) || isConnected(reference, known)) return undefined;
  return `shares no transaction with ${reference.name}`;
}
