// The rows that a list shows, by what was chosen: filtered, in order, and where the cursor is. Pure.

import { compileFilter } from "./filter.ts";
import { type Column, type Sort, sorted } from "./grid.ts";
import type { List } from "./lists/list.ts";
import type { Model } from "./model.ts";
import type { Row } from "./snapshot.ts";
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
  return { list, rows, total: all.length, sort, cursor, selected: rows[cursor] };
}

/** The cursor stays on its row wherever that goes; without it, it stays at its place. */
function cursorIn(rows: readonly Row[], list: List, { selected, at }: ListState): number {
  if (rows.length === 0) return -1;
  if (selected === undefined) return Math.min(at, rows.length - 1);
  const found = rows.findIndex((row) => list.keyOf(row) === selected);
  return found >= 0 ? found : Math.min(at, rows.length - 1);
}

/** The order by the next column that rows can be ordered by. */
export function nextSort(list: List, sort: Sort, by: 1 | -1): Sort {
  const columns = list.columns.filter(({ order }) => order !== undefined);
  const at = columns.findIndex(({ key }) => key === sort.key);
  const from = at < 0 && by < 0 ? 0 : at;
  const column = columns[(from + by + columns.length) % columns.length];
  return column === undefined ? sort : { key: column.key, descending: isDescending(column) };
}

function isDescending({ descends }: Column): boolean {
  return descends ?? false;
}
