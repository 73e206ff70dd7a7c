// All that is known of one row, as labels and values in columns. Pure.

import { bytes, duration, fit, micros, millis, plain, UNKNOWN, widthOf, wrap } from "./format.ts";
import type { Row, Value } from "./snapshot.ts";
import type { Line } from "./theme.ts";

/**
 * Values that are longer have lines of their own below the others; where the others would be cut off
 * then, those that are longer than the next of these.
 */
const LONG = [40, 28, 20, 14];
const GAP = 3;
/** A column of labels and values is not narrower. */
const LEAST = 16;

/** A row in so many columns, at most so many lines. */
export function detailLines(
  row: Row,
  { width, height }: { readonly width: number; readonly height: number },
): readonly Line[] {
  const entries = Object.entries(row).map(([name, value]) =>
    [label(name, row), shown(name, value)] as const
  );
  const splits = LONG.map((long) => split(entries, long, { width, height }));
  return (splits.find(({ isWhole }) => isWhole) ?? splits[0]).lines;
}

/** The lines with values of some length below the others, and whether none of the others is cut off. */
function split(
  entries: readonly Entry[],
  longFrom: number,
  { width, height }: { readonly width: number; readonly height: number },
): { readonly lines: readonly Line[]; readonly isWhole: boolean } {
  const all = entries.filter(([, value]) => widthOf(value) <= longFrom);
  const long = entries.filter(([, value]) => widthOf(value) > longFrom);
  const longs = long.map(([name, value]) => wrapped(name, value, width));
  // What is long is what somebody wants to read: it gets up to half, or what the others leave.
  const longLines = longs.reduce((sum, { length }) => sum + length, 0);
  const room = { width, height: height - Math.min(longLines, Math.floor(height / 2)) };
  // Where not all has room, what is not known has none.
  const short = totalOf(gridOf(all, room).natural) <= width
    ? all
    : all.filter(([, value]) => value !== UNKNOWN);
  const lines = gridded(short, room);
  return {
    lines: [...lines, ...shortened(longs, height - lines.length).flat()],
    isWhole: totalOf(gridOf(short, room).natural) <= width,
  };
}

/** A long value under its name, in as many lines as it takes. */
function wrapped(name: string, value: string, width: number): readonly Line[] {
  const indent = Math.max(10, name.length) + 2;
  return wrap(value, width - indent).map((text, at): Line => [
    { text: (at === 0 ? name : "").padEnd(indent), tone: "muted" },
    text,
  ]);
}

/** In so many lines at most: the longest ones end with `…` first, none goes before all have one line. */
function shortened(
  longs: readonly (readonly Line[])[],
  height: number,
): readonly (readonly Line[])[] {
  const wanted = longs.reduce((sum, { length }) => sum + length, 0);
  if (wanted <= height) return longs;
  const room = longs.map(({ length }) => length);
  for (let over = wanted - Math.max(height, longs.length); over > 0; over--) {
    room[room.indexOf(Math.max(...room))]--;
  }
  return longs.slice(0, Math.max(0, height)).map((lines, at) => {
    if (room[at] === lines.length) return lines;
    const [name, text] = lines[room[at] - 1] as readonly [Line[number], string];
    return [...lines.slice(0, room[at] - 1), [name, `${text.slice(0, -1)}…`]];
  });
}

type Entry = readonly [label: string, value: string];

interface Grid {
  readonly columns: number;
  /** Of each column, the width of its labels and of its values. */
  readonly widths: Widths;
  /** And what they would have if there were room. */
  readonly natural: Widths;
}

type Widths = readonly (readonly [label: number, value: number])[];

/** As many columns as there is room for without cutting anything off; more, if all is to be there. */
function gridOf(
  entries: readonly Entry[],
  { width, height }: { readonly width: number; readonly height: number },
): Grid {
  const most = Math.max(1, Math.floor((width + GAP) / (LEAST + GAP)));
  const needed = Math.min(most, Math.max(1, Math.ceil(entries.length / Math.max(1, height))));
  for (let columns = most; columns > needed; columns--) {
    const widths = widthsFor(entries, columns);
    if (totalOf(widths) <= width) return { columns, widths, natural: widths };
  }
  const natural = widthsFor(entries, needed);
  const widths = widthsFor(entries, needed);
  // Where it has to be, the longest values are cut off.
  for (let over = totalOf(widths) - width; over > 0; over--) {
    const widest = widths.reduce((left, right) => right[1] > left[1] ? right : left);
    widest[1] = Math.max(1, widest[1] - 1);
  }
  return { columns: needed, widths, natural };
}

function totalOf(widths: Widths): number {
  return widths.reduce((sum, [label, value]) => sum + label + value + GAP, -GAP);
}

function widthsFor(entries: readonly Entry[], columns: number): [label: number, value: number][] {
  const rows = Math.max(1, Math.ceil(entries.length / columns));
  return Array.from({ length: columns }, (_, column) => {
    const own = entries.slice(column * rows, (column + 1) * rows);
    const widest = (part: 0 | 1) => Math.max(0, ...own.map((entry) => widthOf(entry[part])));
    return [widest(0) + 2, widest(1)];
  });
}

/** Down the first column, then down the next. */
function gridded(
  entries: readonly Entry[],
  { width, height }: { readonly width: number; readonly height: number },
): readonly Line[] {
  const { columns, widths } = gridOf(entries, { width, height });
  const rows = Math.min(Math.max(1, Math.ceil(entries.length / columns)), Math.max(0, height));
  const lines: Line[] = [];
  for (let row = 0; row < rows; row++) {
    const line: Line[number][] = [];
    for (const [column, [labelWidth, valueWidth]] of widths.entries()) {
      const entry = entries[column * rows + row];
      if (entry === undefined) break;
      if (column > 0) line.push(" ".repeat(GAP));
      line.push({ text: fit(entry[0], labelWidth), tone: "muted" }, fit(entry[1], valueWidth));
    }
    lines.push(line);
  }
  return lines;
}

/** Without its unit, which the value has; a time of what has a name too is told from that. */
function label(name: string, row: Row): string {
  const bare = name.replace(/_(s|us|ms|bytes)$/, "");
  return `${bare}${bare !== name && bare in row ? " time" : ""}`.replaceAll("_", " ");
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
