// What goes to each server: bytes, and how many connections sessions had at the same time.

import { expect, test } from "bun:test";
import { kinds, loginAs, ownProxy, subject, until } from "./subjects.ts";

const MEGABYTE = 1024 * 1024;

for (const mode of ["transaction", "session"]) {
  for (const workers of ["1", "2"]) {
    test(`bytes and the most connections, ${mode} pooling, ${workers} worker(s)`, async () => {
      const { server } = await subject(kinds[0]!);
      const { app } = server.accounts;
      await using proxy = await ownProxy(server, {
        args: ["--admin", "127.0.0.1:0", "--http", "127.0.0.1:0", "--workers", workers],
        config: `[pool]\nmode = "${mode}"\n`,
      });
      const port = await proxy.loggedPort("admin port");
      using admin = await loginAs({ user: "admin", password: "" }, { port });
      const columns = "connections_used, connections_used_max, bytes_sent, bytes_received";
      const ask = async (sql: string) => (await admin.query(sql))[0]!.map(Number);
      const own = async () => await ask(`SELECT ${columns} FROM servers`);
      const proxysql = async () =>
        await ask(
          "SELECT ConnUsed, MaxConnUsed, Bytes_data_sent, Bytes_data_recv " +
            "FROM stats_mysql_connection_pool",
        );
      const clients = await Promise.all(Array.from({ length: 5 }, () => loginAs(app, proxy)));
      // All at once: each needs a connection.
      for (const client of clients) {
        await client.query("BEGIN");
        await client.query("SELECT 1");
      }
      await clients[0]!.query(`SELECT REPEAT('x', ${MEGABYTE})`);
      await clients[1]!.query(`SELECT LENGTH('${"y".repeat(MEGABYTE)}')`);
      await until("five are in use", async () => (await own())[1] === 5);
      for (const client of clients.slice(1)) {
        await client.query("COMMIT");
        client[Symbol.dispose]();
      }
      await until("four are not in use any more", async () => (await own())[0] === 1);
      await until("all is told", async () => {
        const [, , sent, received] = await own();
        return sent! > MEGABYTE && received! > MEGABYTE;
      });
      const [used, most, sent, received] = await own();
      expect([used, most]).toEqual([1, 5]);
      expect(sent!).toBeLessThan(2 * MEGABYTE);
      expect(received!).toBeLessThan(2 * MEGABYTE);
      await until(
        "ProxySQL's table says the same",
        async () => Bun.deepEquals(await proxysql(), await own()),
      );
      const metrics = await fetch(
        `http://127.0.0.1:${await proxy.loggedPort("HTTP port")}/metrics`,
      );
      const text = await metrics.text();
      const label = `{server="127.0.0.1:${server.port}"}`;
      expect(text).toContain(`mysqlproxy_server_connections_used_max${label} 5\n`);
      const value = (name: string) =>
        Number(text.split("\n").find((line) => line.startsWith(name + label))?.split(" ").at(-1));
      expect(value("mysqlproxy_server_sent_bytes_total")).toBeGreaterThanOrEqual(sent!);
      expect(value("mysqlproxy_server_received_bytes_total")).toBeGreaterThanOrEqual(received!);
      const [backend] = await admin.query(
        "SELECT Variable_Value FROM stats_mysql_global WHERE Variable_Name = 'Queries_backends_bytes_recv'",
      );
      expect(Number(backend![0])).toBeGreaterThanOrEqual(received!);
      clients[0]![Symbol.dispose]();
      // What was counted of connections that have ended stays.
      await until("none is in use", async () => (await own())[0] === 0);
      const [, stillMost, stillSent] = await own();
      expect(stillMost).toBe(5);
      expect(stillSent!).toBeGreaterThanOrEqual(sent!);
    }, 60_000);
  }
}
