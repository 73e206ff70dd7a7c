// The keys about ends and changes: of servers, and of the proxy itself.

import { boolean, duration, integer, size, tableName, text } from "./kinds.ts";
import { section } from "./section.ts";

/** `[drain]`. */
export const drain = section("How the proxy ends.", {
  timeout: duration("10s", { min: "0", max: "24h" }, {
    doc:
      "How long statements and transactions may go on after the first SIGTERM; then their clients get error 1053. As long clients may stay that cannot leave a server which was removed from `backends`.",
    flag: {
      names: "--drain-timeout",
      value: "duration",
      help: "time for statements and transactions to end after SIGTERM",
    },
  }),
  takeover_timeout: duration("1h", { min: "0", max: "30d" }, {
    doc:
      "How long clients may stay with a proxy that was replaced by `serve --takeover`, or with a worker that is one too many; then it drains.",
  }),
});

/** `[failover]`. */
export const failover = section(
  "What happens while no server takes writes. `transaction` pooling only.",
  {
    max_wait: duration("20s", { min: "0", max: "1h" }, {
      doc:
        "How long a statement waits for a server that takes it before its client gets error 3168; 0: not at all.",
    }),
    max_parked: integer(10_000, { min: 0, max: 1_000_000 }, {
      doc: "Statements that wait at the same time, of each worker (error 3168 beyond).",
    }),
    parked_bytes_max: size("64MiB", { min: "0", max: "16GiB" }, {
      doc: "Bytes of statements that wait, of each worker (error 3168 beyond).",
    }),
    replay: boolean(false, {
      doc:
        "Transactions that are lost with their server before their COMMIT was sent are run again on the new primary, and go on if every answer is the one that the client has got; otherwise, and for those beyond the bounds below, error 1213.",
    }),
    replay_statements_max: integer(1000, { min: 1, max: 1_000_000 }, {
      doc: "Statements of a transaction that can be run again.",
    }),
    replay_bytes_max: size("1MiB", { min: "1KiB", max: "1GiB" }, {
      doc: "Bytes of its statements and of their answers. Of answers only a checksum is kept.",
    }),
    replay_time_max: duration("30s", { min: "1ms", max: "24h" }, {
      doc: "How long it may have been open.",
    }),
    replay_memory_max: size("64MiB", { min: "0", max: "16GiB" }, {
      doc: "Bytes of statements kept for that, of each worker.",
    }),
    commit_marks: tableName({
      doc:
        "With `replay`: a table in which each transaction that writes leaves a mark just before its COMMIT. When the server is lost under the COMMIT the new primary is asked for the mark.",
    }),
    drain: duration("5s", { min: "0", max: "1h" }, {
      doc:
        "How long SWITCHOVER waits for transactions that are open to end, while new ones wait; those that take longer fail.",
    }),
    replication_user: text("", {
      doc:
        "The account with which the old primary replicates after SWITCHOVER. Without one: as the new primary did (MySQL), or as it did itself before (MariaDB).",
    }),
    replication_password: text("", { doc: "Its password.", secret: true }),
  },
);
