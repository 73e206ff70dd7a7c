// The load generator's latencies are told within a percent, whatever their size.

import { describe, expect, test } from "bun:test";
import { Histogram } from "../../../bench/load/histogram.ts";

function of(...micros: number[]): Histogram {
  const histogram = new Histogram();
  for (const each of micros) histogram.record(each);
  return histogram;
}

describe("Histogram", () => {
  test("tells quantiles of what was recorded within a percent", () => {
    for (const scale of [1, 100, 10_000]) {
      const histogram = of(...Array.from({ length: 1000 }, (_, at) => (at + 1) * scale));
      for (const part of [0.5, 0.95, 0.99, 0.999]) {
        const told = histogram.quantile(part);
        expect(Math.abs(told - part * 1000 * scale)).toBeLessThanOrEqual(10 * scale);
      }
    }
  });

  test("one latency is every quantile", () => {
    const histogram = of(12_345);
    expect(histogram.quantile(0.5)).toBeCloseTo(12_345, -2);
    expect(histogram.quantile(0.999)).toBe(histogram.quantile(0.5));
  });

  test("has no latency where nothing was recorded", () => {
    expect(new Histogram().quantile(0.99)).toBe(0);
  });

  test("a second of waiting among a thousand quick answers is seen", () => {
    const histogram = of(...Array.from({ length: 998 }, () => 100), 1_000_000, 1_000_000);
    expect(histogram.quantile(0.5)).toBeLessThan(102);
    expect(histogram.quantile(0.999)).toBeGreaterThan(990_000);
  });

  test("merged and carried as JSON it tells the same as one", () => {
    const left = of(1, 20, 300);
    left.merge(of(4000, 50_000));
    const carried = new Histogram(JSON.parse(JSON.stringify(left)) as number[]);
    const whole = of(1, 20, 300, 4000, 50_000);
    expect(carried.count).toBe(5);
    for (const part of [0.1, 0.5, 0.9]) {
      for (const other of [carried, left]) {
        expect(other.quantile(part) / whole.quantile(part)).toBeCloseTo(1, 2);
      }
    }
  });

  test("what takes longer than a minute counts as that", () => {
    expect(of(10_000_000_000).quantile(0.5)).toBeGreaterThan(60_000_000);
  });
});
