// A transaction's BEGIN goes to the server with its first statement, and nobody can tell: until then
// its session holds no connection.

import { beforeAll, describe, expect, test } from "bun:test";
import { Command, decodeOk, Expect, ServerStatus } from "../../mod/wire/mod.ts";
import { freshDatabase, type RealServer, sharedServer } from "../servers/mod.ts";
import { accountOf, type PoolAccount, poolSubject } from "./pool_subject.ts";
import type { RawClient } from "./raw_client.ts";
import { kinds, loginAs } from "./subjects.ts";

/** The whole OK packet that a statement is answered with. */
async function okOf(client: RawClient, sql: string) {
  const [packet] = await client.command(client.queryPayload(sql), Expect.RESULT);
  return decodeOk(packet!.payload, client.capabilities);
}

for (const kind of kinds) {
  describe(kind, () => {
    let server: RealServer;
    let account: PoolAccount;

    beforeAll(async () => {
      server = await sharedServer(kind);
      await freshDatabase(server, "late_begin");
      await server.sql("CREATE TABLE late_begin.t (id INT PRIMARY KEY)");
      account = await accountOf(server, "late_begin");
    });

    const start = (config = "") =>
      poolSubject(server, { accounts: [account], pool: "connections_max = 1", config });
    const login = (at: { readonly port: number }) =>
      loginAs(account, at, { database: "late_begin" });

    test("it says what a server would, and waits for no connection", async () => {
      await using subject = await start();
      using holder = await login(subject.proxy);
      using client = await login(subject.proxy);
      using direct = await login(server);
      await holder.results("BEGIN");
      await holder.query("SELECT * FROM t"); // it has the only connection
      for (const text of ["BEGIN", "start transaction;", "Begin Work"]) {
        using fresh = await login(subject.proxy);
        using freshDirect = await login(server);
        expect(await okOf(fresh, text)).toEqual(await okOf(freshDirect, text));
      }
      const mine = await okOf(client, "BEGIN");
      expect(mine).toEqual(await okOf(direct, "BEGIN"));
      expect(mine.status & ServerStatus.IN_TRANS).not.toBe(0);
      await holder.results("COMMIT");
      for (const each of [client, direct]) {
        expect(await each.query("SELECT ROW_COUNT()")).toEqual([["0"]]);
        await each.results("ROLLBACK");
      }
    }, 20_000);

    test(
      "what follows is in the transaction: rolled back, committed, seen by nobody before",
      async () => {
        await using subject = await start();
        using client = await login(subject.proxy);
        using other = await login(server);
        const count = () => other.value("SELECT COUNT(*) FROM t");
        await client.results("BEGIN");
        await client.results("INSERT INTO t VALUES (1)");
        expect(await count()).toBe("0");
        await client.results("ROLLBACK");
        expect(await client.value("SELECT COUNT(*) FROM t")).toBe("0");
        await client.results("BEGIN");
        expect(await client.value("SELECT COUNT(*) FROM t")).toBe("0"); // reads, and begins with that
        await client.results("INSERT INTO t VALUES (2)");
        expect(await count()).toBe("0");
        await client.results("COMMIT");
        expect(await count()).toBe("1");
        await client.results("BEGIN");
        await client.results("BEGIN");
        await client.results("DELETE FROM t");
        expect(await count()).toBe("1");
        await client.results("COMMIT");
        expect(await count()).toBe("0");
      },
      20_000,
    );

    test("with a statement that shares connections otherwise it has one of its own", async () => {
      await using subject = await start();
      using client = await login(subject.proxy);
      for (let time = 0; time < 100; time++) await client.query("SELECT * FROM t"); // known as quick
      const before = await subject.counter("pool_pipelined");
      expect(before).toBeGreaterThan(0);
      await client.results("BEGIN");
      await client.query("SELECT * FROM t");
      expect(await subject.counter("pool_pipelined")).toBe(before);
      expect(await subject.number(account, "running")).toBe(1); // held until the end
      await client.results("COMMIT");
      expect(await subject.number(account, "running")).toBe(0);
    }, 20_000);

    test(
      "a session that has begun shows its transaction, and may finish it in a shutdown",
      async () => {
        await using subject = await start('[drain]\ntimeout = "10s"\n');
        using client = await login(subject.proxy);
        await client.results("BEGIN");
        const open = "SELECT COUNT(*) FROM frontends WHERE in_transaction = 1";
        expect(await subject.admin.value(open)).toBe("1");
        process.kill(subject.proxy.pid, "SIGTERM");
        await subject.proxy.untilLogged(/draining/);
        await client.results("INSERT INTO t VALUES (3)"); // it may finish
        await client.results("COMMIT");
        expect(await subject.proxy.exited).toBe(0);
        expect(await server.sql("SELECT * FROM late_begin.t")).toEqual([{ id: 3 }]);
        await server.sql("DELETE FROM late_begin.t");
      },
      20_000,
    );

    test("a reset takes it back", async () => {
      await using subject = await start();
      using client = await login(subject.proxy);
      await client.results("BEGIN");
      await client.command(Uint8Array.of(Command.RESET_CONNECTION), Expect.OK);
      await client.results("INSERT INTO t VALUES (4)");
      expect(await server.sql("SELECT * FROM late_begin.t")).toEqual([{ id: 4 }]);
      await server.sql("DELETE FROM late_begin.t");
    }, 20_000);
  });
}
