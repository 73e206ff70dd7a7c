// What ProxySQL's tables say of a real replication group.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { type ProxyProcess, startProxy } from "../proxy_process.ts";
import { serverKinds } from "../servers/mod.ts";
import { type Cluster, startGroup } from "./clusters.ts";
import { until } from "./watching.ts";

describe.skipIf(!serverKinds().includes("mysql"))("a replication group", () => {
  let cluster: Cluster;
  let proxy: ProxyProcess;

  beforeAll(async () => {
    cluster = await startGroup(2);
    proxy = await startProxy({
      backends: cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
      args: ["-u", "app", "-p", "app", "--admin", "127.0.0.1:0"],
    });
  }, 120_000);

  afterAll(async () => {
    await proxy?.stop();
    await cluster?.[Symbol.asyncDispose]();
  });

  test("its members in the monitor's log, and their GTIDs", async () => {
    const port = await proxy.loggedPort("admin port");
    const admin = await createConnection({
      host: "127.0.0.1",
      port,
      user: "app",
      password: "app",
    });
    const rows = async (sql: string) => (await admin.query<RowDataPacket[]>(sql))[0];
    const log = () =>
      rows(
        "SELECT port, viable_candidate, read_only, transactions_behind, error " +
          "FROM monitor.mysql_server_group_replication_log ORDER BY read_only",
      );
    await until(
      "both are seen",
      async () => (await log()).filter((row) => row["viable_candidate"] === "YES").length === 2,
    );
    const [primary, secondary] = cluster.nodes;
    expect(await log()).toMatchObject([
      { port: primary!.port, viable_candidate: "YES", read_only: "NO", error: null },
      { port: secondary!.port, viable_candidate: "YES", read_only: "YES", error: null },
    ]);
    await primary!.sql("CREATE DATABASE IF NOT EXISTS counted");
    const executed = async () =>
      String(
        (await rows(
          `SELECT gtid_executed FROM stats_mysql_gtid_executed WHERE port = ${primary!.port}`,
        ))[0]?.["gtid_executed"],
      );
    await until("it has GTIDs", async () => /^[0-9a-f-]{36}:\d/.test(await executed()));
    admin.destroy();
  }, 60_000);
});
