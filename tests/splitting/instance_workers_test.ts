// `instance` is all that was written through the proxy, whichever worker wrote it.

import { expect, test } from "bun:test";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { startAsyncCluster, until } from "../cluster/mod.ts";
import { startProxy } from "../proxy_process.ts";
import { serverKinds } from "../servers/mod.ts";

/** Enough for each of two workers to have some. */
const READERS = 12;

test.each(serverKinds())("%s: what another worker has written is seen", async (kind) => {
  await using cluster = await startAsyncCluster(kind, 1);
  const [primary, replica] = cluster.nodes;
  await primary!.sql(
    "CREATE DATABASE IF NOT EXISTS test; CREATE TABLE test.t (id INT PRIMARY KEY)",
  );
  await using proxy = await startProxy({
    backends: cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
    args: ["-u", "app", "-p", "app", "--workers", "2"],
    config: '[cluster]\ndiscover = false\nslow_start = "0"\n' +
      '[route]\nsplit = true\nconsistency = "instance"\n',
  });
  await proxy.untilLogged(/mode=synced/);
  const { host, port } = proxy;
  const login = { host, port, user: "app", password: "app", database: "test" };
  const clients = await Promise.all(
    Array.from({ length: READERS }, () => createConnection(login)),
  );
  try {
    for (const client of clients) {
      await until("reads are split", async () => {
        const [told] = await client.query<RowDataPacket[]>(
          "EXPLAIN ROUTE /*+ mysqlproxy(consistency=eventual) */ SELECT id FROM t",
        );
        return told.some((row) => Object.values(row).includes("replica"));
      });
    }
    await replica!.sql(kind === "mysql" ? "STOP REPLICA SQL_THREAD" : "STOP SLAVE SQL_THREAD");
    await clients[0]!.query("INSERT INTO t VALUES (1)");
    for (const client of clients) {
      const [rows] = await client.query<RowDataPacket[]>("SELECT id FROM t");
      expect(rows.length).toBe(1);
    }
  } finally {
    for (const client of clients) client.destroy();
  }
}, 60_000);
