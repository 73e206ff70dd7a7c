// What the proxy promises, judged within one run.

import { baselineOf } from "./baseline.ts";
import type { ServerKind } from "../tests/servers/mod.ts";
import { LOAD_LIMITS } from "./load_limits.ts";
import { added, ratio } from "./report.ts";
import type { Entry } from "./run.ts";

/** A limit and how the run stands to it. */
export interface Verdict {
  readonly text: string;
  readonly kept: boolean;
  /** It does not depend on what else the machine does. */
  readonly repeatable: boolean;
}

/** A bound on a figure of some cases, within one run. */
export interface Limit {
  readonly cases: RegExp;
  readonly contender: string;
  /** The servers it is promised for; all where it is absent. */
  readonly servers?: readonly ServerKind[];
  readonly words: string;
  readonly figure: string;
  /** The figure is divided by this contender's. */
  readonly to?: string;
  /** After this one's has been taken off both. */
  readonly addedTo?: string;
  /** The figure is divided by the same contender's in the case whose name this gives. */
  readonly toCase?: (id: string) => string;
  /** The figure is divided by the baseline's. */
  readonly toBaseline?: true;
  readonly most?: number;
  readonly least?: number;
}

const LIMITS: readonly Limit[] = [
  ...LOAD_LIMITS,
  {
    cases: /^[a-z]+-[a-z]+\/16$/,
    contender: "mysqlproxy",
    words: "CPU per query, × haproxy",
    figure: "cpuMicros",
    to: "haproxy",
    most: 1.25,
  },
  {
    cases: /^point-text\/16$/,
    contender: "mysqlproxy-pool",
    words: "CPU per query, × haproxy",
    figure: "cpuMicros",
    to: "haproxy",
    most: 1.25,
  },
  {
    cases: /^(?:point-prepared|read-write)\/16$/,
    contender: "mysqlproxy-pool",
    words: "CPU per query, × haproxy",
    figure: "cpuMicros",
    to: "haproxy",
    most: 1.4,
  },
  {
    cases: /^point-prepared\/16$/,
    contender: "mysqlproxy-pool",
    words: "QPS, × that of text",
    figure: "qps",
    toCase: (id) => id.replace("prepared", "text"),
    least: 0.95,
  },
  {
    cases: /^result\//,
    contender: "mysqlproxy",
    words: "speed, × direct",
    figure: "megabytesPerSecond",
    to: "direct",
    least: 0.8,
  },
  {
    cases: /^idle\//,
    contender: "mysqlproxy",
    words: "RSS rise, MiB",
    figure: "riseMib",
    most: 25,
  },
  {
    cases: /^slow-result\//,
    contender: "mysqlproxy",
    words: "peak RSS rise, MiB",
    figure: "riseMib",
    most: 64,
  },
  {
    cases: /^crowd\//,
    contender: "mysqlproxy-pool",
    words: "p99/p50",
    figure: "p99PerP50",
    most: 1.5,
  },
  {
    cases: /^writers\//,
    contender: "mysqlproxy-pool",
    words: "connections the server saw",
    figure: "serverConnections",
    most: 8,
  },
  {
    cases: /^idle-pooled\//,
    contender: "mysqlproxy-pool",
    words: "RSS rise, MiB",
    figure: "riseMib",
    most: 45,
  },
  ...["mysqlproxy-session", "mysqlproxy-unpiped"].map((contender): Limit => ({
    cases: /^instructions\//,
    contender,
    words: "instructions, × baseline",
    figure: "instructions",
    toBaseline: true,
    most: 1.1,
  })),
  {
    cases: /^logins\//,
    contender: "mysqlproxy-known",
    words: "visits, × direct",
    figure: "perSecond",
    to: "direct",
    least: 1,
  },
];

/** Every limit that the run has figures for. */
export function judge(entries: readonly Entry[], kind: ServerKind): Verdict[] {
  const verdicts: Verdict[] = [];
  for (const entry of entries) {
    for (const limit of LIMITS) {
      const { cases, contender, words, most, least } = limit;
      if (contender !== entry.contender || !cases.test(entry.case)) continue;
      if (limit.servers?.includes(kind) === false) continue;
      const value = valueOf(limit, entry, entries);
      if (value === undefined) continue;
      const kept = value <= (most ?? Infinity) && value >= (least ?? -Infinity);
      const bound = most === undefined ? `at least ${least}` : `at most ${most}`;
      const verdict = kept ? "kept  " : "MISSED";
      const text = `${verdict}  ${contender}, ${entry.case}: ${words}: ${
        value.toFixed(2)
      }, ${bound}`;
      verdicts.push({ text, kept, repeatable: limit.toBaseline === true });
    }
  }
  return verdicts;
}

function valueOf(
  { figure, to, addedTo, toCase, toBaseline }: Limit,
  entry: Entry,
  entries: readonly Entry[],
): number | undefined {
  if (toBaseline === true) {
    const base = baselineOf(entry)?.[figure];
    return base === undefined ? undefined : entry.median[figure] / base;
  }
  if (to !== undefined && addedTo !== undefined) {
    const own = added(entry, { figure, to: addedTo, entries });
    const other = entries.find((each) => each.contender === to && each.case === entry.case);
    const its = other && added(other, { figure, to: addedTo, entries });
    return own === undefined || its === undefined ? undefined : own / its;
  }
  if (to !== undefined) return ratio(entry, { figure, to, entries });
  const value = entry.median[figure];
  if (toCase === undefined) return value;
  const id = toCase(entry.case);
  const other = entries.find((each) => each.contender === entry.contender && each.case === id);
  return other && value / other.median[figure];
}
