// Single statements of many sessions while their primary is killed, and while it is moved: the
// short version of `just chaos`, with a ledger of every write.

import { describe, expect, test } from "bun:test";
import { serverKinds } from "../servers/mod.ts";
import { testSeed } from "../fuzz/random.ts";
import { isClean } from "./ledger.ts";
import { outcomeLines } from "./report.ts";
import { run } from "./run.ts";

const SESSIONS = 16;
const kinds = serverKinds();
const seed = testSeed("failover");

describe.each(kinds)("a load on three servers of %s", (kind) => {
  test("a switchover, then kill -9 of the primary", async () => {
    const outcome = await run({
      cluster: kind === "mysql" ? "async" : "mariadb",
      faults: ["switchover", "kill"],
      sessions: SESSIONS,
      holdMs: 1000,
      seed,
      mix: { reads: 50, transactions: 0 },
      pauseMs: 20,
    });
    console.log(outcomeLines(outcome).join("\n"));
    const { account, complaints, reconnects, wrong, timeline } = outcome;
    expect(account.acknowledged).toBeGreaterThan(0);
    expect(isClean(account)).toBe(true);
    expect(wrong).toEqual([]);
    // No client is disconnected, and no read fails.
    expect(reconnects).toBe(0);
    expect(complaints.filter(({ what }) => what !== "write")).toEqual([]);
    // The switchover costs nobody anything; the kill those whose write was under way.
    const killedMs = timeline.marks.find(({ what }) => what.startsWith("kill"))!.atMs;
    expect(complaints.filter(({ atMs }) => atMs < killedMs)).toEqual([]);
    expect(complaints.length).toBeLessThanOrEqual(SESSIONS);
    for (const { message } of complaints) expect(message).toContain("unknown whether it has run");
    for (const backMs of outcome.backMs) expect(backMs).toBeLessThan(Infinity);
  }, 120_000);
});

test("the network to the primary is cut: no read fails, no client is disconnected", async () => {
  const outcome = await run({
    cluster: kinds.includes("mariadb") ? "mariadb" : "async",
    faults: ["cut"],
    sessions: SESSIONS,
    holdMs: 3000,
    seed,
    mix: { reads: 80, transactions: 0 },
    pauseMs: 20,
  });
  console.log(outcomeLines(outcome).join("\n"));
  expect(isClean(outcome.account)).toBe(true);
  expect(outcome.reconnects).toBe(0);
  expect(outcome.complaints.filter(({ what }) => what !== "write")).toEqual([]);
  expect(outcome.complaints.length).toBeLessThanOrEqual(SESSIONS);
}, 120_000);
