// stats_mysql_query_digest, _commands_counters and _errors: what statements there were, from what the
// proxy measures of them.

import type { DigestTotals, ErrorTotals, Times } from "../../observe/mod.ts";
import { type ColumnOf, type Source, type Table, table } from "../table.ts";
import { hostgroupsOf, placeOf, serverFinder } from "./hostgroups.ts";
import { parseAddress } from "../../config/mod.ts";
import type { StatementMark } from "./baselines.ts";

const NONE = "Not known: empty.";
/** What tables are that begin at 0 when they are read. */
export const RESET =
  "The same since it was read last, by whomever: reading it sets it to 0, and nothing else.";

/** A digest in a hostgroup: its servers together. */
interface DigestRow {
  readonly hostgroup: number;
  readonly first: DigestTotals;
  count: number;
  firstMs: number;
  lastMs: number;
  sumUs: number;
  minUs: number;
  maxUs: number;
  rowsAffected: number;
  rowsSent: number;
}

/** Since a mark, which is moved by who resets. */
function digestRows(source: Source, mark: StatementMark): readonly DigestRow[] {
  const { running } = source.view;
  const find = serverFinder(source);
  const { writer } = hostgroupsOf(running.config);
  const rows = new Map<string, DigestRow>();
  for (const totals of running.metrics().digests) {
    const since = totals.digest && mark.ofDigest(totals);
    if (totals.digest === undefined || since === undefined) continue;
    const firstMs = Math.max(totals.firstMs, mark.digestsAtMs);
    const hostgroup = find(totals.server)?.hostgroup ?? writer;
    const { db, user, digest } = totals;
    const { times, rowsAffected, rowsSent } = since;
    const key = JSON.stringify([hostgroup, db, user, digest.hash]);
    const row = rows.get(key) ?? {
      hostgroup,
      first: totals,
      count: 0,
      firstMs,
      lastMs: 0,
      sumUs: 0,
      minUs: Infinity,
      maxUs: 0,
      rowsAffected: 0,
      rowsSent: 0,
    };
    row.count += times.count;
    row.firstMs = Math.min(row.firstMs, firstMs);
    row.lastMs = Math.max(row.lastMs, totals.lastMs);
    row.sumUs += times.sumUs;
    row.minUs = Math.min(row.minUs, shortestUs(times));
    row.maxUs = Math.max(row.maxUs, times.maxUs);
    row.rowsAffected += rowsAffected;
    row.rowsSent += rowsSent;
    rows.set(key, row);
  }
  return [...rows.values()];
}

/** The middle of the first bucket, as all percentiles are. */
function shortestUs(times: Times): number {
  return times.percentile(0) ?? 0;
}

const second = (ms: number) => Math.floor(ms / 1000);

function queryDigest(name: string, doc: string, resets = false): Table {
  return table<DigestRow>(name, {
    schema: "stats",
    doc,
    resets,
    rows(source) {
      const { baselines: { reset, shown }, view, nowMs } = source;
      if (!resets) return digestRows(source, shown);
      const rows = digestRows(source, reset);
      reset.markDigests(view.running.metrics().digests, nowMs);
      return rows;
    },
    columns: {
      hostgroup: ["INTEGER", "The hostgroup of the servers they went to.", (row) => row.hostgroup],
      schemaname: ["TEXT", "The default schema of the first of them.", ({ first }) => first.db],
      username: ["TEXT", "The account of the first of them.", ({ first }) => first.user],
      client_address: ["TEXT", NONE, () => ""],
      digest: [
        "TEXT",
        "`0x` and the first 16 digits of STATEMENT_DIGEST().",
        ({ first }) => `0x${first.digest!.hash.slice(0, 16).toUpperCase()}`,
      ],
      digest_text: ["TEXT", "The normalised statement.", ({ first }) => first.digest!.text],
      count_star: ["INTEGER", "Statements.", ({ count }) => count],
      first_seen: ["INTEGER", "Seconds since 1970.", ({ firstMs }) => second(firstMs)],
      last_seen: ["INTEGER", "Seconds since 1970.", ({ lastMs }) => second(lastMs)],
      sum_time: ["INTEGER", "Their time together, in microseconds.", ({ sumUs }) => sumUs],
      min_time: [
        "INTEGER",
        "The shortest, to an eighth of itself.",
        ({ minUs }) => minUs,
      ],
      max_time: ["INTEGER", "The longest.", ({ maxUs }) => maxUs],
      sum_rows_affected: ["INTEGER", "Rows changed.", ({ rowsAffected }) => rowsAffected],
      sum_rows_sent: ["INTEGER", "Rows in their answers.", ({ rowsSent }) => rowsSent],
    },
  });
}

/** A command with its times. */
interface CommandRow {
  readonly command: string;
  readonly sumUs: number;
  readonly count: number;
  /** By the bounds. */
  readonly counts: readonly number[];
}

