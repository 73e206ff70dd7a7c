// What a run is judged by.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { judge } from "../../../bench/limits.ts";
import type { Figures } from "../../../bench/part.ts";
import type { Entry } from "../../../bench/run.ts";

const { figures } = JSON.parse(
  readFileSync(join(import.meta.dir, "../../../bench/baseline.json"), "utf8"),
) as { figures: Record<string, { instructions: number }> };

/** A run of the part `instructions` in which all counts are the baseline's times a factor. */
function counted(factor: number): Entry[] {
  return Object.entries(figures).map(([name, { instructions }]) => {
    const [id, contender] = name.split(" ");
    const median = { instructions: instructions * factor };
    return { part: "instructions", case: id!, contender: contender!, rounds: [median], median };
  });
}

describe("judge()", () => {
  test("the committed baseline has text and prepared, with and without the pool", () => {
    expect(Object.keys(figures)).toHaveLength(4);
  });

  test("up to 10 % more instructions than the baseline are kept", () => {
    const verdicts = judge(counted(1.09), "mariadb");
    expect(verdicts).toHaveLength(4);
    expect(verdicts.every(({ kept, repeatable }) => kept && repeatable)).toBe(true);
  });

  test("more than that is missed, and says by how much", () => {
    const verdicts = judge(counted(1.11), "mariadb");
    expect(verdicts.every(({ kept }) => !kept)).toBe(true);
    expect(verdicts[0]!.text).toContain("instructions, × baseline: 1.11, at most 1.1");
  });

  test("times are no matter of a quick run", () => {
    const verdicts = judge([
      entry("sysbench", "point-text/16", "haproxy", { cpuMicros: 10 }),
      entry("sysbench", "point-text/16", "mysqlproxy", { cpuMicros: 100 }),
    ], "mariadb");
    expect(verdicts.map(({ kept, repeatable }) => [kept, repeatable])).toEqual([[false, false]]);
  });

  test("what is promised differs from server to server", () => {
    const entries = [
      entry("load", "load/point-text/64", "direct", { qps: 1000 }),
      entry("load", "load/point-text/64", "mysqlproxy-pool", { qps: 800 }),
    ];
    expect(judge(entries, "mysql").map(({ kept }) => kept)).toEqual([true]);
    expect(judge(entries, "mariadb").map(({ kept }) => kept)).toEqual([false]);
  });

  test("added latency is compared with what another one adds", () => {
    const of = (p50Ms: number) =>
      judge([
        entry("load", "load/point-text/1", "direct", { p50Ms: 0.1 }),
        entry("load", "load/point-text/1", "haproxy", { p50Ms: 0.15 }),
        entry("load", "load/point-text/1", "mysqlproxy-pool", { p50Ms }),
      ], "mysql").map(({ kept }) => kept);
    expect(of(0.153)).toEqual([true]);
    expect(of(0.157)).toEqual([false]);
  });
});

function entry(part: string, id: string, contender: string, median: Figures): Entry {
  return { part, case: id, contender, rounds: [median], median };
}
