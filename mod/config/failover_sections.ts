// The keys about ends and changes: of servers, and of the proxy itself.

import { duration } from "./kinds.ts";
import { section } from "./section.ts";

/** `[drain]`. */
export const drain = section("How the proxy ends.", {
  timeout: duration("10s", { min: "0", max: "24h" }, {
    doc:
      "How long statements and transactions may go on after the first SIGTERM; then their clients get error 1053.",
    flag: {
      names: "--drain-timeout",
      value: "duration",
      help: "time for statements and transactions to end after SIGTERM",
    },
  }),
  takeover_timeout: duration("1h", { min: "0", max: "30d" }, {
    doc:
      "How long clients may stay with a proxy that was replaced by `serve --takeover`; then it drains.",
  }),
});
