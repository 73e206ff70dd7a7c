// The state machine of a server, every way in and out.

import { describe, expect, test } from "bun:test";
import type { FailureKind } from "../../../mod/cluster/mod.ts";
import {
  type Evidence,
  firstStanding,
  nextStanding,
  type Standing,
  type StateRules,
} from "../../../mod/cluster/server_state.ts";

const RULES: StateRules = { failuresMax: 3, lagMaxMs: 1000, slowStartMs: 5000 };
const FINE: Evidence = { kind: "answered", condition: { kind: "fine" } };

const failed = (kind: FailureKind): Evidence => ({
  kind: "failed",
  failure: { kind, reason: `it was ${kind}` },
});
const lagging = (lagMs: number): Evidence => ({ ...FINE, lagMs });

/** The standings after each piece of evidence, one second apart. */
function course(...evidence: readonly Evidence[]): Standing[] {
  let standing = firstStanding(0);
  return evidence.map((each, at) =>
    standing = nextStanding(standing, each, { rules: RULES, nowMs: (at + 1) * 1000 })
  );
}

const states = (...evidence: readonly Evidence[]) => course(...evidence).map(({ state }) => state);

describe("nextStanding()", () => {
  test("before the first look a server is suspect, after it up at once", () => {
    expect(firstStanding(0)).toMatchObject({ state: "suspect", reason: "not asked yet" });
    expect(states(FINE)).toEqual(["up"]);
  });

  test("looks without an answer make it suspect, then down", () => {
    expect(states(FINE, failed("timeout"), failed("timeout"), failed("timeout")))
      .toEqual(["up", "suspect", "suspect", "down"]);
    expect(states(FINE, failed("timeout"), FINE, failed("timeout"))).toEqual(
      ["up", "suspect", "up", "suspect"],
    );
  });

  test("a refused connection is down at once, a lost one suspect", () => {
    expect(states(FINE, failed("lost"), failed("refused"))).toEqual(["up", "suspect", "down"]);
    expect(states(FINE, failed("refused"), failed("timeout"))).toEqual(["up", "down", "down"]);
  });

  test("a server that refuses the proxy's account lives, and stays suspect", () => {
    expect(states(failed("denied"), failed("denied"), failed("denied"), failed("denied")))
      .toEqual(["suspect", "suspect", "suspect", "suspect"]);
    expect(states(FINE, failed("full"))).toEqual(["up", "suspect"]);
  });

  test("what was down comes back slowly, what was suspect at once", () => {
    const back = course(failed("refused"), FINE, FINE, FINE, FINE, FINE, FINE);
    expect(back.map(({ state }) => state))
      .toEqual(["down", ...Array(5).fill("recovering"), "up"]);
    expect(back[1]).toMatchObject({ warmAtMs: 7000, sinceMs: 2000 });
  });

  test("what was down gets nothing before it has caught up", () => {
    const back = course(
      failed("refused"),
      lagging(900),
      failed("full"),
      lagging(501),
      lagging(500),
    );
    expect(back.map(({ state }) => state))
      .toEqual(["down", "lagging", "suspect", "lagging", "recovering"]);
    expect(back[1]).toMatchObject({ reason: "back, and more than 500 ms behind" });
    expect(back[4]!.isReturned).toBeUndefined();
  });

  test("lag has two bounds, so that a server near one does not flap", () => {
    expect(states(lagging(900), lagging(1100), lagging(900), lagging(501), lagging(500)))
      .toEqual(["up", "lagging", "lagging", "lagging", "up"]);
  });

  test("a replica that follows nobody lags, whatever its lag seems to be", () => {
    const stopped: Evidence = {
      kind: "answered",
      condition: { kind: "stopped", reason: "the applier is stopped" },
      lagMs: 0,
    };
    expect(course(stopped)[0]).toMatchObject({
      state: "lagging",
      reason: "the applier is stopped",
    });
  });

  test("what it says of itself goes before its lag, orders before that, strangers before all", () => {
    const recovering = { kind: "recovering", reason: "RECOVERING" } as const;
    const out = { kind: "out", reason: "OFFLINE" } as const;
    expect(states({ ...lagging(9000), condition: recovering } as Evidence)).toEqual(["recovering"]);
    const answered = { kind: "answered", condition: recovering, ordered: true } as const;
    expect(states(answered)).toEqual(["draining"]);
    expect(states({ ...answered, condition: out })).toEqual(["down"]);
    expect(states({ ...answered, condition: out, wrong: "of cluster x" })).toEqual([
      "wrong-cluster",
    ]);
  });

  test("since and reason stay as long as the state does", () => {
    const [, first, second] = course(FINE, failed("timeout"), failed("timeout"));
    expect(second.sinceMs).toBe(first.sinceMs);
    expect(second.failures).toBe(2);
    expect(second.reason).toBe("it was timeout");
  });
});
