// Lag from where the primary stood when, and from what servers say.

import { describe, expect, test } from "bun:test";
import { type Clock, type Reading, readPosition } from "../../../mod/cluster/mod.ts";
import { type LagFacts, lagOf, PositionHistory } from "../../../mod/cluster/lag.ts";

const index = (value: number) => readPosition({ kind: "index", value });

/** The primary commits 10 times a second from time 0 on, and is looked at every second. */
function steadyHistory(seconds: number): PositionHistory {
  const history = new PositionHistory();
  for (let second = 0; second <= seconds; second++) history.add(index(second * 10), second * 1000);
  return history;
}

describe("PositionHistory.lagOf()", () => {
  test("interpolates between two sightings of the primary", () => {
    const history = steadyHistory(20);
    expect(history.lagOf(index(200), 20_000)).toBe(0);
    // Transaction 156 was committed in the sixteenth second, 4.4 s before.
    expect(history.lagOf(index(155), 20_000)).toBeWithin(4300, 4600);
    expect(history.lagOf(index(10), 20_000)).toBeWithin(18_800, 19_100);
  });

  test("what was missing before the history began has no known age", () => {
    const history = new PositionHistory();
    expect(history.lagOf(index(1), 0)).toBeUndefined();
    history.add(index(100), 1000);
    expect(history.lagOf(index(99), 2000)).toBeUndefined();
    expect(history.lagOf(index(100), 2000)).toBe(0);
  });

  test("a primary that rests does not make its replicas late", () => {
    const history = new PositionHistory();
    for (let second = 0; second <= 60; second++) history.add(index(5), second * 1000);
    history.add(index(6), 61_000);
    // The one transaction came between 60 and 61 s: in the middle, for all that is known.
    expect(history.lagOf(index(5), 62_000)).toBe(1500);
  });

  test("few transactions seen after the server was looked at are no lag, many are spread", () => {
    const few = new PositionHistory();
    few.add(index(5), 0);
    few.add(index(6), 1000);
    expect(few.lagOf(index(5), 900)).toBe(0);
    const many = new PositionHistory();
    many.add(index(0), 0);
    many.add(index(100), 1000);
    expect(many.lagOf(index(50), 900)).toBeWithin(380, 410);
    expect(many.lagOf(index(95), 900)).toBe(0);
  });

  test("keeps hours of history in a bounded list, finer for the last minutes", () => {
    const history = steadyHistory(7200);
    expect(history.lagOf(index(7100 * 10), 7_200_000)).toBeWithin(99_000, 101_000);
    const old = history.lagOf(index(36_005), 7_200_000);
    expect(old).toBeWithin(3_590_000, 3_610_000);
  });

  test("GTID sets with gaps count what is missing, whichever it is", () => {
    const uuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
    const set = (text: string) => readPosition({ kind: "gtid", text: `${uuid}:${text}` });
    const history = new PositionHistory();
    history.add(set("1-100"), 0);
    history.add(set("1-200"), 1000);
    history.add(set("1-300"), 2000);
    // Parallel appliers may leave holes: half of the second hundred is there.
    expect(history.lagOf(set("1-100:151-200"), 2000)).toBeWithin(1480, 1520);
  });
});

describe("lagOf()", () => {
  const clock: Clock = { now: () => 5000, wallMs: () => 1_000_005_000, after: () => () => {} };
  const facts = (over: Partial<Reading>, more: Partial<LagFacts> = {}): LagFacts => ({
    reading: { atMs: 4000, ...over } as Reading,
    position: undefined,
    history: new PositionHistory(),
    primaryAheadMs: 0,
    clock,
    ...more,
  });

  test("takes the best means there is", () => {
    const history = new PositionHistory();
    history.add(index(7), 3000);
    const position = index(7);
    const lag = { exactMs: 12, seconds: 3 };
    expect(lagOf(facts({ lag }, { position, history }))).toEqual({ ms: 12, means: "server" });
    const heard = facts({ lag: { seconds: 3 } }, { position, history, heartbeatMs: 40 });
    expect(lagOf(heard)).toEqual({ ms: 40, means: "heartbeat" });
    expect(lagOf(facts({ lag: { seconds: 3 } }, { position, history })))
      .toEqual({ ms: 0, means: "position" });
    expect(lagOf(facts({ lag: { seconds: 3 } }))).toEqual({ ms: 3000, means: "seconds" });
    expect(lagOf(facts({ lag: { seconds: null } }))).toBeUndefined();
  });

  test("commit times are read by the primary's clock", () => {
    // At the reading it was 1,000,004,000 here and 500 ms more on the primary.
    const lag = { applyingMs: 1_000_003_000 };
    expect(lagOf(facts({ lag }, { primaryAheadMs: 500 }))).toEqual({
      ms: 1500,
      means: "commit-time",
    });
    expect(lagOf(facts({ lag }, { primaryAheadMs: undefined }))).toBeUndefined();
  });

  test("nothing received beyond what is applied is no lag", () => {
    const lag = { appliedMs: 999_000_000, receivedMs: 999_000_000, seconds: 0 };
    expect(lagOf(facts({ lag }))).toEqual({ ms: 0, means: "commit-time" });
  });
});
