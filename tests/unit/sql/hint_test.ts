// Hints in a statement's first comment.

import { describe, expect, test } from "bun:test";
import { type Hint, type HintForms, readFacts } from "../../../mod/sql/mod.ts";

const MODE = { noBackslashEscapes: false, ansiQuotes: false };

function hintOf(statement: string, hints: HintForms = {}): Hint | undefined {
  const bytes = Buffer.from(statement, "latin1");
  const facts = { effects: 0, bars: 0, hint: undefined, seesTables: false };
  readFacts(bytes, { start: 0, end: bytes.length }, { mode: MODE, hints }, facts);
  return facts.hint;
}

describe("hints", () => {
  const none: Hint | undefined = undefined;
  for (
    const [statement, hint] of [
      ["/*FORCE_MASTER*/ SELECT 1", { target: "primary" }],
      ["/*FORCE_SLAVE*/ SELECT 1", { target: "replica" }],
      ["/* FORCE_SLAVE */SELECT 1", { target: "replica" }],
      ["  /*\tforce_primary\n*/ SELECT 1", { target: "primary" }],
      ["/*FORCE_REPLICA*/SELECT 1", { target: "replica" }],
      ["SELECT /*FORCE_MASTER*/ 1", { target: "primary" }],
      ["SELECT 1 /*FORCE_MASTER*/", { target: "primary" }],
      ["SELECT /* x */ 1 /*FORCE_MASTER*/", none],
      ["SELECT '/*FORCE_MASTER*/'", none],
      ["SELECT `/*FORCE_MASTER*/`", none],
      ["-- FORCE_MASTER\nSELECT 1", none],
      ["/*FORCE_MASTERS*/ SELECT 1", none],
      ["/*FORCE_MASTER please*/ SELECT 1", none],
      ["/*!FORCE_MASTER*/ SELECT 1", none],
      ["/*+ mysqlproxy(target=replica) */ SELECT 1", { target: "replica" }],
      [
        "/*+ mysqlproxy(target=replica, server='h:3306', consistency=eventual, timeout=2s) */ SELECT 1",
        { target: "replica", server: "h:3306", consistency: "eventual", timeoutMs: 2000 },
      ],
      ["SELECT /*+ NO_MERGE(t) mysqlproxy(consistency=global) */ 1", { consistency: "global" }],
      ["SELECT /*+ MYSQLPROXY ( TARGET = PRIMARY ) */ 1", { target: "primary" }],
      ['/*+ mysqlproxy(server="[::1]:3306") */ SELECT 1', { server: "[::1]:3306" }],
      ["/*+ mysqlproxy(timeout=150ms) */ SELECT 1", { timeoutMs: 150 }],
      ["/* mysqlproxy(timeout=1.5m) */ SELECT 1", { timeoutMs: 90_000 }],
      ["/*+ mysqlproxy() */ SELECT 1", {}],
      ["/*+ mysqlproxy(target=moon) */ SELECT 1", { unknown: "target=moon" }],
      ["/*+ mysqlproxy(speed=1, target=replica) */ SELECT 1", {
        unknown: "speed=1",
        target: "replica",
      }],
      ["/*+ mysqlproxy(target=replica ?!) */ SELECT 1", { unknown: "target=replica ?!" }],
      ["/*+ mysqlproxy(timeout=2) */ SELECT 1", { unknown: "timeout=2" }],
      ["/*+ mysqlproxy(target=replica SELECT 1", none],
      ["SELECT /*+ MAX_EXECUTION_TIME(5) */ 1", none],
      ["SELECT 1 /*traceparent='00-abc',route='f()'*/", none],
      ["/* hostgroup=1 */ SELECT 1", none],
      ["SELECT 1 -- maxscale route to master", none],
      ["SELECT 1", none],
    ] as const
  ) {
    test(statement, () => expect(hintOf(statement)).toEqual(hint as Hint | undefined));
  }

  test("hostgroups, where they are named", () => {
    const forms: HintForms = { primaryHostgroups: [0, 10] };
    expect(hintOf("/* ;hostgroup=10 */ SELECT 1", forms)).toEqual({ target: "primary" });
    expect(hintOf("/* hostgroup=20;cache_ttl=5 */ SELECT 1", forms)).toEqual({ target: "replica" });
    expect(hintOf("/*FORCE_SLAVE*/ SELECT 1", forms)).toEqual({ target: "replica" });
  });

  test("the proxy's own, where they do not", () => {
    expect(hintOf("/*FORCE_SLAVE*/ SELECT 1", { own: false })).toBeUndefined();
    const forms: HintForms = { own: false, maxscale: true };
    expect(hintOf("/*+ mysqlproxy(target=replica) */ SELECT 1", forms)).toBeUndefined();
    expect(hintOf("SELECT 1 -- maxscale route to slave", forms)).toEqual({ target: "replica" });
  });

  test("MaxScale's, where they count", () => {
    const forms: HintForms = { maxscale: true };
    expect(hintOf("SELECT 1 -- maxscale route to master", forms)).toEqual({ target: "primary" });
    expect(hintOf("SELECT 1 # maxscale  route to slave\n", forms)).toEqual({ target: "replica" });
    expect(hintOf("SELECT 1 /* maxscale route to server db2 */", forms)).toEqual({ server: "db2" });
    expect(hintOf("SELECT 1 -- maxscale route to last", forms)).toEqual({
      unknown: "maxscale route to last",
    });
  });
});
