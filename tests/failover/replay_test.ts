// Transactions that are run again after their server was lost: one kill -9 of a primary, and sessions
// of all kinds that had a transaction open on it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Connection, createConnection } from "mysql2/promise";
import { type Cluster, follow, setReadOnly, startAsyncCluster } from "../cluster/clusters.ts";
import type { ClusterNode } from "../cluster/node.ts";
import { until } from "../cluster/watching.ts";
import type { RawClient } from "../proxy/raw_client.ts";
import { loginAs } from "../proxy/subjects.ts";
import { type ProxyProcess, startProxy } from "../proxy_process.ts";
import { serverKinds } from "../servers/mod.ts";
import { proxyCounters } from "../proxy_counters.ts";

const STATEMENTS_MAX = 12;
const CONFIG = `[pool]
mode = "transaction"
[failover]
replay = true
replay_statements_max = ${STATEMENTS_MAX}
replay_bytes_max = "64KiB"
`;
const LOGIN = { host: "127.0.0.1", user: "shop", password: "shop", database: "shop" };
const TEST_MS_MAX = 60_000;

describe.each(serverKinds())("transactions whose %s server is lost", (kind) => {
  let cluster: Cluster;
  let primary: ClusterNode;
  let replica: ClusterNode;
  let proxy: ProxyProcess;
  const clients: RawClient[] = [];

  beforeAll(async () => {
    cluster = await startAsyncCluster(kind, 1);
    [primary, replica] = cluster.nodes as [ClusterNode, ClusterNode];
    await primary.sql(
      "CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY);" +
        "CREATE TABLE shop.held (id INT PRIMARY KEY); INSERT INTO shop.held VALUES (1);" +
        "CREATE TABLE shop.numbered (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20));" +
        "CREATE FUNCTION shop.always_one() RETURNS INT DETERMINISTIC RETURN 1",
    );
    await primary.sql("CREATE USER 'shop'@'%' IDENTIFIED BY 'shop'");
    await primary.sql("GRANT ALL ON shop.* TO 'shop'@'%'");
    proxy = await startProxy({
      backends: cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
      args: ["-u", "app", "-p", "app", "--admin", "127.0.0.1:0"],
      config: CONFIG,
    });
    await proxy.untilLogged(/mode=synced/);
  }, TEST_MS_MAX);

  afterAll(async () => {
    for (const client of clients) client.close();
    await proxy?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  async function login(...statements: readonly string[]): Promise<RawClient> {
    const client = await loginAs({ user: "shop", password: "shop" }, proxy, { database: "shop" });
    clients.push(client);
    for (const statement of statements) await client.results(statement);
    return client;
  }

  /** The primary dies, and what was the replica is the primary. */
  async function failOver(): Promise<void> {
    await caughtUp();
    await primary.kill();
    await follow(replica, undefined);
    await setReadOnly(replica, false);
    [primary, replica] = [replica, primary];
  }

  async function caughtUp(): Promise<void> {
    const all =
      "SELECT CONCAT((SELECT COUNT(*) FROM shop.t), ' ', (SELECT COUNT(*) FROM shop.numbered))";
    await until(
      "the replica has it all",
      async () => await replica.value(all) === await primary.value(all),
    );
  }

  async function rejoin(): Promise<void> {
    await replica.start(["--read-only=ON"]);
    await follow(replica, primary);
  }

  const ids = async (from: number) =>
    (await primary.sql(
      `SELECT id FROM shop.t WHERE id >= ${from} AND id < ${from + 100} ORDER BY id`,
    ))
      .map(({ id }) => Number(id));

  /** The error of a transaction that is lost, why it was not run again included. */
  const lost = (why: string) =>
    new RegExp(
      `^1213 \\(40001\\): The transaction was rolled back, since its server was lost ` +
        `\\(.+; not run again: ${why}\\); try restarting transaction`,
    );

  test("go on where they were, or their client is told once", async () => {
    await primary.sql("INSERT INTO shop.t VALUES (1)");
    // In text, idle when the server goes.
    const idle = await login(
      "BEGIN",
      "INSERT INTO t VALUES (100)",
      "SELECT * FROM t WHERE id = 1 FOR UPDATE",
    );
    // A statement under way: it waits for a row that another one holds.
    const holder = await createConnection({ ...LOGIN, port: primary.port });
    holder.on("error", () => {}); // it goes with its server
    await holder.query("BEGIN");
    await holder.query("SELECT * FROM held FOR UPDATE");
    const running = await login("START TRANSACTION", "INSERT INTO t VALUES (200)");
    const answer = running.results("INSERT INTO t SELECT id + 200 FROM held FOR UPDATE");
    // Prepared statements, with types that came with the first execution only.
    const prepared: Connection = await createConnection({ ...LOGIN, port: proxy.port });
    await prepared.beginTransaction();
    for (const id of [300, 301]) await prepared.execute("INSERT INTO t VALUES (?)", [id]);
    await prepared.execute("SELECT id, ? AS told FROM t WHERE id >= ? AND id < 400", ["yes", 300]);
    // Savepoints, an error that is part of it, and no autocommit. What it locks is behind all others.
    const partial = await login(
      ...["SET autocommit = 0", "INSERT INTO t VALUES (9400)", "SAVEPOINT one"],
      ...["INSERT INTO t VALUES (9401)", "ROLLBACK TO one", "INSERT INTO t VALUES (9402)"],
    );
    expect((await partial.errorOf("INSERT INTO t VALUES (9402)")).code).toBe(1062);
    // What its session has set, before and within.
    const setting = await login(
      ...["SET @before = 'b', time_zone = '+03:00'", "INSERT INTO numbered (name) VALUES ('one')"],
      ...["BEGIN", "SET @inside = CONCAT(@before, 'i')", "SET sql_mode = 'ANSI_QUOTES'"],
    );
    const numbering = await login("BEGIN", "INSERT INTO numbered (name) VALUES ('two'), ('three')");
    const numbered = await numbering.value("SELECT LAST_INSERT_ID()");
    const behind = await login("BEGIN", "INSERT INTO numbered (name) VALUES ('four')");
    const numberedBehind = await behind.value("SELECT LAST_INSERT_ID()");
    // What cannot be the same.
    const clock = await login("BEGIN", "INSERT INTO t VALUES (500)", "SELECT UUID()");
    const large = await login("BEGIN", "INSERT INTO t VALUES (600)", "SELECT REPEAT('x', 70000)");
    const long = await login("BEGIN", "INSERT INTO t VALUES (700)");
    for (let times = 0; times < STATEMENTS_MAX; times++) await long.results("SELECT 1");
    const temporary = await login(
      ...["BEGIN", "INSERT INTO t VALUES (800)"],
      "CREATE TEMPORARY TABLE basket (id INT)",
    );
    const locked = await login("BEGIN", "SELECT GET_LOCK('mine', 1)");
    const coded = await login("BEGIN", "SELECT always_one()");
    // One whose client goes, and does not come back.
    const leaving = await login("BEGIN", "INSERT INTO t VALUES (900)");
    await until("the statement runs", async () =>
      Number(
        await primary.value(
          "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE Info LIKE '%FROM held FOR%' " +
            "AND Info NOT LIKE '%PROCESSLIST%'",
        ),
      ) === 1);

    await failOver();
    leaving.send(leaving.queryPayload("INSERT INTO t VALUES (901)"));
    leaving.close();

    await idle.results("INSERT INTO t VALUES (101)");
    expect(await idle.value("SELECT COUNT(*) FROM t WHERE id >= 100 AND id < 200")).toBe("2");
    await idle.results("COMMIT");
    expect(await ids(100)).toEqual([100, 101]);

    expect((await answer)[0]!.ok?.affectedRows).toBe(1);
    await running.results("COMMIT");
    expect(await ids(200)).toEqual([200, 201]);

    await prepared.execute("INSERT INTO t VALUES (?)", [302]);
    await prepared.commit();
    expect(await ids(300)).toEqual([300, 301, 302]);
    prepared.destroy();

    await partial.results("COMMIT");
    expect(await ids(9400)).toEqual([9400, 9402]);

    const shown =
      'SELECT @before, @inside, @@time_zone, LAST_INSERT_ID(), "a" FROM (SELECT 1 AS a) t';
    expect(await setting.query(shown)).toEqual([["b", "bi", "+03:00", "1", "1"]]);
    await setting.results("COMMIT");
    expect(await setting.query(shown)).toEqual([["b", "bi", "+03:00", "1", "1"]]);

    // Rows have the numbers that were told, whoever comes first.
    await behind.results("INSERT INTO numbered (name) VALUES ('five')");
    await behind.results("COMMIT");
    expect(`${await primary.value("SELECT id FROM shop.numbered WHERE name = 'four'")}`)
      .toBe(`${numberedBehind}`);
    expect(await numbering.value("SELECT LAST_INSERT_ID()")).toBe(numbered);
    await numbering.results("COMMIT");
    expect(`${await primary.value("SELECT id FROM shop.numbered WHERE name = 'two'")}`)
      .toBe(`${numbered}`);

    for (
      const [client, why] of [
        [clock, "an answer was another one"],
        [large, "too large"],
        [long, "too many statements"],
        [temporary, "temporary table"],
        [locked, "user lock"],
        [coded, "stored code"],
      ] as const
    ) {
      expect((await client.errorOf("INSERT INTO t VALUES (999)")).text).toMatch(lost(why));
      expect(await client.value("SELECT 'goes on'")).toBe("goes on");
    }
    expect(await ids(500)).toEqual([]);
    expect(await ids(600)).toEqual([]);
    expect(await ids(900)).toEqual([]);

    const counted = await proxyCounters(proxy);
    expect(counted.get("replays")).toBeGreaterThanOrEqual(7);
    expect(counted.get("replays_failed")).toBeGreaterThanOrEqual(6);
    expect(counted.get("replay_bytes")).toBe(0);
    await rejoin();
  }, TEST_MS_MAX);

  test("are not run again where a KILL has ended them", async () => {
    const client = await login("BEGIN", "INSERT INTO t VALUES (1000)");
    const thread = await primary.value(
      `SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'shop' ` +
        `AND ID IN (SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX)`,
    );
    await primary.sql(`KILL ${thread}`);
    const error = await client.errorOf("INSERT INTO t VALUES (1001)");
    expect([1213, 1927]).toContain(error.code);
    expect(await ids(1000)).toEqual([]);
    expect(await client.value("SELECT 'goes on'")).toBe("goes on");
  });

  test("go on elsewhere where their server takes no writes any more", async () => {
    const writing = await login("BEGIN", "INSERT INTO t VALUES (1200)");
    const committing = await login("BEGIN", "INSERT INTO t VALUES (1201)");
    await caughtUp();
    await setReadOnly(primary, true);
    const written = writing.results("INSERT INTO t VALUES (1202)");
    const committed = committing.results("COMMIT");
    await proxy.untilLogged(/failover began.*/);
    await follow(replica, undefined);
    await setReadOnly(replica, false);
    [primary, replica] = [replica, primary];
    await Promise.all([written, committed]);
    await writing.results("COMMIT");
    expect(await ids(1200)).toEqual([1200, 1201, 1202]);
    await follow(replica, primary);
  }, TEST_MS_MAX);

  test("are lost as before once failover.replay is turned off", async () => {
    const client = await login("BEGIN", "INSERT INTO t VALUES (1100)");
    const port = await proxy.loggedPort("admin port");
    const admin = await createConnection({ host: "127.0.0.1", port, user: "app", password: "app" });
    await admin.query("SET failover.replay = false");
    await client.results("INSERT INTO t VALUES (1101)");
    const later = await login("BEGIN", "INSERT INTO t VALUES (1102)");
    await failOver();
    for (const each of [client, later]) {
      expect((await each.errorOf("COMMIT")).code).toBe(1213);
    }
    await admin.query("SET failover.replay = true");
    admin.destroy();
    expect(await ids(1100)).toEqual([]);
    await rejoin();
  }, TEST_MS_MAX);
});
