// What may be tried again, and when: never a write that may have run.

import { expect, test } from "bun:test";
import {
  type CommandFacts,
  mayRunAfterRefusal,
  outcomeOfLoss,
  refusalOf,
  retryDelayMs,
} from "../../../mod/route/mod.ts";

const WRITE: CommandFacts = {
  isRead: false,
  isInParts: false,
  isHeld: false,
  isReadOnlySession: false,
};
const READ: CommandFacts = { ...WRITE, isRead: true };

test("retryDelayMs() is nothing, ten times 100 ms, then a second", () => {
  const delays = Array.from({ length: 14 }, (_, attempt) => retryDelayMs(attempt));
  expect(delays).toEqual([0, ...new Array(10).fill(100), 1000, 1000, 1000]);
});

test("refusalOf() knows what is said of the server from what is said of the statement", () => {
  const readOnly =
    "The MySQL server is running with the --super-read-only option so it cannot execute this statement";
  expect(refusalOf(1290, readOnly)).toBe("read-only");
  const mariadb = "The MariaDB server is running with the --read-only option so it cannot execute";
  expect(refusalOf(1290, mariadb)).toBe("read-only");
  const files =
    "The MySQL server is running with the --secure-file-priv option so it cannot execute";
  expect(refusalOf(1290, files)).toBeUndefined();
  expect(refusalOf(1792, "")).toBe("read-only");
  expect(refusalOf(1836, "")).toBe("read-only");
  expect(refusalOf(3100, "")).toBe("unfit");
  expect(refusalOf(1053, "")).toBe("ending");
  const handingOver =
    "All queries have been blocked while function 'group_replication_set_as_primary()' is executing.";
  expect(refusalOf(4094, handingOver)).toBe("unfit");
  expect(refusalOf(4094, "Field separator argument is not what is expected")).toBeUndefined();
  for (const code of [1062, 1205, 1213, 2013, 1317, 1064]) {
    expect(refusalOf(code, readOnly)).toBeUndefined();
  }
});

test("mayRunAfterRefusal(): what has not run may, unless its session is held", () => {
  for (const code of [1290, 1792, 1836]) {
    expect(mayRunAfterRefusal(code, "read-only", WRITE)).toBe(true);
    expect(mayRunAfterRefusal(code, "read-only", { ...WRITE, isHeld: true })).toBe(false);
    expect(mayRunAfterRefusal(code, "read-only", { ...WRITE, isInParts: true })).toBe(false);
  }
  expect(mayRunAfterRefusal(3100, "unfit", WRITE)).toBe(true);
  // Its own wish, and no server's state.
  expect(mayRunAfterRefusal(1792, "read-only", { ...WRITE, isReadOnlySession: true })).toBe(false);
  // Killed by the shutdown, or never begun: nobody knows.
  expect(mayRunAfterRefusal(1053, "ending", WRITE)).toBe(false);
  expect(mayRunAfterRefusal(1053, "ending", READ)).toBe(true);
});

test("outcomeOfLoss(): a write that was sent is never repeated", () => {
  const free = { isInTransaction: false, commits: false };
  const sent = { wasSent: true, hasForwarded: false };
  const unsent = { wasSent: false, hasForwarded: false };
  expect(outcomeOfLoss(unsent, { ...WRITE, ...free })).toBe("again");
  expect(outcomeOfLoss(sent, { ...WRITE, ...free })).toBe("unknown");
  expect(outcomeOfLoss(sent, { ...READ, ...free })).toBe("again");
  expect(outcomeOfLoss({ wasSent: true, hasForwarded: true }, { ...READ, ...free })).toBe("lost");
});

test("outcomeOfLoss(): a transaction is lost, and only its COMMIT leaves a doubt", () => {
  const sent = { wasSent: true, hasForwarded: false };
  const held = { ...WRITE, isHeld: true, isInTransaction: true };
  expect(outcomeOfLoss(sent, { ...held, commits: false })).toBe("lost");
  expect(outcomeOfLoss(sent, { ...held, commits: true })).toBe("unknown");
  expect(outcomeOfLoss({ ...sent, wasSent: false }, { ...held, commits: true })).toBe("lost");
  // With a temporary table or a lock only: its writes outside of it are like any other's.
  const pinned = { ...held, isInTransaction: false, commits: false };
  expect(outcomeOfLoss(sent, pinned)).toBe("unknown");
  expect(outcomeOfLoss(sent, { ...pinned, isRead: true })).toBe("lost");
});
