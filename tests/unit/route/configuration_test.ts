// The keys of [route] and [[rule]]: what they become, and what is refused.

import { describe, expect, test } from "bun:test";
import {
  type Config,
  defaultConfig,
  formatConfigErrors,
  loadConfig,
  properties,
} from "../../../mod/config/mod.ts";
import { hintForms, makeRouteFacts, Rules } from "../../../mod/route/mod.ts";
import { MODE } from "./topologies.ts";

const BACKEND = 'backends = ["db1"]\n';

function load(text: string): Config {
  const { config, errors } = loadConfig({ text: BACKEND + text, file: "f" });
  if (!config) throw new Error(formatConfigErrors(errors).join("\n"));
  return config;
}

function errorOf(text: string): string {
  const { errors } = loadConfig({ text: BACKEND + text, file: "f" });
  return formatConfigErrors(errors ?? []).join("\n");
}

describe("[route]", () => {
  test("splits nothing by default", () => {
    const { route, rules } = defaultConfig();
    expect([route.split, route.consistency, route.waitTimeoutMs]).toEqual([false, "session", 1000]);
    expect([route.primaryReads, route.balance]).toEqual(["fallback", "least-outstanding"]);
    expect(rules).toEqual([]);
  });

  test("every key", () => {
    const { route } = load(`[route]
split = true
consistency = "global"
wait_timeout = "250ms"
primary_reads = "share"
replica_share = 40
transactions = "split"
balance = "two-choices"
zone = "a"
eject_time = "5s"
information_schema = "replica"
hints = ["own", "hostgroup", "maxscale"]
primary_hostgroups = ["0", "10"]
cache_max = "1MiB"
`);
    expect(route).toMatchObject({
      split: true,
      consistency: "global",
      waitTimeoutMs: 250,
      replicaShare: 40,
      ejectTimeMs: 5000,
      cacheMaxBytes: 1024 * 1024,
    });
    expect(hintForms(route)).toEqual({ own: true, maxscale: true, primaryHostgroups: [0, 10] });
  });

  test("what is wrong is said with its line", () => {
    expect(errorOf('[route]\nconsistency = "strong"')).toMatch(/^f:3:.*route\.consistency/);
    expect(errorOf("[route]\nreplica_share = 101")).toContain("from 0 to 100");
    expect(errorOf('[route]\nprimary_hostgroups = ["ten"]')).toContain("must be numbers in quotes");
    expect(errorOf("[route]\nspeed = 1")).toContain("unknown key");
  });
});

describe("[[rule]]", () => {
  const rule = `[[rule]]
name = "reports"
user = "report"
clients = ["10.0.0.0/8"]
statement = "FROM log"
target = "replica"
tags = ["big"]
consistency = "eventual"
`;

  test("a rule, and how it is shown", () => {
    const config = load(rule);
    expect(config.rules[0]).toMatchObject({ name: "reports", target: "replica", digest: "" });
    const shown = properties(config).filter(([name]) => name === "rule");
    expect(shown).toEqual([[
      "rule",
      "reports: user report, statement FROM log, clients 10.0.0.0/8, tags big, target replica, " +
      "consistency eventual",
    ]]);
  });

  test("statements are noted with their rules, and held as they are", () => {
    const { route, rules } = load(rule);
    const facts = makeRouteFacts(route, new Rules(rules), undefined);
    const of = (text: string) => {
      const bytes = Buffer.from(text);
      return facts.of(bytes, 0, bytes.length, MODE).note;
    };
    expect(of("SELECT a FROM log")).toEqual(Uint32Array.of(1));
    expect(of("SELECT a FROM t")).toEqual(Uint32Array.of(0));
    expect(makeRouteFacts(route, new Rules([]), undefined).of(Buffer.from("x"), 0, 1, MODE).note)
      .toBeUndefined();
  });

  test("what is wrong", () => {
    expect(errorOf('[[rule]]\nstatement = "("')).toContain("must be a regular expression");
    expect(errorOf('[[rule]]\ntarget = "moon"')).toContain("target");
    expect(errorOf("[[rule]]\n".repeat(257))).toContain("must be at most 256");
    expect(load("[[rule]]\n".repeat(256)).rules.length).toBe(256);
  });
});
