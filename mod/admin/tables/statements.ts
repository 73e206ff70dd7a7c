// What statements there were, how long they took where, and how they failed.

import type { DigestTotals, ErrorTotals, StageTotals, Times } from "../../observe/mod.ts";
import { type ColumnOf, table, timeText } from "../table.ts";

/** The columns of times, the same in every table. */
function timesColumns<Row>(timesOf: (row: Row) => Times): Readonly<Record<string, ColumnOf<Row>>> {
  return {
    sum_us: ["INTEGER", "Their time together, in microseconds.", (row) => timesOf(row).sumUs],
    max_us: ["INTEGER", "The longest.", (row) => timesOf(row).maxUs],
    p50_us: [
      "INTEGER",
      "Half of them took no longer.",
      (row) => timesOf(row).percentile(0.5) ?? null,
    ],
    p95_us: [
      "INTEGER",
      "95 of 100 took no longer.",
      (row) => timesOf(row).percentile(0.95) ?? null,
    ],
    p99_us: [
      "INTEGER",
      "99 of 100 took no longer.",
      (row) => timesOf(row).percentile(0.99) ?? null,
    ],
  };
}

/** One row a digest and target. */
export const digestsTable = table<DigestTotals>("digests", {
  doc: "Statements by their digest and the server they went to, from their arrival to the end of " +
    "their answers, at most `metrics.digests_max` rows. With several workers up to 1 s old.",
  rows: ({ view }) => view.running.metrics().digests,
  columns: {
    digest: [
      "TEXT",
      "STATEMENT_DIGEST() of the server, as performance_schema has it; where the server has none " +
      "or was not asked yet, one of the proxy's own. NULL: statements without a digest: those " +
      "beyond the bound, and, with session pooling, prepared ones.",
      ({ digest }) => digest?.hash ?? null,
    ],
    text: ["TEXT", "The normalised statement.", ({ digest }) => digest?.text ?? null],
    of_server: [
      "INTEGER",
      "1 if digest and text are the server's.",
      ({ digest }) => digest?.isServers ?? false,
    ],
    db: [
      "TEXT",
      "The default schema of its first statement; empty: none, or not known.",
      ({ db }) => db,
    ],
    user: ["TEXT", "The account of its first statement.", ({ user }) => user],
    target: ["TEXT", "The server.", ({ server }) => server],
    count: ["INTEGER", "Statements.", ({ times }) => times.count],
    errors: ["INTEGER", "Of these, answered with an error.", ({ errors }) => errors],
    rows_sent: ["INTEGER", "Rows in their answers.", ({ rowsSent }) => rowsSent],
    rows_affected: ["INTEGER", "Rows that they have changed.", ({ rowsAffected }) => rowsAffected],
    ...timesColumns<DigestTotals>(({ times }) => times),
    first_seen: ["TEXT", "UTC.", ({ firstMs }) => timeText(firstMs)],
    last_seen: ["TEXT", "UTC.", ({ lastMs }) => timeText(lastMs)],
  },
});

/** One row a stage and target. */
export const stagesTable = table<StageTotals>("stages", {
  doc: "How long statements were where: `queue`, waiting for a server connection; `restore`, " +
    "waiting for the session's state on it; `consistency`, asking how new the data must be and " +
    "waiting for a replica; `execute`, from sending to the end of the answer; `stream`, of that, from " +
    "the first piece of the answer to its end; `total`, all of it. `connect`: opening connections and " +
    "logging in on them. Who did not wait is not counted in the first three, an answer in one piece " +
    "not in `stream`. With several workers up to 1 s old.",
  rows: ({ view }) => view.running.metrics().stages,
  columns: {
    stage: ["TEXT", "The stage.", ({ stage }) => stage],
    target: ["TEXT", "The server.", ({ server }) => server],
    count: ["INTEGER", "Statements that went through it.", ({ times }) => times.count],
    ...timesColumns<StageTotals>(({ times }) => times),
    histogram: [
      "TEXT",
      "All of it: `microseconds:count` for each bucket, with commas. The difference between two " +
      "readings gives the percentiles of the time between them.",
      ({ times }) => times.buckets.map(([us, count]) => `${us}:${count}`).join(","),
    ],
  },
});

/** One row an error number and server. */
export const errorsTable = table<ErrorTotals>("errors", {
  doc: "Errors that servers have answered statements with. With several workers up to 1 s old.",
  rows: ({ view }) => view.running.metrics().errors,
  columns: {
    code: ["INTEGER", "The error number.", ({ code }) => code],
    server: ["TEXT", "The server.", ({ server }) => server],
    count: ["INTEGER", "How many there were.", ({ count }) => count],
    first_seen: ["TEXT", "UTC.", ({ firstMs }) => timeText(firstMs)],
    last_seen: ["TEXT", "UTC.", ({ lastMs }) => timeText(lastMs)],
  },
});
