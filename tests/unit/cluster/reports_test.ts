// What `probe` prints of a cluster, to the letter, and what it expects of one.

import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import {
  checkTopology,
  jsonReport,
  junitReport,
  parseExpectations,
  prometheusText,
  tableReport,
} from "../../../mod/cluster/mod.ts";
import { NOW_MS, TOPOLOGY } from "./sample_topology.ts";

const CHECKS = checkTopology(TOPOLOGY, {
  expectations: parseExpectations("primary=1, replicas>=3, flavor=async"),
  maxLagMs: 5000,
});

/** The text of a file in golden/; MYSQLPROXY_UPDATE_GOLDEN=1 writes it anew, to be looked through. */
async function golden(name: string, text: string): Promise<string> {
  const file = join(import.meta.dir, "golden", name);
  if (process.env["MYSQLPROXY_UPDATE_GOLDEN"] === "1") await Bun.write(file, text);
  return await Bun.file(file).text();
}

describe("reports", () => {
  test("table", async () => {
    const text = tableReport(TOPOLOGY, NOW_MS);
    expect(text).toBe(await golden("table.txt", text));
  });

  test("JSON", async () => {
    const report = jsonReport(TOPOLOGY, { nowMs: NOW_MS, checks: CHECKS });
    const text = `${JSON.stringify(report, null, 2)}\n`;
    expect(text).toBe(await golden("report.json", text));
  });

  test("JUnit", async () => {
    const text = junitReport(TOPOLOGY, CHECKS);
    expect(text).toBe(await golden("junit.xml", text));
  });

  test("Prometheus", async () => {
    const text = prometheusText(TOPOLOGY, { nowMs: NOW_MS, countOf: () => 2 });
    expect(text).toBe(await golden("metrics.txt", text));
  });
});

describe("expectations", () => {
  const failures = (text: string, maxLagMs?: number) =>
    checkTopology(TOPOLOGY, { expectations: parseExpectations(text), maxLagMs })
      .filter(({ holds }) => !holds).map(({ message }) => message);

  test("hold or say what was found instead", () => {
    expect(failures("primary=1,replicas==2,servers=4,down<=1,writers<2,readers>1")).toEqual([]);
    expect(failures("primary = 0, replicas > 2, up != 2, learners>=1")).toEqual([
      "expected primary=0, found 1 (db1:3306)",
      "expected replicas>2, found 2 (db2:3306, db3:3306)",
      "expected up!=2, found 2 (db1:3306, db2:3306)",
      "expected learners>=1, found 0",
    ]);
    expect(failures("flavor=group")).toEqual(["expected flavor=group, found async"]);
  });

  test("a bound for the lag holds for every replica that answers", () => {
    expect(failures("", 20_000)).toEqual([]);
    expect(failures("", 5000)).toEqual(["db3:3306 is 12340 ms behind, more than 5s"]);
    const unknown = {
      ...TOPOLOGY,
      servers: TOPOLOGY.servers.map((server) => ({ ...server, lagMs: null })),
    };
    const [check] = checkTopology(unknown, { expectations: [], maxLagMs: 5000 });
    expect(check).toMatchObject({ holds: false, message: "the lag of db2:3306 is not known" });
  });

  test("what cannot be read is told in one line", () => {
    for (const wrong of ["x", "primary", "primary=", "replicas=>2", "foo=1", "flavor=x", "up=-1"]) {
      expect(() => parseExpectations(wrong)).toThrow(`cannot read the expectation "${wrong}"`);
    }
    expect(parseExpectations(" , ")).toEqual([]);
  });
});
