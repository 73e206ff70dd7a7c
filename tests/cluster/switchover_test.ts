// SWITCHOVER TO on clusters of real servers: it moves the primary's role, or leaves all as it was.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  type Connection,
  createConnection,
  type ResultSetHeader,
  type RowDataPacket,
} from "mysql2/promise";
import { type ProxyProcess, startProxy } from "../proxy_process.ts";
import { type Row, serverKinds } from "../servers/mod.ts";
import { type Cluster, startAsyncCluster, startGroup } from "./clusters.ts";
import type { ClusterNode } from "./node.ts";
import { until } from "./watching.ts";

const TEST_MS = 30_000;
const kinds = serverKinds();
const CLUSTERS = [
  ...kinds.map((kind) => ({ name: kind, start: () => startAsyncCluster(kind, 2) })),
  ...kinds.filter((kind) => kind === "mysql")
    .map(() => ({ name: "group", start: () => startGroup(3) })),
];

describe.each(CLUSTERS)("a cluster of $name", ({ name, start }) => {
  const isGroup = name === "group";
  let cluster: Cluster;
  let proxy: ProxyProcess;
  let admin: Connection;
  let primary: ClusterNode;
  let target: ClusterNode;
  let other: ClusterNode;
  const clients: Connection[] = [];

  beforeAll(async () => {
    cluster = await start();
    [primary, target, other] = cluster.nodes as [ClusterNode, ClusterNode, ClusterNode];
    await primary.sql("CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY)");
    await primary.sql("CREATE USER 'shop'@'%' IDENTIFIED BY 'shop'");
    await primary.sql("GRANT ALL ON shop.* TO 'shop'@'%'");
    for (const node of [target, other]) {
      await until(
        "it has the table",
        async () => await node.value("SELECT COUNT(*) FROM shop.t").then(Number, () => -1) === 0,
      );
    }
    proxy = await startProxy({
      backends: cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
      args: ["-u", "app", "-p", "app", "--admin", "127.0.0.1:0"],
      config: '[pool]\nmode = "transaction"\n[admin]\nstats_password = "stats"\n' +
        '[failover]\nreplication_user = "repl"\nreplication_password = "repl"\n',
    });
    await proxy.untilLogged(/mode=synced/);
    admin = await connect(await proxy.loggedPort("admin port"), "app");
    await until("all are up", async () => {
      const rows = await ask("SHOW CLUSTER WHERE state = 'up'");
      return rows.length === 3 && rows.some(({ role }) => role === "primary");
    });
  }, 120_000);

  afterAll(async () => {
    for (const client of [admin, ...clients]) client?.destroy();
    await proxy?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  async function connect(port: number, user: string): Promise<Connection> {
    const login = { host: "127.0.0.1", port, user, password: user };
    const connection = await createConnection(login);
    connection.on("error", () => {});
    return connection;
  }

  async function client(): Promise<Connection> {
    const connection = await connect(proxy.port, "shop");
    clients.push(connection);
    return connection;
  }

  const ask = async (statement: string): Promise<readonly Row[]> =>
    (await admin.query<RowDataPacket[]>(statement))[0];

  const refusal = (statement: string): Promise<string> =>
    ask(statement).then(() => "done", ({ message }) => message);

  const isReadOnly = async (node: ClusterNode) =>
    Number(await node.value("SELECT @@global.read_only")) === 1;

  /** The primary by name, as the proxy sees it. */
  const seen = async () => (await ask("SHOW CLUSTER WHERE role = 'primary'"))[0]?.["address"];

  const count = (node: ClusterNode, id: number) =>
    node.value(`SELECT COUNT(*) FROM shop.t WHERE id = ${id}`).then(Number);

  test("DRY RUN tells the steps and changes nothing; what cannot be done is refused", async () => {
    const steps = await ask(`switchover to "${target.name}" dry run;`);
    expect(steps.map(({ what }) => what)).toContain("open transactions end");
    for (const { outcome } of steps) expect(outcome).toBe("would be done");
    expect(await isReadOnly(primary)).toBe(false);
    expect(await isReadOnly(target)).toBe(true);
    expect(await refusal("SWITCHOVER TO 'nowhere:1'")).toMatch(/nowhere:1.*unknown/);
    expect(await refusal("SWITCHOVER TO ':x'")).toMatch(/No switchover to :x: /);
    expect(await refusal(`SWITCHOVER TO '${primary.name}'`)).toMatch(/it is the primary already/);
    const stats = await connect(await proxy.loggedPort("admin port"), "stats");
    try {
      await expect(stats.query(`SWITCHOVER TO '${target.name}'`)).rejects.toMatchObject({
        errno: 1227,
      });
    } finally {
      stats.destroy();
    }
    expect(await ask("SHOW EVENTS LIKE '%' WHERE event LIKE 'switchover%'")).toEqual([]);
  }, TEST_MS);

  test("with session pooling it is refused", async () => {
    await using plain = await startProxy({
      backends: [{ host: "127.0.0.1", port: primary.port }],
      args: ["-u", "app", "-p", "app", "--admin", "127.0.0.1:0"],
      env: { MYSQLPROXY_POOL_MODE: "session" },
    });
    const port = await plain.loggedPort("admin port");
    const own = await connect(port, "app");
    try {
      await expect(own.query(`SWITCHOVER TO '${target.name}'`)).rejects.toMatchObject({
        errno: 1105,
        message: expect.stringContaining("pool.mode"),
      });
    } finally {
      own.destroy();
    }
  }, TEST_MS);

  // A group does it in one step, or not at all.
  if (!isGroup) {
    test("what was done is taken back where a step fails", async () => {
      // With the lock the primary cannot be made read-only.
      await primary.sql("LOCK TABLES shop.t WRITE");
      try {
        expect(await refusal(`SWITCHOVER TO '${target.name}'`)).toMatch(
          /^Switchover failed at .*takes no writes.*all was taken back$/,
        );
      } finally {
        await primary.sql("UNLOCK TABLES");
      }
      expect(await isReadOnly(primary)).toBe(false);
      expect(await isReadOnly(target)).toBe(true);
      await until("the proxy sees it so", async () => await seen() === primary.name);
      const free = await client();
      await free.query("INSERT INTO shop.t VALUES (1)");
      for (const node of [target, other]) {
        await until("it is replicated", async () => await count(node, 1) === 1);
      }
      const events = await ask("SHOW EVENTS WHERE event LIKE 'switchover%'");
      expect(events.at(-1)?.["reason"]).toMatch(/all was taken back/);
      expect(events.map(({ to }) => to)).toContain("taken back: follows the target");
    }, TEST_MS);
  }

  test("an open transaction ends first, others wait, and nobody gets an error", async () => {
    const [open, begins, writes, reads] = [
      await client(),
      await client(),
      await client(),
      await client(),
    ];
    await open.query("START TRANSACTION");
    await open.query("INSERT INTO shop.t VALUES (10)");
    const mover = await connect(await proxy.loggedPort("admin port"), "app");
    clients.push(mover);
    const moving = mover.query<RowDataPacket[]>(`SWITCHOVER TO '${target.name}'`);
    await until("writes wait", async () => {
      return (await ask("SHOW CLUSTER WHERE writes = 'YES'")).length === 0;
    });
    const done: string[] = [];
    const waiting = [
      begins.query("BEGIN").then(() => done.push("begin")),
      writes.query("INSERT INTO shop.t VALUES (11)").then(() => done.push("write")),
    ];
    // Reads go on; so does who has begun.
    await reads.query("SELECT COUNT(*) FROM shop.t");
    await open.query("INSERT INTO shop.t VALUES (12)");
    expect(done).toEqual([]);
    expect(await refusal(`SWITCHOVER TO '${other.name}'`)).toMatch(/under way/);
    await open.query("COMMIT");
    const [steps] = await moving;
    await Promise.all(waiting);
    await begins.query("INSERT INTO shop.t VALUES (13)");
    await begins.query("COMMIT");
    expect(steps.every(({ outcome }) => !String(outcome).startsWith("failed"))).toBe(true);
    expect(await seen()).toBe(target.name);
    expect(await isReadOnly(target)).toBe(false);
    expect(await isReadOnly(primary)).toBe(true);
    for (const id of [10, 11, 12, 13]) {
      for (const node of cluster.nodes) {
        await until(`${node.name} has ${id}`, async () => await count(node, id) === 1);
      }
    }
    const ended = await ask("SHOW EVENTS WHERE event = 'switchover-ended' AND reason = 'done'");
    expect(ended).toHaveLength(1);
  }, TEST_MS);

  test("and back again", async () => {
    await until(
      "all are up",
      async () => (await ask("SHOW CLUSTER WHERE state = 'up'")).length === 3,
    );
    await ask(`SWITCHOVER TO '${primary.name}'`);
    expect(await seen()).toBe(primary.name);
    await (await client()).query("INSERT INTO shop.t VALUES (20)");
    for (const node of cluster.nodes) {
      await until(`${node.name} has it`, async () => await count(node, 20) === 1);
    }
  }, TEST_MS);

  test("LAST_INSERT_ID() is kept by a session that only reads on the next primary", async () => {
    await until(
      "all are up",
      async () => (await ask("SHOW CLUSTER WHERE state = 'up'")).length === 3,
    );
    const session = await client();
    await session.query("CREATE TABLE shop.numbered (id INT PRIMARY KEY AUTO_INCREMENT)");
    const [{ insertId }] = await session.query<ResultSetHeader>(
      "INSERT INTO shop.numbered VALUES (70)",
    );
    expect(insertId).toBe(70);
    await session.query("SELECT LAST_INSERT_ID(71)");
    await ask(`SWITCHOVER TO '${target.name}'`);
    await session.query("/*FORCE_PRIMARY*/ SELECT COUNT(*) FROM shop.t");
    const [rows] = await session.query<RowDataPacket[]>("SELECT LAST_INSERT_ID() AS id");
    expect(rows.map(({ id }) => id)).toEqual([71]);
  }, TEST_MS);
});
