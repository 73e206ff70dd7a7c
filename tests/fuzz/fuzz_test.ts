// A short round of mutated client streams; `just fuzz` throws many more.

import { expect, test } from "bun:test";
import { serverKinds, startServer } from "../servers/mod.ts";
import { complaints } from "./complaints.ts";
import { testSeed } from "./random.ts";
import { fuzz, POOL_MODES } from "./run.ts";

const ROUNDS = { mariadb: 3_000, mysql: 1_000 };

const seed = testSeed("fuzz");

for (const kind of serverKinds()) {
  for (const poolMode of POOL_MODES) {
    const rounds = ROUNDS[kind];
    const name =
      `${rounds} mutated client streams before ${kind} hurt nobody, pooled by ${poolMode}`;
    test(name, async () => {
      await using server = await startServer(kind, { maxConnections: 1000 });
      const report = await fuzz(server, { seed, poolMode, rounds });
      expect(complaints(report)).toEqual([]);
      // Damaged streams that nobody answers would prove nothing.
      expect(report.loggedIn).toBeGreaterThan(rounds / 3);
      expect(report.answered).toBeGreaterThan(rounds * 0.9);
      expect(report.control.rounds).toBeGreaterThan(3);
    }, 120_000);
  }
}
