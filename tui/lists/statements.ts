// Statements by their digest: how many, how long, what part of all the time.

import { percent } from "../format.ts";
import { rateOf } from "../model.ts";
import { numberOf, type Row, sumOf, textOf } from "../snapshot.ts";
import {
  above,
  type List,
  microsColumn,
  notMeasured,
  numberColumn,
  rateColumn,
  textColumn,
} from "./list.ts";

const SHARE_WARN = 0.25;
const SHARE_BAD = 0.5;

/** One row a digest and server, the one that takes most of the time first. */
export const statementsList: List = {
  name: "statements",
  title: "Statements",
  tables: ["digests", "digest_totals"],
  sort: { key: "share", descending: true },
  columns: [
    numberColumn("share", {
      title: "TIME%",
      width: 5,
      show: percent,
      tone: above("share", { warn: SHARE_WARN, bad: SHARE_BAD }),
    }),
    rateColumn("qps", { title: "QPS", width: 5 }),
    numberColumn("count", { title: "COUNT", width: 5 }),
    microsColumn("mean_us", { title: "MEAN", width: 6, drop: 3 }),
    microsColumn("p50_us", { title: "P50", width: 6, drop: 6 }),
    microsColumn("p95_us", { title: "P95", width: 6 }),
    microsColumn("p99_us", { title: "P99", width: 6, drop: 5 }),
    microsColumn("max_us", { title: "MAX", width: 6, drop: 7 }),
    numberColumn("rows_per", {
      title: "ROWS",
      width: 5,
      drop: 2,
      show: (rows) => rows === null ? "–" : rows < 10 ? rows.toFixed(1) : String(Math.round(rows)),
    }),
    numberColumn("errors", {
      title: "ERR",
      width: 4,
      drop: 4,
      tone: above("errors", { warn: 1, bad: Infinity }),
    }),
    textColumn("target", { title: "TARGET", width: 10, widthMax: 22, drop: 1 }),
    textColumn("db", { title: "DB", width: 6, widthMax: 14, drop: 8 }),
    textColumn("text", {
      title: "STATEMENT",
      width: 24,
      grows: true,
      text: (row) => textOf(row, "text") || "(without a digest)",
    }),
  ],
  rows(model) {
    const digests = model.tables.digests ?? [];
    const all = numberOf(model.tables.digest_totals?.[0], "sum_us") ?? sumOf(digests, "sum_us");
    return digests.map((row) => ({
      ...row,
      share: part(numberOf(row, "sum_us"), all),
      qps: rateOf(model, "digests", { row, column: "count" }),
      mean_us: part(numberOf(row, "sum_us"), numberOf(row, "count")),
      rows_per: part(numberOf(row, "rows_sent"), numberOf(row, "count")),
    }));
  },
  keyOf: (row: Row) => ["digest", "target", "db", "user"].map((it) => textOf(row, it)).join(" "),
  empty: () => notMeasured("statements by digest"),
};

function part(value: number | null, whole: number | null): number | null {
  return value === null || whole === null || whole === 0 ? null : value / whole;
}
