// Reads on replicas, on real clusters: where statements go, what sessions find again whichever server
// they were on, and what clients can ask and set about it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { type Cluster, type ClusterNode, startAsyncCluster, until } from "../cluster/mod.ts";
import { type ProxyProcess, startProxy } from "../proxy_process.ts";
import { serverKinds } from "../servers/mod.ts";

const ON_REPLICA = "/*+ mysqlproxy(target=replica) */";

for (const kind of serverKinds()) {
  describe(`splitting over ${kind}`, () => {
    let cluster: Cluster;
    let proxy: ProxyProcess;
    let client: Connection;

    beforeAll(async () => {
      cluster = await startAsyncCluster(kind, 2);
      await cluster.first.sql(
        "CREATE DATABASE IF NOT EXISTS test; " +
          "CREATE TABLE test.t (id INT PRIMARY KEY AUTO_INCREMENT, v INT); " +
          "INSERT INTO test.t (v) VALUES (1); " +
          // One that replicas refuse writes of.
          "CREATE USER 'writer'@'%' IDENTIFIED BY 'writer'; GRANT ALL ON test.* TO 'writer'@'%'; " +
          "CREATE TABLE test.log (n INT)",
      );
      proxy = await start([]);
      client = await connect(proxy);
      await untilSplit(client);
    }, 60_000);

    afterAll(async () => {
      client?.destroy();
      await proxy?.stop();
      await cluster?.[Symbol.asyncDispose]();
    });

    function start(args: readonly string[], more = ""): Promise<ProxyProcess> {
      return startProxy({
        backends: cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
        args,
        config: '[pool]\nmode = "transaction"\n[account]\nuser = "app"\npassword = "app"\n' +
          `[cluster]\nslow_start = "0"\n[route]\nsplit = true\n${more}`,
      });
    }

    function connect({ host, port }: ProxyProcess): Promise<Connection> {
      return createConnection({ host, port, user: "app", password: "app", database: "test" });
    }

    async function rows(sql: string, on = client): Promise<unknown[][]> {
      const [found] = await on.query<RowDataPacket[]>({ sql, rowsAsArray: true });
      return found as unknown as unknown[][];
    }

    const value = async (sql: string, on = client) => (await rows(sql, on))[0]?.[0];
    const route = async (sql: string, on = client) =>
      Object.fromEntries(await rows(`EXPLAIN ROUTE ${sql}`, on)) as Record<string, string>;

    async function untilSplit(on: Connection): Promise<void> {
      let told: Record<string, string> = {};
      await until("reads are split", async () => {
        told = await route("SELECT 1 FROM t", on);
        // What ran before stored code was known may have written, and is asked for once.
        if (told["action"]?.startsWith("ask") === true) await on.query("SELECT 1 FROM t");
        return told["target"] === "replica";
      }, { describe: () => JSON.stringify(told) });
    }

    /** The number of the error that a statement gives; undefined: none. */
    const errorOf = (sql: string, on = client) =>
      on.query(sql).then(() => undefined, (error: { errno: number }) => error.errno);

    test("EXPLAIN ROUTE says where statements go, and why", async () => {
      const read = await route("SELECT v FROM t");
      expect([read["target"], read["reason code"]]).toEqual(["replica", "read"]);
      expect(cluster.nodes.slice(1).map(({ name }) => name)).toContain(read["server"]!);
      const write = await route("UPDATE t SET v = 1");
      expect([write["target"], write["server"]]).toEqual(["primary", cluster.first.name]);
      expect(write["reason"]).toBe("changes rows");
      expect((await route("SELECT v FROM t FOR UPDATE"))["reason"]).toBe("locks rows");
      await client.query("BEGIN");
      expect((await route("SELECT v FROM t"))["reason code"]).toBe("in-transaction");
      await client.query("ROLLBACK");
    });

    test("EXPLAIN ROUTE and SHOW ROUTES on the admin port, of two workers", async () => {
      await using own = await start([
        "--workers",
        "2",
        "--admin",
        "127.0.0.1:0",
      ]);
      const admin = await createConnection({
        host: "127.0.0.1",
        port: await own.loggedPort("admin port"),
        user: "app",
        password: "app",
      });
      const readers = await Promise.all(Array.from({ length: 6 }, () => connect(own)));
      for (const reader of readers) await untilSplit(reader);
      const counted = (found: unknown[][]) =>
        found.filter(([, reason]) => reason === "read").map((row) => Number(row[3]));
      const [before = 0] = counted(await rows("SHOW ROUTES", admin));
      for (const reader of readers) await rows("SELECT v FROM t", reader);
      const explained = await rows("EXPLAIN ROUTE SELECT v FROM t", admin);
      expect(explained[0]).toEqual(["target", "replica"]);
      expect(counted(await rows("SHOW ROUTES", admin))).toEqual([before + 6]);
      expect(counted(await rows("SHOW ROUTES", readers[0]))).toEqual([before + 6]);
      for (const reader of readers) reader.destroy();
      admin.destroy();
    });

    test("what a session has set and left is there on whichever server it is", async () => {
      await client.query("SET @kept = 'x', SESSION sql_mode = 'ANSI_QUOTES'");
      await client.query("INSERT INTO t (v) VALUES (1), (2)");
      const id = await value("SELECT LAST_INSERT_ID()");
      await client.query("INSERT INTO t (v) VALUES (3)");
      expect(await value(`SELECT @kept FROM t LIMIT 1`)).toBe("x");
      expect(await value("SELECT ROW_COUNT()")).toBe(-1);
      expect(await value("SELECT LAST_INSERT_ID()")).toBe(Number(id) + 2);
      expect((await rows("SELECT v FROM t LIMIT 2")).length).toBe(2);
      expect(await value("SELECT FOUND_ROWS()")).toBe(2);
      expect(await errorOf("SELECT nothing FROM t")).toBe(1054);
      expect((await rows("SHOW WARNINGS"))[0]?.[1]).toBe(1054);
      expect(await value(`SELECT "v" FROM t LIMIT 1`)).toBe(1);
      expect(await value(`${ON_REPLICA} SELECT @@sql_mode`)).toContain("ANSI_QUOTES");
      await client.query("SET sql_mode = DEFAULT");
    });

    test("prepared statements run where they may", async () => {
      const before = await replicaReads();
      for (let i = 0; i < 5; i++) {
        await client.execute("SELECT v FROM t WHERE id = ?", [1]);
      }
      expect(await replicaReads() - before).toBe(5);
      await client.execute("INSERT INTO t (v) VALUES (?)", [9]);
      const [found] = await client.execute<RowDataPacket[]>(
        "SELECT COUNT(*) AS n FROM t WHERE v = ?",
        [9],
      );
      expect(found[0]!["n"]).toBe(1);
    });

    async function replicaReads(): Promise<number> {
      const routes = await rows("SHOW ROUTES");
      const reads = routes.filter(([target, reason]) =>
        target === "replica" && /^read/.test(String(reason))
      );
      return reads.reduce((sum, row) => sum + Number(row[3]), 0);
    }

    test("a view that writes, which nobody has told the proxy of, is refused by replicas alone", async () => {
      // Not through the proxy: it reads what there is every half minute.
      await cluster.first.sql(
        "CREATE FUNCTION test.adds_one() RETURNS INT DETERMINISTIC " +
          "MODIFIES SQL DATA BEGIN INSERT INTO test.log VALUES (1); RETURN 1; END",
      );
      await cluster.first.sql(
        "CREATE SQL SECURITY INVOKER VIEW test.logging AS SELECT test.adds_one() AS n",
      );
      const { host, port } = proxy;
      const account = { user: "writer", password: "writer", database: "test" };
      const writer = await createConnection({ host, port, ...account });
      try {
        await writer.query("INSERT INTO log VALUES (0)");
        for (const sql of ["SELECT n FROM logging", "SELECT n + 1 AS n FROM logging"]) {
          const [found] = await writer.query<RowDataPacket[]>(sql);
          expect(found.length).toBe(1);
        }
        expect(await value("SELECT COUNT(*) FROM log FOR UPDATE", writer)).toBe(3);
        const reasons = (await rows("SHOW ROUTES")).map(([target, reason]) => [target, reason]);
        expect(reasons).toContainEqual(["primary", "refused"]);
      } finally {
        writer.destroy();
      }
    });

    test("a READ ONLY transaction is whole on one replica", async () => {
      await client.query("START TRANSACTION READ ONLY");
      const port = await value("SELECT @@port");
      expect(cluster.nodes.slice(1).map((node) => node.port)).toContain(port as number);
      await rows("SELECT v FROM t");
      expect(await value("SELECT @@port")).toBe(port);
      // Read-only it is twice over.
      expect([1290, 1792]).toContain(await errorOf("INSERT INTO t (v) VALUES (1)") ?? 0);
      await client.query("COMMIT");
      expect(await value("SELECT @@port")).toBe(cluster.first.port);
    });

    test("reads before the first write of a transaction run on a replica", async () => {
      await using own = await start([], 'transactions = "split"\n');
      const writer = await connect(own);
      await untilSplit(writer);
      await writer.query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
      const onReplicas = async () => {
        const list = await Promise.all(
          cluster.nodes.slice(1).map((node) =>
            node.value("SELECT COUNT(*) FROM information_schema.innodb_trx")
          ),
        );
        return list.reduce<number>((sum, count) => sum + Number(count), 0);
      };
      const status = async (sql: string) =>
        (await writer.query(sql))[0] as unknown as { serverStatus: number };
      expect((await status("BEGIN")).serverStatus & 1).toBe(1);
      await rows("SELECT COUNT(*) FROM t", writer);
      expect((await route("SELECT v FROM t", writer))["reason code"]).toBe("split-transaction");
      await until("it is on a replica", async () => await onReplicas() === 1, { pollMs: 200 });
      expect((await status("UPDATE t SET v = 100 WHERE id = 1")).serverStatus & 1).toBe(1);
      // Servers renew that table only for who has not looked at it for 100 ms.
      const untilEnded = () =>
        until("it has ended", async () => await onReplicas() === 0, { pollMs: 200 });
      await untilEnded();
      expect(await value("SELECT @@port", writer)).toBe(cluster.first.port);
      await writer.query("ROLLBACK");
      expect(await value("SELECT v FROM t WHERE id = 1", writer)).toBe(1);
      // One that only reads never comes to the primary.
      await writer.query("START TRANSACTION");
      await rows("SELECT COUNT(*) FROM t", writer);
      expect((await status("COMMIT")).serverStatus & 1).toBe(0);
      await untilEnded();
      // What has to begin at once, or is to see one state of the data, stays.
      await writer.query("START TRANSACTION WITH CONSISTENT SNAPSHOT");
      expect((await route("SELECT v FROM t", writer))["reason code"]).toBe("in-transaction");
      await writer.query("COMMIT");
      await writer.query("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
      await writer.query("BEGIN");
      expect((await route("SELECT v FROM t", writer))["reason code"]).toBe("in-transaction");
      await writer.query("COMMIT");
      writer.destroy();
    });

    test("the session's own level and a position from elsewhere", async () => {
      expect(await value("SELECT @@mysqlproxy.consistency")).toBe("session");
      await client.query("SET @@mysqlproxy.consistency = 'eventual'");
      expect((await route("SELECT v FROM t"))["consistency"]).toBe("eventual");
      await client.query("SET @@mysqlproxy.consistency = DEFAULT");
      expect(await errorOf("SET @@mysqlproxy.consistency = 'some'")).toBe(1193);
      expect(await errorOf("SET @@mysqlproxy.nothing = 1")).toBe(1193);
      expect(await errorOf("SET @@mysqlproxy.position = 'nonsense'")).toBe(1231);
      await client.query("INSERT INTO t (v) VALUES (77)");
      // On MariaDB no answer tells of it: the primary is asked.
      const position = String(await value("SELECT @@mysqlproxy.position"));
      expect(position).not.toBe("");
      const other = await connect(proxy);
      await other.query(`SET @@mysqlproxy.position = '${position}'`);
      expect(await value("SELECT COUNT(*) FROM t WHERE v = 77", other)).toBe(1);
      expect(await value("SELECT @@mysqlproxy.position", other)).toBe(position);
      other.destroy();
    });

    test("a position from elsewhere takes nothing from the session's own writes", async () => {
      const writer = await connect(proxy);
      const position = String(await value("SELECT @@mysqlproxy.position"));
      const thread = kind === "mysql" ? "REPLICA SQL_THREAD" : "SLAVE SQL_THREAD";
      const replicas = cluster.nodes.slice(1);
      for (const node of replicas) await node.sql(`STOP ${thread}`);
      await writer.query("INSERT INTO t (v) VALUES (78)");
      await writer.query(`SET @@mysqlproxy.position = '${position}'`);
      expect(await value("SELECT COUNT(*) FROM t WHERE v = 78", writer)).toBe(1);
      for (const node of replicas) await node.sql(`START ${thread}`);
      writer.destroy();
    });

    test("what fresh sessions of replicas have set is not the session's", async () => {
      const replicas = cluster.nodes.slice(1);
      for (const node of replicas) await node.sql("SET GLOBAL group_concat_max_len = 4");
      await using own = await start([]);
      const reader = await connect(own);
      await untilSplit(reader);
      const port = Number(await value(`${ON_REPLICA} SELECT @@port`, reader));
      expect(replicas.map((node) => node.port)).toContain(port);
      for (let i = 0; i < 4; i++) {
        const sql = "SELECT GROUP_CONCAT(x.a) FROM (SELECT 'abcdefgh' AS a FROM t LIMIT 1) AS x";
        expect(await value(sql, reader)).toBe("abcdefgh");
      }
      reader.destroy();
      for (const node of replicas) await node.sql("SET GLOBAL group_concat_max_len = DEFAULT");
    });

    test("KILL reaches a statement on a replica, and process lists show it", async () => {
      const victim = await connect(proxy);
      const id = Number(await value("SELECT CONNECTION_ID()", victim));
      const reader = await connect(proxy);
      const readerId = await value("SELECT CONNECTION_ID()", reader);
      const statement = victim.query(`${ON_REPLICA} SELECT SLEEP(30), @@port`).then(
        ([found]) => JSON.stringify(found),
        (error: { errno: number }) => `error ${error.errno}`,
      );
      await until("it runs on a replica", async () => {
        const list = await Promise.all(
          cluster.nodes.slice(1).map((node) =>
            node.value(
              "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%SLEEP(30)%' " +
                "AND info NOT LIKE '%information_schema%'",
            )
          ),
        );
        return list.some((count) => Number(count) > 0);
      });
      const shown = async (list: string) =>
        (await rows(list)).filter((row) => row[0] === id).map((row) => [row[4], row[7]]);
      const text = `${ON_REPLICA} SELECT SLEEP(30), @@port`;
      expect(await shown("SHOW PROCESSLIST")).toEqual([["Query", text]]);
      await reader.query("START TRANSACTION READ ONLY");
      await reader.query("SELECT v FROM t");
      const list = (await rows("SHOW FULL PROCESSLIST")).map((row) => [row[0], row[4], row[7]]);
      expect(list).toContainEqual([Number(readerId), "Sleep", null]);
      await reader.query("COMMIT");
      reader.destroy();
      await client.query(`KILL QUERY ${id}`);
      expect(await statement).toMatch(/error 1317|"SLEEP\(30\)":1/);
      expect(await value("SELECT 5", victim)).toBe(5);
      victim.destroy();
    });

    for (const workers of ["1", "2"]) {
      test(`what rules have decided is counted, ${workers} worker(s)`, async () => {
        const first =
          '[[rule]]\nname = "to the primary"\nstatement = "AS first_one"\ntarget = "primary"\n';
        const second = '[[rule]]\nstatement = "AS second_one"\ntarget = "replica"\n';
        await using own = await start(
          ["--workers", workers, "--admin", "127.0.0.1:0", "--http", "127.0.0.1:0"],
          `${first}${second}`,
        );
        const admin = await createConnection({
          host: "127.0.0.1",
          port: await own.loggedPort("admin port"),
          user: "app",
          password: "app",
        });
        const clients = await Promise.all(Array.from({ length: 4 }, () => connect(own)));
        for (const each of clients) await untilSplit(each);
        const hits = async () => ({
          rules: await rows("SELECT number, hits FROM rules ORDER BY 1", admin),
          proxysql: await rows(
            "SELECT rule_id, hits FROM stats_mysql_query_rules ORDER BY 1",
            admin,
          ),
        });
        const both = (...counts: number[]) => {
          const shown = counts.map((count, at) => [at + 1, count]);
          return { rules: shown, proxysql: shown };
        };
        expect(await hits()).toEqual(both(0, 0));
        for (const each of clients) {
          await each.query("SELECT 1 AS first_one FROM t");
          await each.query("SELECT 2 AS second_one FROM t");
          await each.query("SELECT 3 AS second_one FROM t");
          // In a transaction nothing is asked.
          await each.query("BEGIN");
          await each.query("SELECT 4 AS second_one FROM t");
          await each.query("COMMIT");
        }
        await until("they are counted", async () => Bun.deepEquals(await hits(), both(4, 8)));
        const http = `http://127.0.0.1:${await own.loggedPort("HTTP port")}`;
        const metrics = await (await fetch(`${http}/metrics`)).text();
        expect(metrics).toContain('mysqlproxy_rule_statements_total{rule="to the primary"} 4\n');
        expect(metrics).toContain('mysqlproxy_rule_statements_total{rule="2"} 8\n');
        // A rule that has only got another place is counted on, others from 0 on.
        await admin.query(
          "INSERT INTO mysql_query_rules (rule_id, active, apply, match_pattern) VALUES (-1, 1, 1, 'xxx')",
        );
        await admin.query("DELETE FROM mysql_query_rules WHERE match_pattern LIKE '%first%'");
        await admin.query("LOAD MYSQL QUERY RULES TO RUNTIME");
        expect(await hits()).toEqual(both(0, 8));
        await clients[0]!.query("SELECT 5 AS second_one FROM t");
        await until("that is counted", async () => Bun.deepEquals(await hits(), both(0, 9)));
        for (const each of clients) each.destroy();
        admin.destroy();
      }, 60_000);
    }

    test("while no replica is there reads run on the primary, without an error", async () => {
      await using own = await start([], 'wait_timeout = "100ms"\n');
      const reader = await connect(own);
      await untilSplit(reader);
      const replicas = cluster.nodes.slice(1) as ClusterNode[];
      for (const node of replicas) await node.kill();
      for (let i = 0; i < 50; i++) {
        const [found] = await reader.query<RowDataPacket[]>("SELECT COUNT(*) AS n FROM t")
          .catch((error: Error) => [[{ n: error.message }]] as never);
        // What ran there at that moment may be lost; nothing else.
        if (i > 0) expect(Number(found[0]!["n"])).toBeGreaterThan(0);
      }
      for (const node of replicas) await node.start();
      await untilSplit(reader);
      reader.destroy();
    }, 60_000);
  });
}
