// A proxy before a real primary and replica, with clients at work: what the dashboard is tried on.

import { type Connection, createConnection } from "mysql2/promise";
import { type Cluster, follow, startAsyncCluster } from "../cluster/clusters.ts";
import { type ProxyProcess, startProxy } from "../proxy_process.ts";
import type { ServerKind } from "../servers/mod.ts";

/** The account of the nodes that may do all. */
const ACCOUNT = { user: "app", password: "app" } as const;

/** A proxy, its cluster, and load. */
export interface LiveProxy extends AsyncDisposable {
  readonly proxy: ProxyProcess;
  readonly cluster: Cluster;
  /** `host:port` of the admin port. */
  readonly admin: string;
  readonly account: typeof ACCOUNT;
  /** A client of its own. */
  client(): Promise<Connection>;
  /** Makes a node a replica of another one. */
  readonly follow: typeof follow;
}

/** Starts it, with so many clients that read and write without a pause. */
export async function startLiveProxy(
  kind: ServerKind,
  { clients, replicas = 1, workers = 1, adminPort = 0 }: {
    readonly clients: number;
    /** @default {1} */
    readonly replicas?: number;
    /** @default {1} */
    readonly workers?: number;
    /** @default {0} which lets the system choose one. */
    readonly adminPort?: number;
  },
): Promise<LiveProxy> {
  const cluster = await startAsyncCluster(kind, replicas);
  await cluster.first.sql("CREATE DATABASE shop");
  await cluster.first.sql("CREATE TABLE shop.fruit (id INT PRIMARY KEY, stock INT)");
  await cluster.first.sql("INSERT INTO shop.fruit VALUES (1, 0), (2, 0), (3, 0)");
  const proxy = await startProxy({
    backends: cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
    args: [
      "-u",
      "app",
      "-p",
      "app",
      "--admin",
      `127.0.0.1:${adminPort}`,
      "--workers",
      `${workers}`,
    ],
    config: '[pool]\nmode = "transaction"\n',
  });
  const admin = `127.0.0.1:${await proxy.loggedPort("admin port")}`;
  const client = () =>
    createConnection({ host: proxy.host, port: proxy.port, ...ACCOUNT, database: "shop" });
  let isOver = false;
  const load = Array.from({ length: clients }, async (_, at) => {
    while (!isOver) {
      try {
        const connection = await client();
        connection.on("error", () => {});
        while (!isOver) {
          await connection.query(`UPDATE fruit SET stock = stock + 1 WHERE id = ${at % 3 + 1}`);
          await connection.query("SELECT stock FROM fruit WHERE id = 1");
          await connection.query("SELECT id, stock FROM fruit ORDER BY stock LIMIT 10");
          await Bun.sleep(PAUSE_MS);
        }
        connection.destroy();
      } catch {
        await Bun.sleep(RETRY_MS); // the server is gone: that is what is to be seen
      }
    }
  });
  return {
    proxy,
    cluster,
    admin,
    account: ACCOUNT,
    client,
    follow,
    async [Symbol.asyncDispose]() {
      isOver = true;
      await Promise.all(load);
      await proxy.stop();
      await cluster[Symbol.asyncDispose]();
    },
  };
}

const PAUSE_MS = 10;
const RETRY_MS = 100;
