// The places where a monitor begins, when they change while it runs.

import { formatAddress, type ServerAddress } from "../config/mod.ts";
import type { Known, Roster } from "./roster.ts";
import { findServer, type Topology } from "./topology.ts";

/**
 * Takes other seeds. A server that none of them leads to any more is forgotten with all of its
 * addresses, and not taken in again because others name it.
 *
 * @returns Addresses that became known, and those that are not any more.
 */
export function changeSeeds(roster: Roster, seeds: readonly ServerAddress[]): {
  readonly added: readonly Known[];
  readonly removed: readonly Known[];
} {
  const wanted = new Set(seeds.map(formatAddress));
  const gone = roster.all.filter(({ origin, name }) => origin === "seed" && !wanted.has(name));
  for (const known of gone) known.origin = "member";
  const added = seeds.flatMap((address) => roster.add({ address }, "seed") ?? []);
  // By another seed it is found still.
  const kept = new Set(
    roster.all.filter(({ origin }) => origin === "seed").map((known) => roster.serverOf(known)),
  );
  const servers = new Set(gone.map((known) => roster.serverOf(known)));
  const removed = roster.all.filter((known) => {
    const server = roster.serverOf(known);
    return servers.has(server) && !kept.has(server);
  });
  for (const known of removed) roster.exclude(known);
  return { added, removed };
}

/**
 * Why servers cannot be these from now on: the one that takes writes would be gone, and nobody is
 * there in its place. Undefined: they can.
 */
export function seedsReason(
  { primary, servers }: Topology,
  seeds: readonly ServerAddress[],
): string | undefined {
  const leader = servers.find(({ name }) => name === primary);
  if (leader === undefined || !leader.seed) return undefined;
  const wanted = seeds.map(formatAddress);
  const isNew = (name: string) => findServer({ servers } as Topology, name) === undefined;
  if (wanted.some((name) => name === leader.name || leader.aliases.includes(name))) {
    return undefined;
  }
  if (wanted.some(isNew)) return undefined;
  return `backends: ${leader.name} takes the writes and would be gone: SWITCHOVER TO another server ` +
    "first, or name the one that takes its place";
}
