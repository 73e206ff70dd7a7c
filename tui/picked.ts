// The rows that a list shows, by what was chosen: filtered, in order, and where the cursor is. Pure.

import type { SessionsWanted } from "./feed.ts";
import { compileFilter, filterSql } from "./filter.ts";
import { type Column, type Sort, sorted } from "./grid.ts";
import type { List } from "./lists/list.ts";
import type { Model } from "./model.ts";
import { type Row, sumOf, textOf } from "./snapshot.ts";
import type { ListState } from "./state.ts";

/** A list as it is shown. */
export interface Picked {
  readonly list: List;
  readonly rows: readonly Row[];
  /** How many there are without the filter. */
  readonly total: number;
  readonly sort: Sort;
  /** Where the cursor is; -1: there are no rows. */
  readonly cursor: number;
  readonly selected: Row | undefined;
}

/** The rows to show. */
export function pick(list: List, chosen: ListState, model: Model | undefined): Picked {
  const all = model === undefined ? [] : list.rows(model);
  const sort = chosen.sort ?? list.sort;
  const kept = chosen.filter === "" ? all : all.filter(compileFilter(chosen.filter));
  const rows = sorted(kept, list.columns, sort);
  const cursor = cursorIn(rows, list, chosen);
  const total = totalOf(list, model) ?? all.length;
  return { list, rows, total, sort, cursor, selected: rows[cursor] };
}

/** Frontends are not all read; how many there are is known all the same. */
function totalOf(list: List, model: Model | undefined): number | null {
  const states = model?.tables.states;
  if (states === undefined || !list.tables.includes("frontends")) return null;
  const own = list.name === "waiting"
    ? states.filter((row) => textOf(row, "state") !== "sleep")
    : states;
  return sumOf(own, "sessions") ?? 0;
}

/** The cursor stays on its row wherever that goes; without it, it stays at its place. */
function cursorIn(rows: readonly Row[], list: List, { selected, at }: ListState): number {
  if (rows.length === 0) return -1;
  if (selected === undefined) return Math.min(at, rows.length - 1);
  const found = rows.findIndex((row) => list.keyOf(row) === selected);
  return found >= 0 ? found : Math.min(at, rows.length - 1);
}

/** The order by the next of the columns that are seen. */
export function nextSort(columns: readonly Column[], sort: Sort, by: 1 | -1): Sort {
  const sortable = columns.filter(({ order }) => order !== undefined);
  const at = sortable.findIndex(({ key }) => key === sort.key);
  const from = at < 0 && by < 0 ? 0 : at;
  const column = sortable[(from + by + sortable.length) % sortable.length];
  return column === undefined ? sort : { key: column.key, descending: column.descends ?? false };
}

/** Frontends are read in portions of so many. */
export const SESSIONS_AHEAD = 200;

/** Which frontends have to be read for a list to show what was chosen; undefined: none. */
export function sessionsFor(list: List, chosen: ListState): SessionsWanted | undefined {
  if (!list.tables.includes("frontends")) return undefined;
  const { key = "", descending } = chosen.sort ?? list.sort;
  const filter = filterSql(chosen.filter, SESSION_COLUMNS);
  const own = list.name === "waiting" ? "state <> 'sleep'" : "";
  const column = SORTED_BY[key] ?? (SESSION_COLUMNS.includes(key) ? key : "id");
  return {
    where: [own, filter].filter((part) => part !== "").join(" AND "),
    order: `${column} IS NULL, ${column}${descending ? " DESC" : ""}`,
    // In steps, so that moving about does not ask for other rows each time.
    limit: SESSIONS_AHEAD * (1 + Math.floor((chosen.at + SESSIONS_AHEAD / 2) / SESSIONS_AHEAD)),
  };
}

/** Columns of `frontends`, all there are for filters. */
const SESSION_COLUMNS: readonly string[] = [
  "id",
  "worker",
  "user",
  "host",
  "db",
  "command",
  "state",
  "age_s",
  "idle_s",
  "in_transaction",
  "server",
  "thread",
  "pins",
  "statement",
  "statement_us",
  "commands",
  "bytes_received",
  "bytes_sent",
  "tls",
];

/** Columns of the screen that the table does not have. */
const SORTED_BY: Readonly<Record<string, string>> = {
  running_s:
    "(CASE WHEN statement_us IS NOT NULL THEN statement_us / 1e6 WHEN state <> 'sleep' THEN idle_s END)",
};
