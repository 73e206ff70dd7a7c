// The short version of `just reload`: changes in a row, servers among them, harm no client.

import { expect, test } from "bun:test";
import { serverKinds } from "../servers/mod.ts";
import { reload } from "./reload.ts";

const [kind] = serverKinds();
const CHANGES = 40;

test.skipIf(kind === undefined)("40 changes at 16 clients, two workers", async () => {
  const { errors, revisions, statements, held } = await reload({
    kind: kind!,
    changes: CHANGES,
    clients: 16,
    workers: 2,
  });
  expect([...errors]).toEqual([]);
  expect(revisions).toBe(CHANGES + 1);
  expect(statements).toBeGreaterThan(16);
  // In both halves clients stay with a worker that leaves.
  const before = Math.max(...held.slice(0, held.length / 2).map(({ fds }) => fds));
  expect(held.at(-1)!.fds).toBeLessThanOrEqual(before + 10);
}, 90_000);
