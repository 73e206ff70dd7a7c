// How many connections a shared pool has and for how long: what is kept warm, kept alive, closed
// for its age, and what happens where the server takes no more.

import { beforeAll, describe, expect, test } from "bun:test";
import { type RealServer, sharedServer, startServer } from "../servers/mod.ts";
import { accountOf, poolSubject, THREAD, threadsOf, untilThreads } from "./pool_subject.ts";
import { refusal } from "./raw_client.ts";
import { kinds, loginAs, until } from "./subjects.ts";

for (const kind of kinds) {
  describe(kind, () => {
    let server: RealServer;
    beforeAll(async () => void (server = await sharedServer(kind)));

    test("connections_min are open after the first login, and again after they were killed", async () => {
      const account = await accountOf(server, "warm");
      await using subject = await poolSubject(server, {
        accounts: [account],
        pool: 'connections_min = 4\nidle_timeout = "50ms"',
      });
      using client = await loginAs(account, subject.proxy);
      await untilThreads(server, account, 4);
      const threads = async () => {
        const rows = await server.sql("SHOW PROCESSLIST");
        return rows.filter(({ User }) => User === account.user).map(({ Id }) => Number(Id));
      };
      const killed = await threads();
      for (const id of killed) await server.sql(`KILL ${id}`);
      // Others in their place: so the pool knows of the loss of each.
      await until("four others are open", async () => {
        const now = await threads();
        return now.length === 4 && !now.some((id) => killed.includes(id));
      });
      expect(await client.value("SELECT 'goes on'")).toBe("goes on");
      await client.quit();
      await Bun.sleep(400); // longer than idle_timeout and a look at it
      expect(await threadsOf(server, account)).toBe(4);
      expect(await subject.number(account, "min")).toBe(4);
    });

    test("idle connections are closed but one, and the last when nobody is left", async () => {
      const account = await accountOf(server, "idler");
      await using subject = await poolSubject(server, {
        accounts: [account],
        pool: 'idle_timeout = "100ms"',
      });
      const clients = await Promise.all([1, 2, 3, 4].map(() => loginAs(account, subject.proxy)));
      await Promise.all(
        clients.map((client, at) => client.query(`SET @kept = ${at}, sql_mode = 'ANSI'`)),
      );
      await Promise.all(clients.map((client) => client.query("SELECT SLEEP(0.1)")));
      await untilThreads(server, account, 1);
      const shown = "SELECT @kept, @@sql_mode LIKE '%ANSI%'";
      expect(await Promise.all(clients.map((client) => client.query(shown))))
        .toEqual(clients.map((_, at) => [[`${at}`, "1"]]));
      for (const client of clients) await client.quit();
      await untilThreads(server, account, 0);
    });

    test("sessions outlive their account's password, its lock and its end", async () => {
      const account = await accountOf(server, "outlived");
      await using subject = await poolSubject(server, {
        accounts: [account],
        pool: 'idle_timeout = "50ms"\nmax_age = "200ms"',
      });
      const clients = await Promise.all([1, 2, 3].map(() => loginAs(account, subject.proxy)));
      await Promise.all(clients.map((client) => client.value("SELECT SLEEP(0.05)")));
      for (
        const change of [
          "ALTER USER 'outlived'@'%' IDENTIFIED BY 'another'",
          "ALTER USER 'outlived'@'%' ACCOUNT LOCK",
          "DROP USER 'outlived'@'%'",
        ]
      ) {
        await server.sql(change);
        await until("a login is refused", async () => {
          const late = await loginAs(account, subject.proxy).catch((error) => error.code);
          if (typeof late === "number") return late !== 2013;
          late.close();
          return false;
        });
        const answers = clients.map((client, at) => client.value(`SELECT SLEEP(0.02) + ${at}`));
        expect(await Promise.all(answers)).toEqual(["0", "1", "2"]);
        await Bun.sleep(300); // longer than idle_timeout and a look at it
      }
      for (const client of clients) client.close();
    });

    test("max_age: another connection takes the place of an old one, unnoticed", async () => {
      const account = await accountOf(server, "aged");
      await using subject = await poolSubject(server, {
        accounts: [account],
        pool: 'max_age = "500ms"',
      });
      using client = await loginAs(account, subject.proxy);
      await client.query("SET @kept = 41");
      await client.query("BEGIN");
      const first = await client.value(THREAD);
      await until("it is old", async () => {
        await Bun.sleep(200);
        expect(await client.value("SELECT @kept := @kept + 1")).not.toBe(null);
        expect(await client.value(THREAD)).toBe(first);
        return Number(await client.value("SELECT @kept")) >= 45;
      });
      await client.query("COMMIT");
      await until("it is closed", async () => await subject.number(account, "retired") >= 1);
      expect(await client.value("SELECT @kept >= 45")).toBe("1");
      expect(await client.value(THREAD)).not.toBe(first);
    });

    test("idle connections outlive the server's wait_timeout", async () => {
      await using own = await startServer(kind, { extraConfig: ["wait_timeout=2"] });
      await own.sql("SET SESSION wait_timeout = 1000");
      const account = await accountOf(own, "sleeper");
      await using subject = await poolSubject(own, {
        accounts: [account],
        pool: "connections_min = 2",
      });
      using first = await loginAs(account, subject.proxy);
      await untilThreads(own, account, 2);
      await first.quit();
      await Bun.sleep(4500); // more than two wait_timeouts
      expect(await threadsOf(own, account)).toBe(2);
      expect(await subject.number(account, "opened")).toBe(2);
    }, 20_000);

    test("max_user_connections of the account bounds its pool", async () => {
      const account = await accountOf(server, "limited", "WITH MAX_USER_CONNECTIONS 2");
      await server.sql(`GRANT USAGE ON *.* TO 'limited'@'%'`);
      await using subject = await poolSubject(server, { accounts: [account] });
      const clients = await Promise.all(
        Array.from({ length: 12 }, () => loginAs(account, subject.proxy)),
      );
      const answers = await Promise.all(
        clients.map((client, at) => client.value(`SELECT SLEEP(0.05) + ${at}`)),
      );
      expect(answers).toEqual(clients.map((_, at) => `${at}`));
      expect(await subject.number(account, "max")).toBe(2);
      expect(await threadsOf(server, account)).toBeLessThanOrEqual(2);
      for (const client of clients) client.close();
    });

    test("where others use up the account's connections, its pool works with those it has", async () => {
      const account = await accountOf(server, "crowded", "WITH MAX_USER_CONNECTIONS 3");
      await using subject = await poolSubject(server, { accounts: [account] });
      const outside = [await loginAs(account, server), await loginAs(account, server)];
      const clients = await Promise.all(
        Array.from({ length: 8 }, () => loginAs(account, subject.proxy)),
      );
      const answers = await Promise.all(
        clients.map((client, at) => client.value(`SELECT SLEEP(0.05) + ${at}`)),
      );
      expect(answers).toEqual(clients.map((_, at) => `${at}`));
      expect(await threadsOf(server, account)).toBe(3);
      expect(await subject.number(account, "open_failures")).toBeGreaterThan(0);
      for (const client of [...outside, ...clients]) client.close();
    });

    test("a login waits for a place where the server has none, and is told why in the end", async () => {
      const account = await accountOf(server, "turned_away", "WITH MAX_USER_CONNECTIONS 1");
      const outside = await loginAs(account, server);
      {
        await using hasty = await poolSubject(server, {
          accounts: [account],
          pool: 'wait_timeout = "500ms"',
        });
        const refused = await refusal(loginAs(account, hasty.proxy));
        expect(refused.code).toBe(1040);
        expect(refused.message).toMatch(/max_user_connections/);
      }
      await using subject = await poolSubject(server, { accounts: [account] });
      const waiting = loginAs(account, subject.proxy);
      await until(
        "it waits",
        async () => (await subject.pool(account))?.["waiting"] === "1",
      );
      await outside.quit();
      using client = await waiting;
      expect(await client.value("SELECT 1")).toBe("1");
    });

    test("an account that has all of the server's connections gives one to another", async () => {
      await using own = await startServer(kind, { maxConnections: 4 });
      const busy = await accountOf(own, "busy");
      const other = await accountOf(own, "other");
      // Administrators have a place of their own.
      for (const { user } of [busy, other]) {
        await own.sql(`REVOKE ALL ON *.* FROM '${user}'@'%'`);
      }
      await using subject = await poolSubject(own, { accounts: [busy, other] });
      const clients = await Promise.all(
        Array.from({ length: 6 }, () => loginAs(busy, subject.proxy)),
      );
      let ends = false;
      const load = clients.map(async (client) => {
        while (!ends) await client.value("SELECT SLEEP(0.02)");
      });
      await until("the server is full", async () => await threadsOf(own, busy) >= 3);
      using late = await loginAs(other, subject.proxy);
      for (let i = 0; i < 3; i++) expect(await late.value(`SELECT ${i}`)).toBe(`${i}`);
      ends = true;
      await Promise.all(load);
      for (const client of clients) client.close();
    }, 20_000);
  });
}
