// The picture of a run.

import { describe, expect, test } from "bun:test";
import { drawRun } from "../../../bench/chart.ts";
import type { RunRecord } from "../../../bench/history.ts";
import type { Part } from "../../../bench/part.ts";

const part: Part = {
  name: "load",
  cases: [{ id: "load/1", title: "one & <two>", measure: () => Promise.resolve({}) }],
  columns: [{ figure: "qps", title: "QPS", digits: 0, ratioTo: ["direct"] }],
  rounds: 2,
  freshProcess: false,
  secondsEach: 1,
};

function record(...qps: readonly (readonly [string, number])[]): RunRecord {
  return {
    startedAt: "2026-01-01T00:00:00Z",
    commit: "abc",
    machine: { processor: "P", cores: 2, kernel: "k", load: 0 },
    server: { kind: "mysql", version: "9.7" },
    scale: {} as RunRecord["scale"],
    workers: 1,
    contenders: {},
    failures: [],
    entries: qps.map(([contender, value]) => ({
      part: "load",
      case: "load/1",
      contender,
      rounds: [{ qps: value * 0.9 }, { qps: value * 1.1 }],
      median: { qps: value },
    })),
  };
}

describe("drawRun()", () => {
  const svg = drawRun(record(["direct", 1000], ["mysqlproxy", 500]), [part]);

  test("shows every contender with its figure and its ratio", () => {
    expect(svg).toContain(">direct<");
    expect(svg).toContain(">1,000<");
    expect(svg).toContain(">500, 0.50 × direct<");
  });

  test("the bars are as long as the figures", () => {
    const widths = [...svg.matchAll(/class="(?:base|own)" x="\d+" y="[\d.]+" width="([\d.]+)"/g)]
      .map(([, width]) => Number(width));
    expect(widths).toHaveLength(2);
    expect(widths[0]! / widths[1]!).toBeCloseTo(2, 1);
  });

  test("has colours for dark pages and no markup of a title's own", () => {
    expect(svg).toContain("prefers-color-scheme: dark");
    expect(svg).toContain("one &amp; &lt;two&gt;");
  });
});
