// The proxy's first logins at a server, in the midst of which that one says no more: what all
// connections of an account need to know is learned on one of them.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { type Cluster, startAsyncCluster, until } from "../cluster/mod.ts";
import { startProxy } from "../proxy_process.ts";
import { serverKinds } from "../servers/mod.ts";
import { StallingProxy } from "../stalling_proxy.ts";

/** More than a login takes, less than the variables of a session. */
const LOGIN_BYTES = 6000;
const CLIENTS = 6;

for (const kind of serverKinds()) {
  describe(`first logins at a replica of ${kind}`, () => {
    let cluster: Cluster;

    beforeAll(async () => {
      cluster = await startAsyncCluster(kind, 1);
      await cluster.first.sql(
        "CREATE DATABASE IF NOT EXISTS test; CREATE TABLE test.t (id INT PRIMARY KEY)",
      );
    }, 60_000);

    afterAll(() => cluster?.[Symbol.asyncDispose]());

    test.each(["stall", "end"] as const)("that %s", async (how) => {
      const [primary, replica] = cluster.nodes;
      using way = await StallingProxy.start(replica!.port);
      await using proxy = await startProxy({
        backends: [primary!.port, way.port].map((port) => ({ host: "127.0.0.1", port })),
        args: ["-u", "app", "-p", "app"],
        config: '[pool]\nconnect_timeout = "500ms"\nwait_timeout = "3s"\n' +
          '[cluster]\ndiscover = false\nslow_start = "0"\n' +
          '[route]\nsplit = true\nconsistency = "eventual"\n',
      });
      const { host, port } = proxy;
      const login = { host, port, user: "app", password: "app", database: "test" };
      const clients: Connection[] = [];
      try {
        for (let at = 0; at < CLIENTS; at++) clients.push(await createConnection(login));
        const [first] = clients as [Connection];
        await until("reads are split", async () => {
          const [told] = await first.query<RowDataPacket[]>("EXPLAIN ROUTE SELECT id FROM t");
          return told.some((row) => Object.values(row).includes("replica"));
        });
        way.stopAfter(LOGIN_BYTES, how);
        const read = (client: Connection) => client.query("SELECT id FROM t");
        // They run on the primary in the end: it may take what a login there does.
        await Promise.all(clients.map(read));
        way.stopAfter(Infinity, how);
        const isReplica =
          "/*+ mysqlproxy(target=replica) */ SELECT @@port AS port FROM t RIGHT JOIN " +
          "(SELECT 1 AS one) o ON 1";
        await until("reads run on the replica", async () => {
          const [[row]] = await first.query<RowDataPacket[]>(isReplica);
          return row!["port"] === replica!.port;
        });
        await Promise.all(clients.map(read));
        expect(await proxy.stop()).toBe(0);
      } finally {
        for (const client of clients) client.destroy();
      }
    }, 40_000);
  });
}
