// What a session is told when its server goes, and that it goes on: with a primary and a replica.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { type Cluster, follow, setReadOnly, startAsyncCluster } from "../cluster/clusters.ts";
import { until } from "../cluster/watching.ts";
import { type ProxyProcess, startProxy } from "../proxy_process.ts";
import type { RawClient, ServerError } from "../proxy/raw_client.ts";
import { loginAs } from "../proxy/subjects.ts";
import { serverKinds } from "../servers/mod.ts";
import type { ClusterNode } from "../cluster/node.ts";

const [kind] = serverKinds();
if (kind === undefined) throw new Error("Needs a server: MariaDB or MySQL");

describe(`sessions and ${kind} servers that go`, () => {
  let cluster: Cluster;
  let primary: ClusterNode;
  let replica: ClusterNode;

  beforeAll(async () => {
    cluster = await startAsyncCluster(kind, 1);
    [primary, replica] = cluster.nodes as [ClusterNode, ClusterNode];
    await primary.sql("CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY)");
    // One that may not write where nobody is to.
    await primary.sql("CREATE USER 'shop'@'%' IDENTIFIED BY 'shop'");
    await primary.sql("GRANT ALL ON shop.* TO 'shop'@'%'");
    await until(
      "the replica has it",
      async () =>
        Number(await replica.value("SELECT COUNT(*) FROM mysql.user WHERE User = 'shop'")) === 1,
    );
  });

  afterAll(async () => await cluster?.[Symbol.asyncDispose]());

  beforeEach(async () => {
    await primary.sql("DELETE FROM shop.t");
  });

  async function proxyWith(failover = ""): Promise<ProxyProcess> {
    const proxy = await startProxy({
      backends: cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
      args: ["-u", "app", "-p", "app"],
      config: `[pool]\nmode = "transaction"\n[failover]\n${failover}`,
    });
    await proxy.untilLogged(/mode=synced/);
    return proxy;
  }

  const login = (proxy: ProxyProcess): Promise<RawClient> =>
    loginAs({ user: "shop", password: "shop" }, proxy, { database: "shop" });

  const rows = async () => Number(await primary.value("SELECT COUNT(*) FROM shop.t"));

  test("statements wait while the primary is read-only, in order, and run once", async () => {
    await using proxy = await proxyWith();
    const clients = await Promise.all(Array.from({ length: 8 }, () => login(proxy)));
    for (const client of clients) await client.results("SET @mine = 'kept'");
    await setReadOnly(primary, true);
    const answers = clients.map((client, at) => client.results(`INSERT INTO t VALUES (${at})`));
    await proxy.untilLogged(/failover began/);
    // What only reads does not wait.
    using reader = await login(proxy);
    expect(await reader.value("SELECT COUNT(*) FROM t")).toBe("0");
    expect(await rows()).toBe(0);
    await setReadOnly(primary, false);
    await Promise.all(answers);
    expect(await rows()).toBe(8);
    for (const client of clients) {
      expect(await client.value("SELECT @mine")).toBe("kept");
      client.close();
    }
  });

  test("while there is no primary, connections are opened where the next one may be", async () => {
    await using proxy = await proxyWith();
    const clients = await Promise.all(Array.from({ length: 8 }, () => login(proxy)));
    const list = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'shop'";
    expect(Number(await replica.value(list))).toBe(0);
    await setReadOnly(primary, true);
    const answers = clients.map((client, at) => client.results(`INSERT INTO t VALUES (${at})`));
    await until("connections", async () => Number(await replica.value(list)) > 0);
    expect(Number(await replica.value(list))).toBeLessThanOrEqual(4);
    await setReadOnly(primary, false);
    await Promise.all(answers);
    for (const client of clients) client.close();
  });

  test("who has waited for failover.max_wait is told so, and goes on", async () => {
    await using proxy = await proxyWith('max_wait = "300ms"\n');
    using client = await login(proxy);
    await setReadOnly(primary, true);
    const error = await client.errorOf("INSERT INTO t VALUES (1)");
    expect(error.code).toBe(3168);
    expect(error.text).toMatch(/^3168 \(HY000\): Server isn't available: waited 0\.\d s \(.+\)$/);
    // A primary that is away for longer is waited for no more: its own error says why.
    await until(
      "the server's own error",
      async () => (await client.errorOf("INSERT INTO t VALUES (2)")).code !== 3168,
    );
    expect((await client.errorOf("INSERT INTO t VALUES (2)")).code).toBe(1290);
    await setReadOnly(primary, false);
    await until(
      "it writes again",
      async () => await client.results("INSERT INTO t VALUES (3)").then(() => true, () => false),
    );
    expect(await rows()).toBe(1);
  });

  test("a transaction waits with its BEGIN, or with its first write", async () => {
    await using proxy = await proxyWith();
    using begun = await login(proxy);
    using later = await login(proxy);
    using written = await login(proxy);
    await begun.results("START TRANSACTION");
    await written.results("BEGIN");
    await written.results("INSERT INTO t VALUES (1)");
    await setReadOnly(primary, true);
    const insert = begun.results("INSERT INTO t VALUES (2)");
    await proxy.untilLogged(/failover began/);
    const begin = later.results("BEGIN");
    // One that has written is told, by the server's own error.
    expect((await written.errorOf("INSERT INTO t VALUES (3)")).code).toBe(1290);
    await written.results("ROLLBACK");
    // One that only reads is none of the primary's business.
    await written.results("START TRANSACTION READ ONLY");
    expect(await written.value("SELECT COUNT(*) FROM t")).toBe("0");
    await written.results("COMMIT");
    const done: string[] = [];
    void insert.then(() => done.push("insert"));
    void begin.then(() => done.push("begin"));
    expect(await primary.value("SELECT 'an answer later'")).toBe("an answer later");
    expect(done).toEqual([]);
    await setReadOnly(primary, false);
    await Promise.all([insert, begin]);
    await later.results("INSERT INTO t VALUES (4)");
    // Both are in transactions that are open.
    expect(await rows()).toBe(0);
    expect(await begun.value("SELECT COUNT(*) FROM t")).toBe("1");
    await begun.results("COMMIT");
    await later.results("ROLLBACK");
    expect(await rows()).toBe(1);
  });

  test("more than failover.max_parked do not wait", async () => {
    await using proxy = await proxyWith("max_parked = 2\n");
    const clients = await Promise.all([1, 2, 3].map(() => login(proxy)));
    await setReadOnly(primary, true);
    const codes = clients.map((client, at) =>
      client.results(`INSERT INTO t VALUES (${at})`).then(() => 0, ({ code }) => code)
    );
    expect(await Promise.race(codes)).toBe(3168);
    await setReadOnly(primary, false);
    expect((await Promise.all(codes)).toSorted()).toEqual([0, 0, 3168]);
    for (const client of clients) client.close();
  });

  test("a statement that has more than failover.parked_bytes_max leaves does not wait", async () => {
    await using proxy = await proxyWith('parked_bytes_max = "64KiB"\n');
    using small = await login(proxy);
    using large = await login(proxy);
    await setReadOnly(primary, true);
    const waiting = small.results("INSERT INTO t VALUES (1)");
    const text = `INSERT INTO t VALUES (2) /* ${"x".repeat(65_536)} */`;
    const { text: told } = await large.errorOf(text);
    expect(told).toMatch(
      /^3168 \(HY000\): Server isn't available: statements that wait have \d+ of at most 65536 bytes already \(/,
    );
    await proxy.untilLogged(/failover began/);
    await setReadOnly(primary, false);
    await waiting;
    // A statement that was refused there may have been done there again before.
    await proxy.untilLogged(/failover ended/);
    await large.results(text); // its connection goes on
    expect(await rows()).toBe(2);
  });

  test("DRAIN SERVER of the primary: what begins waits, what is open ends there", async () => {
    await using proxy = await proxyWith();
    using operator = await loginAs({ user: "app", password: "app" }, proxy);
    using begun = await login(proxy);
    using later = await login(proxy);
    await begun.results("BEGIN");
    await begun.results("INSERT INTO t VALUES (1)");
    await operator.results(`DRAIN SERVER '${primary.name}'`);
    let isDone = false;
    const waiting = later.results("INSERT INTO t VALUES (2)").then(() => isDone = true);
    await begun.results("INSERT INTO t VALUES (3)");
    await begun.results("COMMIT");
    expect(await rows()).toBe(2);
    expect(isDone).toBe(false);
    await operator.results(`ENABLE SERVER '${primary.name}'`);
    await waiting;
    expect(await rows()).toBe(3);
  });

  test("KILL QUERY and the client's end reach a statement that waits", async () => {
    await using proxy = await proxyWith();
    using waits = await login(proxy);
    using killer = await login(proxy);
    const leaves = await login(proxy);
    await setReadOnly(primary, true);
    await proxy.untilLogged(/failover began/);
    const error = waits.errorOf("INSERT INTO t VALUES (1)");
    leaves.send(leaves.queryPayload("INSERT INTO t VALUES (2)"));
    await until("it waits", async () => {
      await killer.results(`KILL QUERY ${waits.greeting.threadId}`).catch(() => {});
      return await Promise.race([error.then(() => true), Bun.sleep(20).then(() => false)]);
    });
    expect((await error).code).toBe(1317);
    leaves.close();
    await setReadOnly(primary, false);
    await until(
      "it writes again",
      async () => await waits.results("INSERT INTO t VALUES (3)").then(() => true, () => false),
    );
    expect(await rows()).toBe(1);
  });

  test("SIGTERM ends those that wait with 1053", async () => {
    await using proxy = await startProxy({
      backends: cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
      args: ["-u", "app", "-p", "app", "--drain-timeout", "200ms"],
      config: '[pool]\nmode = "transaction"\n',
    });
    await proxy.untilLogged(/mode=synced/);
    using client = await login(proxy);
    await setReadOnly(primary, true);
    const error = client.errorOf("INSERT INTO t VALUES (1)");
    await proxy.untilLogged(/failover began/);
    process.kill(proxy.pid, "SIGTERM");
    expect((await error).code).toBe(1053);
    expect(await proxy.exited).toBe(0);
    await setReadOnly(primary, false);
  });

  test("a primary that dies: each session is told once what it has lost, and goes on", async () => {
    await using proxy = await proxyWith();
    const [free, computed, open, pinned, running, reading, asking] = await Promise.all(
      Array.from({ length: 7 }, () => login(proxy)),
    ) as [RawClient, RawClient, RawClient, RawClient, RawClient, RawClient, RawClient];
    await open.results("START TRANSACTION");
    await open.results("INSERT INTO t VALUES (10)");
    await pinned.results("CREATE TEMPORARY TABLE basket (id INT)");
    await free.results("SET @mine = 'kept', @more = 1.50");
    await free.results("SET @Other = -7, time_zone = '+01:00'");
    await computed.results("SET @mine = CONCAT('ke', 'pt')");
    expect(await computed.value("SELECT @mine")).toBe("kept");
    const unknown = running.errorOf("INSERT INTO t SELECT 20 + SLEEP(30)");
    const again = reading.value("SELECT CONCAT('read ', SLEEP(1))");
    const asked = asking.value("SELECT SLEEP(1) + @@auto_increment_increment");
    await until("all run", async () =>
      Number(
        await primary.value(
          "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE Info LIKE '%SLEEP(%' " +
            "AND Info NOT LIKE '%PROCESSLIST%'",
        ),
      ) === 3);
    await primary.kill();
    // A value that lay on the server alone: it is told that it is lost.
    const first = await computed.results("INSERT INTO t VALUES (29)").catch(({ text }) => text);
    if (typeof first === "string") expect(first).toMatch(/lost with it: user variables @mine$/);
    const waiting = free.results("INSERT INTO t VALUES (30)");
    expect((await unknown).text).toMatch(
      /^2013 \(HY000\): Lost connection .*: it is unknown whether it has run$/,
    );
    await proxy.untilLogged(/failover began/);
    await follow(replica, undefined);
    await setReadOnly(replica, false);
    [primary, replica] = [replica, primary];
    await waiting;
    expect(await again).toBe("read 0");
    expect(await asked).toBe("1");
    expect((await open.errorOf("INSERT INTO t VALUES (11)")).text).toMatch(
      /^1213 \(40001\): The transaction was rolled back.*try restarting transaction$/,
    );
    expect((await pinned.errorOf("SELECT 1")).text).toMatch(/lost with it: temporary table/);
    for (const client of [free, computed, open, pinned, running, reading, asking]) {
      expect(await client.value("SELECT 'goes on'")).toBe("goes on");
    }
    expect(await free.value("SELECT CONCAT_WS(' ', @mine, @more, @other, @@time_zone)"))
      .toBe("kept 1.50 -7 +01:00");
    expect(await open.value("SELECT COUNT(*) FROM t")).toBe("1");
    for (const client of [free, computed, open, pinned, running, reading, asking]) client.close();
    await replica.start(["--read-only=ON"]);
    await follow(replica, primary);
  });

  test("what a primary says that was replaced without its knowledge reaches nobody", async () => {
    await using proxy = await proxyWith();
    using running = await login(proxy);
    using reading = await login(proxy);
    const mark = crypto.randomUUID();
    const [written, read] = [`INSERT INTO t SELECT 40 + SLEEP(4) /* ${mark} */`, "SELECT SLEEP(3)"];
    const answer = running.results(written).then(() => "done", ({ text }: ServerError) => text);
    const again = reading.value(read);
    const list =
      `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE INFO LIKE '%${mark}%' ` +
      "AND INFO NOT LIKE '%PROCESSLIST%'";
    await until("it runs", async () => (await primary.sql(list)).length === 1);
    // Somebody has promoted the replica and could not reach the primary.
    await follow(replica, undefined);
    await setReadOnly(replica, false);
    await replica.sql("INSERT INTO shop.t VALUES (50)");
    await proxy.untilLogged(/the primary is another server/);
    expect(await answer).toMatch(/^2013 .*another server is the primary.*it is unknown/);
    expect(await again).toBe("0");
    // It comes back as a replica; what it had under way is undone.
    for (const { id } of await primary.sql(list)) await primary.sql(`KILL QUERY ${id}`);
    await until("it is undone", async () => (await primary.sql(list)).length === 0);
    [primary, replica] = [replica, primary];
    await setReadOnly(replica, true);
    await follow(replica, primary);
    expect(await running.value("SELECT COUNT(*) FROM t WHERE id = 50")).toBe("1");
  });

  test("a KILL is no failover: what it ends does not run again", async () => {
    await using proxy = await proxyWith();
    using client = await login(proxy);
    const mark = crypto.randomUUID();
    const error = client.errorOf(`SELECT SLEEP(30), '${mark}'`);
    const list =
      `SELECT Id AS id FROM information_schema.PROCESSLIST WHERE Info LIKE '%${mark}%' ` +
      "AND Info NOT LIKE '%PROCESSLIST%'";
    await until("it runs", async () => (await primary.sql(list)).length === 1);
    await primary.sql(`KILL ${(await primary.sql(list))[0]!["id"]}`);
    expect([2013, 1317, 1927]).toContain((await error).code);
    expect(await primary.sql(list)).toEqual([]);
    expect(await client.value("SELECT 'goes on'").catch(() => client.value("SELECT 'goes on'")))
      .toBe("goes on");
  });
});
