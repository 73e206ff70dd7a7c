// What the proxy has said and counted: its log, errors of servers, counters.

import { timestamp } from "../format.ts";
import { rateOf } from "../model.ts";
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
    textColumn("first_seen", { title: "FIRST", width: 18, drop: 2, text: timeOf("first_seen") }),
    textColumn("last_seen", { title: "LAST", width: 18, text: timeOf("last_seen") }),
  ],
  rows: (model) =>
    (model.tables.errors ?? []).map((row) => ({
      ...row,
      count_s: rateOf(model, "errors", { row, column: "count" }),
    })),
  keyOf: (row) => `${textOf(row, "code")} ${textOf(row, "server")}`,
  empty: () => "no errors were counted",
};

function timeOf(column: string): (row: Row) => string {
  return (row) => {
    const ms = Date.parse(textOf(row, column));
    return Number.isNaN(ms) ? "–" : timestamp(ms);
  };
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
    textColumn("time", { title: "TIME", width: 18, text: timeOf("time"), tone: () => "muted" }),
    textColumn("severity", {
      title: "LEVEL",
      width: 5,
      tone: (row) => SEVERITY_TONES[textOf(row, "severity")],
    }),
    textColumn("event", { title: "EVENT", width: 20, widthMax: 40 }),
    textColumn("fields", { title: "", width: 10, grows: true, tone: () => "muted" }),
  ],
  rows: (model) => (model.tables.log ?? []).toReversed(),
  keyOf: (row) => textOf(row, "number"),
  empty: () => "the log is not kept by this proxy: it is on its standard error",
};
