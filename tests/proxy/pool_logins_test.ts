// Logins that the proxy answers by itself, since the server has just accepted one like it: they are
// what they would be at the server, and as soon as that may have changed the server is asked.

import { beforeAll, describe, expect, test } from "bun:test";
import { Capability, encodeChangeUser } from "../../mod/wire/mod.ts";
import { freshDatabase, type RealServer, sharedServer, startServer } from "../servers/mod.ts";
import {
  accountOf,
  type PoolAccount,
  type PoolSubject,
  poolSubject,
  THREAD,
  untilThreads,
} from "./pool_subject.ts";
import { type RawClient, type RawOptions, refusal, USUAL_FLAGS } from "./raw_client.ts";
import { kinds, loginAs, ownAccount, until } from "./subjects.ts";

/** Logins that the server was not asked about. */
async function known({ admin }: PoolSubject): Promise<number> {
  return Number((await admin.query("SHOW COUNTERS LIKE 'logins_known'"))[0]![1]);
}

/** What a fresh session shows of itself. */
const FRESH = [
  "SELECT DATABASE(), CURRENT_USER(), @@sql_mode, @@autocommit, @@character_set_client",
  "SELECT @@character_set_results, @@collation_connection, @@character_set_database",
  "SELECT @mine",
  "SELECT LAST_INSERT_ID(), FOUND_ROWS(), ROW_COUNT(), @@warning_count, @@time_zone",
  "SHOW WARNINGS",
];

function changeUserTo({ user }: PoolAccount, { capabilities }: RawClient): Uint8Array {
  const nothing = new Uint8Array(0);
  return encodeChangeUser({
    user: Buffer.from(user),
    authResponse: nothing,
    database: nothing,
    collation: 45,
    authPlugin: "",
    attributes: nothing,
  }, capabilities);
}

