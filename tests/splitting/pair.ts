// A primary, a replica and a proxy before them that splits reads.

import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { type Cluster, type ClusterNode, startAsyncCluster, until } from "../cluster/mod.ts";
import { type ProxyProcess, startProxy } from "../proxy_process.ts";
import type { ServerKind } from "../servers/mod.ts";

/** See the head of the file. `test.t` has a column `id` and no rows. */
export interface Pair extends AsyncDisposable {
  readonly primary: ClusterNode;
  readonly replica: ClusterNode;
  readonly proxy: ProxyProcess;
  /** A client whose reads would go to the replica at `eventual`. */
  connect(): Promise<Connection>;
  /** A client of the admin port. */
  admin(): Promise<Connection>;
}

/** What the replica's applier is told, which has nothing to do with other threads of it. */
export function applier(kind: ServerKind, what: "START" | "STOP"): string {
  return kind === "mysql" ? `${what} REPLICA SQL_THREAD` : `${what} SLAVE SQL_THREAD`;
}

/** @param options.route Lines of the section. @param options.config Further sections. */
export async function startPair(kind: ServerKind, options: {
  readonly route: string;
  readonly config?: string;
  readonly args?: readonly string[];
}): Promise<Pair> {
  const cluster: Cluster = await startAsyncCluster(kind, 1);
  const [primary, replica] = cluster.nodes;
  await primary!.sql(
    "CREATE DATABASE IF NOT EXISTS test; CREATE TABLE test.t (id INT PRIMARY KEY)",
  );
  const proxy = await startProxy({
    backends: cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
    args: ["-u", "app", "-p", "app", "--admin", "127.0.0.1:0", ...options.args ?? []],
    config: '[cluster]\ndiscover = false\nslow_start = "0"\n' +
      `[route]\nsplit = true\n${options.route}\n${options.config ?? ""}`,
  });
  const { host, port } = proxy;
  const login = { host, user: "app", password: "app" };
  return {
    primary: primary!,
    replica: replica!,
    proxy,
    async connect() {
      const client = await createConnection({ ...login, port, database: "test" });
      await until("reads are split", async () => {
        const [told] = await client.query<RowDataPacket[]>(
          "EXPLAIN ROUTE /*+ mysqlproxy(consistency=eventual) */ SELECT id FROM t",
        );
        return told.some((row) => Object.values(row).includes("replica"));
      });
      return client;
    },
    async admin() {
      return createConnection({ ...login, port: await proxy.loggedPort("admin port") });
    },
    async [Symbol.asyncDispose]() {
      await proxy.stop();
      await cluster[Symbol.asyncDispose]();
    },
  };
}
