// Clients that are there before the servers are, as after a reboot: their reads leave the primary like
// everybody's.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { type Cluster, startAsyncCluster, until } from "../cluster/mod.ts";
import { startProxy } from "../proxy_process.ts";
import { serverKinds } from "../servers/mod.ts";

for (const kind of serverKinds()) {
  describe(`clients that come before ${kind} does`, () => {
    let cluster: Cluster;

    beforeAll(async () => {
      cluster = await startAsyncCluster(kind, 1);
      await cluster.first.sql(
        "CREATE DATABASE IF NOT EXISTS test; CREATE TABLE test.t (id INT PRIMARY KEY)",
      );
      const [, replica] = cluster.nodes;
      await until(
        "the replica has it",
        async () =>
          Number(
            await replica!.value(
              "SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 't'",
            ),
          ) > 0,
      );
    }, 60_000);

    afterAll(() => cluster?.[Symbol.asyncDispose]());

    test.each([1, 2])("%d workers", async (workers) => {
      for (const node of cluster.nodes) await node.kill("SIGTERM");
      await using proxy = await startProxy({
        backends: cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
        args: ["-u", "app", "-p", "app", "--workers", String(workers)],
        // The accounts would not be read again in the time of this test.
        config:
          '[auth]\nsync_interval = "1h"\n[cluster]\nslow_start = "0"\n[route]\nsplit = true\n',
      });
      await proxy.untilLogged(/accounts not read/);
      const { host, port } = proxy;
      const clients = Array.from(
        { length: 4 },
        () => createConnection({ host, port, user: "app", password: "app", database: "test" }),
      );
      // As soon as they are refused nothing is tested.
      for (const client of clients) client.catch(() => {});
      await Promise.all(cluster.nodes.map((node) => node.start()));
      for (const client of await Promise.all(clients)) {
        await until("its reads are split", async () => {
          const [told] = await client.query<RowDataPacket[]>("EXPLAIN ROUTE SELECT id FROM t");
          return told.some((row) => Object.values(row).includes("replica"));
        });
        const [[row]] = await client.query<RowDataPacket[]>("SELECT COUNT(*) AS n FROM t");
        expect(row!["n"]).toBe(0);
        client.destroy();
      }
    }, 60_000);
  });
}
