// The proxy itself: what runs, its workers, what it has counted, its configuration.

import { formatAddress, type Rule, version } from "../../config/mod.ts";
import { fieldsText, type KeptLine } from "../../observe/mod.ts";
import type { ConfigRevision, WorkerSurvey } from "../../proxy/mod.ts";
import { type Property, propertyRows } from "../config_statements.ts";
import { seconds, type Source, table, timeText, type Value } from "../table.ts";

interface ProxyFacts {
  readonly source: Source;
  readonly surveys: readonly WorkerSurvey[];
}

/** One row: this proxy. */
export const proxyTable = table<ProxyFacts>("proxy", {
  doc: "This proxy, in one row.",
  rows: async (source) => [{ source, surveys: await source.surveys() }],
  columns: {
    version: ["TEXT", "Its version.", () => version],
    pid: ["INTEGER", "Its process, or that of the supervisor.", () => process.pid],
    started: [
      "TEXT",
      "When it was started, UTC.",
      ({ source }) => timeText(source.nowMs - process.uptime() * 1000),
    ],
    uptime_s: ["REAL", "Seconds since then.", () => seconds(process.uptime() * 1000)],
    workers: ["INTEGER", "Workers that answer.", ({ surveys }) => surveys.length],
    ready: [
      "INTEGER",
      "1 while new clients are accepted and a server was reached.",
      ({ source }) => source.view.running.ready(),
    ],
    listen: [
      "TEXT",
      "Where clients are accepted.",
      ({ source }) => source.view.running.addresses.map(formatAddress).join(", "),
    ],
    config_revision: [
      "INTEGER",
      "Number of the configuration in force.",
      ({ source }) => source.view.running.config.revision,
    ],
    pool_mode: [
      "TEXT",
      "`transaction` or `session`.",
      ({ source }) => source.view.running.config.pool.mode,
    ],
    auth_mode: [
      "TEXT",
      "Who decides about logins.",
      ({ source }) => source.view.running.credentials.store.mode,
    ],
    flavor: [
      "TEXT",
      "Kind of cluster. NULL: the servers are not watched.",
      ({ source }) => source.view.running.cluster?.topology.flavor ?? null,
    ],
    primary_server: ["TEXT", "The server that takes writes. NULL: none, or not watched.", (
      { source },
    ) => source.view.running.cluster?.topology.primary ?? null],
    epoch: [
      "INTEGER",
      "Changes of members, roles and states. NULL: not watched.",
      ({ source }) => source.view.running.cluster?.topology.epoch ?? null,
    ],
    clients: ["INTEGER", "Clients connected.", ({ surveys }) => sum(surveys, "clients")],
    commands: [
      "INTEGER",
      "Commands of clients since the start.",
      ({ source }) => source.view.running.counters().commands,
    ],
    rss_bytes: [
      "INTEGER",
      "Resident memory of all workers, in bytes.",
      ({ surveys }) => surveys.reduce((total, { rssBytes }) => total + rssBytes, 0),
    ],
    cpu_us: [
      "INTEGER",
      "Processor time used by all workers, in microseconds.",
      ({ surveys }) => surveys.reduce((total, { cpuUs }) => total + cpuUs, 0),
    ],
    time: ["TEXT", "Now, UTC.", ({ source }) => timeText(source.nowMs)],
  },
});

function sum(surveys: readonly WorkerSurvey[], name: "clients"): number {
  return surveys.reduce((total, { counters }) => total + counters[name], 0);
}

/** One row a worker. */
export const workersTable = table<WorkerSurvey>("workers", {
  doc: "The processes that carry clients.",
  rows: (source) => source.surveys(),
  columns: {
    worker: ["INTEGER", "Its number, from 0 on.", ({ worker }) => worker],
    pid: ["INTEGER", "Its process.", ({ pid }) => pid],
    uptime_s: ["REAL", "Seconds since its start.", ({ uptimeMs }) => seconds(uptimeMs)],
    clients: ["INTEGER", "Clients connected.", ({ counters }) => counters.clients],
    commands: ["INTEGER", "Commands since its start.", ({ counters }) => counters.commands],
    server_connections: ["INTEGER", "Connections to servers.", ({ backends }) => backends.length],
    rss_bytes: ["INTEGER", "Resident memory, in bytes.", ({ rssBytes }) => rssBytes],
    heap_bytes: ["INTEGER", "Of it, objects of JavaScript.", ({ heapBytes }) => heapBytes],
    cpu_us: ["INTEGER", "Processor time used, in microseconds.", ({ cpuUs }) => cpuUs],
    loop_lag_us: [
      "INTEGER",
      "How late the last timer came, in microseconds.",
      ({ loopLagMs }) => Math.round(loopLagMs * 1000),
    ],
    loop_lag_max_us: [
      "INTEGER",
      "The latest one of the last 30 to 60 s.",
      ({ loopLagMaxMs }) => Math.round(loopLagMaxMs * 1000),
    ],
  },
});

