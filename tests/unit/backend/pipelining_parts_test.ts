// What pipelining goes by: how quick a statement is, and how many connections are best shared.

import { describe, expect, test } from "bun:test";
import { LaneLimit, StatementPace } from "../../../mod/backend/mod.ts";

const QUICK = { us: 200, beside: 1, rows: 1, clean: true };

/** Runs a statement until it is known to be quick; how often that was, at most `max`. */
function prove(pace: StatementPace, max = 10_000): number {
  for (let i = 0; i < max; i++) {
    if (pace.quick) return i;
    pace.noteSolo(QUICK);
  }
  return max;
}

describe("the pace of a statement", () => {
  test("is known after some quick executions, and not before", () => {
    const pace = new StatementPace(true);
    expect(pace.quick).toBe(false);
    expect(prove(pace)).toBeGreaterThan(4);
  });

  test.each([
    ["slow", { ...QUICK, us: 50_000 }],
    ["large", { ...QUICK, rows: 100_000 }],
    ["not clean", { ...QUICK, clean: false }],
  ])("is not known of one that is %s", (_what, run) => {
    const pace = new StatementPace(true);
    for (let i = 0; i < 1000; i++) pace.noteSolo(run);
    expect(pace.quick).toBe(false);
  });

  test("is not that of others that ran at the same time", () => {
    const pace = new StatementPace(true);
    for (let i = 0; i < 100; i++) pace.noteSolo({ ...QUICK, us: 6000, beside: 16 });
    expect(pace.quick).toBe(true);
  });

  test("bears a slow execution now and then, not one of ten", () => {
    const rare = new StatementPace(true);
    const often = new StatementPace(true);
    prove(rare);
    prove(often);
    for (let i = 0; i < 2000; i++) {
      if (i % 100 === 0) rare.noteSlow();
      else rare.noteShared();
      if (i % 10 === 0) often.noteSlow();
      else often.noteShared();
      if (!often.quick) break;
    }
    expect(rare.quick).toBe(true);
    expect(often.quick).toBe(false);
  });

  test("has to be proved for longer each time, up to a bound, and less after good conduct", () => {
    const pace = new StatementPace(true);
    const needed: number[] = [];
    for (let i = 0; i < 12; i++) {
      needed.push(prove(pace));
      pace.distrust();
    }
    for (let i = 1; i < 9; i++) expect(needed[i]).toBe(2 * needed[i - 1]!);
    expect(needed.at(-1)).toBe(needed.at(-2)!);
    prove(pace);
    for (let i = 0; i < 2_000_000; i++) pace.noteShared();
    pace.distrust();
    expect(prove(pace)).toBeLessThan(needed.at(-1)! / 4);
  });
});

/** Lets a limit work before a server that answers so many a millisecond, by shared connections. */
function settle(rateOf: (lanes: number) => number, max: number): number {
  const limit = new LaneLimit(max);
  let sum = 0;
  const turns = 20_000;
  for (let now = 0; now < turns; now++) {
    limit.note(rateOf(limit.value), now, true);
    if (now >= turns / 2) sum += limit.value;
  }
  return sum / (turns / 2);
}

describe("the number of shared connections", () => {
  test("grows where each brings more", () => {
    expect(settle((lanes) => Math.min(lanes, 32) * 10, 128)).toBeGreaterThan(24);
  });

  test("grows where answers are few, too: a window takes longer then", () => {
    const limit = new LaneLimit(32);
    for (let now = 0; now < 300_000; now += 10) limit.note(limit.value, now, true);
    expect(limit.value).toBeGreaterThan(16);
  });

  test("goes no further than there are connections", () => {
    expect(settle((lanes) => lanes * 10, 10)).toBeCloseTo(10, 0);
  });

  test("stays small where more bring nothing", () => {
    expect(settle(() => 30, 128)).toBeLessThan(5);
  });

  test("leaves a range in which more make it worse", () => {
    expect(settle((lanes) => 40 / (1 + Math.abs(lanes - 3) / 4), 128)).toBeLessThan(6);
  });

  test("is not raised for what gets faster by itself, as code does that has just been compiled", () => {
    const limit = new LaneLimit(128);
    let most = 0;
    for (let now = 0; now < 6000; now++) {
      limit.note(Math.min(10 * 1.15 ** (now / 200), 40), now, true);
      most = Math.max(most, limit.value);
    }
    expect(most).toBe(3); // a trial
    expect(limit.value).toBeLessThan(4);
  });

  test("is not raised because there is more to do than before a pause", () => {
    const limit = new LaneLimit(128);
    let now = 0;
    for (let bursts = 0; bursts < 10; bursts++) {
      // Each burst is as long as one trial, and twice the one before.
      for (let ms = 0; ms < 250; ms++) limit.note(10 * 2 ** bursts, now++, true);
      limit.note(1, now += 60_000, false);
    }
    expect(limit.value).toBeLessThan(4);
  });

  test("begins with few, and with no more than there may be", () => {
    expect([128, 2, 1].map((max) => new LaneLimit(max).value)).toEqual([2, 2, 1]);
  });

  test("stays as it is while nothing waits", () => {
    const limit = new LaneLimit(128);
    const before = limit.value;
    for (let now = 0; now < 10_000; now++) limit.note(now % 100, now, false);
    expect(limit.value).toBe(before);
  });
});
