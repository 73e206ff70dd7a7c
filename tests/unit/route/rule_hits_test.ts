// Counts of what rules have decided.

import { expect, test } from "bun:test";
import { loadConfig, type Rule } from "../../../mod/config/mod.ts";
import { RuleHits, RuleHitTotals } from "../../../mod/route/mod.ts";

function rule(name: string): Rule {
  const text = `backends = ["db"]\n[[rule]]\nname = "${name}"\nstatement = "${name}"\n`;
  return loadConfig({ text }).config!.rules[0]!;
}

test("nothing is lost or counted twice while rules change", () => {
  const [a, b, c] = [rule("a"), rule("b"), rule("c")];
  const worker = new RuleHits([a, b]);
  const totals = new RuleHitTotals();
  worker.count(0);
  worker.count(1);
  worker.count(1);
  worker.follow([c, b]);
  worker.count(1);
  worker.count(0);
  totals.add(worker.take());
  expect([a, b, c].map((each) => totals.of(each))).toEqual([1, 3, 1]);
  expect(worker.take()).toEqual([]);
  const other = new RuleHits([b]);
  other.count(0);
  totals.add(other.take());
  expect(totals.of(b)).toBe(4);
  expect(totals.of({ ...b, target: "primary" })).toBe(0);
});

test("rules that are gone are forgotten at last, those in force never", () => {
  const totals = new RuleHitTotals();
  const kept = rule("kept");
  const worker = new RuleHits([kept]);
  worker.count(0);
  totals.add(worker.take());
  for (let i = 0; i < 1500; i++) {
    const passing = new RuleHits([rule(`passing ${i}`)]);
    passing.count(0);
    totals.add(passing.take());
    totals.forgetOthers([kept]);
  }
  expect(totals.of(kept)).toBe(1);
  expect(totals.of(rule("passing 0"))).toBe(0);
  expect(totals.of(rule("passing 1499"))).toBe(1);
});
