// Sessions go to the server that takes writes, whichever backend it is, and after a planned change
// of the primary to the new one, with all they have set.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { startProxy } from "../proxy_process.ts";
import { serverKinds } from "../servers/mod.ts";
import { type Cluster, follow, setReadOnly, startAsyncCluster } from "./clusters.ts";
import { until } from "./watching.ts";

const APP = { user: "app", password: "app", database: "test" };

async function value(client: Connection, sql: string): Promise<unknown> {
  const [rows] = await client.query<RowDataPacket[]>({ sql, rowsAsArray: true });
  return (rows as unknown as unknown[][])[0]?.[0];
}

for (const kind of serverKinds()) {
  describe(`the primary of ${kind}`, () => {
    let cluster: Cluster;

    beforeAll(async () => {
      cluster = await startAsyncCluster(kind, 1);
      const { first } = cluster;
      await first.sql(
        "CREATE DATABASE IF NOT EXISTS test; CREATE TABLE test.t (id INT PRIMARY KEY)",
      );
    });

    afterAll(async () => {
      await cluster?.[Symbol.asyncDispose]();
    });

    /** The primary and its replica, as they are now. */
    function nodes(primary: number) {
      const [first, second] = cluster.nodes;
      return primary === first!.port ? [first!, second!] as const : [second!, first!] as const;
    }

    for (const mode of ["transaction", "session"]) {
      test(`is found and followed, pool.mode ${mode}`, async () => {
        const before = await Promise.all(
          cluster.nodes.map(async (node) =>
            [node, await node.value("SELECT @@GLOBAL.read_only")] as const
          ),
        );
        const [primary, replica] = nodes(
          before.find(([, readOnly]) => !Number(readOnly))![0].port,
        );
        await using proxy = await startProxy({
          // The replica stands first.
          backends: [replica, primary].map(({ port }) => ({ host: "127.0.0.1", port })),
          config: `[pool]\nmode = "${mode}"\n[account]\nuser = "app"\npassword = "app"\n`,
        });
        const to = { ...APP, host: proxy.host, port: proxy.port };
        const client = await createConnection(to);
        expect(await value(client, "SELECT @@port")).toBe(primary.port);
        await client.query("SET @kept = 'this', sql_mode = 'ANSI_QUOTES'");
        await client.query("REPLACE INTO t VALUES (1)");

        await setReadOnly(primary, true);
        await until(
          "all is on the replica",
          async () =>
            await replica.value("SELECT COUNT(*) FROM test.t") ===
              await primary.value("SELECT COUNT(*) FROM test.t"),
        );
        await follow(replica, undefined);
        await setReadOnly(replica, false);
        await follow(primary, replica);
        await proxy.untilLogged(new RegExp(`another server.*to.*:${replica.port}`));

        if (mode === "transaction") {
          expect(await value(client, "SELECT @@port")).toBe(replica.port);
          expect(await value(client, "SELECT CONCAT(@kept, @@sql_mode)")).toContain(
            "thisANSI_QUOTES",
          );
          await client.query("REPLACE INTO t VALUES (2)");
        }
        const other = await createConnection(to);
        expect(await value(other, "SELECT @@port")).toBe(replica.port);
        await other.query("REPLACE INTO t VALUES (3)");
        expect(await replica.value("SELECT COUNT(*) FROM test.t WHERE id = 3")).toEqual(1);
        await Promise.all([client.end(), other.end()]);
      }, 60_000);
    }
  });
}
