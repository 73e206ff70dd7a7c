// Logins that are under way when their server goes, or that come while there is none: they wait, and
// take place at the server that takes writes then.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Connection, createConnection } from "mysql2/promise";
import {
  type Cluster,
  type ClusterNode,
  follow,
  setReadOnly,
  startAsyncCluster,
  until,
} from "../cluster/mod.ts";
import { type ProxyProcess, startProxy } from "../proxy_process.ts";
import { serverKinds } from "../servers/mod.ts";

const CLIENTS = 16;
/** Few logins are taken for those that the server has accepted a moment ago. */
const ASKED = `[auth]\nsync_interval = "1s"\n`;

const [kind] = serverKinds();
if (kind === undefined) throw new Error("Needs a server: MariaDB or MySQL");

describe(`logins and ${kind} servers that go`, () => {
  let cluster: Cluster;
  let primary: ClusterNode;
  let replica: ClusterNode;

  beforeAll(async () => {
    cluster = await startAsyncCluster(kind, 1);
    [primary, replica] = cluster.nodes as [ClusterNode, ClusterNode];
    await primary.sql("CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY)");
    await primary.sql("CREATE USER 'shop'@'%' IDENTIFIED BY 'shop'");
    await primary.sql("GRANT ALL ON shop.* TO 'shop'@'%'");
    const count = "SELECT COUNT(*) FROM mysql.user WHERE User = 'shop'";
    await until("the replica has it", async () => Number(await replica.value(count)) === 1);
  }, 60_000);

  afterAll(async () => {
    primary.thaw();
    await cluster?.[Symbol.asyncDispose]();
  });

  /** The other one has taken the primary's place: this one follows it from now on. */
  async function rejoin(): Promise<void> {
    [primary, replica] = [replica, primary];
    await setReadOnly(replica, true);
    await follow(replica, primary);
  }

  const start = (config = "", mode = "transaction") =>
    startProxy({
      backends: cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
      args: ["-u", "app", "-p", "app"],
      config: `[pool]\nmode = "${mode}"\n${config}`,
    });

  async function proxyWith(config = "", mode = "transaction"): Promise<ProxyProcess> {
    const proxy = await start(config, mode);
    await proxy.untilLogged(config.includes("relay") ? /mode=relay/ : /mode=synced/);
    await (await login(proxy)).end(); // it knows the primary
    return proxy;
  }

  const login = (proxy: ProxyProcess, user = "shop"): Promise<Connection> =>
    createConnection({ ...where(proxy), user, password: user, database: "shop" });

  /** Comes, asks and leaves, all the time. */
  function coming(proxy: ProxyProcess) {
    let stopped = false;
    let count = 0;
    const errors: string[] = [];
    const all = Array.from({ length: CLIENTS }, async () => {
      while (!stopped) {
        try {
          const client = await login(proxy);
          client.on("error", () => {});
          count++;
          await client.end().catch(() => client.destroy());
        } catch (error) {
          errors.push((error as Error).message);
        }
      }
    });
    return {
      errors,
      get count() {
        return count;
      },
      async stop() {
        stopped = true;
        await Promise.all(all);
      },
    };
  }

  async function promote(): Promise<void> {
    await follow(replica, undefined);
    await setReadOnly(replica, false);
  }

  test.each(["transaction", "session"])(
    "none is refused over a kill -9, %s pooling",
    async (mode) => {
      // Each login asks the server.
      await using proxy = await proxyWith(ASKED, mode);
      const clients = coming(proxy);
      await until("logins", () => clients.count > 10 * CLIENTS);
      await primary.kill();
      await proxy.untilLogged(/failover began/);
      await promote();
      await proxy.untilLogged(/failover ended/);
      const from = clients.count;
      await until("logins", () => clients.count > from + 10 * CLIENTS);
      await clients.stop();
      expect(clients.errors).toEqual([]);
      await primary.start();
      await rejoin();
    },
    60_000,
  );

  test("none is refused where the server hangs, and none waits for it", async () => {
    await using proxy = await proxyWith(`connect_timeout = "30s"\n${ASKED}`);
    const clients = coming(proxy);
    await until("logins", () => clients.count > 10 * CLIENTS);
    primary.freeze();
    await promote();
    await proxy.untilLogged(/primary is another server/);
    const from = clients.count;
    await until("logins", () => clients.count > from + 10 * CLIENTS, { limitMs: 5000 });
    await clients.stop();
    expect(clients.errors).toEqual([]);
    primary.thaw();
    await rejoin();
  }, 60_000);

  test("one that comes while there is no primary waits, whoever judges it", async () => {
    await using synced = await proxyWith();
    await using relaying = await proxyWith('[auth]\nmode = "relay"\n');
    await using impatient = await proxyWith('[failover]\nmax_wait = "3s"\n');
    await using hurried = await proxyWith('[limits]\nlogin_timeout = "3s"\n');
    await primary.kill();
    for (const proxy of [synced, relaying, impatient, hurried]) {
      await proxy.untilLogged(/failover began/);
    }
    const refused = [impatient, hurried].map((proxy) =>
      login(proxy).catch((error: Error) => error)
    );
    // Somebody starts it again in the middle.
    await using young = await start();
    const waiting = [synced, relaying, young].map((proxy) => login(proxy));
    for (const told of await Promise.all(refused)) {
      expect(told).toMatchObject({ errno: 3168 });
      expect((told as Error).message).toMatch(/^Server isn't available: waited \d\.\d s \(/);
    }
    await promote();
    for (const client of await Promise.all(waiting)) {
      const [rows] = await client.query("SELECT 7 AS v");
      expect(rows).toEqual([{ v: 7 }] as typeof rows);
      await client.end();
    }
    await primary.start();
    await rejoin();
  }, 60_000);
});

function where({ host, port }: ProxyProcess) {
  return { host, port };
}
