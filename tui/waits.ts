// Where statements spend their time: by stage, and where they are at this moment. Pure.

import { bar } from "./curve.ts";
import { count, fit, micros, percent, rate } from "./format.ts";
import { type Model, rateOf } from "./model.ts";
import { numberOf, type Row, sumOf, textOf } from "./snapshot.ts";
import type { Line } from "./theme.ts";
import { runningS } from "./lists/frontends.ts";

/** States of a session, in the order in which a statement goes through them. */
const STATES = [
  ["login", "logging in"],
  ["wait", "waiting for a server connection"],
  ["restore", "restoring the session's state"],
  ["execute", "at the server"],
  ["sleep", "waiting for the client"],
] as const;

const LABEL = 9;
const NUMBER = 7;
const TEXT = 33;

/** How many sessions are where now, with bars. */
export function nowLines(model: Model, width: number): readonly Line[] {
  const frontends = model.tables.frontends ?? [];
  const barWidth = Math.max(8, Math.min(40, width - LABEL - NUMBER * 2 - TEXT - 6));
  return [
    [{
      text: `${"NOW".padEnd(LABEL)}${"COUNT".padStart(NUMBER)} ${"LONGEST".padStart(NUMBER)}`,
      tone: "muted",
    }],
    ...STATES.map(([state, words]): Line => {
      const own = frontends.filter((row) => textOf(row, "state") === state);
      const longest = own.reduce((max, row) => Math.max(max, runningS(row) ?? 0), 0);
      const part = frontends.length === 0 ? 0 : own.length / frontends.length;
      const isWait = state === "wait" && own.length > 0;
      return [
        { text: state.padEnd(LABEL), tone: own.length === 0 ? "muted" : undefined },
        { text: count(own.length).padStart(NUMBER), tone: isWait ? "warn" : undefined },
        " ",
        (own.length === 0 || state === "sleep" ? "" : micros(longest * 1e6)).padStart(NUMBER),
        "  ",
        { text: bar(part, barWidth), tone: isWait ? "warn" : "curve" },
        "  ",
        { text: words, tone: "muted" },
      ];
    }),
  ];
}

/** The stages, by how much of all time passes in them; none where they are not measured. */
export function stageLines(model: Model, { width, max }: {
  readonly width: number;
  readonly max: number;
}): readonly Line[] {
  const stages = (model.tables.stages ?? []).filter((row) => textOf(row, "stage") !== "total");
  if (stages.length === 0) return [];
  const all = sumOf(stages, "sum_us");
  const rows = stages.toSorted((a, b) =>
    (numberOf(b, "sum_us") ?? 0) - (numberOf(a, "sum_us") ?? 0)
  );
  const barWidth = Math.max(0, Math.min(30, width - 84));
  return [
    [{
      text: [
        "STAGE".padEnd(14),
        "TARGET".padEnd(20),
        "RATE".padStart(6),
        "BUSY".padStart(6),
        "P50".padStart(7),
        "P95".padStart(7),
        "P99".padStart(7),
        "TIME%".padStart(6),
      ].join(" "),
      tone: "muted",
    }],
    ...rows.slice(0, max).map((row) => stageLine(row, { model, all, barWidth })),
  ];
}

function stageLine(
  row: Row,
  { model, all, barWidth }: {
    readonly model: Model;
    readonly all: number | null;
    readonly barWidth: number;
  },
): Line {
  const sum = numberOf(row, "sum_us");
  const part = sum === null || !all ? null : sum / all;
  // Microseconds a second are how many statements are in the stage at any moment, times a million.
  const busy = rateOf(model, "stages", { row, column: "sum_us" });
  return [
    fit(textOf(row, "stage"), 14),
    " ",
    fit(textOf(row, "target") || "all", 20),
    " ",
    rate(rateOf(model, "stages", { row, column: "count" })).padStart(6),
    " ",
    (busy === null ? "–" : (busy / 1e6).toFixed(busy < 1e7 ? 2 : 0)).padStart(6),
    ...["p50_us", "p95_us", "p99_us"].map((column) =>
      ` ${micros(numberOf(row, column)).padStart(7)}`
    ),
    " ",
    percent(part).padStart(6),
    "  ",
    { text: part === null ? "" : bar(part, barWidth), tone: "curve" },
  ];
}
