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
  width: number,
): readonly PlacedColumn[] {
  const wanted = new Map(columns.map((column) => [column, wantedWidth(column, rows)]));
  let kept = [...columns];
  const needs = (list: readonly Column[]) =>
    list.reduce((sum, column) => sum + wanted.get(column)!, 0) + GAP * (list.length - 1);
  while (needs(kept) > width) {
    const last = Math.max(...kept.map(({ drop = 0 }) => drop));
    if (last === 0) break;
    const at = kept.findLastIndex(({ drop = 0 }) => drop === last);
    kept = kept.filter((_, index) => index !== at);
  }
  let spare = width - needs(kept);
  const growing = kept.filter(({ grows }) => grows);
  return kept.map((column) => {
    let own = wanted.get(column)!;
    if (column.grows) {
      const share = Math.floor(spare / growing.length);
      growing.pop();
      spare -= share;
      own = Math.max(column.width, own + share);
    }
    return { column, width: own };
  });
}

function wantedWidth(column: Column, rows: readonly Row[]): number {
  const { width, widthMax = width, title, text } = column;
  const least = Math.max(width, widthOf(title));
  if (widthMax <= least) return least;
  const content = rows.reduce((max, row) => Math.max(max, widthOf(plain(text(row)))), least);
  return Math.min(widthMax, content);
}

/** The blanks between two columns: two where they cost nothing. */
export function gapOf(placed: readonly PlacedColumn[], width: number): number {
  const used = placed.reduce((sum, column) => sum + column.width, 0);
  return used + WIDE_GAP * (placed.length - 1) <= width ? WIDE_GAP : GAP;
}

/** The line with the titles; the one that rows are sorted by has an arrow. */
export function headLine(placed: readonly PlacedColumn[], gap: number, sort: Sort): Line {
  const spans: Span[] = [];
  for (const [at, { column, width }] of placed.entries()) {
    const isSorted = column.key === sort.key;
    const arrow = sort.descending ? "▾" : "▴";
    const title = isSorted
      ? `${column.title.slice(0, Math.max(0, width - 1))}${arrow}`
      : column.title;
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
  placed: readonly PlacedColumn[],
  how: { readonly gap: number; readonly width: number; readonly selected: boolean },
): Line {
  const { gap, width, selected } = how;
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
