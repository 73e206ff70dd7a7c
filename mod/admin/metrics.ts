// What the proxy tells Prometheus of itself. Each metric is declared once, with its meaning: the text
// for Prometheus and docs/metrics.md are made from that. Labels are servers, accounts of pools, stages,
// reasons, rules and workers: no statement, digest or client address is one.

import { X509Certificate } from "node:crypto";
import type { PoolStatus } from "../backend/mod.ts";
import { version } from "../config/mod.ts";
import {
  Counters,
  type Metric,
  type Sample,
  type StageTotals,
  writeMetric,
} from "../observe/mod.ts";
import type { ServerUsage, WorkerSurvey } from "../proxy/mod.ts";
import { readiness } from "./readiness.ts";
import type { Source } from "./table.ts";

/** Pools, and errors of servers, that are told of at most. */
const LABELS_MAX = 200;

/** What metrics are taken from. */
interface Facts {
  readonly source: Source;
  readonly surveys: readonly WorkerSurvey[];
  readonly pools: readonly PoolStatus[];
}

type Kind = Metric["type"];
type Declaration = readonly [kind: Kind, help: string, samples: (facts: Facts) => Sample[]];

const one = (value: number): Sample[] => [{ labels: {}, value }];
const seconds = (us: number) => us / 1_000_000;

/** A value for each worker. */
const ofWorkers = (value: (survey: WorkerSurvey) => number) => ({ surveys }: Facts): Sample[] =>
  surveys.map((survey) => ({ labels: { worker: String(survey.worker) }, value: value(survey) }));

/** A value for each shared pool. */
const ofPools = (value: (pool: PoolStatus) => number) => ({ pools }: Facts): Sample[] =>
  pools.slice(0, LABELS_MAX).map((pool) => ({
    labels: { server: pool.server, account: pool.account },
    value: value(pool),
  }));

/** A value for each server that something has gone to. */
const ofServers = (value: (usage: ServerUsage) => number) => ({ source }: Facts): Sample[] =>
  [...source.view.running.usage().servers].map(([server, usage]) => ({
    labels: { server },
    value: value(usage),
  }));

/** Sums of the counters of all workers. */
const counter = (name: keyof Counters) => ({ source }: Facts): Sample[] =>
  one(source.view.running.counters()[name]);

/** Counters that are told by a reason. */
const byReason = (reasons: Readonly<Record<string, keyof Counters>>) => ({ source }: Facts) => {
  const counters = source.view.running.counters();
  return Object.entries(reasons).map(([reason, name]): Sample => ({
    labels: { reason },
    value: counters[name],
  }));
};

/** Bounds of the histograms, in microseconds: from 64 µs to 67 s, each four times the one before. */
const BOUNDS_US = Array.from({ length: 11 }, (_, at) => 64 * 4 ** at);

function stageSamples({ source }: Facts): Sample[] {
  return source.view.running.metrics().stages.flatMap(({ stage, server, times }: StageTotals) => {
    const labels = { stage, server };
    const counts = times.cumulative(BOUNDS_US.map((bound) => bound - 1));
    return [
      ...BOUNDS_US.map((bound, at): Sample => ({
        suffix: "_bucket",
        labels: { ...labels, le: String(seconds(bound)) },
        value: counts[at],
      })),
      { suffix: "_bucket", labels: { ...labels, le: "+Inf" }, value: times.count },
      { suffix: "_sum", labels, value: seconds(times.sumUs) },
      { suffix: "_count", labels, value: times.count },
    ];
  });
}

function sessionSamples({ surveys }: Facts): Sample[] {
  const states = new Map(["login", "sleep", "wait", "restore", "execute"].map((it) => [it, 0]));
  for (const { frontends } of surveys) {
    for (const { stage } of frontends) states.set(stage, states.get(stage)! + 1);
  }
  return [...states].map(([state, value]) => ({ labels: { state }, value }));
}