for (const kind of kinds) {
  describe(kind, () => {
    let server: RealServer;
    let account: PoolAccount;

    beforeAll(async () => {
      server = await sharedServer(kind);
      await freshDatabase(server, "known");
      await server.sql("CREATE DATABASE IF NOT EXISTS known_latin1 CHARACTER SET latin1");
      account = await accountOf(server, "knower");
    });

    const subjectOf = (pool = "") => poolSubject(server, { accounts: [account], pool });

    test("what a client has from its login is what the server gives", async () => {
      await using subject = await subjectOf("connections_max = 2");
      using busy = await loginAs(account, subject.proxy, { database: "known" });
      await busy.query("SET @mine = 'not yours', sql_mode = 'ANSI', NAMES latin1");
      await busy.query("SELECT 1 UNION SELECT 2");
      const ways: Partial<RawOptions>[] = [
        {},
        { database: "known" },
        { database: "known_latin1" },
        { database: "known", capabilities: USUAL_FLAGS | Capability.FOUND_ROWS },
        { database: "known", capabilities: USUAL_FLAGS & ~Capability.SESSION_TRACK },
        { collation: 8 },
        { collation: 33, database: "known" },
      ];
      const before = await known(subject);
      for (let turn = 0; turn < 3; turn++) {
        for (const way of ways) {
          using direct = await loginAs(account, server, way);
          using through = await loginAs(account, subject.proxy, way);
          expect(through.ok.payload).toEqual(direct.ok.payload);
          for (const sql of FRESH) {
            expect([sql, await through.query(sql)]).toEqual([sql, await direct.query(sql)]);
          }
          await busy.query("SELECT 1 UNION SELECT 2");
        }
      }
      expect(await known(subject) - before).toBeGreaterThanOrEqual(ways.length);
    });

    test("logins open no connection and wait for none", async () => {
      await using subject = await subjectOf("connections_max = 1");
      using holder = await loginAs(account, subject.proxy);
      await holder.query("BEGIN");
      await holder.query("SELECT 1"); // has the only one
      const clients = await Promise.all(
        Array.from({ length: 50 }, () => loginAs(account, subject.proxy)),
      );
      expect(await subject.number(account, "opened")).toBe(1);
      await holder.query("COMMIT");
      expect(await Promise.all(clients.map((client, at) => client.value(`SELECT ${at}`))))
        .toEqual(clients.map((_, at) => `${at}`));
      for (const client of clients) client.close();
    });

    test("a wrong password and a schema that is not there are refused as ever", async () => {
      await using subject = await subjectOf();
      for (let i = 0; i < 3; i++) {
        using _client = await loginAs(account, subject.proxy, { database: "known" });
        const wrong = await refusal(loginAs({ ...account, password: "no" }, subject.proxy));
        expect(wrong.code).toBe(1045);
        const missing = await refusal(loginAs(account, subject.proxy, { database: "missing" }));
        expect(missing.code).toBe(1049);
      }
    });

    test("what is changed through the proxy is met by the next login", async () => {
      await using subject = await subjectOf();
      const own = await accountOf(server, "changing");
      await using changing = await poolSubject(server, { accounts: [account, own] });
      using admin = await loginAs(account, changing.proxy);
      const way = { database: "coming_and_going" };
      for (let turn = 0; turn < 3; turn++) {
        await admin.query("CREATE DATABASE coming_and_going");
        for (let i = 0; i < 3; i++) (await loginAs(own, changing.proxy, way)).close();
        await admin.query("DROP DATABASE coming_and_going");
        expect((await refusal(loginAs(own, changing.proxy, way))).code).toBe(1049);
      }
      (await loginAs(own, changing.proxy)).close();
      await admin.query("ALTER USER 'changing'@'%' ACCOUNT LOCK");
      expect([3118, 4151]).toContain((await refusal(loginAs(own, changing.proxy))).code);
      await admin.query("ALTER USER 'changing'@'%' ACCOUNT UNLOCK");
      (await loginAs(own, changing.proxy)).close();
      await admin.query("ALTER USER 'changing'@'%' IDENTIFIED BY 'another'");
      expect((await refusal(loginAs(own, changing.proxy))).code).toBe(1045);
      await admin.query("DROP USER 'changing'@'%'");
      expect((await refusal(loginAs(own, changing.proxy))).code).toBe(1045);
      expect((await subject.pool(account))?.["sessions"]).toBeUndefined();
    });

    test("what others change is met within seconds, sessions that are there go on", async () => {
      const own = await accountOf(server, "dropped");
      await using subject = await poolSubject(server, { accounts: [own] });
      using client = await loginAs(own, subject.proxy);
      expect(await client.value("SELECT 1")).toBe("1");
      await server.sql("DROP USER 'dropped'@'%'");
      await until("a login is refused", async () => {
        const late = await loginAs(own, subject.proxy).catch((error) => error.code);
        if (typeof late === "number") return late === 1045;
        late.close();
        return false;
      }, 5000);
      expect(await client.value("SELECT 'as on a connection of its own'")).toBe(
        "as on a connection of its own",
      );
    });

    test("a connection that has gone over to another account is missed there when it ends", async () => {
      const next = await accountOf(server, "next");
      await using subject = await poolSubject(server, {
        accounts: [account, next],
        pool: "connections_max = 1",
      });
      using client = await loginAs(account, subject.proxy);
      const thread = await client.value(THREAD);
      await client.changeUser(changeUserTo(next, client), next.password);
      expect(await client.value(THREAD)).toBe(thread);
      // A pool that nobody belongs to is forgotten.
      const idle = async () => Number((await subject.pool(next))?.["idle"] ?? 0);
      await until("it is idle", async () => await idle() === 1);
      await server.sql(`KILL ${thread}`);
      await until("it is missed", async () => await idle() === 0);
      using late = await loginAs(next, subject.proxy);
      expect(await late.value("SELECT 1")).toBe("1");
      expect(await subject.number(next, "opened") - await subject.number(next, "closed")).toBe(1);
    });

    test("connections that have gone over to another account are no more than it may have", async () => {
      const full = await accountOf(server, "full");
      await using subject = await poolSubject(server, {
        accounts: [account, full],
        pool: "connections_max = 1",
      });
      using _there = await loginAs(full, subject.proxy);
      for (let i = 0; i < 3; i++) {
        using client = await loginAs(account, subject.proxy);
        await client.changeUser(changeUserTo(full, client), full.password);
        expect(await client.value("SELECT CURRENT_USER()")).toBe("full@%");
      }
      await until("one is left", async () => {
        const opened = await subject.number(full, "opened");
        return opened - await subject.number(full, "closed") === 1;
      });
      await untilThreads(server, full, 1);
    });

    test("a server that is gone is not answered for", async () => {
      const own = await startServer(kind);
      const { app } = own.accounts;
      await using subject = await poolSubject(own, {
        accounts: [app],
        config: '[failover]\nmax_wait = "200ms"\n',
      });
      using client = await loginAs(app, subject.proxy);
      expect(await client.value("SELECT 1")).toBe("1");
      await own.stop();
      await until("the pool knows", async () => await subject.number(app, "closed") === 1);
      expect((await refusal(loginAs(app, subject.proxy))).code).toBe(2003);
      // Those that are logged in wait for it, and are told when it does not come back.
      expect((await client.errorOf("SELECT 2")).code).toBe(3168);
    }, 20_000);

    test("a login storm of an account that the proxy reads from the server", async () => {
      await using subject = await poolSubject(server, {
        args: [...ownAccount(server)],
        pool: "connections_max = 4",
        admin: server.accounts.monitor,
      });
      await subject.proxy.untilLogged(/mode=synced/);
      using _first = await loginAs(account, subject.proxy);
      const storm = Array.from({ length: 100 }, async (_, at) => {
        using client = await loginAs(account, subject.proxy, { database: "known" });
        return await client.value(`SELECT ${at}`);
      });
      expect(await Promise.all(storm)).toEqual(storm.map((_, at) => `${at}`));
      expect(await subject.number(account, "opened")).toBeLessThanOrEqual(4);
    });
  });
}
