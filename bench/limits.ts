// What the proxy promises, judged within one run.

import { ratio } from "./report.ts";
import type { Entry } from "./run.ts";

/** A limit and how the run stands to it. */
export interface Verdict {
  readonly text: string;
  readonly kept: boolean;
}

interface Limit {
  readonly cases: RegExp;
  readonly words: string;
  readonly figure: string;
  /** The figure is divided by this contender's. */
  readonly to?: string;
  readonly most?: number;
  readonly least?: number;
}

const SUBJECT = "mysqlproxy";

const LIMITS: readonly Limit[] = [
  {
    cases: /^[a-z-]+\/16$/,
    words: "CPU per query, × haproxy",
    figure: "cpuMicros",
    to: "haproxy",
    most: 1.25,
  },
  {
    cases: /^result\//,
    words: "speed, × direct",
    figure: "megabytesPerSecond",
    to: "direct",
    least: 0.8,
  },
  { cases: /^idle\//, words: "RSS rise, MiB", figure: "riseMib", most: 25 },
  { cases: /^slow-result\//, words: "peak RSS rise, MiB", figure: "riseMib", most: 64 },
];

/** Every limit that the run has figures for. */
export function judge(entries: readonly Entry[]): Verdict[] {
  const verdicts: Verdict[] = [];
  for (const entry of entries.filter(({ contender }) => contender === SUBJECT)) {
    for (const { cases, words, figure, to, most, least } of LIMITS) {
      if (!cases.test(entry.case)) continue;
      const value = to === undefined ? entry.median[figure] : ratio(entry, { figure, to, entries });
      if (value === undefined) continue;
      const kept = value <= (most ?? Infinity) && value >= (least ?? -Infinity);
      const bound = most === undefined ? `at least ${least}` : `at most ${most}`;
      verdicts.push({
        text: `${kept ? "kept  " : "MISSED"}  ${entry.case}: ${words}: ${
          value.toFixed(2)
        }, ${bound}`,
        kept,
      });
    }
  }
  return verdicts;
}
