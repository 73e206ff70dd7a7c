// All that Prometheus is told: of the proxy itself, and of the servers.

import { type EventKind, prometheusText } from "../cluster/mod.ts";
import { proxyMetrics } from "./metrics.ts";
import { makeSource } from "./table.ts";
import type { AdminView } from "./view.ts";

/** In Prometheus' text format, version 0.0.4. */
export async function metricsText(view: AdminView): Promise<string> {
  const own = await proxyMetrics(makeSource(view));
  const { cluster } = view.running;
  if (cluster === undefined) return own;
  const { topology } = cluster;
  const countOf = (kind: EventKind) => cluster.count(kind);
  return own + prometheusText(topology, { nowMs: Date.now(), countOf });
}
