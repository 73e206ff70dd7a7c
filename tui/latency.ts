// Percentiles of the last seconds: what a histogram has now, less what it had then. Those that the
// proxy tells are of all the time since its start, and after a day hide the last minute. Pure.

import { numberOf, type Row, textOf } from "./snapshot.ts";

/** How far back "now" goes, milliseconds. */
export const WINDOW_MS = 5000;

/** Percentiles, in microseconds. Null: not known, or nothing came in that time. */
export interface Percentiles {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

const NONE: Percentiles = { p50: null, p95: null, p99: null };

/** Counts by microseconds. */
type Histogram = ReadonlyMap<number, number>;

/**
 * The percentiles of several rows together, from an earlier reading of them to now.
 *
 * @param now Rows of `stages`.
 * @param then The rows as they were; those that are missing were empty.
 */
export function percentilesBetween(now: readonly Row[], then: readonly Row[]): Percentiles {
  if (now.some((row) => row["histogram"] === undefined)) return told(now);
  const before = new Map(then.map((row) => [keyOf(row), row]));
  const counts = new Map<number, number>();
  for (const row of now) {
    const old = histogramOf(before.get(keyOf(row)));
    for (const [us, count] of histogramOf(row)) {
      const more = count - (old.get(us) ?? 0);
      if (more > 0) counts.set(us, (counts.get(us) ?? 0) + more);
    }
  }
  return percentilesOf(counts);
}

/** Recordings of proxies without histograms: the row of all servers, else of the slowest one. */
function told(rows: readonly Row[]): Percentiles {
  const row = rows.find((each) => textOf(each, "target") === "") ??
    rows.toSorted((a, b) => (numberOf(b, "p95_us") ?? 0) - (numberOf(a, "p95_us") ?? 0))[0];
  return {
    p50: numberOf(row, "p50_us"),
    p95: numberOf(row, "p95_us"),
    p99: numberOf(row, "p99_us"),
  };
}

function keyOf(row: Row): string {
  return `${textOf(row, "stage")}\0${textOf(row, "target")}`;
}

function histogramOf(row: Row | undefined): Histogram {
  const counts = new Map<number, number>();
  for (const pair of textOf(row, "histogram").split(",")) {
    const colon = pair.indexOf(":");
    if (colon > 0) counts.set(Number(pair.slice(0, colon)), Number(pair.slice(colon + 1)));
  }
  return counts;
}

function percentilesOf(counts: Histogram): Percentiles {
  const sorted = [...counts].sort(([a], [b]) => a - b);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return NONE;
  const at = (part: number) => {
    const wanted = Math.max(1, Math.ceil(part * total));
    let seen = 0;
    for (const [us, count] of sorted) {
      seen += count;
      if (seen >= wanted) return us;
    }
    return sorted.at(-1)![0];
  };
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
