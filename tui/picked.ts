// The rows that a list shows, by what was chosen: filtered, in order, and where the cursor is. Pure.

import type { Portion, Portions } from "./feed.ts";
import { compileFilter, filterSql } from "./filter.ts";
import { type Column, type Sort, sorted } from "./grid.ts";
import type { List } from "./lists/list.ts";
import type { Model } from "./model.ts";
import { numberOf, type Row, sumOf, textOf } from "./snapshot.ts";
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

/** Long tables are not read whole; how many rows they have is known all the same. */
function totalOf({ name }: List, model: Model | undefined): number | null {
  if (name === "statements") return numberOf(model?.tables.digest_totals?.[0], "digests");
  const states = model?.tables.states;
  if (states === undefined || name !== "frontends" && name !== "waiting") return null;
  const isAll = name === "frontends";
  return sumOf(states.filter((row) => isAll || textOf(row, "state") !== "sleep"), "sessions") ?? 0;
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

/** Rows of long tables are read in portions of so many. */
export const PORTION = 100;

/** Which rows of long tables have to be read for a list to show what was chosen. */
export function portionsFor(list: List, chosen: ListState): Portions {
  if (list.name === "statements") return { digests: portionOf(list, chosen, DIGESTS) };
  if (list.name === "frontends") return { frontends: portionOf(list, chosen, FRONTENDS) };
  if (list.name !== "waiting") return {};
  const portion = portionOf(list, chosen, FRONTENDS);
  const where = ["state <> 'sleep'", portion.where].filter((part) => part !== "").join(" AND ");
  return { frontends: { ...portion, where } };
}

/** A long table, as far as it is filtered and sorted. */
interface Long {
  readonly columns: readonly string[];
  /** Columns of the screen that the table does not have. */
  readonly computed: Readonly<Record<string, string>>;
  /** What rows are sorted by where it is a column that only the screen has. */
  readonly otherwise: string;
}

function portionOf(list: List, chosen: ListState, long: Long): Portion {
  const { key = "", descending } = chosen.sort ?? list.sort;
  const column = long.computed[key] ?? (long.columns.includes(key) ? key : undefined);
  return {
    where: filterSql(chosen.filter, long.columns),
    order: column === undefined
      ? long.otherwise
      : `${column} IS NULL, ${column}${descending ? " DESC" : ""}`,
    // In steps, so that moving about does not ask for other rows each time.
    limit: PORTION * (1 + Math.floor((chosen.at + PORTION / 2) / PORTION)),
  };
}

const FRONTENDS: Long = {
  columns: [
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
  ],
  computed: {
    running_s:
      "(CASE WHEN statement_us IS NOT NULL THEN statement_us / 1e6 WHEN state <> 'sleep' THEN idle_s END)",
  },
  otherwise: "id",
};

const DIGESTS: Long = {
  columns: [
    "digest",
    "text",
    "db",
    "user",
    "target",
    "count",
    "errors",
    "rows_sent",
    "rows_affected",
    "sum_us",
    "max_us",
    "p50_us",
    "p95_us",
    "p99_us",
  ],
  computed: {
    share: "sum_us",
    mean_us: "(sum_us * 1.0 / count)",
    rows_per: "(rows_sent * 1.0 / count)",
  },
  otherwise: "sum_us DESC",
};
