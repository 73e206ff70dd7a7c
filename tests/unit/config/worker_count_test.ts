// How many workers there are where nobody says, and where somebody does.

import { expect, test } from "bun:test";
import { availableParallelism } from "node:os";
import { workerCount } from "../../../mod/config/mod.ts";

const cores = availableParallelism();

test.each(
  [
    { workers: 3, mode: "transaction", connectionsMax: 1, expected: 3 },
    { workers: 0, mode: "transaction", connectionsMax: 128 * cores, expected: cores },
    { workers: 0, mode: "transaction", connectionsMax: 1, expected: 1 },
    { workers: 0, mode: "transaction", connectionsMax: 7, expected: 1 },
    { workers: 0, mode: "session", connectionsMax: 1, expected: cores },
  ] as const,
)("%p", ({ workers, mode, connectionsMax, expected }) => {
  expect(workerCount({ workers, pool: { mode, connectionsMax } })).toBe(expected);
});

test("a pool is not spread so thin that a worker has fewer than four connections", () => {
  for (let connectionsMax = 4; connectionsMax < 300; connectionsMax++) {
    const count = workerCount({ workers: 0, pool: { mode: "transaction", connectionsMax } });
    expect(Math.floor(connectionsMax / count)).toBeGreaterThanOrEqual(4);
    expect(count).toBeLessThanOrEqual(cores);
  }
});
