// What came of a run, in words.

import { type Account, isClean } from "./ledger.ts";
import { type Cost, FAULTS } from "./faults.ts";
import type { Complaint } from "./load.ts";
import type { Outcome } from "./run.ts";
import { markLine, type Timeline } from "./timeline.ts";

/** What a client has paid; undefined: it was told something that nobody is to be told. */
function costOf({ what, code, message, fatal }: Complaint): Cost | undefined {
  if (fatal || what === "connect") return "gone";
  if (what === "read") return undefined;
  if (message.includes("it is unknown whether it has run")) return "unknown";
  if (what !== "transaction") return undefined;
  if (code === "ER_LOCK_DEADLOCK" && message.includes("its server was lost")) return "rolled back";
  return code === "ER_OPTION_PREVENTS_STATEMENT" ? "read-only" : undefined;
}

/** Complaints that the faults do not account for. */
export function unaccounted(
  { complaints, periods, replay, isAnnounced }: Outcome,
): Complaint[] {
  return complaints.filter((complaint) => {
    // The first session to see the end of a fault may still be told of it.
    const period = periods.findLast(({ fromMs }) => fromMs <= complaint.atMs);
    const cost = costOf(complaint);
    const isFree = period === undefined || (isAnnounced && period.fault === "outside");
    const costs: readonly Cost[] = isFree ? [] : FAULTS[period.fault].costs;
    return cost === undefined || !costs.includes(cost) ||
      (replay && complaint.what === "transaction" && cost !== "gone");
  });
}

/** Nothing is lost, double or stale, and nobody is told what a fault does not account for. */
export function isWell(outcome: Outcome): boolean {
  return isClean(outcome.account) && outcome.wrong.length === 0 &&
    unaccounted(outcome).length === 0;
}

/** Errors alike are told once, with how many there were. */
export function complaintCounts(outcome: Outcome): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { what, code, message, fatal } of outcome.complaints) {
    const text = `${what}: ${code} ${message}${fatal ? " (connection gone)" : ""}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return counts;
}

/** What happened, line by line. */
export function markLines({ timeline }: Outcome): string[] {
  return timeline.marks.map(({ atMs, what }) => markLine(atMs, what));
}

function slowest({ any, read }: { readonly any: number; readonly read: number }): string {
  return `slowest answer ${ms(any)}, read ${ms(read)}`;
}

function slowestOf({ slow }: Timeline, which: string): string[] {
  return slow.filter(({ kind }) => kind === which)
    .toSorted((a, b) => b.tookMs - a.tookMs).slice(0, SLOW_MAX).map(({ atMs, tookMs, kind }) =>
      `  slow ${kind}: ${seconds(atMs - tookMs)} to ${seconds(atMs)}, ${ms(tookMs)}`
    );
}

/** Lines about what came of it. */
export function outcomeLines(outcome: Outcome): string[] {
  const { account, timeline, wrong, reconnects, backMs, directMs } = outcome;
  const { longest } = timeline;
  const firstMs = outcome.periods[0]?.fromMs ?? 0;
  return [
    accountLine(account),
    `longest: write ${ms(longest.write)}, read ${ms(longest.read)}, error ${ms(longest.error)}; ` +
    `back after ${backMs.map(ms).join(", ") || "-"} ` +
    `(a direct write: ${directMs.map(ms).join(", ") || "-"}); connections lost ${reconnects}; ` +
    `wrong answers ${wrong.length}`,
    `  in the second before: ${slowest(timeline.slowestIn(firstMs - 1000, firstMs))}`,
    ...outcome.periods.map(({ fault, fromMs, toMs }) =>
      `  ${fault}: ${seconds(toMs - fromMs)}, ${slowest(timeline.slowestIn(fromMs, toMs))}`
    ),
    ...slowestOf(timeline, "write"),
    ...slowestOf(timeline, "read"),
    ...[...complaintCounts(outcome)].map(([text, times]) => `  ${times} x ${text}`),
    ...unaccounted(outcome).slice(0, WRONG_MAX).map(({ atMs, what, message }) =>
      `  not to be told: ${seconds(atMs)} ${what}: ${message}`
    ),
    ...wrong.slice(0, WRONG_MAX).map((text) => `  wrong: ${text}`),
    ...(isClean(account) ? [] : [`  ${JSON.stringify(account)}`.slice(0, LINE_MAX)]),
  ];
}

const WRONG_MAX = 5;
const SLOW_MAX = 8;
const LINE_MAX = 2000;

function accountLine(account: Account): string {
  const { written, acknowledged, refused, unknown, unknownDone } = account;
  const { lost, doubled, denied, foreign } = account;
  return `${written} writes: ${acknowledged} acknowledged, ${refused} refused, ` +
    `${unknown} unknown (${unknownDone} of them done); ` +
    `lost ${lost.length}, double ${doubled.length}, done though refused ${denied.length}, ` +
    `foreign ${foreign.length}`;
}

function seconds(value: number): string {
  return `${(value / 1000).toFixed(2)} s`;
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}
