// Curves side by side, several lines high, for screens that have room for them.

import { chart } from "../curve.ts";
import { count, fit, type Maybe, micros, rate, widthOf } from "../format.ts";
import { filled } from "../header.ts";
import { HISTORY_MS, latest, type Model, type Sample, seriesOf, spanOf } from "../model.ts";
import type { Line } from "../theme.ts";
import { Lines } from "./line.tsx";

interface Curve {
  readonly title: string;
  readonly name: Exclude<keyof Sample, "atMs">;
  readonly show: (value: Maybe<number>) => string;
}

const CURVES: readonly Curve[] = [
  { title: "Queries/s", name: "qps", show: rate },
  { title: "p95 latency", name: "p95", show: micros },
  { title: "Waiting sessions", name: "waiting", show: count },
];

/** How much time curves stand for: as little as has all that is known. */
const CHART_SPANS_MS = [2 * 60_000, 5 * 60_000, HISTORY_MS];

/** Columns that a curve needs at least. */
const WIDTH_MIN = 36;
const GAP = 3;

/** As many curves as fit, each with its value now and the scale. */
export function Charts({ model, width, height }: {
  readonly model: Model;
  readonly width: number;
  /** Lines, that of the titles included. */
  readonly height: number;
}) {
  const inner = width - 2;
  const fitting = Math.max(
    1,
    Math.min(CURVES.length, Math.floor((inner + GAP) / (WIDTH_MIN + GAP))),
  );
  const own = Math.floor((inner - GAP * (fitting - 1)) / fitting);
  const drawn = CURVES.slice(0, fitting).map((curve) => drawCurve(curve, model, own, height));
  const lines: Line[] = [];
  for (let row = 0; row < height; row++) {
    lines.push([
      " ",
      ...drawn.flatMap((curve, at) => at === 0 ? curve[row] : [" ".repeat(GAP), ...curve[row]]),
    ]);
  }
  return <Lines lines={lines} width={width} />;
}

const SCALE = 6;

function drawCurve(
  { title, name, show }: Curve,
  model: Model,
  width: number,
  height: number,
): readonly Line[] {
  const spanMs = spanOf(model, CHART_SPANS_MS);
  const shape = { width: width - SCALE - 1, spanMs, nowMs: model.snapshot.atMs };
  const { lines, top } = chart(seriesOf(model, name), { ...shape, height: height - 1 });
  const now = show(latest(model)[name]);
  const span = `${spanMs / 60_000} min`;
  const head: Line = filled([
    " ".repeat(SCALE + 1),
    { text: title, tone: "muted" },
    " ",
    { text: now, tone: "strong" },
    {
      text: fit(span, width - SCALE - 2 - widthOf(title) - widthOf(now), "right"),
      tone: "muted",
    },
  ], width);
  return [
    head,
    ...lines.map((line, at): Line => [
      {
        text: (at === 0 && top > 0 ? show(top) : at === lines.length - 1 ? "0" : "").padStart(
          SCALE,
        ),
        tone: "muted",
      },
      " ",
      { text: line, tone: "curve" },
    ]),
  ];
}
