// The keys about ends and changes: of servers, and of the proxy itself.

import { duration, integer, size, text } from "./kinds.ts";
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
