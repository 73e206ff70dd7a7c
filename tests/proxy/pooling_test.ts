// A server connection that served one client serves the next of the same account, and nothing of
// the first is left on it: once the first has left, or between two of its statements.

import { beforeAll, describe, expect, test } from "bun:test";
import { Command, Expect } from "../../mod/wire/mod.ts";
import type { ProxyProcess } from "../proxy_process.ts";
import { freshDatabase, type RealServer, startServer } from "../servers/mod.ts";
import { inTransaction } from "./results.ts";
import {
  kinds,
  loginAs,
  ownProxy,
  SESSION_POOLING,
  subject,
  TRANSACTION_POOLING,
  until,
} from "./subjects.ts";

/** The server's own id of a client's connection. */
const SERVER_ID = "SELECT ID FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()";

/** In transaction mode on one connection of each account: whoever comes next gets it. */
const modes = {
  session: SESSION_POOLING,
  transaction: { ...TRANSACTION_POOLING, MYSQLPROXY_POOL_CONNECTIONS_MAX: "1" },
};

for (
  const [kind, mode] of kinds.flatMap((each) => [[each, "session"], [each, "transaction"]] as const)
) {
  describe(`${kind}, ${mode} mode`, () => {
    const env = modes[mode];
    let server: RealServer;
    let proxy: ProxyProcess;

    beforeAll(async () => {
      ({ server, proxy } = await subject(kind, [], env));
      await freshDatabase(server, "pooled");
      await server.sql("CREATE TABLE pooled.t (id INT PRIMARY KEY AUTO_INCREMENT, v INT)");
      await server.sql("CREATE USER IF NOT EXISTS 'reused'@'%' IDENTIFIED BY 'reused'");
      await server.sql("GRANT ALL ON *.* TO 'reused'@'%'");
    });

    // An account of this file's alone: its idle connections are known.
    const reused = { user: "reused", password: "reused" };
    const login = (target: { port: number } = proxy) =>
      loginAs(reused, target, { database: "pooled" });

    /** Logs in until the connection with this id is given: its reset takes a moment. */
    async function loginOn(id: string | null) {
      let found = await login();
      await until(`connection ${id} is given again`, async () => {
        if (await found.value(SERVER_ID) === id) return true;
        found.close();
        found = await login();
        return false;
      });
      return found;
    }

    /** Makes an account that nobody else uses: all its threads are the test's. */
    async function accountOf(name: string) {
      await server.sql(`DROP USER IF EXISTS '${name}'@'%'`);
      await server.sql(`CREATE USER '${name}'@'%' IDENTIFIED BY '${name}'`);
      return { user: name, password: name };
    }

    /** Threads that an account has on the server. */
    async function threadsOf(user: string): Promise<number> {
      const rows = await server.sql("SHOW PROCESSLIST");
      return rows.filter((row) => row["User"] === user).length;
    }

    test("reconnects reuse the connection, for both ways to leave", async () => {
      const account = await accountOf(`returning_${mode}`);
      const seen = new Set<string | null>();
      for (let turn = 0; turn < 20; turn++) {
        const client = await loginAs(account, proxy);
        seen.add(await client.value(SERVER_ID));
        if (turn % 2 === 0) await client.quit();
        else client.close();
      }
      // Who comes back before the connection is cleaned, or before the proxy knows that it is
      // free, gets another one. Both ways to leave are seen: without either there would be ten.
      expect(seen.size).toBeLessThan(10);
      expect(await threadsOf(account.user)).toBeLessThanOrEqual(seen.size);
    });

    test("nothing of one client is left for the next", async () => {
      const state = [
        "SELECT @mine, @@sql_mode, @@autocommit, @@character_set_client, @@time_zone",
        `SELECT @@${
          kind === "mariadb" ? "tx" : "transaction"
        }_isolation, @@sql_select_limit, @@foreign_key_checks, @@unique_checks`,
        "SELECT @@lc_time_names, @@wait_timeout, @@insert_id, @@timestamp > 1e9, @@collation_connection",
        "SELECT LAST_INSERT_ID(), FOUND_ROWS(), ROW_COUNT(), @@warning_count, @@error_count",
        "SELECT DATABASE(), CURRENT_USER(), CURRENT_ROLE(), @@sql_log_bin",
        "SELECT IS_FREE_LOCK('pooled_lock')",
        "SHOW WARNINGS",
      ];
      const ask = async (target: { port: number }) => {
        using fresh = await login(target);
        const answers = [];
        for (const sql of state) answers.push([sql, await fresh.query(sql)]);
        return answers;
      };
      const expected = await ask(server);
      const first = await login();
      const id = await first.value(SERVER_ID);
      for (
        const sql of [
          "SET @mine = 'secret'",
          "SET sql_mode = 'ANSI'",
          "SET autocommit = 0",
          "SET NAMES latin1",
          "SET time_zone = '+03:00'",
          "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
          "SET sql_select_limit = 1",
          "SET foreign_key_checks = 0, unique_checks = 0",
          "SET lc_time_names = 'de_DE'",
          "SET wait_timeout = 77",
          "SET timestamp = 12345",
          "SET sql_log_bin = 0",
          "CREATE TEMPORARY TABLE leaked (id INT)",
          "INSERT INTO leaked VALUES (1)",
          "PREPARE leaked FROM 'SELECT 1'",
          "SELECT GET_LOCK('pooled_lock', 1)",
          "LOCK TABLES t WRITE",
          "INSERT INTO t (v) VALUES (1)",
          "SET insert_id = 4711",
          "USE test",
        ]
      ) await first.results(sql);
      const prepared = await first.command(
        Buffer.concat([Buffer.of(Command.STMT_PREPARE), Buffer.from("SELECT 'leaked'")]),
        Expect.PREPARE,
      );
      await first.quit();
      const second = await loginOn(id);
      for (const sql of ["SELECT * FROM leaked", "EXECUTE leaked"]) {
        expect([1146, 1243]).toContain((await second.errorOf(sql)).code);
      }
      const execute = Buffer.alloc(10);
      execute[0] = Command.STMT_EXECUTE;
      execute.writeUInt32LE(prepared[0]!.payload.readUInt32LE(1), 1);
      execute[6] = 1;
      expect(second.errorCode(await second.command(execute, Expect.RESULT))).toBe(1243);
      await second.quit();
      expect(await ask(proxy)).toEqual(expected);
      // The insert was never committed, and the lock on its table is gone.
      using direct = await login(server);
      expect(await direct.query("SELECT * FROM t")).toEqual([]);
      await direct.results("INSERT INTO t (id, v) VALUES (1, 1)");
      await direct.results("DELETE FROM t");
    });

    test("an open transaction ends with its client, at once", async () => {
      const first = await login();
      await first.results("START TRANSACTION");
      await first.results("INSERT INTO t (id, v) VALUES (5, 5)");
      first.close();
      using other = await login(server);
      await other.results("SET innodb_lock_wait_timeout = 5");
      await other.results("INSERT INTO t (id, v) VALUES (5, 6)"); // waits for the rollback
      await other.results("DELETE FROM t");
      using next = await login();
      expect(inTransaction((await next.results("DO 0"))[0]!)).toBe(false);
    });

    test("a user lock is free as soon as its holder has left", async () => {
      const first = await login();
      expect(await first.value("SELECT GET_LOCK('held', 0)")).toBe("1");
      await first.quit();
      using other = await login(server);
      expect(await other.value("SELECT GET_LOCK('held', 5)")).toBe("1");
    });

    test("another account, other flags or TLS never get the connection", async () => {
      const first = await login();
      const id = await first.value(SERVER_ID);
      await first.quit();
      using secure = await loginAs(reused, proxy, { database: "pooled", tls: true });
      expect(await secure.value(SERVER_ID)).not.toBe(id);
      using other = await loginAs(server.accounts.app, proxy);
      expect(await other.value(SERVER_ID)).not.toBe(id);
      expect(await other.value("SELECT CURRENT_USER()")).toBe("app@%");
      // The one connection of transaction mode had to make room.
      if (mode === "session") (await loginOn(id)).close();
    });

    test("a wrong password gets nowhere near a kept connection", async () => {
      await (await login()).quit();
      const wrong = loginAs({ user: "reused", password: "wrong" }, proxy);
      expect(wrong).rejects.toThrow("Access denied");
      await wrong.catch(() => {});
      using right = await login();
      expect(await right.value("SELECT CURRENT_USER()")).toBe("reused@%");
    });

    test("a kept connection that the server has closed is replaced", async () => {
      const client = await login();
      const id = await client.value(SERVER_ID);
      await client.quit();
      await server.sql(`KILL ${id}`);
      const listed = `SELECT id FROM information_schema.processlist WHERE id = ${id}`;
      await until("it is gone", async () => (await server.sql(listed)).length === 0);
      using next = await login();
      expect(await next.value(SERVER_ID)).not.toBe(id);
    });

    test("init_connect runs for every client", async () => {
      await server.sql("CREATE USER IF NOT EXISTS 'lowly'@'%' IDENTIFIED BY 'lowly'");
      await server.sql("GRANT SELECT ON test.* TO 'lowly'@'%'");
      await using own = await ownProxy(server, { env });
      const lowly = () => loginAs({ user: "lowly", password: "lowly" }, own);
      await server.sql("SET GLOBAL init_connect = 'SET @greeted = 42'");
      try {
        for (let turn = 0; turn < 3; turn++) {
          const client = await lowly();
          expect(await client.value("SELECT @greeted")).toBe("42");
          await client.quit();
        }
      } finally {
        await server.sql("SET GLOBAL init_connect = ''");
      }
    });

    if (mode === "transaction") return;

    test("idle connections are closed after pool.idle_timeout and above pool.idle_max", async () => {
      await using own = await ownProxy(server, {
        config: '[pool]\nidle_timeout = "300ms"\nidle_max = 2\n',
        env,
      });
      const account = await accountOf("idling");
      const clients = await Promise.all([1, 2, 3, 4].map(() => loginAs(account, own)));
      expect(await threadsOf("idling")).toBe(4);
      for (const client of clients) await client.quit();
      await until("two are closed", async () => await threadsOf("idling") <= 2);
      await until("all are closed", async () => await threadsOf("idling") === 0);
    });

    test("idle_max = 0 keeps none", async () => {
      await using own = await ownProxy(server, { config: "[pool]\nidle_max = 0\n", env });
      const account = await accountOf("unkept");
      const client = await loginAs(account, own);
      expect(await threadsOf("unkept")).toBe(1);
      await client.quit();
      await until("it is closed", async () => await threadsOf("unkept") === 0);
    });
  });
}

