// Replicas that apply nothing, and whose servers do not know it: a lock keeps what has come from being
// committed. Reads that must see it do not wait for them, and come back when they go on.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { type Cluster, startAsyncCluster, startGroup, until } from "../cluster/mod.ts";
import { startProxy } from "../proxy_process.ts";
import { serverKinds } from "../servers/mod.ts";

/** How long such a read may take, of the quickest of several tries. */
const MOVED_MS_MAX = 100;
const TRIES = 8;

const clusters = serverKinds().flatMap((kind): [string, () => Promise<Cluster>][] => {
  const replicas: [string, () => Promise<Cluster>] = [kind, () => startAsyncCluster(kind, 2)];
  return kind === "mysql" ? [replicas, ["group", () => startGroup(3)]] : [replicas];
});

describe.each(clusters)("replicas of %s apply nothing", (_name, start) => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await start();
    await cluster.first.sql(
      "CREATE DATABASE IF NOT EXISTS test; CREATE TABLE test.t (id INT PRIMARY KEY, v INT); " +
        "INSERT INTO test.t VALUES (1, 0)",
    );
  }, 120_000);

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
  });

  test("reads go elsewhere at once, and come back", async () => {
    const replicas = cluster.nodes.filter((node) => node !== cluster.first);
    const took: number[] = [];
    // Each with a proxy of its own: one that has given up a replica in vain is more patient.
    for (let time = 0; time < TRIES && !took.some((ms) => ms <= MOVED_MS_MAX); time++) {
      await using proxy = await startProxy({
        backends: cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
        config: '[pool]\nmode = "transaction"\n[account]\nuser = "app"\npassword = "app"\n' +
          '[cluster]\nslow_start = "0"\n[route]\nsplit = true\nwait_timeout = "5s"\n',
      });
      await proxy.untilLogged(/mode=synced/);
      const { host, port } = proxy;
      const login = { user: "app", password: "app", database: "test" };
      const client = await createConnection({ host, port, ...login });
      const read = async () => {
        const [[row]] = await client.query<RowDataPacket[]>("SELECT v FROM t WHERE id = 1");
        return Number(row!["v"]);
      };
      const untilSplit = () =>
        until("reads go to replicas", async () => {
          const [[row]] = await client.query<RowDataPacket[]>(
            "EXPLAIN ROUTE /*+ mysqlproxy(consistency=eventual) */ SELECT v FROM t",
          );
          return Object.values(row!)[1] === "replica";
        });
      await untilSplit();
      await client.query(`UPDATE t SET v = ${time}`);
      expect(await read()).toBe(time);
      for (const replica of replicas) await replica.sql("FLUSH TABLES WITH READ LOCK");
      await client.query(`UPDATE t SET v = ${100 + time}`);
      const began = performance.now();
      expect(await read()).toBe(100 + time);
      took.push(performance.now() - began);
      // And none is waited for once more.
      await client.query(`UPDATE t SET v = ${200 + time}`);
      expect(await read()).toBe(200 + time);
      for (const replica of replicas) await replica.sql("UNLOCK TABLES");
      await proxy.untilLogged(/data gets newer again/);
      client.destroy();
    }
    console.log(`moved after ${took.map((ms) => ms.toFixed(0)).join(", ")} ms`);
    expect(Math.min(...took)).toBeLessThanOrEqual(MOVED_MS_MAX);
  }, 120_000);
});
