// What statements there were, how long they took where, and how they failed.

import { table } from "../table.ts";

/** One row a digest and target. */
export const digestsTable = table<never>("digests", {
  doc: "Statements by their digest and where they went.",
  rows: () => [],
  columns: {
    digest: ["TEXT", "As the server's STATEMENT_DIGEST() gives it.", () => null],
    text: ["TEXT", "The normalised statement.", () => null],
    db: ["TEXT", "The default schema of the last one.", () => null],
    user: ["TEXT", "The account of the last one.", () => null],
    target: ["TEXT", "The server.", () => null],
    count: ["INTEGER", "Statements.", () => null],
    errors: ["INTEGER", "Of these, answered with an error.", () => null],
    rows_sent: ["INTEGER", "Rows in their answers.", () => null],
    rows_affected: ["INTEGER", "Rows that they have changed.", () => null],
    sum_us: ["INTEGER", "Their time together, in microseconds.", () => null],
    max_us: ["INTEGER", "The longest.", () => null],
    p50_us: ["INTEGER", "Half of them took no longer.", () => null],
    p95_us: ["INTEGER", "95 of 100 took no longer.", () => null],
    p99_us: ["INTEGER", "99 of 100 took no longer.", () => null],
    first_seen: ["TEXT", "UTC.", () => null],
    last_seen: ["TEXT", "UTC.", () => null],
  },
});

/** One row a stage and target. */
export const stagesTable = table<never>("stages", {
  doc: "How long statements took, by stage and target.",
  rows: () => [],
  columns: {
    stage: ["TEXT", "`queue`, `restore`, `execute`, `total` and so on.", () => null],
    target: ["TEXT", "The server.", () => null],
    count: ["INTEGER", "Statements that went through it.", () => null],
    sum_us: ["INTEGER", "Their time in it together, in microseconds.", () => null],
    max_us: ["INTEGER", "The longest.", () => null],
    p50_us: ["INTEGER", "Half of them took no longer.", () => null],
    p95_us: ["INTEGER", "95 of 100 took no longer.", () => null],
    p99_us: ["INTEGER", "99 of 100 took no longer.", () => null],
  },
});

/** One row an error number and server. */
export const errorsTable = table<never>("errors", {
  doc: "Errors that servers have answered with.",
  rows: () => [],
  columns: {
    code: ["INTEGER", "The error number.", () => null],
    server: ["TEXT", "The server.", () => null],
    count: ["INTEGER", "How many there were.", () => null],
    first_seen: ["TEXT", "UTC.", () => null],
    last_seen: ["TEXT", "UTC.", () => null],
  },
});
