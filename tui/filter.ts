// What a filter means: words that rows are to have, all of them. Pure.
//
// `word` anywhere in the row; `user:app` in that column; `age>60` and `lag<5` for numbers; `!` in
// front of any of them means not.

import { numberOf, type Row, textOf } from "./snapshot.ts";

/** Whether a row is to be shown. */
export type Predicate = (row: Row) => boolean;

/** Short names of columns, as people say them. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  age: ["age_s"],
  idle: ["idle_s"],
  query: ["statement", "text"],
  sql: ["statement", "text"],
  pin: ["pins", "reason"],
  lag: ["lag_ms"],
  since: ["since_s"],
  p95: ["p95_us"],
  time: ["statement_us"],
};

const TERM = /^(!?)(?:([a-z_0-9]+)([:=<>]))?(.*)$/i;

/** Makes a predicate of what somebody has typed; an empty filter lets all rows through. */
export function compileFilter(filter: string): Predicate {
  const terms = filter.split(/\s+/).filter((term) => term !== "" && term !== "!").map(compileTerm);
  return (row) => terms.every((term) => term(row));
}

function compileTerm(term: string): Predicate {
  const [, not, column, sign, wanted] = TERM.exec(term)!;
  const holds = column === undefined || wanted === ""
    ? anywhere((column ?? "") + (sign ?? "") + wanted)
    : inColumn(ALIASES[column.toLowerCase()] ?? [column.toLowerCase()], sign!, wanted);
  return not === "!" ? (row) => !holds(row) : holds;
}

function anywhere(wanted: string): Predicate {
  const lower = wanted.toLowerCase();
  return (row) =>
    Object.values(row).some((value) =>
      value !== null && String(value).toLowerCase().includes(lower)
    );
}

function inColumn(columns: readonly string[], sign: string, wanted: string): Predicate {
  const lower = wanted.toLowerCase();
  const bound = Number(wanted);
  return (row) =>
    columns.some((column) => {
      if (sign === ":") return textOf(row, column).toLowerCase().includes(lower);
      if (sign === "=") return textOf(row, column).toLowerCase() === lower;
      const value = numberOf(row, column);
      return value !== null && (sign === ">" ? value > bound : value < bound);
    });
}
