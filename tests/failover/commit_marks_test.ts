// A COMMIT that was under way when its server was lost: the new primary knows what became of it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Cluster, follow, setReadOnly, startAsyncCluster } from "../cluster/clusters.ts";
import type { ClusterNode } from "../cluster/node.ts";
import { until } from "../cluster/watching.ts";
import type { RawClient } from "../proxy/raw_client.ts";
import { loginAs } from "../proxy/subjects.ts";
import { type ProxyProcess, startProxy } from "../proxy_process.ts";
import { ServerStatus } from "../../mod/wire/mod.ts";
import { whyMissing } from "../setup/cache.ts";
import { proxyCounters } from "../proxy_counters.ts";

const TEST_MS_MAX = 60_000;
/** Nobody waits this long for a replica's word without one. */
const NO_REPLICA_MS = 1_000_000;

const missing = whyMissing("mysql");
if (missing !== null) console.log(`skipped: marks of commits: ${missing}`);

describe.skipIf(missing !== null)("a COMMIT whose server is lost", () => {
  let cluster: Cluster;
  let primary: ClusterNode;
  let replica: ClusterNode;
  let proxy: ProxyProcess;

  beforeAll(async () => {
    cluster = await startAsyncCluster("mysql", 1, [
      "plugin_load_add = semisync_source.so",
      "plugin_load_add = semisync_replica.so",
    ]);
    [primary, replica] = cluster.nodes as [ClusterNode, ClusterNode];
    await primary.sql(
      "CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY); CREATE DATABASE proxy;" +
        "CREATE TABLE shop.numbered (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20));" +
        "CREATE TABLE proxy.commits (id VARCHAR(40) PRIMARY KEY, number BIGINT NOT NULL)",
    );
    await primary.sql("CREATE USER 'shop'@'%' IDENTIFIED BY 'shop'");
    await primary.sql("GRANT ALL ON shop.* TO 'shop'@'%'");
    await primary.sql("GRANT SELECT, INSERT, DELETE ON proxy.commits TO 'shop'@'%'");
    proxy = await startProxy({
      backends: cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
      args: ["-u", "app", "-p", "app", "--admin", "127.0.0.1:0"],
      config: '[pool]\nmode = "transaction"\n' +
        '[failover]\nreplay = true\ncommit_marks = "proxy.commits"\n',
    });
    await proxy.untilLogged(/mode=synced/);
  }, TEST_MS_MAX);

  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  /** COMMIT waits for the words of so many replicas. There is one. */
  async function waitFor(replicas: number): Promise<void> {
    await replica.sql("SET GLOBAL rpl_semi_sync_replica_enabled = ON");
    await follow(replica, primary);
    await primary.sql(`SET GLOBAL rpl_semi_sync_source_timeout = ${NO_REPLICA_MS}`);
    await primary.sql(`SET GLOBAL rpl_semi_sync_source_wait_for_replica_count = ${replicas}`);
    await primary.sql("SET GLOBAL rpl_semi_sync_source_enabled = ON");
    await until("the replica gives its word", async () => {
      const [row] = await primary.sql("SHOW STATUS LIKE 'Rpl_semi_sync_source_clients'");
      return Number(row?.["Value"]) === 1;
    });
  }

  const login = (): Promise<RawClient> =>
    loginAs({ user: "shop", password: "shop" }, proxy, { database: "shop" });

  const committing = () =>
    until("COMMIT waits", async () =>
      Number(
        await primary.value(
          "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE Info = 'COMMIT'",
        ),
      ) === 1);

  const replicaHas = (id: number) =>
    until(
      "the replica has it",
      async () => Number(await replica.value(`SELECT COUNT(*) FROM shop.t WHERE id = ${id}`)) === 1,
    );

  /** Its answer is that of a server that has done it. */
  async function isDone(answer: ReturnType<RawClient["results"]>): Promise<void> {
    const [{ ok } = { ok: undefined }] = await answer;
    expect(ok).toMatchObject({ affectedRows: 0, lastInsertId: 0, warnings: 0 });
    expect(ok!.status & ServerStatus.IN_TRANS).toBe(0);
  }

  /** The primary dies, and what was the replica is the primary. */
  async function failOver(): Promise<void> {
    await primary.kill();
    await follow(replica, undefined);
    await replica.sql("SET GLOBAL rpl_semi_sync_source_enabled = OFF");
    await setReadOnly(replica, false);
    [primary, replica] = [replica, primary];
  }

  test("was done: it is answered, and done once", async () => {
    using client = await login();
    await waitFor(2);
    await client.results("BEGIN");
    await client.results("INSERT INTO t VALUES (1)");
    await client.results("INSERT INTO numbered (name) VALUES ('one'), ('two')");
    const answer = client.results("COMMIT");
    await committing();
    await replicaHas(1);
    await failOver();
    await isDone(answer);
    expect(await client.value("SELECT LAST_INSERT_ID()")).toBe("1");
    expect(await client.value("SELECT COUNT(*) FROM t")).toBe("1");
    expect(await client.value("SELECT COUNT(*) FROM numbered")).toBe("2");
    const counted = await proxyCounters(proxy, "commits_found");
    expect(counted.get("commits_found")).toBe(1);
    await replica.start(["--read-only=ON"]);
  }, TEST_MS_MAX);

  test("that is a SET autocommit leaves no mark: it is unknown, and not done twice", async () => {
    using client = await login();
    await waitFor(2);
    await client.results("SET autocommit = 0");
    await client.results("INSERT INTO t VALUES (4)");
    const error = client.errorOf("SET autocommit = 1");
    await until("it waits", async () =>
      Number(
        await primary.value(
          "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE Info = 'SET autocommit = 1'",
        ),
      ) === 1);
    await replicaHas(4);
    await failOver();
    expect((await error).text).toMatch(/^2013 .*: it is unknown whether it has run$/);
    expect(await client.value("SELECT COUNT(*) FROM t WHERE id = 4")).toBe("1");
    await replica.start(["--read-only=ON"]);
  }, TEST_MS_MAX);

  test("was not done: its transaction is run again, and committed", async () => {
    using client = await login();
    await waitFor(1);
    await client.results("BEGIN");
    await client.results("INSERT INTO t VALUES (2)");
    await replica.sql("STOP REPLICA IO_THREAD");
    const answer = client.results("COMMIT");
    await committing();
    await failOver();
    await isDone(answer);
    expect(await client.value("SELECT COUNT(*) FROM t WHERE id = 2")).toBe("1");
    const counted = await proxyCounters(proxy);
    expect(counted.get("replays")).toBe(1);
  }, TEST_MS_MAX);

  test("without the right to leave a mark commits go on", async () => {
    await primary.sql("REVOKE INSERT ON proxy.commits FROM 'shop'@'%'");
    using client = await login();
    await client.results("BEGIN");
    await client.results("INSERT INTO t VALUES (3)");
    await client.results("COMMIT");
    expect(await client.value("SELECT COUNT(*) FROM t WHERE id = 3")).toBe("1");
    await proxy.untilLogged(/a COMMIT could not be marked .*error=1142/);
  });
});
