// A primary that announces that it hands its role over, as PolarDB-X does: what is to begin waits,
// what is open goes on to its end, and nobody is told anything.

import { expect, test } from "bun:test";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { SimulatedCluster } from "../../fixtures/cluster/mod.ts";
import { until } from "../cluster/mod.ts";
import { startProxy } from "../proxy_process.ts";
import { proxyCounters } from "../proxy_counters.ts";

const ANNOUNCED_MS = 3000;

test(
  "statements wait for the leader that is announced, transactions end where they are",
  async () => {
    const root = {
      user: "app",
      password: "app",
      plugin: "mysql_native_password" as const, // whose hashes it shows
      superuser: true,
    };
    const shop = { ...root, user: "shop", password: "shop", superuser: false };
    await using cluster = await SimulatedCluster.start({
      flavor: "polardbx",
      accounts: [root, shop],
      databases: ["shop"],
      tls: false,
    });
    const [leader, next] = cluster.nodes;
    await leader!.simulator.run("CREATE TABLE shop.t (id INT PRIMARY KEY)");
    await using proxy = await startProxy({
      backends: cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
      args: ["-u", "app", "-p", "app", "--admin", "127.0.0.1:0"],
      config: '[pool]\nmode = "transaction"\n[cluster]\ndiscover = false\n',
    });
    await proxy.untilLogged(/mode=synced/);
    const login = (port: number, user: string) =>
      createConnection({ host: "127.0.0.1", port, user, password: user });
    const admin = await login(await proxy.loggedPort("admin port"), "app");
    const [begun, other] = await Promise.all([1, 2].map(() => login(proxy.port, "shop"))) as [
      Connection,
      Connection,
    ];
    await begun.query("BEGIN");
    await begun.query("INSERT INTO shop.t VALUES (1)");
    const transferred = cluster.transfer(next!, ANNOUNCED_MS);
    await until("the proxy knows", async () => {
      const [[row]] = await admin.query<RowDataPacket[]>("SHOW TOPOLOGY");
      return JSON.parse(String(Object.values(row!)[0])).transferring === true;
    });
    let isWritten = false;
    const written = other.query("INSERT INTO shop.t VALUES (3)").then(() => isWritten = true);
    await until(
      "it waits",
      async () => (await proxyCounters(proxy, "parked")).get("parked") === 1,
    );
    await begun.query("INSERT INTO shop.t VALUES (2)");
    await begun.query("COMMIT");
    expect(isWritten).toBe(false);
    expect(cluster.leader).toBe(leader);
    await transferred;
    await written;
    const [[count]] = await other.query<RowDataPacket[]>(
      "SELECT COUNT(*) AS rows_there FROM shop.t",
    );
    expect(Number(count!["rows_there"])).toBe(3);
    expect(cluster.leader).toBe(next);
    for (const client of [admin, begun, other]) {
      client.destroy();
    }
  },
  30_000,
);