function pinSamples({ surveys }: Facts): Sample[] {
  const counts = new Map<string, number>();
  for (const { frontends } of surveys) {
    for (const { pins } of frontends) {
      for (const reason of pins) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    }
  }
  return [...counts].map(([reason, value]) => ({ labels: { reason }, value }));
}

function connectionSamples({ surveys }: Facts): Sample[] {
  const counts = new Map<string, { used: number; idle: number }>();
  for (const { backends } of surveys) {
    for (const { server, session } of backends) {
      const known = counts.get(server) ?? { used: 0, idle: 0 };
      known[session === null ? "idle" : "used"]++;
      counts.set(server, known);
    }
  }
  return [...counts].flatMap(([server, states]) =>
    Object.entries(states).map(([state, value]) => ({ labels: { server, state }, value }))
  );
}

/** Errors by server, and by number as far as servers have answered with it. */
function errorSamples({ source }: Facts): Sample[] {
  const errors = [...source.view.running.metrics().errors].sort((a, b) => b.count - a.count);
  return errors.slice(0, LABELS_MAX).map(({ code, server, count }) => ({
    labels: { server, code: String(code) },
    value: count,
  }));
}

/** By name, so that a rule stays what it is where others come before it; without one by number. */
function ruleSamples({ source }: Facts): Sample[] {
  const { running } = source.view;
  const { rules: hits } = running.usage();
  const counts = new Map<string, number>();
  for (const [at, rule] of running.config.rules.slice(0, LABELS_MAX).entries()) {
    const name = rule.name || String(at + 1);
    counts.set(name, (counts.get(name) ?? 0) + hits.of(rule));
  }
  return [...counts].map(([rule, value]) => ({ labels: { rule }, value }));
}

/** When the certificate towards clients ends. */
function certificateSamples({ source }: Facts): Sample[] {
  const cert = source.view.running.clientTls()?.cert;
  if (cert === undefined) return [];
  const { validTo } = new X509Certificate(String(cert));
  return one(Date.parse(validTo) / 1000);
}

