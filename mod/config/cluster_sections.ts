// The keys about the servers as a cluster: how they are watched, and what is made of it.

import * as v from "valibot";
import { boolean, choice, duration, integer, path, serverAddress, text, texts } from "./kinds.ts";
import { mustBeTable, section } from "./section.ts";

/** `[monitor]`. */
export const monitor = section("How servers are watched. It takes the proxy's own account.", {
  interval: duration("1s", { min: "50ms", max: "1h" }, {
    doc: "Time between two looks at a server.",
  }),
  quick_interval: duration("250ms", { min: "20ms", max: "1h" }, {
    doc: "Likewise while something is wrong; a fifth of it while there is no primary.",
  }),
  timeout: duration("1s", { min: "20ms", max: "1h" }, {
    doc: "How long a look may take, connecting included.",
  }),
  failures_max: integer(3, { min: 1, max: 1000 }, {
    doc: "Looks without an answer until a suspect server counts as down.",
  }),
  lag_query: text("", {
    doc:
      "A statement whose one value is a replica's lag in seconds, for a heartbeat table; without one the lag is reckoned from positions.",
  }),
});

/** `[cluster]`. */
export const cluster = section("What is made of what servers say.", {
  flavor: choice(
    [
      "auto",
      "static",
      "async",
      "group",
      "mariadb",
      "galera",
      "aurora",
      "polardbx",
      "wesql",
      "tidb",
    ],
    "auto",
    {
      doc: "What kind of cluster it is. `auto`: the first server that answers is asked.",
      flag: { names: "--flavor", value: "kind", help: "what kind of cluster the servers are" },
    },
  ),
  discover: boolean(true, {
    doc: "Whether servers that others name are watched and used too, or only the configured ones.",
  }),
  lag_max: duration("10s", { min: "10ms", max: "30d" }, {
    doc: "A replica that is further behind gets no new reads, while there are others.",
  }),
  slow_start: duration("10s", { min: "0", max: "1h" }, {
    doc: "How long a server that is back gets less than its share.",
  }),
  forget_after: duration("1h", { min: "1s", max: "365d" }, {
    doc: "How long a discovered server that is gone is remembered.",
  }),
  events_max: integer(1000, { min: 1, max: 1_000_000 }, { doc: "Events kept for SHOW EVENTS." }),
  state_dir: path({
    doc:
      "Directory for what is to be known after a restart: the last topology, and what was said by DRAIN SERVER and SET SERVER. Without one nothing is kept.",
    flag: {
      names: "--state-dir",
      value: "directory",
      help: "where the last topology is kept over restarts",
    },
    environment: "STATE_DIRECTORY",
  }),
});

/** One `[[server]]`. */
export const serverSchema = v.object({
  address: serverAddress(3306, {
    doc: "Which server is meant, by its own name or one that leads to it.",
  }),
  weight: integer(1, { min: 0, max: 1000 }, {
    doc: "Its share of the work beside others of its role; 0: none while there are others.",
  }),
  tags: texts({ doc: "Words for rules to choose it by." }),
}, mustBeTable);
