// What a worker tells of failing statements, and how often.

import { expect, test } from "bun:test";
import type { TroubleReport } from "../../../mod/cluster/mod.ts";
import { TroubleReporter } from "../../../mod/proxy/trouble.ts";

test("the first trouble is told at once, a burst behind it once more", async () => {
  const told: TroubleReport[] = [];
  const reporter = new TroubleReporter("db1:3306", (report) => told.push(report));
  reporter.report(1290);
  expect(told).toEqual([{ server: "db1:3306", code: 1290 }]);
  for (let at = 0; at < 1000; at++) reporter.report(0);
  expect(told.length).toBe(1);
  await Bun.sleep(70);
  expect(told).toEqual([{ server: "db1:3306", code: 1290 }, { server: "db1:3306", code: 0 }]);
});

test("errors that say nothing about the server are nobody's business", async () => {
  const told: TroubleReport[] = [];
  const reporter = new TroubleReporter("db1:3306", (report) => told.push(report));
  for (const code of [1062, 1064, 1205, 1213, 1045]) reporter.report(code);
  for (const code of [1053, 1290, 1792, 1836, 3100]) reporter.report(code);
  expect(told.length).toBe(1);
  await Bun.sleep(70);
  expect(told.length).toBe(2);
});
