// What screens show beyond what one reading has: what has changed between two of them, and how it
// went over the last minutes. Pure: a model and a snapshot give the next model.

import type { Maybe } from "./format.ts";
import { type Percentiles, percentilesBetween, WINDOW_MS } from "./latency.ts";
import {
  maxOf,
  numberOf,
  type Row,
  rowsOf,
  type Snapshot,
  sumOf,
  type TableName,
  textOf,
} from "./snapshot.ts";

/** The proxy at one time, in a few numbers. Null: not known. Times are microseconds. */
export interface Sample {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** Commands of clients a second. */
  readonly qps: number | null;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  /** Errors of servers for each command, 0 to 1. */
  readonly errorRate: number | null;
  readonly clients: number | null;
  /** Sessions that wait for a server connection. */
  readonly waiting: number | null;
  /** The longest of these waits. */
  readonly longestWait: number | null;
  /** Sessions that something holds on their connection; one held by two things counts twice. */
  readonly pinned: number | null;
}

/** All that is known. */
export interface Model {
  readonly snapshot: Snapshot;
  /** Tables as they were read last, for those that are not read each time. */
  readonly tables: Readonly<Partial<Record<TableName, readonly Row[]>>>;
  /** Oldest first, those of the last `HISTORY_MS`. */
  readonly samples: readonly Sample[];
  /** Changes a second since the reading before, by table, row and column. */
  readonly rates: Rates;
  /** The stages of the last `WINDOW_MS`, oldest first. */
  readonly stages: readonly StagesAt[];
  /** Seconds between the last two readings; null: there is only one, or the proxy is another. */
  readonly elapsedS: number | null;
}

/** How far back curves go. */
export const HISTORY_MS = 10 * 60_000;

/** Rows that are counted, by what tells them apart, and the columns that only grow. */
const COUNTED = {
  workers: { keys: ["pid"], columns: ["commands", "cpu_us"] },
  servers: { keys: ["name"], columns: ["sent", "errors"] },
  pools: { keys: ["server", "account"], columns: ["waits", "opened"] },
  counters: { keys: ["name"], columns: ["value"] },
  stages: { keys: ["stage", "target"], columns: ["count", "sum_us"] },
  errors: { keys: ["code", "server"], columns: ["count"] },
  digests: { keys: ["digest", "target", "db", "user"], columns: ["count", "sum_us"] },
  rules: { keys: ["number"], columns: ["hits"] },
} as const;

/** A table with columns that only grow. */
export type CountedTable = keyof typeof COUNTED;

/** Changes a second: `<table>` -> `<key>` -> `<column>`. */
export type Rates = ReadonlyMap<
  CountedTable,
  ReadonlyMap<string, Readonly<Record<string, number>>>
>;

/** The next model; without one before, the first. */
export function advance(before: Model | undefined, snapshot: Snapshot): Model {
  const tables = { ...before?.tables, ...snapshot.tables };
  const isSame = before !== undefined && isSameProxy(before.snapshot, snapshot);
  const elapsedS = isSame ? elapsedBetween(before.snapshot, snapshot) : null;
  // A table that is not read each time has no rate for the time it was not looked at.
  const rates = elapsedS === null ? new Map() : ratesBetween(before!.snapshot, snapshot, elapsedS);
  const stages = isSame ? stagesSince(before.stages, snapshot) : [stagesOf(snapshot)];
  const latencies = percentilesBetween(...windowOf(stages, isTotal));
  const sample = sampleOf(tables, snapshot, { rates, latencies });
  const since = snapshot.atMs - HISTORY_MS;
  const kept = (before?.samples ?? []).filter(({ atMs }) => atMs > since && atMs < snapshot.atMs);
  return { snapshot, tables, samples: [...kept, sample], rates, stages, elapsedS };
}

/** The table of stages at a time. */
interface StagesAt {
  readonly atMs: number;
  readonly rows: readonly Row[];
}

function stagesOf(snapshot: Snapshot): StagesAt {
  return { atMs: snapshot.atMs, rows: rowsOf(snapshot, "stages") };
}

/** The last ones, with one that is as old as the window or older. */
function stagesSince(before: readonly StagesAt[], snapshot: Snapshot): readonly StagesAt[] {
  const since = snapshot.atMs - WINDOW_MS;
  const isOld = before.filter(({ atMs }) => atMs <= since).length;
  return [...before.slice(Math.max(0, isOld - 1)), stagesOf(snapshot)];
}

function isTotal(row: Row): boolean {
  return textOf(row, "stage") === "total";
}

function windowOf(
  stages: readonly StagesAt[],
  isWanted: (row: Row) => boolean,
): readonly [now: readonly Row[], then: readonly Row[]] {
  const now = stages.at(-1)!.rows.filter(isWanted);
  // After the first reading nothing is known of the last seconds.
  return [now, stages.length === 1 ? now : stages[0]!.rows.filter(isWanted)];
}

/** The percentiles of the last seconds, of the stages that are wanted together. */
export function percentilesNow(model: Model, isWanted: (row: Row) => boolean): Percentiles {
  return percentilesBetween(...windowOf(model.stages, isWanted));
}

/** Counters start anew with a new process; what lies between two proxies is no rate. */
function isSameProxy(before: Snapshot, after: Snapshot): boolean {
  const [old] = rowsOf(before, "proxy");
  const [now] = rowsOf(after, "proxy");
  return old !== undefined && now !== undefined && numberOf(old, "pid") === numberOf(now, "pid") &&
    (numberOf(now, "uptime_s") ?? 0) > (numberOf(old, "uptime_s") ?? 0);
}

