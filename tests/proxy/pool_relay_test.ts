// Shared pools of accounts whose password the proxy does not know: only a client's login opens a
// connection, so that what is lost can be missed.

import { beforeAll, describe, expect, test } from "bun:test";
import { freshDatabase, type RealServer, sharedServer } from "../servers/mod.ts";
import { accountOf, poolSubject, THREAD, threadsOf } from "./pool_subject.ts";
import { refusal } from "./raw_client.ts";
import { kinds, loginAs, until } from "./subjects.ts";

const WITHOUT_THROTTLE = '[auth]\nfailures_max = 0\nfailure_delay = "0"\n';

for (const kind of kinds) {
  describe(kind, () => {
    let server: RealServer;

    beforeAll(async () => {
      server = await sharedServer(kind);
      await freshDatabase(server, "relayed");
    });

    test("a session whose account has lost its last connection is told so and ended", async () => {
      const account = await accountOf(server, "last_lost");
      await using subject = await poolSubject(server, {});
      using client = await loginAs(account, subject.proxy);
      expect(await client.value("SELECT 1")).toBe("1");
      await server.sql(`KILL ${await client.value(THREAD)}`);
      await until("the pool knows", async () => await subject.number(account, "closed") === 1);
      const error = await client.errorOf("SELECT 2");
      expect(error.code).toBe(2013);
      expect(error.message).toMatch(/connect again/);
      await client.closed; // as with a connection of its own
      using again = await loginAs(account, subject.proxy);
      expect(await again.value("SELECT 3")).toBe("3");
    });

    test("a session goes on with the connection that another client's login has brought", async () => {
      const account = await accountOf(server, "lost_and_found");
      await using subject = await poolSubject(server, {});
      using client = await loginAs(account, subject.proxy);
      await client.query("SET sql_mode = 'ANSI'");
      await server.sql(`KILL ${await client.value(THREAD)}`);
      await until("the pool knows", async () => await subject.number(account, "closed") === 1);
      using _other = await loginAs(account, subject.proxy);
      expect(await client.value("SELECT @@sql_mode LIKE '%ANSI%'")).toBe("1");
    });

    test("clients that prove nothing cost the others no connection", async () => {
      const account = await accountOf(server, "guessed");
      // MySQL closes a connection with the first refused login on it: the only one is lost then.
      for (const max of kind === "mysql" ? [8] : [1, 8]) {
        await using subject = await poolSubject(server, {
          pool: `connections_max = ${max}`,
          config: WITHOUT_THROTTLE,
        });
        using client = await loginAs(account, subject.proxy);
        await client.query("SET @mine = 'kept'");
        const guesses = max === 1 ? 1 : 5;
        for (let i = 0; i < guesses; i++) {
          const wrong = loginAs({ ...account, password: `${i}` }, subject.proxy);
          expect((await refusal(wrong)).code).toBe(1045);
        }
        expect(await client.value("SELECT @mine")).toBe("kept");
      }
    }, 20_000);

    test("a login with a schema leaves the others a connection without one", async () => {
      const account = await accountOf(server, "bare_first");
      await using subject = await poolSubject(server, { pool: "connections_max = 3" });
      const others = [];
      for (let i = 0; i < 3; i++) {
        others.push(await loginAs(account, subject.proxy, { database: "relayed" }));
      }
      for (const client of others) await client.quit();
      using bare = await loginAs(account, subject.proxy);
      using withSchema = await loginAs(account, subject.proxy, { database: "relayed" });
      using another = await loginAs(account, subject.proxy, { database: "relayed" });
      expect(await bare.value("SELECT DATABASE()")).toBe(null);
      expect(await withSchema.value("SELECT DATABASE()")).toBe("relayed");
      expect(await another.value("SELECT DATABASE()")).toBe("relayed");
    });

    test("a session without a schema keeps a connection without one", async () => {
      const account = await accountOf(server, "schemaless");
      await using subject = await poolSubject(server, { pool: "connections_max = 3" });
      using bare = await loginAs(account, subject.proxy);
      const others = [
        await loginAs(account, subject.proxy, { database: "relayed" }),
        await loginAs(account, subject.proxy, { database: "relayed" }),
        await loginAs(account, subject.proxy, { database: "relayed" }),
      ];
      for (let turn = 0; turn < 5; turn++) {
        const answers = await Promise.all(
          others.map((client) => client.value("SELECT CONCAT(DATABASE(), SLEEP(0.02))")),
        );
        expect(answers).toEqual(["relayed0", "relayed0", "relayed0"]);
        expect((await bare.errorOf("SELECT * FROM nowhere")).code).toBe(1046);
        expect(await bare.value("SELECT DATABASE()")).toBe(null);
      }
      expect(await threadsOf(server, account)).toBeLessThanOrEqual(3);
      for (const client of others) client.close();
    });
  });
}
