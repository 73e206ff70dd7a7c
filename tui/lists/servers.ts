// The servers: what they are, how late, how busy.

import { cut } from "../format.ts";
import { type Model, percentilesNow, rateOf } from "../model.ts";
import { numberOf, type Row, textOf } from "../snapshot.ts";
import type { Tone } from "../theme.ts";
import {
  above,
  type List,
  microsColumn,
  millisColumn,
  numberColumn,
  quoted,
  rateColumn,
  secondsColumn,
  textColumn,
} from "./list.ts";

/** A sign for each state, so that colour is not needed. */
const SIGNS: Readonly<Record<string, string>> = {
  up: "●",
  suspect: "?",
  lagging: "◐",
  recovering: "◔",
  draining: "◌",
  down: "×",
  "wrong-cluster": "≠",
};

const TONES: Readonly<Record<string, Tone>> = {
  up: "ok",
  suspect: "warn",
  lagging: "warn",
  recovering: "warn",
  draining: "muted",
  down: "bad",
  "wrong-cluster": "bad",
};

/** A state as a tone. */
export function stateTone(state: string): Tone | undefined {
  return TONES[state];
}

/** A state with its sign; one that is not watched has none. */
function stateWord(state: string): string {
  return state === "" ? "–" : `${SIGNS[state] ?? "·"} ${state}`;
}

const LAG_WARN_MS = 1000;
const LAG_BAD_MS = 10_000;

/** Which server, in what state, since when, how late, how busy. */
export const serversList: List = {
  name: "servers",
  title: "Servers",
  tables: ["servers", "events"],
  sort: { key: undefined, descending: false },
  columns: [
    textColumn("name", { title: "SERVER", width: 14, widthMax: 40 }),
    textColumn("role", {
      title: "ROLE",
      width: 7,
      text: (row) => textOf(row, "role") || "–",
      tone: (row) => textOf(row, "role") === "primary" ? "strong" : undefined,
    }),
    textColumn("state", {
      title: "STATE",
      width: 9,
      widthMax: 15,
      text: (row) => stateWord(textOf(row, "state")),
      tone: (row) => stateTone(textOf(row, "state")),
    }),
    secondsColumn("since_s", { title: "SINCE", width: 6, drop: 3 }),
    millisColumn("lag_ms", {
      title: "LAG",
      width: 6,
      tone: above("lag_ms", { warn: LAG_WARN_MS, bad: LAG_BAD_MS }),
    }),
    numberColumn("behind", { title: "BEHIND", width: 6, drop: 4 }),
    numberColumn("connections_used", { title: "USED", width: 4 }),
    numberColumn("connections_idle", { title: "IDLE", width: 4 }),
    numberColumn("connections_max", { title: "MAX", width: 4, drop: 2 }),
    rateColumn("qps", { title: "QPS", width: 5 }),
    rateColumn("failing", { title: "ERR/S", width: 5, drop: 6 }),
    microsColumn("p50_us", { title: "P50", width: 6, drop: 8 }),
    microsColumn("p95_us", { title: "P95", width: 6 }),
    microsColumn("p99_us", { title: "P99", width: 6, drop: 7 }),
    numberColumn("weight", { title: "WT", width: 2, drop: 1 }),
    millisColumn("rtt_ms", { title: "RTT", width: 6, drop: 9 }),
    numberColumn("outstanding", { title: "OPEN", width: 4, drop: 10 }),
    textColumn("version", { title: "VERSION", width: 7, widthMax: 24, drop: 12 }),
    textColumn("note", {
      title: "WHY",
      width: 12,
      grows: true,
      drop: 11,
      tone: (row) => textOf(row, "error") === "" ? "muted" : "warn",
    }),
  ],
  rows: (model) =>
    (model.tables.servers ?? []).map((row) => ({
      ...row,
      ...latencyOf(model, row),
      behind: numberOf(row, "transactions_behind"),
      qps: rateOf(model, "servers", { row, column: "sent" }),
      failing: rateOf(model, "servers", { row, column: "errors" }),
      note: textOf(row, "reason") || textOf(row, "error"),
    })),
  keyOf: (row) => textOf(row, "name"),
  empty: () => "no servers are known yet",
  orders: {
    d: {
      label: "drain",
      order: (row) => order("DRAIN", row, "No new sessions or reads go to it until it is enabled."),
    },
    e: {
      label: "enable",
      order: (row) => order("ENABLE", row, "It is used again."),
    },
  },
};

/** How long its answers took in the last seconds; where that is not told, since the start. */
function latencyOf(model: Model, server: Row): Row {
  const name = textOf(server, "name");
  const isOwn = (row: Row) =>
    textOf(row, "stage") === "execute" && textOf(row, "target") === name &&
    row["histogram"] !== undefined;
  if (!model.stages.at(-1)!.rows.some(isOwn)) return {};
  const { p50, p95, p99 } = percentilesNow(model, isOwn);
  return { p50_us: p50, p95_us: p95, p99_us: p99 };
}

function order(verb: "DRAIN" | "ENABLE", row: Row, what: string) {
  const name = textOf(row, "name");
  return {
    question: `${verb === "DRAIN" ? "Drain" : "Enable"} ${cut(name, 40)}? ${what}`,
    statement: `${verb} SERVER ${quoted(name)}`,
  };
}