/** By the proxy's clock, which does not see how long an answer took to get here. */
function elapsedBetween(before: Snapshot, after: Snapshot): number | null {
  const uptime = (snapshot: Snapshot) => numberOf(rowsOf(snapshot, "proxy")[0], "uptime_s");
  const from = uptime(before);
  const to = uptime(after);
  return from === null || to === null ? null : to - from;
}

function ratesBetween(before: Snapshot, after: Snapshot, elapsedS: number): Rates {
  const rates = new Map<CountedTable, Map<string, Record<string, number>>>();
  for (const table of Object.keys(COUNTED) as CountedTable[]) {
    const old = before.tables[table];
    const now = after.tables[table];
    if (old === undefined || now === undefined) continue;
    const oldRows = new Map(old.map((row) => [keyOf(table, row), row]));
    const ofTable = new Map<string, Record<string, number>>();
    for (const row of now) {
      const key = keyOf(table, row);
      const changed: Record<string, number> = {};
      for (const column of COUNTED[table].columns) {
        const to = numberOf(row, column);
        // What was not there before has come since, unless its table counts from its own start.
        const from = oldRows.has(key) ? numberOf(oldRows.get(key), column) : 0;
        if (to === null || from === null || to < from) continue;
        changed[column] = (to - from) / (ownElapsed(oldRows.get(key), row) ?? elapsedS);
      }
      if (table !== "workers" || oldRows.has(key)) ofTable.set(key, changed);
    }
    rates.set(table, ofTable);
  }
  return rates;
}

/** Workers say when they were asked, which may be a little before the proxy answers. */
function ownElapsed(before: Row | undefined, after: Row): number | null {
  const from = numberOf(before, "uptime_s");
  const to = numberOf(after, "uptime_s");
  return from === null || to === null || to <= from ? null : to - from;
}

function keyOf(table: CountedTable, row: Row): string {
  return COUNTED[table].keys.map((column) => textOf(row, column)).join("\0");
}

/** How fast a column of a row grows, a second; null: not known. */
export function rateOf(
  model: { readonly rates: Rates },
  table: CountedTable,
  { row, column }: { readonly row: Row; readonly column: string },
): number | null {
  return model.rates.get(table)?.get(keyOf(table, row))?.[column] ?? null;
}

function sumRates(rates: Rates, table: CountedTable, column: string): number | null {
  const ofTable = rates.get(table);
  if (ofTable === undefined) return null;
  let sum: number | null = null;
  for (const changed of ofTable.values()) {
    if (changed[column] !== undefined) sum = (sum ?? 0) + changed[column];
  }
  return sum;
}

function sampleOf(
  tables: Model["tables"],
  snapshot: Snapshot,
  { rates, latencies }: { readonly rates: Rates; readonly latencies: Percentiles },
): Sample {
  const rows = (name: TableName) => tables[name] ?? [];
  const qps = sumRates(rates, "workers", "commands");
  const failed = sumRates(rates, "servers", "errors") ?? sumRates(rates, "errors", "count");
  const waiting = waitingNow(rows("pools"), rowsOf(snapshot, "states"));
  return {
    atMs: snapshot.atMs,
    qps,
    ...latencies,
    errorRate: failed === null || qps === null || !hasErrorsCounted(tables)
      ? null
      : qps === 0
      ? 0
      : Math.min(1, failed / qps),
    clients: numberOf(rows("proxy")[0], "clients"),
    waiting: waiting.count,
    longestWait: waiting.longest,
    pinned: tables.pins === undefined ? null : sumOf(rows("pins"), "sessions") ?? 0,
  };
}

/** An empty table of errors means that there were none only where errors are counted at all. */
function hasErrorsCounted({ servers = [], errors = [] }: Model["tables"]): boolean {
  return errors.length > 0 || servers.some((row) => numberOf(row, "errors") !== null);
}

/** Pools say it; where there are none, sessions do if they were asked. */
function waitingNow(
  pools: readonly Row[],
  states: readonly Row[],
): { readonly count: number | null; readonly longest: number | null } {
  const count = sumOf(pools, "waiting");
  if (count !== null) return { count, longest: maxOf(pools, "maxwait_us") ?? 0 };
  if (states.length === 0) return { count: null, longest: null };
  const row = states.find((each) => textOf(each, "state") === "wait");
  const longestS = numberOf(row, "longest_s");
  return {
    count: numberOf(row, "sessions") ?? 0,
    longest: longestS === null ? null : longestS * 1e6,
  };
}

/** The newest sample. */
export function latest(model: Model): Sample {
  return model.samples.at(-1)!;
}

/** The values of one number over time. */
export function seriesOf(
  model: Model,
  name: Exclude<keyof Sample, "atMs">,
): readonly { readonly atMs: number; readonly value: Maybe<number> }[] {
  return model.samples.map((sample) => ({ atMs: sample.atMs, value: sample[name] }));
}

/** The shortest of some spans of time that has all samples in it, else the longest. */
export function spanOf(model: Model, spansMs: readonly number[]): number {
  const knownMs = model.snapshot.atMs - model.samples[0]!.atMs;
  return spansMs.find((span) => span >= knownMs) ?? spansMs.at(-1)!;
}
