// What came of a run, in words.

import { type Account, isClean } from "./ledger.ts";
import type { Outcome } from "./run.ts";

/** Errors alike are told once, with how many there were. */
export function complaintCounts(outcome: Outcome): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { what, code, message, fatal } of outcome.complaints) {
    const text = `${what}: ${code} ${message}${fatal ? " (connection gone)" : ""}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return counts;
}

/** Lines about an outcome. */
export function outcomeLines(outcome: Outcome): string[] {
  const { account, timeline, wrong, reconnects, backMs } = outcome;
  const { longest } = timeline;
  return [
    ...timeline.marks.map(({ atMs, what }) => `  ${(atMs / 1000).toFixed(2)} s  ${what}`),
    accountLine(account),
    `longest: write ${ms(longest.write)}, read ${ms(longest.read)}, error ${ms(longest.error)}; ` +
    `back after ${backMs.map(ms).join(", ") || "-"}; connections lost ${reconnects}; ` +
    `wrong answers ${wrong.length}`,
    ...[...complaintCounts(outcome)].map(([text, times]) => `  ${times} x ${text}`),
    ...wrong.slice(0, WRONG_MAX).map((text) => `  wrong: ${text}`),
    ...(isClean(account) ? [] : [`  ${JSON.stringify(account)}`.slice(0, LINE_MAX)]),
  ];
}

const WRONG_MAX = 5;
const LINE_MAX = 2000;

function accountLine(account: Account): string {
  const { written, acknowledged, refused, unknown, unknownDone } = account;
  const { lost, doubled, denied, foreign } = account;
  return `${written} writes: ${acknowledged} acknowledged, ${refused} refused, ` +
    `${unknown} unknown (${unknownDone} of them done); ` +
    `lost ${lost.length}, double ${doubled.length}, done though refused ${denied.length}, ` +
    `foreign ${foreign.length}`;
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}
