// At `global` the primary is asked for its position on a connection of the proxy's own. That one may
// die without a word, as firewalls let connections die: reads do not wait for it.

import { expect, test } from "bun:test";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { startAsyncCluster, until } from "../cluster/mod.ts";
import { startProxy } from "../proxy_process.ts";
import { serverKinds } from "../servers/mod.ts";
import { StallingProxy } from "../stalling_proxy.ts";

/** A login and a few answers. */
const QUESTION_BYTES = 1500;
const READS = 60;
const READ_MS_MAX = 2000;

test.each(serverKinds())("%s: a question's connection that dies", async (kind) => {
  await using cluster = await startAsyncCluster(kind, 1);
  const [primary, replica] = cluster.nodes;
  await primary!.sql(
    "CREATE DATABASE IF NOT EXISTS test; CREATE TABLE test.t (id INT PRIMARY KEY)",
  );
  using way = await StallingProxy.start(primary!.port);
  await using proxy = await startProxy({
    backends: [way.port, replica!.port].map((port) => ({ host: "127.0.0.1", port })),
    args: ["-u", "app", "-p", "app"],
    config: '[cluster]\ndiscover = false\nslow_start = "0"\n' +
      '[route]\nsplit = true\nwait_timeout = "200ms"\n',
  });
  await proxy.untilLogged(/mode=synced/);
  const { host, port } = proxy;
  const client = await createConnection({
    ...{ host, port, user: "app", password: "app", database: "test" },
  });
  try {
    await until("reads are split", async () => {
      const [told] = await client.query<RowDataPacket[]>("EXPLAIN ROUTE SELECT id FROM t");
      return told.some((row) => Object.values(row).includes("replica"));
    });
    await client.query("INSERT INTO t VALUES (1)");
    await client.query("SET @@mysqlproxy.consistency = 'global'");
    way.stopAfter(QUESTION_BYTES, "stall");
    let slowestMs = 0;
    for (let at = 0; at < READS; at++) {
      const started = performance.now();
      const [rows] = await client.query<RowDataPacket[]>("SELECT id FROM t");
      slowestMs = Math.max(slowestMs, performance.now() - started);
      expect(rows.length).toBe(1);
    }
    expect(slowestMs).toBeLessThan(READ_MS_MAX);
    const [routes] = await client.query<RowDataPacket[]>("SHOW ROUTES");
    const failed = routes.filter((row) => Object.values(row).includes("wait-failed"));
    expect(failed.length).toBeGreaterThan(0); // it has died indeed
  } finally {
    client.destroy();
  }
}, 60_000);
