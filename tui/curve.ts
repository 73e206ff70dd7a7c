// Curves out of block characters: one line high, or several. Pure.

import type { Maybe } from "./format.ts";

const BLOCKS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;

/** A value at a time. */
export interface Point {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly value: Maybe<number>;
}

/** How a curve is drawn. */
export interface CurveShape {
  /** Columns. */
  readonly width: number;
  /** How much time the columns stand for together, milliseconds. */
  readonly spanMs: number;
  /** The time at the right edge. */
  readonly nowMs: number;
}

/**
 * The largest value of each column, oldest first; null where there is none. Columns begin at
 * multiples of their own length, so that a curve moves in whole columns and does not flicker.
 */
export function columnsOf(points: readonly Point[], shape: CurveShape): (number | null)[] {
  const { width, spanMs, nowMs } = shape;
  const columns: (number | null)[] = new Array<number | null>(Math.max(0, width)).fill(null);
  if (width <= 0) return columns;
  const columnMs = spanMs / width;
  const last = Math.floor(nowMs / columnMs);
  for (const { atMs, value } of points) {
    if (value === null || value === undefined) continue;
    const at = width - 1 - (last - Math.floor(atMs / columnMs));
    if (at < 0 || at >= width) continue;
    columns[at] = Math.max(columns[at] ?? 0, value);
  }
  return bridged(columns);
}

/** Where columns are shorter than the time between two readings, the reading before stands. */
function bridged(columns: (number | null)[]): (number | null)[] {
  for (let at = 1; at < columns.length; at++) {
    if (columns[at] === null && columns[at - 1] !== null && hasLater(columns, at)) {
      columns[at] = columns[at - 1];
    }
  }
  return columns;
}

/** A gap of a few columns is only the time between two readings; a long one is real. */
const GAP_MAX = 3;

function hasLater(columns: readonly (number | null)[], from: number): boolean {
  return columns.slice(from, from + GAP_MAX).some((value) => value !== null) ||
    from >= columns.length - GAP_MAX;
}

/** One eighth below the full block, so that curves of lines below each other stay apart. */
const SPARK_TOP = BLOCKS.length - 2;

/** A curve of one line. */
export function sparkline(points: readonly Point[], shape: CurveShape): string {
  const columns = columnsOf(points, shape);
  const top = Math.max(0, ...columns.map((value) => value ?? 0));
  return columns.map((value) => {
    if (value === null) return " ";
    if (top === 0) return BLOCKS[0];
    return BLOCKS[Math.round(value / top * SPARK_TOP)];
  }).join("");
}

/** A curve of several lines, top line first, and the value at its upper edge. */
export function chart(
  points: readonly Point[],
  shape: CurveShape & { readonly height: number },
): { readonly lines: readonly string[]; readonly top: number } {
  const columns = columnsOf(points, shape);
  const top = niceTop(Math.max(0, ...columns.map((value) => value ?? 0)));
  const lines: string[] = [];
  for (let row = shape.height - 1; row >= 0; row--) {
    lines.push(columns.map((value) => cellOf(value, { row, height: shape.height, top })).join(""));
  }
  return { lines, top };
}

function cellOf(
  value: number | null,
  { row, height, top }: { readonly row: number; readonly height: number; readonly top: number },
): string {
  if (value === null) return " ";
  const eighths = top === 0 ? 0 : Math.round(value / top * height * BLOCKS.length);
  const here = eighths - row * BLOCKS.length;
  if (here >= BLOCKS.length) return "█";
  if (here > 0) return BLOCKS[here - 1];
  // What is nothing still is something that was measured.
  return row === 0 ? BLOCKS[0] : " ";
}

/** The next of 1, 2, 5, 10, 20 ... above a value, so that the scale changes seldom. */
function niceTop(value: number): number {
  if (value <= 0) return 0;
  const base = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * base).find((it) => it >= value * 0.999)!;
}

/** A filled bar, as of a limit: `████░░░░`. */
export function bar(part: number, width: number): string {
  const filled = Math.max(0, Math.min(width, Math.round(part * width)));
  return "█".repeat(filled) + "░".repeat(width - filled);
}
