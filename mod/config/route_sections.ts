// The keys about where statements go: read/write splitting, consistency, balancing, rules.

import * as v from "valibot";
import {
  boolean,
  choice,
  choices,
  duration,
  integer,
  networks,
  size,
  text,
  texts,
} from "./kinds.ts";
import { mustBeTable, section } from "./section.ts";

/** Levels of consistency, from the weakest to the strongest. */
const LEVELS = ["eventual", "session", "instance", "global"] as const;

/** Ways to choose among servers that will do. */
const BALANCES = [
  "least-outstanding",
  "two-choices",
  "least-lag",
  "round-robin",
  "random",
] as const;

/** `[route]`. */
export const route = v.pipe(
  section("Where statements go. Splitting takes `pool.mode` `transaction`.", {
    split: boolean(false, {
      doc: "Whether statements that provably only read go to replicas.",
    }),
    consistency: choice(LEVELS, "session", {
      doc: "How new the data must be that a read on a replica sees; consistency.md says what " +
        "each level promises.",
    }),
    wait_timeout: duration("1s", { min: "0", max: "1h" }, {
      doc: "How long a replica is waited for that lacks what a read must see; then the read goes " +
        "to the primary. 0: not at all.",
    }),
    primary_reads: choice(["fallback", "share", "prefer"], "fallback", {
      doc: "When the primary takes reads that could go to replicas. `fallback`: while no replica " +
        "is fit. `share`: its share, as if it were one more replica. `prefer`: always, but for " +
        "what rules and hints send to replicas; for careful migrations.",
    }),
    replica_share: integer(100, { min: 0, max: 100 }, {
      doc: "Percent of the reads for replicas that do go there; the rest goes to the primary.",
    }),
    transactions: choice(["primary", "read-only", "split"], "read-only", {
      doc: "What may leave the primary: nothing; READ ONLY transactions, each whole to one " +
        "replica; with `split` also reads before the first write of a READ COMMITTED transaction.",
    }),
    balance: choice(BALANCES, "least-outstanding", {
      doc: "How one of several fit servers is chosen. `least-outstanding`: the fewest unanswered " +
        "requests for its weight. `two-choices`: of two by chance the one with less latency × " +
        "unanswered requests. `least-lag`, `round-robin` and `random` by weight.",
    }),
    primary_penalty: integer(1, { min: 0, max: 1000 }, {
      doc: "Unanswered requests that the primary counts as having more than it has.",
    }),
    zone: text("", {
      doc: "The zone this proxy is in: servers with the tag `zone=` and this name come first.",
    }),
    zone_min: integer(1, { min: 1, max: 1000 }, {
      doc: "Fit servers there must be in the zone; with fewer the zone does not count.",
    }),
    eject_failures: integer(5, { min: 0, max: 1000 }, {
      doc: "Failures in a row after which a server gets no reads for `eject_time`; 0 is never.",
    }),
    eject_latency: integer(0, { min: 0, max: 1000 }, {
      doc: "How many times slower than the median of the others a server must be to get no " +
        "reads for `eject_time`; 0 is never.",
    }),
    eject_silence: duration("30ms", { min: "0s", max: "10s" }, {
      doc:
        "A replica that owes answers and gives none for half of this is pinged. If it leaves the " +
        "ping without an answer for so long, while other servers answer theirs, it gets no reads " +
        "until it does, and reads that are under way there run elsewhere; 0 is never.",
    }),
    eject_time: duration("10s", { min: "100ms", max: "1h" }, {
      doc: "How long an ejected server gets no reads.",
    }),
    eject_max: integer(50, { min: 0, max: 100 }, {
      doc: "Percent of the replicas that may be ejected at the same time; never the last one.",
    }),
    information_schema: choice(["primary", "replica"], "primary", {
      doc: "Where reads of information_schema go; part of it differs from server to server.",
    }),
    hints: choices(["own", "hostgroup", "maxscale"], ["own"], {
      doc: "Hints in a statement's first comment that count: `own` (`/*FORCE_MASTER*/`, " +
        "`/*+ mysqlproxy(…) */`), ProxySQL's `hostgroup=N`, `maxscale route to …`.",
    }),
    primary_hostgroups: texts({
      doc: "Numbers of the hostgroups that mean the primary, where hints may be `hostgroup=N`.",
    }),
    cache_max: size("4MiB", { min: "64KiB", max: "1GiB" }, {
      doc: "Bytes of statements whose facts are kept, in each worker.",
    }),
  }),
  v.forward(
    v.partialCheck(
      [["primary_hostgroups"]],
      ({ primary_hostgroups: groups }) => groups.every((group) => /^\d{1,9}$/.test(group)),
      "must be numbers in quotes",
    ),
    ["primary_hostgroups"],
  ),
);

/** One `[[rule]]`. */
export const ruleSchema = v.pipe(
  v.object({
    name: text("", { doc: "Its name in EXPLAIN ROUTE; without one its number." }),
    user: text("", { doc: "Statements of this account name; empty: of all." }),
    schema: text("", { doc: "With this default schema; empty: with any." }),
    clients: networks({ doc: "From these networks; none: from anywhere." }),
    digest: text("", {
      doc: "With this text, blanks, case and values aside, as in `SELECT a FROM t WHERE id = ?`.",
    }),
    statement: text("", { doc: "Whose text matches this regular expression, in any case." }),
    target: choice(["any", "primary", "replica"], "any", {
      doc: "Where they go. `replica` moves nothing there that could change data.",
    }),
    tags: texts({ doc: "Only servers with all of these tags, while one of them is fit." }),
    consistency: choice(["default", ...LEVELS], "default", {
      doc: "How new the data must be.",
    }),
    audit: choice(["default", "always", "never"], "default", {
      doc: "Whether the audit log has them: as `[audit]` says; `always`, whatever that says of " +
        "accounts and share; `never`, not even those that fail. Of several rules that fit the " +
        "first that says something of this counts, splitting or not; a rule that says nothing " +
        "else leaves routing to the others.",
    }),
  }, mustBeTable),
  v.forward(
    v.partialCheck(
      [["statement"]],
      ({ statement }) => isRegExp(statement),
      "must be a regular expression",
    ),
    ["statement"],
  ),
);

function isRegExp(text: string): boolean {
  try {
    new RegExp(text, "i");
    return true;
  } catch {
    return false;
  }
}
