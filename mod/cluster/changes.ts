// What differs between two topologies, as events; and how long the cluster was without a primary.

import { formatAddress, type ServerAddress } from "../config/mod.ts";
import type { Clock } from "./clock.ts";
import type { EventFacts } from "./events.ts";
import type { Flavor } from "./flavor.ts";
import type { Reading } from "./reading.ts";
import type { Topology, TopologyServer } from "./topology.ts";

/** The events that lead from one topology to the next one. */
export function changesBetween(
  before: Topology,
  after: Topology,
  { lagMaxMs }: { readonly lagMaxMs: number },
): readonly EventFacts[] {
  const events: EventFacts[] = [];
  const old = new Map(before.servers.map((server) => [server.name, server]));
  for (const server of after.servers) {
    const was = old.get(server.name);
    old.delete(server.name);
    if (was === undefined) {
      events.push({ kind: "server-added", server: server.name, to: server.state });
    } else events.push(...changesOf(was, server, lagMaxMs));
  }
  for (const { name, state, reason } of old.values()) {
    events.push({ kind: "server-removed", server: name, from: state, reason });
  }
  return events;
}

function changesOf(was: TopologyServer, is: TopologyServer, lagMaxMs: number): EventFacts[] {
  const events: EventFacts[] = [];
  if (was.role !== is.role) {
    const reason = is.roleWord;
    events.push({ kind: "role-changed", server: is.name, from: was.role, to: is.role, reason });
  }
  if (was.state !== is.state) {
    const durationMs = is.sinceMs - was.sinceMs;
    events.push({
      kind: "state-changed",
      server: is.name,
      from: was.state,
      to: is.state,
      reason: is.reason,
      durationMs,
    });
  }
  const [before, now] = [was.lagMs ?? 0, is.lagMs ?? 0];
  if (before > lagMaxMs !== now > lagMaxMs) {
    const [from, to] = [before, now].map((lag) => `${Math.round(lag)} ms`);
    events.push({ kind: "lag-crossed", server: is.name, from, to, reason: `bound ${lagMaxMs} ms` });
  }
  return events;
}

/** Whether two readings of a server differ in what roles hang on. */
export function changesRoles(a: Reading, b: Reading): boolean {
  return a.role !== b.role || a.roleWord !== b.roleWord || a.readOnly !== b.readOnly ||
    a.condition.kind !== b.condition.kind || a.identity.id !== b.identity.id ||
    a.transferring !== b.transferring || a.view?.quorum !== b.view?.quorum ||
    a.view?.number.join() !== b.view?.number.join() ||
    a.source?.connected !== b.source?.connected || a.source?.id !== b.source?.id ||
    a.writerRank !== b.writerRank;
}

/** Notices when nobody takes writes, and when somebody does again. */
export class FailoverWatch {
  readonly #clock: Clock;
  #lost: { readonly primary: string; readonly atMs: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Nobody takes writes now, though somebody did. */
  get underWay(): boolean {
    return this.#lost !== undefined;
  }

  /** @returns The events that a new topology means. */
  observe(before: Topology, after: Topology): readonly EventFacts[] {
    const events: EventFacts[] = [];
    const now = this.#clock.now();
    if (before.primary !== null && after.primary !== before.primary && this.#lost === undefined) {
      this.#lost = { primary: before.primary, atMs: now };
      events.push({
        kind: "failover-began",
        server: before.primary,
        from: before.primary,
        reason: after.primary === null ? after.primaryReason : `${after.primary} took over`,
      });
    }
    if (after.primary !== null && this.#lost !== undefined) {
      const { primary, atMs } = this.#lost;
      this.#lost = undefined;
      events.push({
        kind: "failover-ended",
        server: after.primary,
        from: primary,
        to: after.primary,
        reason: after.primaryReason,
        durationMs: Math.round(now - atMs),
      });
    }
    return events;
  }
}

/** It has turned out what kind of cluster it is. @param before What it was taken for. */
export function flavorFound(
  address: ServerAddress,
  before: Flavor | undefined,
  { flavor, reason }: { readonly flavor: Flavor; readonly reason: string },
): EventFacts {
  const change = { from: before?.name ?? "", to: flavor.name, reason };
  return { kind: "flavor-found", server: formatAddress(address), ...change };
}
