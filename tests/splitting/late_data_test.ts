// A replica that applies nothing any more is left by the reads that wait for its data as soon as that
// is known, and it is looked at because they wait: not at the end of `route.wait_timeout`.

import { expect, test } from "bun:test";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { startAsyncCluster, until } from "../cluster/mod.ts";
import { startProxy } from "../proxy_process.ts";
import { serverKinds } from "../servers/mod.ts";

/** Far more than a look takes on a busy machine, half of what is configured below. */
const READ_MS_MAX = 5000;

test.each(serverKinds())("%s: an applier that stops under a read", async (kind) => {
  await using cluster = await startAsyncCluster(kind, 1);
  const [primary, replica] = cluster.nodes;
  await primary!.sql(
    "CREATE DATABASE IF NOT EXISTS test; CREATE TABLE test.t (id INT PRIMARY KEY)",
  );
  await using proxy = await startProxy({
    backends: cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
    args: ["-u", "app", "-p", "app", "--admin", "127.0.0.1:0"],
    config: '[cluster]\ndiscover = false\nslow_start = "0"\n[monitor]\ninterval = "10s"\n' +
      '[route]\nsplit = true\nwait_timeout = "10s"\n',
  });
  const { host, port } = proxy;
  const client = await createConnection({
    ...{ host, port, user: "app", password: "app", database: "test" },
  });
  try {
    await until("reads are split", async () => {
      const [told] = await client.query<RowDataPacket[]>("EXPLAIN ROUTE SELECT id FROM t");
      return told.some((row) => Object.values(row).includes("replica"));
    });
    await replica!.sql(kind === "mysql" ? "STOP REPLICA SQL_THREAD" : "STOP SLAVE SQL_THREAD");
    await client.query("INSERT INTO t VALUES (1)");
    const started = performance.now();
    const [rows] = await client.query<RowDataPacket[]>("SELECT id FROM t");
    expect(performance.now() - started).toBeLessThan(READ_MS_MAX);
    expect(rows.length).toBe(1);
    const [routes] = await client.query<RowDataPacket[]>("SHOW ROUTES");
    const waited = routes.filter((row) => Object.values(row).includes("read-after-wait"));
    expect(waited.length).toBe(1); // it was there
    const admin = await createConnection({
      ...{ host, port: await proxy.loggedPort("admin port"), user: "app", password: "app" },
    });
    const [servers] = await admin.query<RowDataPacket[]>("SELECT name, outstanding FROM servers");
    admin.destroy();
    expect(servers.map((row) => row["outstanding"])).toEqual([0, 0]);
  } finally {
    client.destroy();
  }
}, 60_000);
