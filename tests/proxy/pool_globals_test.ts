// SET GLOBAL changes what sessions to come begin with, and nothing of those that are there: on
// shared connections as on those of one's own.

import { describe, expect, test } from "bun:test";
import { Command, Expect } from "../../mod/wire/mod.ts";
import { type RealServer, startServer } from "../servers/mod.ts";
import { accountOf, poolSubject, THREAD } from "./pool_subject.ts";
import { kinds, loginAs, until } from "./subjects.ts";

const SHOWN = "SELECT @@sql_mode, @@div_precision_increment, @@time_zone, @@long_query_time";
const CHANGES = [
  "SET GLOBAL sql_mode = 'ANSI'",
  "SET GLOBAL div_precision_increment = 7",
  "SET GLOBAL time_zone = '+05:00'",
  "SET GLOBAL long_query_time = 3.5",
];

for (const kind of kinds) {
  describe(kind, () => {
    /** A direct session that began before the change, and one that began behind it. */
    async function directly(server: RealServer, change: () => Promise<void>) {
      using before = await loginAs(server.accounts.app, server);
      await change();
      using after = await loginAs(server.accounts.app, server);
      return { before: await before.query(SHOWN), after: await after.query(SHOWN) };
    }

    test("changed through the proxy: known at once, old sessions keep theirs", async () => {
      await using server = await startServer(kind);
      const account = await accountOf(server, "globals");
      await using subject = await poolSubject(server, {
        accounts: [account],
        pool: "connections_max = 2",
      });
      using old = await loginAs(account, subject.proxy);
      using other = await loginAs(account, subject.proxy);
      const direct = await directly(server, async () => {
        for (const sql of CHANGES) await old.query(sql);
      });
      expect(direct.after).not.toEqual(direct.before);
      for (let turn = 0; turn < 3; turn++) {
        using fresh = await loginAs(account, subject.proxy);
        // They take turns on the connections.
        for (const client of [old, fresh, other, fresh, old]) {
          const expected = client === fresh ? direct.after : direct.before;
          expect(await client.query(SHOWN)).toEqual(expected);
        }
        // A new connection for an old session, and the other way round.
        await subject.admin.query("RECONNECT POOLS");
        expect(await old.query(SHOWN)).toEqual(direct.before);
        expect(await fresh.query(SHOWN)).toEqual(direct.after);
        const thread = await fresh.value(THREAD);
        expect(thread).not.toBe(null);
      }
      await old.command(Buffer.of(Command.RESET_CONNECTION), Expect.OK);
      expect(await old.query(SHOWN)).toEqual(direct.after);
      expect(await other.query(SHOWN)).toEqual(direct.before);
    }, 30_000);

    test(
      "changed past the proxy: known with the next login that the server is asked about",
      async () => {
        await using server = await startServer(kind);
        const account = await accountOf(server, "globals");
        await using subject = await poolSubject(server, { accounts: [account] });
        using old = await loginAs(account, subject.proxy);
        expect(await old.value("SELECT 1")).toBe("1");
        const direct = await directly(server, async () => {
          for (const sql of CHANGES) await server.sql(sql);
        });
        await until("a new session has the new values", async () => {
          using fresh = await loginAs(account, subject.proxy);
          return JSON.stringify(await fresh.query(SHOWN)) === JSON.stringify(direct.after);
        }, 3000);
        expect(await old.query(SHOWN)).toEqual(direct.before);
        // init_connect, from now on: every session has a connection of its own.
        await old.query("SET GLOBAL init_connect = 'SET @greeted = 1'");
        await server.sql(`REVOKE ALL ON *.* FROM '${account.user}'@'%'`);
        await until("it is run", async () => {
          using fresh = await loginAs(account, subject.proxy);
          return await fresh.value("SELECT @greeted") === "1";
        }, 3000);
      },
      30_000,
    );

    test("a global sql_mode that is empty: what one session sets is nobody else's", async () => {
      await using server = await startServer(kind);
      const account = await accountOf(server, "empties");
      await server.sql("SET GLOBAL sql_mode = ''");
      await using subject = await poolSubject(server, { accounts: [account] });
      using one = await loginAs(account, subject.proxy);
      using other = await loginAs(account, subject.proxy);
      await one.query("SET @@sql_mode = 'ANSI_QUOTES'");
      expect(await other.value("SELECT @@sql_mode")).toBe("");
      expect(await one.value("SELECT @@sql_mode")).toBe("ANSI_QUOTES");
      await one.query("SET @@sql_mode = ''");
      expect(await other.value("SELECT @@sql_mode")).toBe("");
      expect(await one.value("SELECT @@sql_mode")).toBe("");
    });
  });
}
