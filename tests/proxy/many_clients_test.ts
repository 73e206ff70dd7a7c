// Many clients on few server connections: all are served, in the order in which they have asked, and
// the server never sees more connections than the pool may have.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { type RealServer, startServer } from "../servers/mod.ts";
import { kinds, loginAs, ownProxy } from "./subjects.ts";

const CLIENTS = 200;
const CONNECTIONS = 4;

const config = (connections: number) =>
  `[pool]\nmode = "transaction"\nconnections_max = ${connections}\nwait_timeout = "30s"\n`;

for (const kind of kinds) {
  describe(kind, () => {
    let server: RealServer;

    beforeAll(async () => {
      server = await startServer(kind); // of this file's alone: its connections are counted
      await server.sql("CREATE DATABASE many");
      await server.sql("CREATE TABLE many.t (id INT PRIMARY KEY, v INT)");
      const rows = Array.from({ length: CLIENTS }, (_, id) => `(${id},0)`);
      await server.sql(`INSERT INTO many.t VALUES ${rows.join(",")}`);
    });

    afterAll(async () => await server.stop());

    test(`${CLIENTS} clients in transactions on ${CONNECTIONS} connections`, async () => {
      await using proxy = await ownProxy(server, { config: config(CONNECTIONS) });
      await server.sql("FLUSH STATUS");
      const { user, password } = server.accounts.app;
      const login = { port: proxy.port, user, password, database: "many" };
      const clients = await Promise.all(
        Array.from({ length: CLIENTS }, () => createConnection(login)),
      );
      await Promise.all(clients.map(transactions));
      const [found] = await server.sql("SELECT MIN(v) AS least, MAX(v) AS most FROM many.t");
      expect([Number(found["least"]), Number(found["most"])]).toEqual([3, 3]);
      const [seen] = await server.sql("SHOW GLOBAL STATUS LIKE 'Max_used_connections'");
      expect(Number(seen["Value"])).toBeLessThanOrEqual(CONNECTIONS + 1); // that of `server.sql`
      for (const client of clients) client.destroy();
    }, 60_000);

    test("whoever waits is served in the order of asking", async () => {
      await using proxy = await ownProxy(server, { config: config(1) });
      const { app, monitor } = server.accounts;
      using holder = await loginAs(app, proxy);
      using other = await loginAs(monitor, proxy);
      const clients = [];
      for (let i = 0; i < 30; i++) clients.push(await loginAs(app, proxy));
      await holder.query("BEGIN");
      await holder.query("SELECT 1"); // has a connection from here on
      const order: number[] = [];
      const waits: Promise<unknown>[] = [];
      for (const [i, client] of clients.entries()) {
        waits.push(client.query("DO 1").then(() => order.push(i)));
        // In another account's pool nobody waits: with its answer the proxy has seen the command.
        await other.query("DO 1");
      }
      expect(order).toEqual([]);
      await holder.query("COMMIT");
      await Promise.all(waits);
      expect(order).toEqual(clients.map((_, i) => i));
      for (const client of clients) client.close();
    });
  });
}

/** Three, with prepared statements, on a row of the client's own. */
async function transactions(client: Connection, id: number): Promise<void> {
  for (let i = 1; i <= 3; i++) {
    await client.beginTransaction();
    await client.execute("UPDATE t SET v = v + 1 WHERE id = ?", [id]);
    const [rows] = await client.execute<RowDataPacket[]>("SELECT v FROM t WHERE id = ?", [id]);
    expect(rows[0]!["v"]).toBe(i);
    await client.commit();
  }
}