/** Counters in snake_case. */
export function counterRows({ view }: Source): readonly (readonly [string, number])[] {
  return Object.entries(view.running.counters()).map(([name, value]) => [
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    value,
  ]);
}

/** One row a counter. */
export const countersTable = table<readonly [string, number]>("counters", {
  doc: "What has happened since the start, all workers together, up to 250 ms old.",
  rows: counterRows,
  columns: {
    name: ["TEXT", "The counter's name.", ([name]) => name],
    value: ["INTEGER", "Its value.", ([, value]) => value],
  },
});

/** One row a key. */
export const propertiesTable = table<Property>("properties", {
  doc: "The configuration in force; passwords are hidden.",
  rows: ({ view }) => propertyRows(view.running),
  columns: {
    name: ["TEXT", "The key with its section, as in `limits.clients_max`.", ({ name }) => name],
    value: ["TEXT", "Its value.", ({ value }) => value],
    default_value: [
      "TEXT",
      "What it is when nobody says anything.",
      ({ defaultValue }) => defaultValue,
    ],
    source: [
      "TEXT",
      "Who said it: `default`, `file`, `overlay`, a flag or a variable.",
      ({ source }) => source,
    ],
    live: ["INTEGER", "1 if a new value takes effect while the proxy runs.", ({ live }) => live],
  },
});

/** One row a revision. */
export const revisionsTable = table<ConfigRevision>("revisions", {
  doc: "The configurations that were in force since the start, the last 50.",
  rows: ({ view }) => view.running.live?.revisions ?? [],
  columns: {
    number: ["INTEGER", "Counts up from 1; CONFIG ROLLBACK takes it.", ({ number }) => number],
    time: ["TEXT", "When it was put in force, UTC.", ({ atMs }) => timeText(atMs)],
    changed_by: [
      "TEXT",
      "`start`, `SIGHUP`, `file`, `rollback`, or an account of the admin port.",
      (
        { by },
      ) => by,
    ],
    changes: [
      "TEXT",
      "The keys that it has changed, with commas.",
      ({ changes }) => changes.filter(({ live }) => live).map(({ key }) => key).join(", "),
    ],
  },
});

/** One row a rule. */
export const rulesTable = table<readonly [number, Rule, hits: number]>("rules", {
  doc:
    "The rules of the configuration, in their order. With several workers hits are up to 1 s old.",
  rows: ({ view: { running } }) => {
    const { rules: hits } = running.usage();
    return running.config.rules.map((rule, at) => [at + 1, rule, hits.of(rule)] as const);
  },
  columns: {
    number: ["INTEGER", "Its place, from 1 on.", ([number]) => number],
    name: ["TEXT", "Its name.", ([, { name }]) => name],
    user: ["TEXT", "The account it is for. NULL: any.", ([, { user }]) => given(user)],
    db: ["TEXT", "The default schema it is for. NULL: any.", ([, { schema }]) => given(schema)],
    digest: ["TEXT", "The digest it is for. NULL: any.", ([, { digest }]) => given(digest)],
    statement: [
      "TEXT",
      "The pattern it is for. NULL: any.",
      ([, { statement }]) => given(statement),
    ],
    target: ["TEXT", "Where statements go.", ([, { target }]) => target],
    tags: ["TEXT", "Tags that the server must have.", ([, { tags }]) => given(tags.join(","))],
    consistency: ["TEXT", "How new the data must be.", ([, { consistency }]) => consistency],
    audit: ["TEXT", "Whether the audit log has them.", ([, { audit }]) => audit],
    hits: [
      "INTEGER",
      "Statements it was the first to fit since the start, as long as it says the same. In a " +
      "transaction, or where a session is held, no rule is asked.",
      ([, , hits]) => hits,
    ],
  },
});

function given(text: string): Value {
  return text === "" ? null : text;
}

/** One row a line. */
export const logTable = table<KeptLine>("log", {
  doc:
    "The last 1,000 lines of the log, as far down as `log.level` says; of each worker at most 50 " +
    "in a second.",
  rows: ({ view }) => view.lines.all,
  columns: {
    number: ["INTEGER", "Counts up from 1 since the start.", ({ number }) => number],
    time: ["TEXT", "UTC.", ({ atMs }) => timeText(atMs)],
    severity: ["TEXT", "`debug`, `info`, `warn` or `error`.", ({ severity }) => severity],
    worker: [
      "INTEGER",
      "The worker that wrote it. NULL: the process that was started.",
      ({ worker }) => worker,
    ],
    event: ["TEXT", "What has happened.", ({ sentence }) => sentence],
    fields: ["TEXT", "More about it, as `name=value`.", ({ fields }) => fieldsText(fields)],
  },
});
