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

/** A word of a filter. */
interface Term {
  readonly isNot: boolean;
  /** Undefined: anywhere in the row. */
  readonly columns: readonly string[] | undefined;
  readonly sign: ":" | "=" | "<" | ">";
  readonly wanted: string;
}

const TERM = /^(!?)(?:([a-z_0-9]+)([:=<>]))?(.*)$/i;

function termsOf(filter: string): readonly Term[] {
  return filter.split(/\s+/).filter((term) => term !== "" && term !== "!").map((term) => {
    const [, not, column, sign, wanted] = TERM.exec(term)!;
    const isNot = not === "!";
    if (column === undefined || wanted === "") {
      const whole = (column ?? "") + (sign ?? "") + wanted;
      return { isNot, columns: undefined, sign: ":", wanted: whole.toLowerCase() };
    }
    const name = column.toLowerCase();
    return {
      isNot,
      columns: ALIASES[name] ?? [name],
      sign: sign as Term["sign"],
      wanted: wanted.toLowerCase(),
    };
  });
}

/** Makes a predicate of what somebody has typed; an empty filter lets all rows through. */
export function compileFilter(filter: string): Predicate {
  const terms = termsOf(filter);
  return (row) => terms.every((term) => term.isNot !== holds(term, row));
}

function holds({ columns, sign, wanted }: Term, row: Row): boolean {
  if (columns === undefined) {
    return Object.values(row).some((value) =>
      value !== null && String(value).toLowerCase().includes(wanted)
    );
  }
  const bound = Number(wanted);
  return columns.some((column) => {
    if (sign === ":") return textOf(row, column).toLowerCase().includes(wanted);
    if (sign === "=") return textOf(row, column).toLowerCase() === wanted;
    const value = numberOf(row, column);
    return value !== null && (sign === ">" ? value > bound : value < bound);
  });
}

/** The same as a condition of SQL over a table with these columns; empty where all rows fit. */
export function filterSql(filter: string, known: readonly string[]): string {
  return termsOf(filter).map((term) => {
    const columns = term.columns?.filter((column) => known.includes(column)) ?? known;
    // A column that is not there has no rows that fit.
    const condition = columns.map((column) => conditionOf(term, column)).join(" OR ") || "0";
    return term.isNot ? `NOT (${condition})` : `(${condition})`;
  }).join(" AND ");
}

function conditionOf({ sign, wanted }: Term, column: string): string {
  const text = `lower(ifnull(${column}, ''))`;
  const value = `'${wanted.replaceAll("'", "''")}'`;
  if (sign === ":") return `instr(${text}, ${value}) > 0`;
  if (sign === "=") return `${text} = ${value}`;
  const bound = Number(wanted);
  return Number.isNaN(bound) ? "0" : `ifnull(${column} ${sign} ${bound}, 0)`;
}
