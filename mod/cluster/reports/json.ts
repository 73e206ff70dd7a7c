// A topology as JSON for programs. The keys are a promise: docs/probe.md lists them.

import type { Check } from "../expectations.ts";
import type { Topology } from "../topology.ts";

/** Grows when a key changes its meaning or goes; new keys may come without. */
const SCHEMA = 1;

/** The report as one value. */
export function jsonReport(
  topology: Topology,
  { nowMs, checks }: { readonly nowMs: number; readonly checks: readonly Check[] },
): Readonly<Record<string, unknown>> {
  const iso = (ms: number | null) => ms === null ? null : new Date(ms).toISOString();
  return {
    schema: SCHEMA,
    time: iso(nowMs),
    flavor: topology.flavor,
    flavor_reason: topology.flavorReason,
    cluster_id: topology.clusterId,
    primary: topology.primary,
    primary_reason: topology.primaryReason,
    holds: checks.every(({ holds }) => holds),
    failures: checks.filter(({ holds }) => !holds).map(({ message }) => message),
    servers: topology.servers.map((server) => ({
      address: server.name,
      aliases: server.aliases,
      role: server.role,
      native_role: server.roleWord,
      state: server.state,
      reason: server.reason,
      since: iso(server.sinceMs),
      reads: server.reads,
      writes: server.writes,
      version: server.version,
      read_only: server.readOnly,
      lag_ms: server.lagMs,
      lag_by: server.lagMeans,
      position: server.position === null
        ? null
        : server.position.kind === "index"
        ? server.position.value
        : server.position.text,
      age_ms: server.answeredMs === null ? null : Math.max(0, nowMs - server.answeredMs),
      rtt_ms: server.rttMs,
      weight: server.weight,
      tags: server.tags,
      error: server.error,
    })),
  };
}
