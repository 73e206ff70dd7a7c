// What a list of the screen is: which tables it needs, its rows, its columns, and what can be done
// to a row.

import type { Column, Sort } from "../grid.ts";
import type { Model } from "../model.ts";
import { numberOf, type Row, type TableName, textOf } from "../snapshot.ts";
import type { Order, ViewName } from "../state.ts";
import type { Tone } from "../theme.ts";
import { count, duration, micros, millis, rate } from "../format.ts";

/** A list of the screen. */
export interface List {
  readonly name: ViewName;
  readonly title: string;
  /** What it needs beside the tables that are read for the header anyway. */
  readonly tables: readonly TableName[];
  readonly columns: readonly Column[];
  /** The order that it has by itself. */
  readonly sort: Sort;
  /** Its rows, with columns that are computed from more than one reading. */
  rows(model: Model): readonly Row[];
  /** What tells a row from the others, from one reading to the next. */
  keyOf(row: Row): string;
  /** What it says where there are no rows. */
  empty(model: Model): string;
  /** Commands for the selected row, by the key that gives them. */
  readonly orders?: Readonly<Record<string, ListOrder>>;
}

/** A command for the row under the cursor. */
export interface ListOrder {
  /** What the key does, in a word or two, for the bottom line and the help. */
  readonly label: string;
  /** Undefined where it makes no sense for this row. */
  order(row: Row): Order | undefined;
}

type Shape = Pick<Column, "title" | "width"> & Partial<Column>;

/** A column of text as the table has it. */
export function textColumn(key: string, shape: Shape): Column {
  return {
    key,
    text: (row) => textOf(row, key),
    order: (row) => textOf(row, key),
    descends: false,
    ...shape,
  };
}

/** A column of a number, shown by one of the functions of `format.ts`. */
export function numberColumn(
  key: string,
  shape: Shape & { readonly show?: (value: number | null) => string },
): Column {
  const { show = count, ...rest } = shape;
  return {
    key,
    align: "right",
    text: (row) => show(numberOf(row, key)),
    order: (row) => numberOf(row, key),
    descends: true,
    ...rest,
  };
}

/** A column of events a second. */
export function rateColumn(key: string, shape: Shape): Column {
  return numberColumn(key, { show: rate, ...shape });
}

/** A column of a time in microseconds. */
export function microsColumn(key: string, shape: Shape): Column {
  return numberColumn(key, { show: micros, ...shape });
}

/** A column of a time in milliseconds. */
export function millisColumn(key: string, shape: Shape): Column {
  return numberColumn(key, { show: millis, ...shape });
}

/** A column of a time in seconds. */
export function secondsColumn(key: string, shape: Shape): Column {
  return numberColumn(key, { show: duration, ...shape });
}

/** A tone where a number passes one bound or another. */
export function above(
  column: string,
  bounds: { readonly warn: number; readonly bad: number },
): (row: Row) => Tone | undefined {
  return (row) => {
    const value = numberOf(row, column);
    if (value === null) return undefined;
    return value >= bounds.bad ? "bad" : value >= bounds.warn ? "warn" : undefined;
  };
}

/** A name as a string of SQL. */
export function quoted(name: string): string {
  return `'${name.replaceAll("'", "''")}'`;
}

/** For tables that are filled only by proxies that measure what they tell. */
export function notMeasured(what: string): string {
  return `${what}: not measured by this proxy`;
}
