// Connections to servers, one by one, and the pools that they are in.

import { rateOf } from "../model.ts";
import { numberOf, type Row, textOf } from "../snapshot.ts";
import {
  type List,
  microsColumn,
  numberColumn,
  quoted,
  rateColumn,
  secondsColumn,
  textColumn,
} from "./list.ts";

/** One row a server connection. */
export const connectionsList: List = {
  name: "connections",
  title: "Server connections",
  tables: ["backends"],
  sort: { key: "server", descending: false },
  columns: [
    textColumn("server", { title: "SERVER", width: 14, widthMax: 30 }),
    numberColumn("thread", { title: "THREAD", width: 8, show: (id) => String(id ?? "–") }),
    textColumn("user", { title: "USER", width: 8, widthMax: 20 }),
    textColumn("db", { title: "DB", width: 6, widthMax: 16, drop: 2 }),
    textColumn("state", {
      title: "STATE",
      width: 5,
      tone: (row) => textOf(row, "state") === "idle" ? "muted" : undefined,
    }),
    numberColumn("session", {
      title: "SESSION",
      width: 10,
      show: (id) => id === null ? "" : String(id),
    }),
    numberColumn("outstanding", { title: "OPEN", width: 4, drop: 1 }),
    secondsColumn("idle_s", { title: "IDLE", width: 6 }),
    secondsColumn("age_s", { title: "AGE", width: 6, drop: 3 }),
    numberColumn("worker", { title: "WORKER", width: 6, drop: 4 }),
    textColumn("secure", {
      title: "TLS",
      width: 3,
      drop: 5,
      grows: true,
      text: (row) => numberOf(row, "secure") === 1 ? "yes" : "no",
    }),
  ],
  rows: (model) => model.tables.backends ?? [],
  keyOf: (row) => ["server", "worker", "thread"].map((column) => textOf(row, column)).join(" "),
  empty: () => "no connections to servers",
};

/** One row a server and account. */
export const poolsList: List = {
  name: "pools",
  title: "Pools",
  tables: ["pools", "backends"],
  sort: { key: "waiting", descending: true },
  columns: [
    textColumn("server", { title: "SERVER", width: 14, widthMax: 30 }),
    textColumn("account", { title: "ACCOUNT", width: 8, widthMax: 24 }),
    textColumn("state", {
      title: "STATE",
      width: 6,
      tone: (row) => textOf(row, "state") === "paused" ? "warn" : undefined,
    }),
    numberColumn("sessions", { title: "CLIENTS", width: 7 }),
    numberColumn("running", { title: "USED", width: 4 }),
    numberColumn("idle", { title: "IDLE", width: 4 }),
    numberColumn("max", {
      title: "MAX",
      width: 4,
      tone: (row) => isFull(row) ? "warn" : undefined,
    }),
    numberColumn("waiting", {
      title: "WAIT",
      width: 4,
      tone: (row) => (numberOf(row, "waiting") ?? 0) > 0 ? "warn" : undefined,
    }),
    microsColumn("maxwait_us", { title: "LONGEST", width: 7 }),
    rateColumn("waits_s", { title: "WAITS/S", width: 7, drop: 1 }),
    rateColumn("opened_s", { title: "OPENED/S", width: 8, drop: 3 }),
    microsColumn("longest_wait_us", { title: "EVER", width: 6, drop: 4 }),
    numberColumn("waits_timed_out", { title: "TIMEOUT", width: 7, drop: 2 }),
    numberColumn("reset", { title: "RESET", width: 5, drop: 6 }),
    numberColumn("evicted", { title: "EVICTED", width: 7, drop: 7 }),
    numberColumn("open_failures", { title: "FAILED", width: 6, drop: 5 }),
    textColumn("last_error", {
      title: "LAST ERROR",
      width: 12,
      grows: true,
      drop: 8,
      tone: () => "warn",
    }),
  ],
  rows: (model) =>
    (model.tables.pools ?? []).map((row) => ({
      ...row,
      waits_s: rateOf(model, "pools", { row, column: "waits" }),
      opened_s: rateOf(model, "pools", { row, column: "opened" }),
    })),
  keyOf: (row) => `${textOf(row, "server")} ${textOf(row, "account")}`,
  empty: (model) =>
    textOf(model.tables.proxy?.[0], "pool_mode") === "session"
      ? "no shared pools: each client has a connection of its own (pool.mode is session)"
      : "no shared pools yet",
  orders: {
    P: {
      label: "pause/resume",
      order: (row) => {
        const account = textOf(row, "account");
        const isPaused = textOf(row, "state") === "paused";
        return isPaused
          ? {
            question: `Resume the pool of ${account}?`,
            statement: `RESUME POOL ${quoted(account)}`,
          }
          : {
            question: `Pause the pool of ${account}? Its clients wait until it is resumed.`,
            statement: `PAUSE POOL ${quoted(account)}`,
          };
      },
    },
  },
};

function isFull(row: Row): boolean {
  const max = numberOf(row, "max");
  return max !== null && max > 0 && (numberOf(row, "running") ?? 0) >= max;
}
