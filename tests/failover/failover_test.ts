// Faults of clusters under load, each at least once, in another order each time: the short version of
// `just chaos`. Every write is accounted for, no read is stale, and nobody is told what the fault of
// the moment does not explain.

import { expect, test } from "bun:test";
import { testSeed } from "../fuzz/random.ts";
import { serverKinds } from "../servers/mod.ts";
import type { FaultName } from "./faults.ts";
import { isWell, outcomeLines, unaccounted } from "./report.ts";
import { MIXED, run } from "./run.ts";
import type { ClusterKind } from "./start_site.ts";

const SESSIONS = 16;
const HOLD_MS = 1000;
/** Each kind of cluster has its faults for so long: three minutes in all. */
const FOR_MS = 45_000;
const TEST_MS_MAX = 240_000;
const seed = testSeed("failover");

const OF_REPLICATION: readonly FaultName[] = [
  ...["switchover", "outside", "worker", "cut", "kill", "stop", "replica"] as const,
];
const FAULTS: Readonly<Record<ClusterKind, readonly FaultName[]>> = {
  async: OF_REPLICATION,
  mariadb: [...OF_REPLICATION, "proxy", "takeover"],
  // It takes its time to find out who is gone, and to take it in again.
  group: ["switchover", "outside", "worker", "cut", "kill"],
  polardbx: ["outside", "cut", "kill", "stop", "replica", "takeover"],
};

const clusters = serverKinds().flatMap<ClusterKind>((kind) =>
  kind === "mysql" ? ["async", "group"] : ["mariadb"]
);
clusters.push("polardbx");

test.each(clusters)("faults of a cluster under load: %s", async (cluster) => {
  const outcome = await run({
    cluster,
    faults: FAULTS[cluster],
    forMs: FOR_MS,
    split: true,
    // That one shows what clients are told without.
    replay: cluster !== "async",
    sessions: SESSIONS,
    holdMs: HOLD_MS,
    seed,
    mix: MIXED,
    pauseMs: 20,
  });
  console.log(outcomeLines(outcome).join("\n"));
  const { account, complaints, periods } = outcome;
  expect(account.acknowledged).toBeGreaterThan(0);
  // What is wrong is to be seen where only the failure is.
  expect({ wrong: outcome.wrong, unaccounted: unaccounted(outcome) })
    .toEqual({ wrong: [], unaccounted: [] });
  expect([isWell(outcome), account]).toEqual([true, account]);
  // Each fault costs those whose statement is under way, once.
  for (const { fault, fromMs, toMs } of periods) {
    // Who is not let in tries again.
    const told = complaints.filter(({ atMs, what }) =>
      atMs >= fromMs && atMs < toMs && what !== "connect"
    );
    expect([fault, told.length <= SESSIONS]).toEqual([fault, true]);
  }
  for (const backMs of outcome.backMs) expect(backMs).toBeLessThan(Infinity);
}, TEST_MS_MAX);
