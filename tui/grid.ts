// Tables: which columns there is room for, how wide each is, rows in order. Pure.

import { fit, plain, widthOf } from "./format.ts";
import type { Row } from "./snapshot.ts";
import type { Line, Span, Tone } from "./theme.ts";

/** A column of a table on the screen. */
export interface Column {
  /** Unique in its table; what the sort order is remembered by. */
  readonly key: string;
  readonly title: string;
  /** Columns of the terminal, at least. */
  readonly width: number;
  /** At most; content decides in between. @default {width} */
  readonly widthMax?: number;
  /** Takes what room is left. @default {false} */
  readonly grows?: boolean;
  /** Numbers stand to the right. @default {"left"} */
  readonly align?: "left" | "right";
  /** Columns with the highest number go first where there is no room; 0 stays. @default {0} */
  readonly drop?: number;
  readonly text: (row: Row) => string;
  readonly tone?: (row: Row) => Tone | undefined;
  /** What rows are sorted by; columns without it cannot be. Null comes last. */
  readonly order?: (row: Row) => number | string | null;
  /** The first press of the sort key shows the largest first. @default {true where numbers are} */
  readonly descends?: boolean;
}

/** A column with the room it has got. */
export interface PlacedColumn {
  readonly column: Column;
  readonly width: number;
}

/** Columns in their places. */
export interface Placement {
  readonly placed: readonly PlacedColumn[];
  /** Blanks between two columns. */
  readonly gap: number;
}

/** How rows are ordered. */
export interface Sort {
  /** A column's key; undefined: as the proxy gives them. */
  readonly key: string | undefined;
  readonly descending: boolean;
}

const GAP = 1;
const WIDE_GAP = 2;

/** Chooses columns and their widths for so many columns of the terminal. */
export function place(
  columns: readonly Column[],
  rows: readonly Row[],
  { width, sort }: { readonly width: number; readonly sort: Sort },
): Placement {
  const wanted = new Map(columns.map((column) => [column, leastWidth(column, sort)]));
  let kept = [...columns];
  const needs = (gap: number) =>
    kept.reduce((sum, column) => sum + wanted.get(column)!, 0) + gap * (kept.length - 1);
  while (needs(GAP) > width) {
    const last = Math.max(...kept.map(({ drop = 0 }) => drop));
    if (last === 0) break;
    const at = kept.findLastIndex(({ drop = 0 }) => drop === last);
    kept = kept.filter((_, index) => index !== at);
  }
  const gap = needs(WIDE_GAP) <= width ? WIDE_GAP : GAP;
  // First what cuts nothing off, then what only looks better.
  let spare = Math.max(0, width - needs(gap));
  for (const column of kept) {
    const more = Math.min(spare, contentWidth(column, rows) - wanted.get(column)!);
    if (column.grows || more <= 0) continue;
    wanted.set(column, wanted.get(column)! + more);
    spare -= more;
  }
  const growing = kept.filter(({ grows }) => grows).length;
  const placed = kept.map((column) => {
    const share = column.grows ? Math.floor(spare / growing) : 0;
    return { column, width: wanted.get(column)! + share };
  });
  return { placed, gap };
}

/** The title is to be read, with the arrow where rows are sorted by it. */
function leastWidth({ key, width, title }: Column, sort: Sort): number {
  return Math.max(width, widthOf(title) + (key === sort.key ? 1 : 0));
}

function contentWidth({ width, widthMax = width, text }: Column, rows: readonly Row[]): number {
  if (widthMax <= width) return width;
  const widest = rows.reduce((max, row) => Math.max(max, widthOf(plain(text(row)))), 0);
  return Math.min(widthMax, widest);
}

/** The line with the titles; the one that rows are sorted by has an arrow. */
export function headLine({ placed, gap }: Placement, sort: Sort): Line {
  const spans: Span[] = [];
  for (const [at, { column, width }] of placed.entries()) {
    const isSorted = column.key === sort.key;
    const arrow = sort.descending ? "▾" : "▴";
    const title = isSorted ? column.title + arrow : column.title;
    spans.push({
      text: fit(title, width, column.align) + blank(at < placed.length - 1 ? gap : 0),
      tone: isSorted ? "accent" : "muted",
    });
  }
  return spans;
}

/** The line of a row. */
export function rowLine(
  row: Row,
  { placed, gap }: Placement,
  { width, selected }: { readonly width: number; readonly selected: boolean },
): Line {
  const spans: (Span | string)[] = [];
  for (const [at, { column, width: own }] of placed.entries()) {
    const text = fit(plain(column.text(row)), own, column.align);
    const tone = selected ? undefined : column.tone?.(row);
    const between = blank(at < placed.length - 1 ? gap : 0);
    if (tone === undefined) spans.push(text + between);
    else spans.push({ text, tone }, between);
  }
  if (!selected) return spans;
  const whole = spans.map((span) => typeof span === "string" ? span : span.text).join("");
  return [{ text: fit(whole, width), tone: "selected" }];
}

function blank(width: number): string {
  return " ".repeat(Math.max(0, width));
}

/** Rows in order; those without a value come last either way, equal ones stay as they are. */
export function sorted(
  rows: readonly Row[],
  columns: readonly Column[],
  sort: Sort,
): readonly Row[] {
  const order = columns.find(({ key }) => key === sort.key)?.order;
  if (order === undefined) return rows;
  const keyed = rows.map((row) => ({ row, value: order(row) }));
  const sign = sort.descending ? -1 : 1;
  keyed.sort((a, b) => {
    if (a.value === null || b.value === null) {
      return Number(a.value === null) - Number(b.value === null);
    }
    return sign * compare(a.value, b.value);
  });
  return keyed.map(({ row }) => row);
}

function compare(a: number | string, b: number | string): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;
}

/** Which rows are seen: the window that has the cursor in it and moves as little as it must. */
export function windowTop(
  cursor: number,
  { top, height, count }: {
    readonly top: number;
    readonly height: number;
    readonly count: number;
  },
): number {
  const last = Math.max(0, count - height);
  if (cursor < top) return Math.min(cursor, last);
  if (cursor >= top + height) return Math.min(cursor - height + 1, last);
  return Math.min(top, last);
}
