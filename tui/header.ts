// The first lines: who is looked at, how much goes on, how it went over the last minutes. Pure.

import { type Point, sparkline } from "./curve.ts";
import {
  bytes,
  clock,
  count,
  cut,
  duration,
  fit,
  type Maybe,
  micros,
  percent,
  rate,
  UNKNOWN,
  widthOf,
} from "./format.ts";
import { latest, type Model, rateOf, type Sample, seriesOf, spanOf } from "./model.ts";
import { numberOf, type Row, sumOf, textOf } from "./snapshot.ts";
import { type Line, type Span, type Tone, withoutTones } from "./theme.ts";

/** How the proxy is reached. */
export type Link =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  | { readonly kind: "lost"; readonly sinceMs: number; readonly reason: string }
  | { readonly kind: "recording"; readonly at: number; readonly count: number };

/** What the first line says beside what the proxy does. */
export interface Situation {
  readonly link: Link;
  /** An address, or a file. */
  readonly name: string;
  readonly paused: boolean;
  readonly intervalMs: number;
  /** The file that all is written to. */
  readonly recordingTo: string | undefined;
  /** Now, milliseconds since 1970. */
  readonly nowMs: number;
}

/** How much time a curve of the header shows: the first of these that has all that is known. */
const CURVE_SPANS_MS = [60_000, 3 * 60_000];
/** Lines of the header. */
export const HEADER_LINES = 4;

const ERRORS_WARN = 0.001;
const ERRORS_BAD = 0.01;

/** The header, for so many columns. */
export function headerLines(
  model: Model | undefined,
  situation: Situation,
  width: number,
): readonly Line[] {
  const title = titleLine(model, situation, width);
  if (model === undefined) return [title, [], [], []];
  const sample = latest(model);
  const nowMs = model.snapshot.atMs;
  const left = Math.floor((width - 2 - BETWEEN) / 2);
  const right = width - 2 - BETWEEN - left;
  const curve = (name: Exclude<keyof Sample, "atMs">) => ({
    points: seriesOf(model, name),
    spanMs: spanOf(model, CURVE_SPANS_MS),
    nowMs,
  });
  const two = (
    a: Line,
    b: Line,
  ): Line => [" ", ...filled(a, left), " ".repeat(BETWEEN), ...filled(b, right)];
  return [
    title,
    two(
      metric("qps", { value: rate(sample.qps), tone: "strong" }, left, curve("qps")),
      latency(sample, right, curve("p95")),
    ),
    two(
      metric(
        "errors",
        {
          value: percent(sample.errorRate),
          tone: bounded(sample.errorRate, { warn: ERRORS_WARN, bad: ERRORS_BAD }),
        },
        left,
        curve("errorRate"),
      ),
      waiting(sample, right, curve("waiting")),
    ),
    two(
      metric("clients", { value: count(sample.clients) }, left, curve("clients")),
      pins(model.tables.pins ?? [], sample, right),
    ),
  ];
}

/** Blanks between the halves. */
const BETWEEN = 2;
const LABEL = 8;
const VALUE = 6;
const TIME = 5;

interface Curve {
  readonly points: readonly Point[];
  readonly spanMs: number;
  readonly nowMs: number;
}

function metric(
  label: string,
  { value, tone }: { readonly value: string; readonly tone?: Tone | undefined },
  width: number,
  curve: Curve,
): Line {
  return [
    { text: label.padEnd(LABEL), tone: "muted" },
    { text: value.padStart(VALUE), tone },
    " ",
    spark(curve, width - LABEL - VALUE - 1),
  ];
}

function spark({ points, spanMs, nowMs }: Curve, width: number): Span {
  return { text: sparkline(points, { width, spanMs, nowMs }), tone: "curve" };
}

function latency(sample: Sample, width: number, curve: Curve): Line {
  const named = (name: string, value: Maybe<number>): Line => [
    { text: `${name} `, tone: "muted" },
    { text: micros(value).padEnd(TIME), tone: value === null ? undefined : "strong" },
  ];
  const numbers: Line = [
    { text: "latency ".padEnd(LABEL), tone: "muted" },
    ...named("p50", sample.p50),
    " ",
    ...named("p95", sample.p95),
    " ",
    ...named("p99", sample.p99),
  ];
  return withCurve(numbers, width, curve);
}

