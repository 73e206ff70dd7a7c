// SHOW CLUSTER and its like over a made-up topology.

import { describe, expect, test } from "bun:test";
import {
  answerClusterStatement,
  type ClusterView,
  type OrderOutcome,
  parseClusterStatement,
  type Rows,
} from "../../../mod/cluster/mod.ts";
import { NOW_MS, TOPOLOGY } from "./sample_topology.ts";

const said: string[] = [];
const view: ClusterView = {
  topology: TOPOLOGY,
  events: [
    {
      number: 7,
      atMs: NOW_MS - 5000,
      kind: "failover-ended",
      server: "db1:3306",
      from: "db3:3306",
      to: "db1:3306",
      reason: "the only one",
      durationMs: 6683,
    },
    {
      number: 8,
      atMs: NOW_MS - 4000,
      kind: "state-changed",
      server: "db3:3306",
      from: "up",
      to: "down",
      reason: "",
      durationMs: null,
    },
  ],
  drain: (server) => order(`drain ${server}`),
  enable: (server) => order(`enable ${server}`),
  setWeight: (server, weight) => order(`weight ${server} ${weight}`),
};

function order(what: string): OrderOutcome {
  said.push(what);
  return what.includes("db9") ? "unknown-server" : "done";
}

function answer(text: string) {
  const statement = parseClusterStatement(text);
  return statement && answerClusterStatement(statement, view, { nowMs: NOW_MS });
}

function rows(text: string): Record<string, string | null>[] {
  const { columns, rows } = answer(text) as Rows;
  return rows.map((row) => Object.fromEntries(columns.map((name, at) => [name, row[at]!])));
}

const addresses = (text: string) => rows(text).map(({ address }) => address);

describe("answerClusterStatement()", () => {
  test("SHOW CLUSTER has a row for each server, and never an answer without its age", () => {
    const [db1, db2, db3, db4] = rows("SHOW CLUSTER;");
    expect(db1).toMatchObject({
      address: "db1:3306",
      host: "db1",
      port: "3306",
      role: "primary",
      "native role": "writable",
      state: "up",
      "rtt(ms)": "0.42",
      "delay(ms)": "0",
      "update time": "200 ms ago",
      reads: "YES",
      writes: "YES",
      aliases: "vip:3306",
      "read only": "NO",
    });
    expect(db2).toMatchObject({ role: "replica", "delay(ms)": "120", "delay by": "position" });
    expect(db3).toMatchObject({ state: "lagging", reason: "more than 10000 ms behind" });
    expect(db4).toMatchObject({
      state: "down",
      "update time": "never",
      "delay(ms)": null,
      error: "connect ECONNREFUSED 10.0.0.4:3306",
    });
  });

  test("has the columns that users of the like statement look for", () => {
    const wanted = ["address", "host", "port", "xport", "paxos port", "role", "token"];
    const more = ["commit index", "apply index", "rtt(ms)", "delay(ms)", "update time"];
    expect((answer("show cluster") as Rows).columns.slice(0, 12)).toEqual([...wanted, ...more]);
    expect((answer("show rw") as Rows).columns.slice(0, 10)).toEqual([
      ...["address", "weight", "running", "idle", "max pooled", "role", "token", "rtt(ms)"],
      ...["delay(ms)", "update time"],
    ]);
  });

  test("SHOW RW and SHOW RO tell where statements go", () => {
    expect(addresses("SHOW RW")).toEqual(["db1:3306"]);
    expect(addresses("/* who */ show ro ;")).toEqual(["db2:3306"]);
  });

  test("LIKE and WHERE choose rows; numbers compare as numbers", () => {
    expect(addresses("SHOW CLUSTER LIKE 'db2%'")).toEqual(["db2:3306"]);
    expect(addresses("SHOW CLUSTER LIKE 'DB_:3306'").length).toBe(4);
    expect(addresses("SHOW CLUSTER WHERE role = 'replica' AND `delay(ms)` > 1000"))
      .toEqual(["db3:3306"]);
    expect(addresses("SHOW CLUSTER WHERE `delay(ms)` BETWEEN 0 AND 9;"))
      .toEqual(["db1:3306"]);
    expect(addresses("SHOW CLUSTER WHERE error LIKE '%refused%' OR state IN ('up')"))
      .toEqual(["db1:3306", "db2:3306", "db4:3306"]);
    expect(answer("SHOW CLUSTER WHERE nonsense = 1")).toMatchObject({ code: 1064 });
    expect(answer("SHOW CLUSTER WHERE 1; DROP TABLE shown")).toMatchObject({ code: 1064 });
  });

  test("SHOW EVENTS and SHOW TOPOLOGY", () => {
    expect(rows("SHOW EVENTS WHERE event LIKE 'failover%'")).toEqual([{
      number: "7",
      time: new Date(NOW_MS - 5000).toISOString(),
      event: "failover-ended",
      server: "db1:3306",
      from: "db3:3306",
      to: "db1:3306",
      reason: "the only one",
      "duration(ms)": "6683",
    }]);
    expect(rows("SHOW CLUSTER EVENTS").length).toBe(2);
    const [row] = rows("SHOW TOPOLOGY");
    expect(JSON.parse(row!["topology"]!)).toEqual(TOPOLOGY);
  });

  test("orders name a server in any of the usual ways", () => {
    said.length = 0;
    expect(answer("DRAIN SERVER 'db2:3306';")).toBe("ok");
    expect(answer('enable server "db2"')).toBe("ok");
    expect(answer("SET SERVER db2:3306 WEIGHT 5")).toBe("ok");
    expect(said).toEqual(["drain db2:3306", "enable db2:3306", "weight db2:3306 5"]);
    expect(answer("DRAIN SERVER 'db9:3306'")).toMatchObject({ code: 1105 });
    expect(answer("DRAIN SERVER 'db2:x'")).toMatchObject({ code: 1064 });
    expect(answer("SET SERVER 'db2' WEIGHT 5000")).toMatchObject({ code: 1231 });
  });

  test("other statements are none of its business", () => {
    for (const text of ["SHOW TABLES", "SELECT 1", "SET x = 1", "SHOW CLUSTERS", "DRAIN"]) {
      expect(answer(text)).toBeUndefined();
    }
  });
});
