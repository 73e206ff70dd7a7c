// Histograms: percentiles against a sorted list, sums over workers.

import { describe, expect, test } from "bun:test";
import { boundsOf, bucketOf, BUCKETS, HistogramBank, Times } from "../../../mod/observe/mod.ts";

describe("buckets", () => {
  test("each time is within the bounds of its bucket, and buckets leave no gap", () => {
    for (let bucket = 1; bucket < BUCKETS; bucket++) {
      expect(boundsOf(bucket)[0]).toBe(boundsOf(bucket - 1)[1]);
    }
    for (let us = 0; us < 1e8; us = us < 64 ? us + 1 : Math.floor(us * 1.07)) {
      const [from, to] = boundsOf(bucketOf(us));
      expect(us >= from && us < to).toBe(true);
      expect(to - from).toBeLessThanOrEqual(Math.max(1, us / 8));
    }
  });

  test("what is beyond any bucket is in the last one", () => {
    for (const us of [2 ** 28, 2 ** 31, 1e12, Infinity]) expect(bucketOf(us)).toBe(BUCKETS - 1);
    expect(bucketOf(-1)).toBe(0);
  });
});

test("percentiles of several workers are right to an eighth", () => {
  const seed = Number(process.env["MYSQLPROXY_TEST_SEED"] ?? Math.floor(Math.random() * 1e6));
  console.log(`histogram: MYSQLPROXY_TEST_SEED=${seed}`);
  let state = seed || 1;
  const random = () => (state = (state * 48271) % 0x7fffffff) / 0x7fffffff;
  const times = new Times();
  const all: number[] = [];
  for (let worker = 0; worker < 3; worker++) {
    const bank = new HistogramBank(2);
    for (let i = 0; i < 5000; i++) {
      const us = Math.floor(Math.exp(random() * 15));
      all.push(us);
      bank.add(1, us);
      if (i % 1000 === 999) times.add(bank.take(1));
    }
    expect(bank.take(1)).toEqual({ count: 0, sumUs: 0, maxUs: 0, buckets: [] });
    expect(bank.take(0).count).toBe(0);
  }
  all.sort((a, b) => a - b);
  expect(times.count).toBe(15_000);
  expect(times.maxUs).toBe(all.at(-1)!);
  expect(times.sumUs).toBe(all.reduce((sum, us) => sum + us, 0));
  for (const part of [0.5, 0.95, 0.99]) {
    const exact = all[Math.ceil(part * all.length) - 1]!;
    const found = times.percentile(part)!;
    expect(Math.abs(found - exact)).toBeLessThanOrEqual(Math.max(1, exact / 8));
  }
  const [below] = times.cumulative([1023]);
  expect(below).toBe(all.filter((us) => us < 1024).length);
});
