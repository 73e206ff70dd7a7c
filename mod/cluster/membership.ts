// Who belongs to the cluster, and who only looks so.

import type { Known, Roster } from "./roster.ts";

/**
 * The cluster's id: the one it had, as long as any server has it; else that of the first seed, or
 * server, that tells one.
 */
export function clusterIdOf(
  servers: readonly Known[],
  before: string | undefined,
): string | undefined {
  const answering = servers.filter(({ failure, reading }) => !failure && reading?.clusterId);
  if (before !== undefined) {
    const stillThere = answering.some(({ reading }) => reading?.clusterId === before);
    if (stillThere || answering.length === 0) return before;
  }
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
  if (roster.serverOf(known) === roster.serverOf(reference)) return undefined;
  const [own, other] = [known.position, reference.position];
  if (own === undefined || other === undefined || own.sharesOrigin(other)) return undefined;
  const isConnected = (a: Known, b: Known) =>
    a.reading?.source?.id !== undefined && a.reading.source.id === b.reading?.identity.id;
  if (isConnected(known, reference) || isConnected(reference, known)) return undefined;
  return `shares no transaction with ${reference.name}`;
}
