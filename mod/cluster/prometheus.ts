// The topology in Prometheus' text format, for /metrics and for `probe --format prometheus`.
// Source: "Exposition formats" of the Prometheus documentation.

import { type Metric, writeMetric } from "../observe/mod.ts";
import { EVENT_KINDS, type EventKind } from "./events.ts";
import { NO_TOPOLOGY, type Topology, type TopologyServer } from "./topology.ts";

const STATES = [
  "up",
  "suspect",
  "down",
  "draining",
  "recovering",
  "lagging",
  "wrong-cluster",
] as const;

/**
 * Writes the metrics of a cluster.
 *
 * @param options.countOf How many events of a kind there were; absent: they are not told.
 */
export function prometheusText(
  topology: Topology,
  options: { readonly nowMs: number; readonly countOf?: (kind: EventKind) => number },
): string {
  return metricsOf(topology, options).map(writeMetric).join("");
}

/** Names, kinds and meanings of these metrics. */
export function describeClusterMetrics(): readonly Omit<Metric, "samples">[] {
  return metricsOf(NO_TOPOLOGY, { nowMs: 0, countOf: () => 0 }).map(
    ({ name, type, help }) => ({ name, type, help }),
  );
}

function metricsOf(
  { servers, flavor, primary, epoch }: Topology,
  { nowMs, countOf }: { readonly nowMs: number; readonly countOf?: (kind: EventKind) => number },
): readonly Metric[] {
  const gauge = (
    name: string,
    help: string,
    valueOf: (server: TopologyServer) => number | null,
  ): Metric => ({
    name: `mysqlproxy_server_${name}`,
    help,
    type: "gauge",
    samples: servers.flatMap((server) => {
      const value = valueOf(server);
      return value === null ? [] : [{ labels: { server: server.name }, value }];
    }),
  });
  // To the microsecond: more is noise of the division.
  const seconds = (ms: number | null) => ms === null ? null : Math.round(ms * 1000) / 1_000_000;
  const metrics: Metric[] = [
    {
      name: "mysqlproxy_cluster_info",
      help: "What kind of cluster it is, and which server is the primary.",
      type: "gauge",
      samples: [{ labels: { flavor, primary: primary ?? "" }, value: 1 }],
    },
    {
      name: "mysqlproxy_cluster_epoch",
      help: "Changes of members, roles and states since the start.",
      type: "gauge",
      samples: [{ labels: {}, value: epoch }],
    },
    {
      name: "mysqlproxy_server_state",
      help: "1 for the state that the server is in.",
      type: "gauge",
      samples: servers.flatMap(({ name, role, state }) =>
        STATES.map((each) => ({
          labels: { server: name, role, state: each },
          value: each === state ? 1 : 0,
        }))
      ),
    },
    gauge("writes", "1 if new writes may go to the server.", ({ writes }) => Number(writes)),
    gauge("reads", "1 if new reads may go to the server.", ({ reads }) => Number(reads)),
    gauge("weight", "The server's share beside others.", ({ weight }) => weight),
    gauge(
      "lag_seconds",
      "How far the server is behind the primary, when it was known last.",
      ({ lagMs }) => seconds(lagMs),
    ),
    gauge("rtt_seconds", "Time of one question and its answer.", ({ rttMs }) => seconds(rttMs)),
    gauge(
      "answer_age_seconds",
      "Time since the server answered last; all else about it is as old.",
      ({ answeredMs }) => seconds(answeredMs === null ? null : Math.max(0, nowMs - answeredMs)),
    ),
  ];
  if (countOf) {
    metrics.push({
      name: "mysqlproxy_cluster_events_total",
      help: "Events since the start.",
      type: "counter",
      samples: EVENT_KINDS.map((kind) => ({ labels: { kind }, value: countOf(kind) })),
    });
  }
  return metrics;
}