function waiting(sample: Sample, width: number, curve: Curve): Line {
  const isWaited = (sample.waiting ?? 0) > 0;
  const numbers: Line = [
    { text: "waiting ".padEnd(LABEL), tone: "muted" },
    { text: count(sample.waiting).padEnd(5), tone: isWaited ? "warn" : undefined },
    { text: " longest ", tone: "muted" },
    { text: micros(sample.longestWait).padEnd(VALUE), tone: isWaited ? "warn" : undefined },
  ];
  return withCurve([...numbers, "     "], width, curve);
}

/** A curve where there is room for one that says something. */
function withCurve(numbers: Line, width: number, curve: Curve): Line {
  const room = width - widthOf(withoutTones(numbers)) - 1;
  return room < 8 ? numbers : [...numbers, " ", spark(curve, room)];
}

function pins(rows: readonly Row[], sample: Sample, width: number): Line {
  const byCount = rows.map((row) => ({
    reason: textOf(row, "reason"),
    sessions: numberOf(row, "sessions") ?? 0,
  })).sort((a, b) => b.sessions - a.sessions);
  const named = byCount.map(({ reason, sessions }) => `${reason} ${sessions}`).join(", ");
  const number = count(sample.pinned);
  return [
    { text: "pinned".padEnd(LABEL), tone: "muted" },
    { text: number, tone: "strong" },
    " ",
    cut(named, width - LABEL - number.length - 1),
  ];
}

function titleLine(
  model: Model | undefined,
  situation: Situation,
  width: number,
): Line {
  const proxy = model?.tables.proxy?.[0];
  const workers = numberOf(proxy, "workers");
  const facts = [
    ...(proxy === undefined ? [] : [
      `up ${duration(numberOf(proxy, "uptime_s"))}`,
      `${workers ?? UNKNOWN} ${workers === 1 ? "worker" : "workers"}`,
    ]),
    ...(width >= ROOMY && model !== undefined ? machine(model) : []),
    situation.name,
  ].join("  ");
  const state = stateLine(situation);
  const time = clock(model?.snapshot.atMs ?? situation.nowMs);
  const name = `mysqlproxy ${textOf(proxy, "version")}`.trim();
  const stateWidth = widthOf(withoutTones(state));
  const room = width - 1 - name.length - 2 - stateWidth - 2 - time.length - 1;
  return [
    " ",
    { text: name, tone: "accent" },
    "  ",
    fit(facts, Math.max(0, room)),
    ...state,
    "  ",
    time,
  ];
}

/** Lines of so many columns have room for what the processes use. */
const ROOMY = 100;

function machine(model: Model): readonly string[] {
  const workers = model.tables.workers ?? [];
  const rates = workers.map((row) => rateOf(model, "workers", { row, column: "cpu_us" }));
  const known = rates.filter((each) => each !== null);
  const cpu = known.length === 0 ? null : known.reduce((sum, each) => sum + each, 0) / 1e6;
  return [`cpu ${percent(cpu)}`, `memory ${bytes(sumOf(workers, "rss_bytes"))}`];
}

function stateLine(situation: Situation): Line {
  const { link, paused, intervalMs, recordingTo, nowMs } = situation;
  const recording: Line = recordingTo === undefined ? [] : [{ text: "◉ rec", tone: "bad" }, "  "];
  switch (link.kind) {
    case "connecting":
      return [{ text: "… connecting", tone: "muted" }];
    case "lost":
      return [...recording, {
        text: `× no answer for ${duration((nowMs - link.sinceMs) / 1000)}`,
        tone: "bad",
      }];
    case "recording": {
      const place = `${link.at + 1}/${link.count}`;
      return [
        paused ? { text: `‖ ${place}`, tone: "warn" } : { text: `▶ ${place}`, tone: "accent" },
      ];
    }
    case "live":
      return [
        ...recording,
        paused
          ? { text: "‖ paused", tone: "warn" }
          : { text: `● every ${interval(intervalMs)}`, tone: "ok" },
      ];
  }
}

function interval(ms: number): string {
  return `${ms / 1000}s`;
}

/** A line filled with blanks up to a width. */
export function filled(line: Line, width: number): Line {
  const own = widthOf(withoutTones(line));
  return own >= width ? line : [...line, " ".repeat(width - own)];
}

function bounded(
  value: Maybe<number>,
  bounds: { readonly warn: number; readonly bad: number },
): Tone | undefined {
  if (value === null || value === undefined) return undefined;
  return value >= bounds.bad ? "bad" : value >= bounds.warn ? "warn" : undefined;
}
