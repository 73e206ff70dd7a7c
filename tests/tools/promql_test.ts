// The checker of deploy/'s expressions refuses what Prometheus would refuse, or would never match.

import { describe, expect, test } from "bun:test";
import { checkPromql, isPromDuration, type KnownMetric } from "../promql.ts";

const METRICS = new Map<string, KnownMetric>([
  ["requests_total", { kind: "counter", labels: new Set(["code"]) }],
  ["latency_bucket", { kind: "counter", labels: new Set(["le", "stage"]) }],
  ["lag", { kind: "gauge", labels: new Set(["server"]) }],
  ["ready", { kind: "gauge", labels: new Set() }],
]);

describe("checkPromql()", () => {
  const right: readonly (readonly [expression: string, labels: string])[] = [
    ["ready == 0", "instance job"],
    ["lag > 30", "instance job server"],
    ['sum by (instance) (rate(requests_total{code=~"5..",instance!="a"}[5m])) > 0.5', "instance"],
    ["sum(rate(requests_total[1h30m])) without (code)", "instance job"],
    [
      "histogram_quantile(0.95, sum by (le, stage) (rate(latency_bucket[5m])))",
      "stage",
    ],
    ["ready - time() < 14 * 86400", "instance job"],
    ["topk(3, lag) and on (instance) ready == 1", "instance job server"],
    ["max_over_time(lag[5m:10s]) offset 1d > -1 # late", "instance job server"],
    ["lag * on (instance) group_left ready", "instance"],
    ["absent(ready) or (lag unless lag > 2 ^ 3)", "instance job server"],
    ["1 > bool 2", ""],
  ];
  for (const [expression, labels] of right) {
    test(expression, () => {
      expect([...checkPromql(expression, METRICS).labels].sort().join(" ")).toBe(labels);
    });
  }

  const wrong: readonly (readonly [expression: string, reason: string])[] = [
    ["redy == 0", "there is no metric redy, at 1 of redy == 0"],
    ['ready{server="a"}', 'ready has no label "server", at 7'],
    ["ready{job=a}", "a is no string"],
    ["rate(requests_total)", "rate takes (range), not (vector)"],
    ["rate(lag[5m])", "rate is for a counter"],
    ["deriv(requests_total[5m])", "deriv is for a gauge"],
    ["rte(requests_total[5m])", "there is no function rte"],
    ["sum by (le) (rate(latency_bucket[5m])) by (le)", '"by" is too much'],
    ["sum by (server) (requests_total)", 'there is no label "server" to group by'],
    [
      "histogram_quantile(0.9, sum by (stage) (rate(latency_bucket[5m])))",
      'takes samples with the label "le"',
    ],
    ["sum(lag", '")" is missing'],
    ["sum(lag))", '")" is too much'],
    ["lag[5]", '"5" is no duration'],
    ["lag[1s5m]", '"1s5m" is no duration'],
    ["sum(lag)[5m]", "only a selector has a range"],
    ["lag >", "it ends too soon"],
    ["lag > 'a'", '">" takes no string'],
    ["1 == 1", "scalars are compared with bool"],
    ["lag and 1", '"and" takes two vectors'],
    ["lag / ready", 'both sides never match: only one has "server"'],
    ["lag & ready", 'cannot read "& ready"'],
    ["lag == 30s", '"30s" is no expression'],
  ];
  for (const [expression, reason] of wrong) {
    test(`${expression}: refused`, () => {
      expect(() => checkPromql(expression, METRICS)).toThrow(reason);
    });
  }
});

test("durations have their units from the largest on", () => {
  expect(["5m", "1h30m", "1d", "500ms", "0s"].every(isPromDuration)).toBe(true);
  expect(["", "5", "m", "30m1h", "1.5h", "5 m"].some(isPromDuration)).toBe(false);
});