const METRICS: Readonly<Record<string, Declaration>> = {
  info: ["gauge", "Always 1; the version is a label.", () => [{ labels: { version }, value: 1 }]],
  uptime_seconds: ["gauge", "Time since the proxy was started.", () => one(process.uptime())],
  ready: [
    "gauge",
    "1 while /readyz says so.",
    ({ source }) => one(readiness(source.view.running).length === 0 ? 1 : 0),
  ],
  config_revision: [
    "gauge",
    "Number of the configuration in force.",
    ({ source }) => one(source.view.running.config.revision),
  ],
  sessions: ["gauge", "Clients' sessions by what they are doing.", sessionSamples],
  in_transaction: [
    "gauge",
    "Sessions with an open transaction.",
    ({ surveys }) =>
      one(surveys.flatMap(({ frontends }) => frontends).filter((it) => it.inTransaction).length),
  ],
  pinned_sessions: [
    "gauge",
    "Sessions that keep their server connection, by reason; one may have several.",
    pinSamples,
  ],
  clients_accepted_total: ["counter", "Connections of clients.", counter("clientsAccepted")],
  clients_refused_total: [
    "counter",
    "Clients refused, by reason.",
    byReason({
      full: "clientsRefusedFull",
      per_user: "clientsRefusedPerUser",
      blocked: "clientsRefusedBlocked",
    }),
  ],
  logins_total: ["counter", "Logins that succeeded.", counter("loginsSucceeded")],
  logins_failed_total: ["counter", "Logins that failed.", counter("loginsFailed")],
  admin_logins_failed_total: [
    "counter",
    "Logins at the admin port that were refused.",
    counter("adminLoginsFailed"),
  ],
  logins_timed_out_total: [
    "counter",
    "Logins ended for limits.login_timeout.",
    counter("loginsTimedOut"),
  ],
  sessions_timed_out_total: [
    "counter",
    "Sessions ended for limits.idle_timeout.",
    counter("sessionsTimedOut"),
  ],
  commands_total: ["counter", "Commands of clients.", counter("commands")],
  commands_too_large_total: [
    "counter",
    "Commands refused for limits.packet_max.",
    counter("commandsTooLarge"),
  ],
  client_received_bytes_total: ["counter", "Bytes from clients.", counter("bytesFromClients")],
  client_sent_bytes_total: ["counter", "Bytes to clients.", counter("bytesToClients")],
  stage_duration_seconds: [
    "histogram",
    "How long statements were in a stage, by stage and server; docs/admin.md has the stages.",
    stageSamples,
  ],
  server_errors_total: [
    "counter",
    "Errors that servers have answered statements with, by number.",
    errorSamples,
  ],
  rule_statements_total: [
    "counter",
    "Statements that a rule was the first to fit, by its name, or its number from 1 on.",
    ruleSamples,
  ],
  server_connections: ["gauge", "Connections to servers, used or idle.", connectionSamples],
  server_connections_used_max: [
    "gauge",
    "Connections to a server that sessions had at the same time since the start, at most.",
    ofServers(({ usedMax }) => usedMax),
  ],
  server_received_bytes_total: [
    "counter",
    "Bytes from a server on connections for sessions.",
    ofServers(({ bytesReceived }) => bytesReceived),
  ],
  server_sent_bytes_total: [
    "counter",
    "Bytes to a server on these connections.",
    ofServers(({ bytesSent }) => bytesSent),
  ],
  server_connections_opened_total: [
    "counter",
    "Connections opened to servers.",
    counter("serverConnectionsOpened"),
  ],
  server_connections_reused_total: [
    "counter",
    "Connections given to another session.",
    counter("serverConnectionsReused"),
  ],
  server_connections_lost_total: [
    "counter",
    "Connections that ended under a session.",
    counter("serverConnectionsLost"),
  ],
  statements_killed_total: [
    "counter",
    "Statements killed because their client had left.",
    counter("statementsKilled"),
  ],
  log_entries_dropped_total: [
    "counter",
    "Entries of the audit log and the slow log that were not written.",
    counter("logEntriesDropped"),
  ],
  pool_waits_total: [
    "counter",
    "Statements that had to wait for a server connection.",
    counter("poolWaits"),
  ],
  pool_waits_timed_out_total: [
    "counter",
    "Of these, ended for pool.wait_timeout.",
    counter("poolWaitsTimedOut"),
  ],
  pool_restores_total: [
    "counter",
    "Connections that were given another session's state.",
    counter("poolRestores"),
  ],
  pool_captures_total: [
    "counter",
    "Connections whose last session's values were read.",
    counter("poolCaptures"),
  ],
  logins_known_total: [
    "counter",
    "Of the logins that succeeded, let in without a question to the server.",
    counter("loginsKnown"),
  ],
  logins_retried_total: [
    "counter",
    "Logins begun anew, since their server was lost or could not be reached.",
    counter("loginsRetried"),
  ],
  statements_parked_total: [
    "counter",
    "Statements and logins that waited for a server that takes them.",
    counter("parked"),
  ],
  statements_parked_refused_total: [
    "counter",
    "Of these, refused (3168), by reason: too many waited, or one had waited for too long.",
    byReason({ full: "parkedRefusedFull", late: "parkedRefusedLate" }),
  ],
  statements_retried_total: [
    "counter",
    "Statements tried again after a refusal or the loss of a server.",
    counter("retries"),
  ],
  replays_total: [
    "counter",
    "Transactions lost with their server and run again.",
    counter("replays"),
  ],
  replays_failed_total: [
    "counter",
    "Of these, those whose clients were told: they could not be, or got another answer.",
    counter("replaysFailed"),
  ],
  replays_ruled_out_total: [
    "counter",
    "Transactions that could not have been run again from some statement on.",
    counter("replaysRuledOut"),
  ],
  replay_bytes: [
    "gauge",
    "Bytes kept of transactions to be run again.",
    counter("replayBytes"),
  ],
  commits_found_total: [
    "counter",
    "COMMITs under way when their server was lost that were found to be done.",
    counter("commitsFound"),
  ],
  primary_silences_total: [
    "counter",
    "How often the primary owed answers, gave none, and was looked at for that.",
    counter("primarySilences"),
  ],
  replicas_stalled_total: [
    "counter",
    "Replicas found to owe answers and give none, each time.",
    counter("replicasStalled"),
  ],
  guesses_total: [
    "counter",
    "Reads sent before the primary had told what they must see.",
    counter("guesses"),
  ],
  guesses_in_vain_total: [
    "counter",
    "Of these, run once more: the primary had news, or they found no shared connection there.",
    counter("guessesInVain"),
  ],
  pool_pipelined_total: [
    "counter",
    "Statements sent behind others' on a shared connection.",
    counter("poolPipelined"),
  ],
  pool_pipelined_again_total: [
    "counter",
    "Of these, run once more on a connection of their own.",
    counter("poolPipelinedAgain"),
  ],
  pool_consolidated_total: [
    "counter",
    "Reads answered with the answer of another session's, which was the same.",
    counter("poolConsolidated"),
  ],
  pool_running: [
    "gauge",
    "Connections of a shared pool that sessions have.",
    ofPools((it) => it.running),
  ],
  pool_idle: ["gauge", "Connections of a shared pool that nobody has.", ofPools((it) => it.idle)],
  pool_max: [
    "gauge",
    "Connections that a shared pool may have.",
    ofPools((it) => it.connectionsMax),
  ],
  pool_waiting: [
    "gauge",
    "Sessions that wait for a connection of a pool.",
    ofPools((it) => it.waiting),
  ],
  pool_oldest_wait_seconds: [
    "gauge",
    "How long the first of them has waited.",
    ofPools((it) => seconds(it.oldestWaitUs)),
  ],
  pool_paused: ["gauge", "1 while a pool is paused.", ofPools((it) => Number(it.paused))],
  pool_open_failures_total: [
    "counter",
    "Connections of a pool that the server has refused or not answered.",
    ofPools((it) => it.openFailures),
  ],
  worker_clients: ["gauge", "Clients of a worker.", ofWorkers((it) => it.counters.clients)],
  worker_resident_memory_bytes: ["gauge", "Resident memory.", ofWorkers((it) => it.rssBytes)],
  worker_heap_bytes: ["gauge", "Of it, objects of JavaScript.", ofWorkers((it) => it.heapBytes)],
  worker_cpu_seconds_total: [
    "counter",
    "Processor time used.",
    ofWorkers((it) => seconds(it.cpuUs)),
  ],
  worker_loop_lag_seconds: [
    "gauge",
    "How late the last timer came.",
    ofWorkers((it) => it.loopLagMs / 1000),
  ],
  worker_loop_lag_max_seconds: [
    "gauge",
    "The latest timer of the last 30 to 60 s.",
    ofWorkers((it) => it.loopLagMaxMs / 1000),
  ],
  certificate_expiry_timestamp_seconds: [
    "gauge",
    "When the certificate towards clients ends, in seconds since 1970.",
    certificateSamples,
  ],
};

const PREFIX = "mysqlproxy_";

/** The metrics of the proxy itself; those of the servers are the cluster's. */
export async function proxyMetrics(source: Source): Promise<string> {
  const [surveys, pools] = await Promise.all([source.surveys(), source.pools()]);
  const facts = { source, surveys, pools };
  return Object.entries(METRICS).map(([name, [type, help, samples]]) =>
    writeMetric({ name: PREFIX + name, help, type, samples: samples(facts) })
  ).join("");
}

/** Names, kinds and meanings. */
export function describeMetrics(): readonly Omit<Metric, "samples">[] {
  return Object.entries(METRICS).map(([name, [type, help]]) => ({
    name: PREFIX + name,
    type,
    help,
  }));
}
