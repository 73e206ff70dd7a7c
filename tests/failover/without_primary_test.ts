// While there is no primary, or more than one: what goes on, what waits, and in which order; and that
// the proxy can end all the same.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { type Cluster, follow, setReadOnly, startAsyncCluster } from "../cluster/clusters.ts";
import type { ClusterNode } from "../cluster/node.ts";
import { until } from "../cluster/watching.ts";
import { type ProxyProcess, startProxy } from "../proxy_process.ts";
import type { RawClient } from "../proxy/raw_client.ts";
import { loginAs } from "../proxy/subjects.ts";
import { freePort, serverKinds } from "../servers/mod.ts";
import { Expect } from "../../mod/wire/mod.ts";

for (const kind of serverKinds()) {
  describe(`without a primary, ${kind}`, () => {
    let cluster: Cluster;
    let primary: ClusterNode;
    let replicas: readonly [ClusterNode, ClusterNode];

    beforeAll(async () => {
      cluster = await startAsyncCluster(kind, 2);
      const [first, ...others] = cluster.nodes as [ClusterNode, ClusterNode, ClusterNode];
      primary = first;
      replicas = others;
      await primary.sql("CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY)");
      // One that may not write where nobody is to.
      await primary.sql("CREATE USER 'shop'@'%' IDENTIFIED BY 'shop'");
      await primary.sql("GRANT ALL ON shop.* TO 'shop'@'%'");
      await caughtUp();
    }, 60_000);

    afterAll(async () => await cluster?.[Symbol.asyncDispose]());

    beforeEach(async () => {
      await primary.sql("DELETE FROM shop.t");
      await caughtUp();
    });

    afterEach(() => {
      for (const node of cluster.nodes) node.thaw();
    });

    const count = (node: ClusterNode) => node.value("SELECT COUNT(*) FROM shop.t");

    async function caughtUp(): Promise<void> {
      const wanted = Number(await count(primary));
      const users = "SELECT COUNT(*) FROM mysql.user WHERE User = 'shop'";
      for (const node of replicas) {
        await until(
          "replicas have all",
          async () =>
            Number(await node.value(users)) === 1 &&
            Number(await count(node).catch(() => NaN)) === wanted,
        );
      }
    }

    async function proxyWith(
      config: string,
      args: readonly string[] = [],
    ): Promise<ProxyProcess> {
      const proxy = await startProxy({
        backends: cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
        args: ["-u", "app", "-p", "app", ...args],
        config: `[pool]\nmode = "transaction"\n${config}`,
      });
      await proxy.untilLogged(/mode=synced/);
      return proxy;
    }

    const login = (proxy: ProxyProcess): Promise<RawClient> =>
      loginAs({ user: "shop", password: "shop" }, proxy, { database: "shop" });

    test("what one session has sent at once is done in that order", async () => {
      await using proxy = await proxyWith("");
      using client = await login(proxy);
      await setReadOnly(primary, true);
      const texts = ["INSERT INTO t VALUES (1)", "UPDATE t SET id = 2", "INSERT INTO t VALUES (1)"];
      client.sendBytes(Buffer.concat(texts.map((text) => {
        const payload = client.queryPayload(text);
        const header = Buffer.alloc(4);
        header.writeUIntLE(payload.length, 0, 3);
        return Buffer.concat([header, payload]);
      })));
      await proxy.untilLogged(/failover began/);
      expect(Number(await count(primary))).toBe(0);
      await setReadOnly(primary, false);
      for (let at = 0; at < texts.length; at++) {
        expect(client.parse(await client.answer(Expect.RESULT))).toHaveLength(1);
      }
      expect(Number(await count(primary))).toBe(2);
    });

    test("who waits when another proxy takes over waits on, and so does who comes then", async () => {
      const listener = ["-l", `127.0.0.1:${freePort()}`];
      await using old = await proxyWith("", listener);
      using waits = await login(old);
      await setReadOnly(primary, true);
      const written = waits.results("INSERT INTO t VALUES (1)");
      await old.untilLogged(/failover began/);
      await using young = await proxyWith("", [...listener, "--takeover"]);
      await old.untilLogged(/replaced/);
      const coming = login(young).then(async (client) => {
        await client.results("INSERT INTO t VALUES (2)");
        client.close();
      });
      await Bun.sleep(300);
      expect(Number(await count(primary))).toBe(0);
      await setReadOnly(primary, false);
      await Promise.all([written, coming]);
      waits.close();
      expect(await old.exited).toBe(0);
      expect(Number(await count(primary))).toBe(2);
    });

    test("two that say they are it: writes go to neither until one says so alone", async () => {
      await using proxy = await proxyWith('[failover]\nmax_wait = "60s"\n');
      using client = await login(proxy);
      await client.results("INSERT INTO t VALUES (1)");
      await caughtUp();
      const [other, third] = replicas;
      await follow(third, undefined); // else it would tell which one
      await follow(other, undefined);
      await setReadOnly(other, false);
      await proxy.untilLogged(/failover began/);
      let isDone = false;
      const written = client.results("INSERT INTO t VALUES (2)").then(() => isDone = true);
      await Bun.sleep(1000);
      expect([isDone, Number(await count(primary)), Number(await count(other))])
        .toEqual([false, 1, 1]);
      await setReadOnly(other, true);
      await written;
      expect(Number(await count(primary))).toBe(2);
      for (const node of replicas) await follow(node, primary);
    });

    test(
      "an old primary that is back writable gets nothing before it follows the new one",
      async () => {
        await using proxy = await proxyWith(
          '[cluster]\nslow_start = "0"\n[route]\nsplit = true\nconsistency = "eventual"\n',
        );
        using client = await login(proxy);
        const old = primary;
        const [next, third] = replicas;
        await client.results("INSERT INTO t VALUES (1)");
        await caughtUp();
        await old.kill();
        await follow(next, undefined);
        await follow(third, next);
        await setReadOnly(next, false);
        await proxy.untilLogged(/the primary is another server/);
        await old.start(["--read-only=OFF"]);
        await until("the proxy sees it", () => afterDown(proxy, old).length > 0);
        for (let id = 2; id < 50; id++) {
          await client.results(`INSERT INTO t VALUES (${id})`);
          const ports = await client.query(
            "/*+ mysqlproxy(target=replica) */ SELECT @@port FROM t LIMIT 1",
          );
          expect(ports).not.toEqual([[String(old.port)]]);
        }
        expect(Number(await count(old))).toBe(1);
        expect(Number(await count(next))).toBe(49);
        await setReadOnly(old, true);
        await follow(old, next);
        [primary, replicas] = [next, [third, old]];
        await caughtUp();
        await until("it gets reads", async () => {
          const ports = await client.query(
            "/*+ mysqlproxy(target=replica) */ SELECT @@port FROM t LIMIT 1",
          );
          return ports[0]?.[0] === String(old.port);
        });
      },
      30_000,
    );

    /** What was told of a server since it was down. */
    const afterDown = (proxy: ProxyProcess, { name }: ClusterNode) => {
      const lines = proxy.log().split("\n").filter((line) => line.includes(`server=${name} `));
      const down = lines.findLastIndex((line) => line.includes("to=down"));
      return lines.slice(down + 1).filter((line) => line.includes("state changed"));
    };

    test("SIGTERM has its bound where the server does not answer", async () => {
      await using proxy = await proxyWith('[drain]\ntimeout = "500ms"\n');
      const [begun, idle, asking] = await Promise.all([1, 2, 3].map(() => login(proxy))) as [
        RawClient,
        RawClient,
        RawClient,
      ];
      await begun.results("BEGIN");
      await begun.results("INSERT INTO t VALUES (3)");
      await idle.results("SET @mine = 1");
      primary.freeze();
      const code = asking.results("INSERT INTO t VALUES (4)").then(() => 0, () => -1);
      const from = performance.now();
      process.kill(proxy.pid, "SIGTERM");
      expect(await proxy.exited).toBe(0);
      expect(performance.now() - from).toBeLessThan(5000);
      expect(await code).toBe(-1);
      primary.thaw();
      for (const client of [begun, idle, asking]) client.close();
    });

    const rows = async (client: RawClient, level: string) =>
      Number(
        await client.value(`/*+ mysqlproxy(consistency=${level}) */ SELECT COUNT(*) FROM t`),
      );
    const splitting = (maxWait: string) =>
      proxyWith(
        `[failover]\nmax_wait = "${maxWait}"\n[cluster]\nslow_start = "0"\n[route]\nsplit = true\n`,
      );

    const untilSplit = (client: RawClient) =>
      until("its reads go to replicas", async () => {
        await rows(client, "session");
        const lines = await client.query("EXPLAIN ROUTE SELECT COUNT(*) FROM t");
        const facts = new Map(lines.map(([name, value]) => [name, value]));
        return facts.get("target") === "replica" && facts.get("action") === "none";
      });

    test("at instance reads go on where all that the proxy has written is", async () => {
      await using proxy = await splitting("20s");
      const clients = await Promise.all([1, 2].map(() => login(proxy)));
      const [writer, reader] = clients as [RawClient, RawClient];
      await writer.results("INSERT INTO t VALUES (1)");
      await untilSplit(writer);
      await untilSplit(reader);
      await caughtUp();
      expect(await rows(reader, "instance")).toBe(1);
      await primary.kill();
      await proxy.untilLogged(/failover began/);
      for (let time = 0; time < 5; time++) expect(await rows(reader, "instance")).toBe(1);
      // What others have written nobody knows but the primary.
      const all = rows(reader, "global").then(String, ({ code }) => `error ${code}`);
      expect(await rows(writer, "instance")).toBe(1);
      await primary.start();
      await setReadOnly(primary, false);
      expect(await all).toBe("1");
      for (const client of clients) client.close();
    }, 30_000);

    test("reads go on where what they must see is, and nowhere else", async () => {
      await using proxy = await splitting("4s");
      const clients = await Promise.all([1, 2, 3, 4, 5].map(() => login(proxy)));
      const [any, own, blind, reader, all] = clients as [
        ...[RawClient, RawClient, RawClient, RawClient, RawClient],
      ];
      await own.results("INSERT INTO t VALUES (1)");
      await untilSplit(own);
      expect(await rows(own, "session")).toBe(1);
      await caughtUp();
      // What comes now is on no replica.
      for (const node of replicas) await node.sql("FLUSH TABLES WITH READ LOCK");
      await blind.results("INSERT INTO t VALUES (2)");
      expect(await rows(blind, "session")).toBe(2);
      await primary.kill();
      await proxy.untilLogged(/failover began/);
      const outcome = (client: RawClient, level: string) =>
        rows(client, level).then(String, ({ code }) => `error ${code}`);
      const unseen = outcome(blind, "session");
      const everybodys = outcome(all, "instance");
      const waiting = any.results("INSERT INTO t VALUES (5)").then(() => 0, ({ code }) => code);
      for (let time = 0; time < 5; time++) {
        expect(await rows(reader, "eventual")).toBe(1);
        expect(await rows(own, "session")).toBe(1);
      }
      expect([await unseen, await everybodys]).toEqual(["error 3168", "error 3168"]);
      expect(await waiting).toBe(3168);
      for (const node of replicas) await node.sql("UNLOCK TABLES");
      for (const client of clients) client.close();
    }, 30_000);
  });
}
