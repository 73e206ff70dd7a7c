// What servers may be used for.

import { describe, expect, test } from "bun:test";
import { type TopologyDraft, withUses } from "../../../mod/cluster/mod.ts";

function draft(name: string, over: Partial<TopologyDraft>): TopologyDraft {
  return {
    name,
    role: "replica",
    state: "up",
    lagMs: 0,
    warmAtMs: null,
    answeredMs: 1,
    ...over,
  } as TopologyDraft;
}

function uses(drafts: readonly TopologyDraft[], primary: string | undefined, manyWriters = false) {
  return withUses(drafts, { primary, manyWriters }).map(({ name, writes, reads }) =>
    `${name}${writes ? " writes" : ""}${reads ? " reads" : ""}`
  );
}

const PRIMARY = draft("p", { role: "primary" });

describe("withUses()", () => {
  test("the primary takes both, replicas and learners read, loggers and strangers nothing", () => {
    const drafts = [
      PRIMARY,
      draft("r", {}),
      draft("l", { role: "learner" }),
      draft("log", { role: "logger" }),
      draft("x", { role: "none" }),
    ];
    expect(uses(drafts, "p")).toEqual(["p writes reads", "r reads", "l reads", "log", "x"]);
  });

  test("a replica that lags is left out while there are others", () => {
    const late = draft("late", { state: "lagging", lagMs: 9000 });
    expect(uses([PRIMARY, late, draft("r", {})], "p")).toEqual([
      "p writes reads",
      "late",
      "r reads",
    ]);
  });

  test("the last of them stays for all its lag, and the least late of several", () => {
    const late = draft("late", { state: "lagging", lagMs: 9000 });
    const later = draft("later", { state: "lagging", lagMs: 20_000 });
    const unknown = draft("unknown", { state: "lagging", lagMs: null });
    expect(uses([PRIMARY, unknown, later, late], "p")).toEqual([
      "p writes reads",
      "unknown",
      "later",
      "late reads",
    ]);
    expect(uses([PRIMARY, draft("slow", { state: "suspect" })], "p"))
      .toEqual(["p writes reads", "slow reads"]);
  });

  test("who is down, drained, filled or strange is not kept for being the last", () => {
    for (const state of ["down", "draining", "wrong-cluster", "recovering"] as const) {
      expect(uses([PRIMARY, draft("r", { state })], "p")).toEqual(["p writes reads", "r"]);
    }
    const warming = draft("r", { state: "recovering", warmAtMs: 9 });
    expect(uses([PRIMARY, warming], "p")).toEqual(["p writes reads", "r reads"]);
  });

  test("a suspect primary is written to, a drained one not", () => {
    expect(uses([draft("p", { role: "primary", state: "suspect" })], "p"))
      .toEqual(["p writes reads"]);
    expect(uses([draft("p", { role: "primary", state: "draining" })], "p")).toEqual(["p"]);
    expect(uses([PRIMARY], undefined)).toEqual(["p"]);
  });

  test("of many writers all are written to", () => {
    expect(uses([PRIMARY, draft("q", { role: "primary" })], "p", true))
      .toEqual(["p writes reads", "q writes reads"]);
  });
});
