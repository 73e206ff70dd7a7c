// What a table of the admin port is: its columns with their meaning, and where its rows come from.

import type { PoolStatus } from "../backend/mod.ts";
import type { WorkerSurvey } from "../proxy/mod.ts";
import type { Details } from "../session/mod.ts";
import { Baselines } from "./proxysql/baselines.ts";
import type { AdminView } from "./view.ts";

/** A value of a row; null is SQL's NULL. */
export type Value = string | number | null;

/** A row by its columns. */
export type TableRow = Readonly<Record<string, Value>>;

/** Rows cannot be read or changed; the message is for who asks. */
export class RefusedError extends Error {}

/** A column as SQL and people see it. */
export interface Column {
  readonly name: string;
  readonly type: "INTEGER" | "REAL" | "TEXT";
  /** What it says, with unit and meaning of NULL. */
  readonly doc: string;
  /** What SQL is to hold it to, as in `NOT NULL DEFAULT 0`; absent: nothing. */
  readonly constraint?: string | undefined;
}

/** The databases that tables are in. */
export type Schema = "main" | "disk" | "stats" | "monitor" | "stats_history";

/** A table. */
export interface Table {
  readonly name: string;
  readonly schema: Schema;
  readonly doc: string;
  readonly columns: readonly Column[];
  /** The columns by which a row is told from others; none: rows are not. */
  readonly key: readonly string[];
  /** Reading it sets its figures to 0: it is filled for one statement alone. */
  readonly resets: boolean;
  /** Its rows as they are now, values in the order of the columns. */
  read(source: Source): Promise<readonly (readonly Value[])[]>;
}

/** What tables are filled from. What it has to ask workers for is asked at most once. */
export interface Source {
  readonly view: AdminView;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Whether hashes of passwords may be among the rows. */
  readonly showsSecrets: boolean;
  /** From when on ProxySQL's tables count. */
  readonly baselines: Baselines;
  surveys(): Promise<readonly WorkerSurvey[]>;
  pools(): Promise<readonly PoolStatus[]>;
  details(): Promise<readonly Details[]>;
}

/** A column: its type, what it says, and its value for a row. */
export type ColumnOf<Row> = readonly [
  type: Column["type"],
  doc: string,
  value: (row: Row) => Value | boolean,
  constraint?: string,
];

/** Declares a table: SQL and the documentation are made from this. */
export function table<Row>(name: string, declaration: {
  readonly doc: string;
  /** @default {"main"} */
  readonly schema?: Schema;
  /** @default none */
  readonly key?: readonly string[];
  /** @default {false} */
  readonly resets?: boolean;
  readonly rows: (source: Source) => readonly Row[] | Promise<readonly Row[]>;
  readonly columns: Readonly<Record<string, ColumnOf<Row>>>;
}): Table {
  const { doc, schema = "main", key = [], resets = false, rows, columns } = declaration;
  const values = Object.values(columns).map(([, , value]) => value);
  return {
    name,
    schema,
    doc,
    key,
    resets,
    columns: Object.entries(columns).map(([name, [type, doc, , constraint]]) => ({
      name,
      type,
      doc,
      constraint,
    })),
    async read(source) {
      const found = await rows(source);
      return found.map((row) => values.map((value) => plain(value(row))));
    },
  };
}

/** SQLite has no booleans. */
function plain(value: Value | boolean): Value {
  return typeof value === "boolean" ? Number(value) : value;
}

/** Milliseconds since 1970 as text that sorts. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

/** Milliseconds as seconds, to the millisecond. */
export function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}

/** What workers ask each other for, asked once for all tables of a statement. */
export function makeSource(
  view: AdminView,
  { showsSecrets = false, baselines = new Baselines() } = {},
): Source {
  let surveys: Promise<readonly WorkerSurvey[]> | undefined;
  let pools: Promise<readonly PoolStatus[]> | undefined;
  let details: Promise<readonly Details[]> | undefined;
  return {
    view,
    nowMs: Date.now(),
    showsSecrets,
    baselines,
    surveys: () => surveys ??= view.running.survey(),
    pools: () => pools ??= view.running.managePools(undefined),
    details: () => details ??= view.running.details(),
  };
}
