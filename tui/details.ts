// All that is known of one row, as labels and values in columns. Pure.

import { bytes, duration, fit, micros, millis, plain, UNKNOWN, widthOf, wrap } from "./format.ts";
import type { Row, Value } from "./snapshot.ts";
import type { Line } from "./theme.ts";

/** Values that are longer have lines of their own below the others. */
const LONG = 40;
const GAP = 3;

/** A row in so many columns, at most so many lines. */
export function detailLines(
  row: Row,
  { width, height }: { readonly width: number; readonly height: number },
): readonly Line[] {
  const entries = Object.entries(row).map(([name, value]) =>
    [label(name), shown(name, value)] as const
  );
  const short = entries.filter(([, value]) => widthOf(value) <= LONG);
  const long = entries.filter(([, value]) => widthOf(value) > LONG);
  const longLines = long.flatMap(([name, value]): readonly Line[] => {
    const indent = Math.max(10, name.length) + 2;
    return wrap(value, width - indent).map((text, at): Line => [
      { text: (at === 0 ? name : "").padEnd(indent), tone: "muted" },
      text,
    ]);
  });
  // What is long is what somebody wants to read: it gets up to half, or what the others leave.
  const columns = columnsFor(short, width);
  const shortNeeds = Math.ceil(short.length / columns);
  const longRoom = Math.max(height - shortNeeds, Math.floor(height / 2));
  const below = longLines.slice(0, longRoom);
  return [...gridded(short, { width, columns, height: height - below.length }), ...below];
}

type Entry = readonly [label: string, value: string];

function columnsFor(entries: readonly Entry[], width: number): number {
  const widest = entries.reduce(
    (max, [name, value]) => Math.max(max, name.length + widthOf(value)),
    20,
  );
  return Math.max(1, Math.floor((width + GAP) / (Math.min(widest, LONG) + 2 + GAP)));
}

/** Down the first column, then down the next. */
function gridded(
  entries: readonly Entry[],
  { width, columns, height }: {
    readonly width: number;
    readonly columns: number;
    readonly height: number;
  },
): readonly Line[] {
  const rows = Math.min(Math.max(1, Math.ceil(entries.length / columns)), Math.max(0, height));
  const own = Math.floor((width + GAP) / columns) - GAP;
  const lines: Line[] = [];
  for (let row = 0; row < rows; row++) {
    const line: Line[number][] = [];
    for (let column = 0; column < columns; column++) {
      const entry = entries[column * rows + row];
      if (entry === undefined) break;
      const labels = entries.slice(column * rows, (column + 1) * rows);
      const labelWidth = Math.max(...labels.map(([name]) => name.length)) + 2;
      if (column > 0) line.push(" ".repeat(GAP));
      line.push(
        { text: fit(entry[0], labelWidth), tone: "muted" },
        fit(entry[1], Math.max(1, own - labelWidth)),
      );
    }
    lines.push(line);
  }
  return lines;
}

function label(name: string): string {
  return name.replace(/_(s|us|ms|bytes)$/, "").replaceAll("_", " ");
}

function shown(name: string, value: Value): string {
  if (value === null) return UNKNOWN;
  const number = typeof value === "number" ? value : Number(value);
  if (value !== "" && !Number.isNaN(number)) {
    if (name.endsWith("_us")) return micros(number);
    if (name.endsWith("_ms")) return millis(number);
    if (name.endsWith("_s")) return duration(number);
    if (name.startsWith("bytes_") || name.endsWith("_bytes")) return bytes(number);
  }
  return plain(String(value));
}
