// The tables a run prints.

import type { RunRecord } from "./history.ts";
import type { Column, Part } from "./part.ts";
import type { Entry } from "./run.ts";

/** Smaller changes are not called better or worse. */
const CHANGE_PERCENT_MIN = 3;

/** One case: a line for each contender, ratios to others beside the figures. */
export function caseTable(part: Part, entries: readonly Entry[]): string {
  const spreadOf = part.rounds > 1 ? part.columns[0] : undefined;
  const header = [""];
  for (const { title, ratioTo, addedTo } of part.columns) {
    header.push(title, ...(ratioTo ?? []).map((name) => `× ${name}`));
    if (addedTo !== undefined) header.push("added");
  }
  if (spreadOf) header.push("spread");
  const lines = entries.map((entry) => {
    const cells = [entry.contender];
    for (const column of part.columns) {
      const { figure, digits, ratioTo, addedTo } = column;
      cells.push(number(entry.median[figure], digits));
      if (addedTo !== undefined) {
        cells.push(number(added(entry, { figure, to: addedTo, entries }), digits));
      }
      for (const name of ratioTo ?? []) {
        cells.push(number(ratio(entry, { figure, to: name, entries }), 2));
      }
    }
    if (spreadOf) cells.push(`±${spread(entry, spreadOf.figure).toFixed(0)} %`);
    return cells;
  });
  return table([header, ...lines]);
}

/**
 * What has changed since an earlier run: ratios to another contender of the same run where the
 * column has them, for these do not change with the machine's speed; otherwise the figures.
 */
export function changeTable(
  before: RunRecord,
  now: RunRecord,
  { parts }: { readonly parts: readonly Part[] },
): string {
  const lines: string[][] = [];
  for (const part of parts) {
    for (const column of part.columns) {
      if (column.better === undefined) continue;
      for (const entry of now.entries) {
        const was = before.entries.find((other) =>
          other.part === part.name && other.case === entry.case &&
          other.contender === entry.contender
        );
        if (entry.part !== part.name || was === undefined) continue;
        const line = change(column, { was, entry, before, now });
        if (line !== undefined) lines.push(line);
      }
    }
  }
  if (lines.length === 0) return "";
  return table([["", "", "before", "now", "change", ""], ...lines]);
}

function change(
  { figure, title, digits, ratioTo, better }: Column,
  { was, entry, before, now }: {
    readonly was: Entry;
    readonly entry: Entry;
    readonly before: RunRecord;
    readonly now: RunRecord;
  },
): string[] | undefined {
  let values: [number | undefined, number | undefined] = [
    was.median[figure],
    entry.median[figure],
  ];
  let name = title;
  let shownDigits = digits;
  const to = ratioTo?.[0];
  if (to !== undefined) {
    if (entry.contender === to) return undefined;
    const ratios: typeof values = [
      ratio(was, { figure, to, entries: before.entries }),
      ratio(entry, { figure, to, entries: now.entries }),
    ];
    if (ratios[0] !== undefined && ratios[1] !== undefined) {
      values = ratios;
      name = `${title} × ${to}`;
      shownDigits = 2;
    }
  }
  const [first, second] = values;
  if (first === undefined || second === undefined || first === 0) return undefined;
  const percent = (second / first - 1) * 100;
  const isBetter = better === "more" ? percent > 0 : percent < 0;
  const noise = Math.max(spread(was, figure), spread(entry, figure), CHANGE_PERCENT_MIN);
  const word = Math.abs(percent) <= noise ? "" : isBetter ? "better" : "worse";
  return [
    `${entry.case} ${entry.contender}`,
    name,
    number(first, shownDigits),
    number(second, shownDigits),
    `${percent > 0 ? "+" : ""}${percent.toFixed(0)} %`,
    word,
  ];
}

/** Which figure is compared with whose, among what was measured. */
interface Comparison {
  readonly figure: string;
  readonly to: string;
  readonly entries: readonly Entry[];
}

/** A figure divided by another contender's in the same case; undefined where one is missing. */
export function ratio(entry: Entry, comparison: Comparison): number | undefined {
  const own = entry.median[comparison.figure];
  const base = baseOf(entry, comparison);
  return own === undefined || base === undefined || base === 0 ? undefined : own / base;
}

/** What a contender adds to another one's figure in the same case; undefined where one is missing. */
export function added(entry: Entry, comparison: Comparison): number | undefined {
  const own = entry.median[comparison.figure];
  const base = baseOf(entry, comparison);
  return own === undefined || base === undefined ? undefined : own - base;
}

function baseOf(entry: Entry, { figure, to, entries }: Comparison): number | undefined {
  return entries.find(({ contender, part, case: id }) =>
    contender === to && part === entry.part && id === entry.case
  )?.median[figure];
}

/**
 * Half the distance from the worst to the best round, in percent of the median; without end where
 * there was one round, which tells nothing of it.
 */
function spread({ rounds, median }: Entry, figure: string): number {
  if (rounds.length < 2) return Infinity;
  const values = rounds.map((figures) => figures[figure]);
  return (Math.max(...values) - Math.min(...values)) / 2 / median[figure] * 100;
}

function number(value: number | undefined, digits: number): string {
  if (value === undefined) return "–";
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** Columns as wide as their widest cell, the first to the left, the others to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, at) => Math.max(...rows.map((row) => row[at].length)));
  const line = (row: readonly string[]) =>
    row.map((cell, at) => at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))
      .join("  ").trimEnd();
  return rows.map(line).join("\n");
}