/** Names of the columns and their upper bounds in microseconds. */
const BOUNDS: readonly (readonly [name: string, us: number])[] = [
  ["100us", 100],
  ["500us", 500],
  ["1ms", 1000],
  ["5ms", 5000],
  ["10ms", 10_000],
  ["50ms", 50_000],
  ["100ms", 100_000],
  ["500ms", 500_000],
  ["1s", 1_000_000],
  ["5s", 5_000_000],
  ["10s", 10_000_000],
  ["INFs", Infinity],
];

function commandRows({ view }: Source): readonly CommandRow[] {
  const rows = new Map<string, { sumUs: number; count: number; counts: number[] }>();
  for (const { digest, times } of view.running.metrics().digests) {
    const command = /^[a-z]+/i.exec(digest?.text.trimStart() ?? "")?.[0].toUpperCase() ?? "UNKNOWN";
    const row = rows.get(command) ?? { sumUs: 0, count: 0, counts: BOUNDS.map(() => 0) };
    row.sumUs += times.sumUs;
    row.count += times.count;
    for (const [us, count] of times.buckets) {
      row.counts[BOUNDS.findIndex(([, bound]) => us <= bound)] += count;
    }
    rows.set(command, row);
  }
  return [...rows].map(([command, row]) => ({ command, ...row }));
}

const commandsCounters = table<CommandRow>("stats_mysql_commands_counters", {
  schema: "stats",
  doc:
    "Statements by their first word, of the digests that are kept; `UNKNOWN`: those without one.",
  rows: commandRows,
  columns: {
    Command: ["TEXT", "The first word.", ({ command }) => command],
    Total_Time_us: ["INTEGER", "Their time together, in microseconds.", ({ sumUs }) => sumUs],
    Total_cnt: ["INTEGER", "Statements.", ({ count }) => count],
    ...Object.fromEntries(
      BOUNDS.map(([name], at): [string, ColumnOf<CommandRow>] => [
        `cnt_${name}`,
        [
          "INTEGER",
          name === "INFs" ? "Those that took longer." : `Those that took up to ${name}.`,
          ({ counts }) => counts[at],
        ],
      ]),
    ),
  },
});

/** An error with its server's place. */
interface ErrorRow extends ErrorTotals {
  readonly hostgroup: number;
  readonly host: string;
  readonly port: number;
}

function errorRows(source: Source, mark: StatementMark): readonly ErrorRow[] {
  const { running } = source.view;
  const find = serverFinder(source);
  const { writer } = hostgroupsOf(running.config);
  return running.metrics().errors.flatMap((error) => {
    const count = mark.ofError(error);
    if (count === 0) return [];
    const firstMs = Math.max(error.firstMs, mark.errorsAtMs);
    const server = find(error.server) ??
      { ...placeOf(parseAddress(error.server, 3306)), hostgroup: writer };
    const { hostgroup, host, port } = server;
    return [{ ...error, count, firstMs, hostgroup, host, port }];
  });
}

function errors(name: string, doc: string, resets = false): Table {
  return table<ErrorRow>(name, {
    schema: "stats",
    doc,
    resets,
    rows(source) {
      const { baselines: { reset, shown }, view, nowMs } = source;
      if (!resets) return errorRows(source, shown);
      const rows = errorRows(source, reset);
      reset.markErrors(view.running.metrics().errors, nowMs);
      return rows;
    },
    columns: {
      hostgroup: ["INTEGER", "The server's hostgroup.", ({ hostgroup }) => hostgroup],
      hostname: ["TEXT", "Its host, or the path of its socket.", ({ host }) => host],
      port: ["INTEGER", "Its port; 0: a socket.", ({ port }) => port],
      username: ["TEXT", NONE, () => ""],
      client_address: ["TEXT", NONE, () => ""],
      schemaname: ["TEXT", NONE, () => ""],
      errno: ["INTEGER", "The error number.", ({ code }) => code],
      count_star: ["INTEGER", "How many there were.", ({ count }) => count],
      first_seen: ["INTEGER", "Seconds since 1970.", ({ firstMs }) => second(firstMs)],
      last_seen: ["INTEGER", "Seconds since 1970.", ({ lastMs }) => second(lastMs)],
      last_error: ["TEXT", NONE, () => ""],
    },
  });
}

/** The tables, with the twins whose figures ProxySQL sets to 0 when they are read. */
export const statementTables: readonly Table[] = [
  queryDigest(
    "stats_mysql_query_digest",
    "Statements by digest and hostgroup, since the start or TRUNCATE.",
  ),
  queryDigest("stats_mysql_query_digest_reset", RESET, true),
  commandsCounters,
  errors(
    "stats_mysql_errors",
    "Errors that servers have answered statements with, since the start or TRUNCATE.",
  ),
  errors("stats_mysql_errors_reset", RESET, true),
];

/** TRUNCATE of a table, or of its twin: both begin at 0. @param name One of the two. */
export function truncate(name: string, { view: { running }, baselines, nowMs }: Source): void {
  const { digests, errors } = running.metrics();
  for (const mark of [baselines.shown, baselines.reset]) {
    if (name.startsWith("stats_mysql_errors")) mark.markErrors(errors, nowMs);
    else mark.markDigests(digests, nowMs);
  }
}
