// A short round of mutated client streams; `just fuzz` throws many more.

import { expect, test } from "bun:test";
import { serverKinds, startServer } from "../servers/mod.ts";
import { complaints } from "./complaints.ts";
import { testSeed } from "./random.ts";
import { fuzz } from "./run.ts";

const ROUNDS = { mariadb: 5_000, mysql: 2_000 };

const seed = testSeed("fuzz");

for (const kind of serverKinds()) {
  test(`${ROUNDS[kind]} mutated client streams before ${kind} hurt nobody`, async () => {
    await using server = await startServer(kind, { maxConnections: 1000 });
    const report = await fuzz(server, { seed, rounds: ROUNDS[kind] });
    expect(complaints(report)).toEqual([]);
    // Damaged streams that nobody answers would prove nothing.
    expect(report.loggedIn).toBeGreaterThan(ROUNDS[kind] / 3);
    expect(report.answered).toBeGreaterThan(ROUNDS[kind] * 0.9);
    expect(report.control.rounds).toBeGreaterThan(3);
  }, 120_000);
}