test.each(kinds.flatMap((kind) => [[kind, "session"], [kind, "transaction"]] as const))(
  "%s, %s mode: the server's counters of connections do not see aborted ones",
  async (kind, mode) => {
    await using server = await startServer(kind);
    await using proxy = await ownProxy(server, {
      config: "[pool]\nidle_max = 1\n",
      env: { MYSQLPROXY_POOL_MODE: mode },
    });
    const status = async (name: string) =>
      Number((await server.sql(`SHOW GLOBAL STATUS LIKE '${name}'`))[0]!["Value"]);
    const aborted = await status("Aborted_clients");
    for (let turn = 0; turn < 5; turn++) {
      const clients = await Promise.all(
        [1, 2, 3].map(() => loginAs(server.accounts.app, proxy)),
      );
      for (const client of clients) await client.quit();
    }
    // What runs behind the last client's leaving takes its time: here a ROLLBACK of many rows.
    const last = await loginAs(server.accounts.app, proxy, { database: "test" });
    await last.query("CREATE TABLE digits (d INT)");
    await last.query("INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)");
    await last.query("CREATE TABLE numbers (a INT, b INT, c INT, d INT, e INT)");
    await last.query("BEGIN");
    await last.query(`INSERT INTO numbers
      SELECT * FROM digits a, digits b, digits c, digits d, digits e`);
    await last.quit();
    await proxy.stop();
    await until("all have left", async () =>
      (await server.sql("SHOW PROCESSLIST"))
        .every((row) => row["User"] !== "app"));
    expect(await status("Aborted_clients")).toBe(aborted);
    // The proxy asks once who the server is, and leaves.
    expect(await status("Aborted_connects")).toBeLessThanOrEqual(1);
  },
);
