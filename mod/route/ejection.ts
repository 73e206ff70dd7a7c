// Servers that fail or are much slower than the others get no reads for a while, but never too many
// of them at the same time, and never the last. Not on the hot path: asked when something has failed,
// and now and then.

import type { RouteServer } from "./route_server.ts";

/** When servers are ejected. */
export interface EjectionRules {
  /** Failures in a row; 0: never. */
  readonly failures: number;
  /** Times slower than the median of the others; 0: never. */
  readonly latency: number;
  readonly timeMs: number;
  /** Percent of the replicas at the same time. */
  readonly max: number;
}

/** Ejects what has to be ejected of the replicas. @returns Those that are new. */
export function eject(
  replicas: readonly RouteServer[],
  rules: EjectionRules,
  nowMs: number,
): readonly RouteServer[] {
  const ejected: RouteServer[] = [];
  let out = replicas.filter(({ ejectedUntilMs }) => ejectedUntilMs > nowMs).length;
  const most = Math.min(Math.floor(replicas.length * rules.max / 100), replicas.length - 1);
  for (const server of replicas) {
    if (server.ejectedUntilMs > nowMs || out >= most) continue;
    if (!hasFailed(server, rules) && !isSlow(server, replicas, rules)) continue;
    server.ejectedUntilMs = nowMs + rules.timeMs;
    // It begins anew: what was measured before says nothing of what will be.
    server.failures = 0;
    server.latencyMs = 0;
    ejected.push(server);
    out++;
  }
  return ejected;
}

function hasFailed({ failures }: RouteServer, rules: EjectionRules): boolean {
  return rules.failures > 0 && failures >= rules.failures;
}

function isSlow(
  server: RouteServer,
  replicas: readonly RouteServer[],
  rules: EjectionRules,
): boolean {
  if (rules.latency === 0 || server.latencyMs === 0) return false;
  const others = replicas.filter((each) => each !== server && each.latencyMs > 0)
    .map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
  const median = others[Math.floor((others.length - 1) / 2)];
  return median !== undefined && server.latencyMs > rules.latency * median;
}
