// No read is stale at `session`, `instance` and `global`; at `eventual` some are, so that the hunter
// is known to see them. `just hunt` does the same a million times.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Site } from "../failover/site.ts";
import { startSite } from "../failover/start_site.ts";
import { testSeed } from "../fuzz/random.ts";
import { serverKinds } from "../servers/mod.ts";
import { hunt } from "./hunt.ts";

const READS = 2000;
const SESSIONS = 8;
/**
 * What a client is told of a write that was under way, of a transaction, and of a position that only
 * the primary knows.
 */
const LOST =
  /it is unknown whether it has run|The transaction was rolled back|the primary cannot be asked/;
const HUNT_MS_MAX = 180_000;
const seed = testSeed("stale reads");

/** Nothing is stale, and replicas have most of the reads. */
async function huntAt(site: Site, level: "session" | "instance" | "global"): Promise<void> {
  const { stale, examples, errors, guesses, replicaShare } = await hunt({
    site,
    level,
    seed,
    reads: READS,
    sessions: SESSIONS,
  });
  expect({ stale, examples, errors: [...errors] }).toEqual({ stale: 0, examples: [], errors: [] });
  expect(replicaShare).toBeGreaterThan(50);
  if (level === "global") expect(guesses).toBeGreaterThan(0);
}

for (const kind of serverKinds()) {
  describe(`reads on replicas of ${kind}`, () => {
    let site: Site;

    beforeAll(async () => {
      site = await startSite(kind === "mysql" ? "async" : kind);
    }, HUNT_MS_MAX);

    afterAll(async () => {
      await site?.[Symbol.asyncDispose]();
    });

    for (const level of ["session", "instance", "global"] as const) {
      test(`are never stale at ${level}`, () => huntAt(site, level), HUNT_MS_MAX);
    }

    // What is written past the proxy goes to the new primary before the proxy knows of it.
    test("are never stale at global while the primary changes", async () => {
      const { stale, examples, errors } = await hunt({
        site,
        level: "global",
        seed,
        reads: READS,
        sessions: SESSIONS,
        switchovers: 2,
      });
      expect({ stale, examples }).toEqual({ stale: 0, examples: [] });
      for (const message of errors.keys()) expect(message).toMatch(/read-only/);
    }, HUNT_MS_MAX);

    test("are never stale at session while the primary is killed", async () => {
      await huntOverKills(site, 1);
    }, HUNT_MS_MAX);

    test("are stale at eventual now and then, all on replicas", async () => {
      const { stale, replicaShare } = await hunt({
        site,
        level: "eventual",
        seed,
        reads: READS,
        sessions: SESSIONS,
      });
      expect(stale).toBeGreaterThan(0);
      // But for moments in which all of them hang, where the machine has no time for them.
      expect(replicaShare).toBeGreaterThanOrEqual(99);
    }, HUNT_MS_MAX);
  });
}

// It tells GTIDs of what is written, and is asked for and waited for by something else.
describe("reads on followers of a simulated PolarDB-X", () => {
  for (const level of ["session", "instance", "global"] as const) {
    test(`are never stale at ${level}`, async () => {
      await using site = await startSite("polardbx");
      await huntAt(site, level);
    }, HUNT_MS_MAX);
  }
});

// A member that is the primary again goes on with lower numbers than those of the one before.
test("reads in a group are never stale while its primary is killed", async () => {
  await using site = await startSite("group");
  await huntOverKills(site, 2);
}, HUNT_MS_MAX);

async function huntOverKills(site: Site, kills: number): Promise<void> {
  const { stale, examples, errors } = await hunt({
    site,
    level: "session",
    seed,
    reads: READS,
    sessions: SESSIONS,
    kills,
  });
  expect({ stale, examples }).toEqual({ stale: 0, examples: [] });
  for (const message of errors.keys()) expect(message).toMatch(LOST);
}
