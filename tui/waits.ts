// Where statements spend their time: by stage, and where they are at this moment. Pure.

import { bar } from "./curve.ts";
import { count, elapsed, percent } from "./format.ts";
import { type Column, headLine, place, rowLine, type Sort } from "./grid.ts";
import { microsColumn, numberColumn, rateColumn, textColumn } from "./lists/list.ts";
import { type Model, percentilesNow, rateOf } from "./model.ts";
import { numberOf, type Row, sumOf, textOf } from "./snapshot.ts";
import type { Line } from "./theme.ts";

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

interface Place {
  readonly state: string;
  readonly words: string;
  readonly count: number;
  /** Of all sessions, 0 to 1. */
  readonly part: number;
  /** Seconds; null: nobody is under way there. */
  readonly longestS: number | null;
}

function places(model: Model): readonly Place[] {
  const states = model.tables.states ?? [];
  const all = sumOf(states, "sessions") ?? 0;
  return STATES.map(([state, words]) => {
    const row = states.find((each) => textOf(each, "state") === state);
    const own = numberOf(row, "sessions") ?? 0;
    return {
      state,
      words,
      count: own,
      part: all === 0 ? 0 : own / all,
      longestS: numberOf(row, "longest_s"),
    };
  });
}

/** How many sessions are where now, in one line. */
export function nowLine(model: Model): Line {
  return [
    { text: "Now".padEnd(LABEL), tone: "strong" },
    ...places(model).flatMap(({ state, count, longestS }): Line => [
      { text: String(count), tone: state === "wait" && count > 0 ? "warn" : undefined },
      ` ${state}`,
      { text: `${longestS === null ? "" : ` ${elapsed(longestS)}`}   `, tone: "muted" },
    ]),
  ];
}

/** How many sessions are where now, with bars. */
export function nowLines(model: Model, width: number): readonly Line[] {
  const barWidth = Math.max(8, Math.min(40, width - LABEL - NUMBER * 2 - TEXT - 6));
  return [
    [{
      text: `${"NOW".padEnd(LABEL)}${"COUNT".padStart(NUMBER)} ${"LONGEST".padStart(NUMBER)}`,
      tone: "muted",
    }],
    ...places(model).map(({ state, words, count: number, part, longestS }): Line => {
      const isWait = state === "wait" && number > 0;
      return [
        { text: state.padEnd(LABEL), tone: number === 0 ? "muted" : undefined },
        { text: count(number).padStart(NUMBER), tone: isWait ? "warn" : undefined },
        " ",
        elapsed(longestS).padStart(NUMBER),
        "  ",
        { text: bar(part, barWidth), tone: isWait ? "warn" : "curve" },
        "  ",
        { text: words, tone: "muted" },
      ];
    }),
  ];
}

const BAR = 24;
const BY_TIME: Sort = { key: "part", descending: true };

const STAGE_COLUMNS: readonly Column[] = [
  textColumn("stage", { title: "STAGE", width: 11, widthMax: 18 }),
  textColumn("target", { title: "TARGET", width: 4, widthMax: 22, drop: 2 }),
  numberColumn("part", { title: "TIME%", width: 6, show: percent }),
  textColumn("bar", {
    title: "",
    width: BAR,
    drop: 3,
    text: (row) => bar(numberOf(row, "part") ?? 0, BAR),
    tone: () => "curve",
  }),
  rateColumn("count_s", { title: "RATE", width: 6 }),
  numberColumn("busy", {
    title: "BUSY",
    width: 6,
    show: (busy) => busy === null ? "–" : busy.toFixed(busy < 10 ? 2 : 0),
  }),
  microsColumn("p50_us", { title: "P50", width: 6 }),
  microsColumn("p95_us", { title: "P95", width: 6 }),
  microsColumn("p99_us", { title: "P99", width: 6 }),
  microsColumn("max_us", { title: "MAX", width: 6, drop: 1 }),
];

/** The stages, by how much of all time passes in them; none where they are not measured. */
export function stageLines(model: Model, { width, max }: {
  readonly width: number;
  readonly max: number;
}): readonly Line[] {
  const rows = stageRows(model).slice(0, max);
  if (rows.length === 0) return [];
  const placement = place(STAGE_COLUMNS, rows, { width, sort: BY_TIME });
  return [
    headLine(placement, BY_TIME),
    ...rows.map((row) => rowLine(row, placement, { width, selected: false })),
  ];
}

function stageRows(model: Model): readonly Row[] {
  const stages = (model.tables.stages ?? []).filter((row) => textOf(row, "stage") !== "total");
  const all = sumOf(stages, "sum_us");
  const rows = stages.map((row) => {
    const sum = numberOf(row, "sum_us");
    // Microseconds in a stage each second: a million of them are one statement that is always there.
    const busy = rateOf(model, "stages", { row, column: "sum_us" });
    const isSame = (other: Row) =>
      other["stage"] === row["stage"] && other["target"] === row["target"];
    const { p50, p95, p99 } = percentilesNow(model, isSame);
    return {
      ...row,
      p50_us: p50,
      p95_us: p95,
      p99_us: p99,
      target: textOf(row, "target") || "all",
      part: sum === null || !all ? null : sum / all,
      count_s: rateOf(model, "stages", { row, column: "count" }),
      busy: busy === null ? null : busy / 1e6,
    };
  });
  return rows.toSorted((a, b) => (b.part ?? 0) - (a.part ?? 0));
}
