// What the admin port tells at one time: its tables, row by row, under the names that
// `mod/admin/schema.ts` gives them. A column or table that a proxy does not have is simply absent,
// and so reads as "not known".

/** A value of a row; null: not known, or not measured. */
export type Value = string | number | null;

/** A row by the names of its columns. */
export type Row = Readonly<Record<string, Value>>;

/**
 * The tables that screens are made of. Two are sums over long ones: `states` is how many frontends
 * are in which state, `digest_totals` how many digests there are and their time together.
 */
export const TABLES = [
  "proxy",
  "workers",
  "servers",
  "events",
  "pools",
  "pins",
  "counters",
  "stages",
  "errors",
  "frontends",
  "states",
  "backends",
  "digests",
  "digest_totals",
  "rules",
  "properties",
  "log",
] as const;

/** The name of a table. */
export type TableName = typeof TABLES[number];

/** All that was read in one go. Tables that nobody looks at are left out. */
export interface Snapshot {
  /** When it was read, milliseconds since 1970. */
  readonly atMs: number;
  readonly tables: Readonly<Partial<Record<TableName, readonly Row[]>>>;
  /** What was asked for, whether the proxy has it or not; absent in recordings: all. */
  readonly asked?: readonly TableName[];
}

/** A table's rows; none where it was not read. */
export function rowsOf(snapshot: Snapshot | undefined, name: TableName): readonly Row[] {
  return snapshot?.tables[name] ?? [];
}

/** A column as a number; null where it is none. */
export function numberOf(row: Row | undefined, column: string): number | null {
  const value = row?.[column];
  if (typeof value === "number") return value;
  if (typeof value !== "string" || value === "") return null;
  const number = Number(value);
  return Number.isNaN(number) ? null : number;
}

/** A column as text; empty where it is not known. */
export function textOf(row: Row | undefined, column: string): string {
  const value = row?.[column];
  return value === null || value === undefined ? "" : String(value);
}

/** The sum of a column; null where no row knows it. */
export function sumOf(rows: readonly Row[], column: string): number | null {
  let sum: number | null = null;
  for (const row of rows) {
    const value = numberOf(row, column);
    if (value !== null) sum = (sum ?? 0) + value;
  }
  return sum;
}

/** The largest value of a column; null where no row knows it. */
export function maxOf(rows: readonly Row[], column: string): number | null {
  let max: number | null = null;
  for (const row of rows) {
    const value = numberOf(row, column);
    if (value !== null && (max === null || value > max)) max = value;
  }
  return max;
}
