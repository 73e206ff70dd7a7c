// What the proxy has said and counted: its log, errors of servers, counters.

import { whenSeen } from "../format.ts";
import { type Model, rateOf } from "../model.ts";
import { type Row, textOf } from "../snapshot.ts";
import type { Tone } from "../theme.ts";
import { type List, numberColumn, rateColumn, textColumn } from "./list.ts";

/** Errors that servers have answered with, the most frequent first. */
export const errorsList: List = {
  name: "errors",
  title: "Errors of servers",
  tables: ["errors"],
  sort: { key: "count", descending: true },
  columns: [
    numberColumn("code", { title: "CODE", width: 5, show: (code) => String(code ?? "–") }),
    textColumn("server", { title: "SERVER", width: 14, widthMax: 30 }),
    numberColumn("count", { title: "COUNT", width: 6 }),
    rateColumn("count_s", { title: "/S", width: 5 }),
    textColumn("first", { title: "FIRST", width: 12, widthMax: 18, drop: 2 }),
    textColumn("last", { title: "LAST", width: 12, widthMax: 18 }),
  ],
  rows: (model) =>
    (model.tables.errors ?? []).map((row) => ({
      ...row,
      count_s: rateOf(model, "errors", { row, column: "count" }),
      first: seen(model, row, "first_seen"),
      last: seen(model, row, "last_seen"),
    })),
  keyOf: (row) => `${textOf(row, "code")} ${textOf(row, "server")}`,
  empty: () => "no errors were counted",
};

function seen(model: Model, row: Row, column: string): string {
  return whenSeen(Date.parse(textOf(row, column)), model.snapshot.atMs);
}

/** All counters. */
export const countersList: List = {
  name: "counters",
  title: "Counters",
  tables: ["counters"],
  sort: { key: undefined, descending: false },
  columns: [
    textColumn("name", { title: "COUNTER", width: 30, widthMax: 40 }),
    numberColumn("value", { title: "VALUE", width: 12, show: (value) => String(value ?? "–") }),
    rateColumn("value_s", { title: "/S", width: 7 }),
  ],
  rows: (model) =>
    (model.tables.counters ?? []).map((row) => ({
      ...row,
      value_s: rateOf(model, "counters", { row, column: "value" }),
    })),
  keyOf: (row) => textOf(row, "name"),
  empty: () => "no counters are told",
};

const SEVERITY_TONES: Readonly<Record<string, Tone>> = {
  error: "bad",
  warn: "warn",
  debug: "muted",
};

/** The last lines of the proxy's log, newest first. */
export const logList: List = {
  name: "log",
  title: "Log",
  tables: ["log"],
  sort: { key: undefined, descending: false },
  columns: [
    textColumn("when", { title: "TIME", width: 12, widthMax: 18, tone: () => "muted" }),
    textColumn("severity", {
      title: "LEVEL",
      width: 5,
      tone: (row) => SEVERITY_TONES[textOf(row, "severity")],
    }),
    textColumn("worker", { title: "WORKER", width: 6, drop: 1, align: "right" }),
    textColumn("event", { title: "EVENT", width: 20, widthMax: 40 }),
    textColumn("fields", { title: "", width: 10, grows: true, tone: () => "muted" }),
  ],
  rows: (model) =>
    (model.tables.log ?? []).map((row) => ({ ...row, when: seen(model, row, "time") })),
  keyOf: (row) => textOf(row, "number"),
  empty: () => "nothing was logged, or the proxy does not tell",
};
