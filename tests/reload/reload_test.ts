// The short version of `just reload`: changes in a row, servers among them, harm no client.

import { expect, test } from "bun:test";
import { serverKinds } from "../servers/mod.ts";
import { reload } from "./reload.ts";

const [kind] = serverKinds();
const CHANGES = 60;
/** What a process of the second half may have more of memory than one of the first, as a factor. */
const RSS_FACTOR_MAX = 1.25;
/** And of file descriptors: connections of the proxy's own come and go. */
const FDS_MORE_MAX = 3;

test.skipIf(kind === undefined)("60 changes at 16 clients, two workers", async () => {
  const { errors, revisions, statements, held } = await reload({
    kind: kind!,
    changes: CHANGES,
    clients: 16,
    workers: 2,
  });
  expect([...errors]).toEqual([]);
  expect(revisions).toBe(CHANGES + 1);
  expect(statements).toBeGreaterThan(16);
  // By process: in both halves there are more of them, and clients that stay with one that leaves.
  const most = (part: typeof held, of: "rssBytes" | "fds") =>
    Math.max(...part.map((each) => each[of] / each.processes));
  const [first, second] = [held.slice(0, held.length / 2), held.slice(held.length / 2)];
  expect(most(second, "rssBytes")).toBeLessThan(most(first, "rssBytes") * RSS_FACTOR_MAX);
  expect(most(second, "fds")).toBeLessThan(most(first, "fds") + FDS_MORE_MAX);
}, 90_000);
