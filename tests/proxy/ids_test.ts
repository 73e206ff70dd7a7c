// The ids a client sees are the proxy's own, everywhere the same, and hit the right server thread.

import { beforeAll, describe, expect, test } from "bun:test";
import { Capability, Command, Expect, frame, PacketWriter } from "../../mod/wire/mod.ts";
import type { ProxyProcess } from "../proxy_process.ts";
import type { RealServer } from "../servers/mod.ts";
import { ConnectionEndedError } from "./packet_stream.ts";
import { type RawClient, ServerError, USUAL_FLAGS } from "./raw_client.ts";
import { columnName } from "./results.ts";
import { kinds, loginAs, subject, threadsRunning, until } from "./subjects.ts";

for (const kind of kinds) {
  describe(kind, () => {
    let server: RealServer;
    let proxy: ProxyProcess;

    beforeAll(async () => {
      ({ server, proxy } = await subject(kind));
      await server.sql("CREATE USER IF NOT EXISTS 'plainuser'@'%' IDENTIFIED BY 'plainuser'");
      await server.sql("GRANT SELECT ON test.* TO 'plainuser'@'%'");
      await server.sql("DROP TABLE IF EXISTS test.ids");
      await server.sql("CREATE TABLE test.ids (id BIGINT, note VARCHAR(100))");
    });

    const plainuser = { user: "plainuser", password: "plainuser" };
    const app = () => loginAs(server.accounts.app, proxy, { database: "test" });

    /** A statement that runs until it is killed; its outcome. */
    function sleeping(client: RawClient, mark: string): Promise<string> {
      return client.results(`SELECT SLEEP(60), '${mark}'`).then(
        (results) => `gave ${results[0]!.rows[0]![0]}`,
        (error: Error) => error instanceof ServerError ? `error ${error.code}` : error.name,
      );
    }

    test("CONNECTION_ID() beside a row of 17 MB, and behind a statement without rows", async () => {
      using client = await app();
      const id = String(client.greeting.threadId);
      const [big] = await client.results("SELECT CONNECTION_ID(), REPEAT('x', 17000000)");
      expect(big!.columns[0]).toBe("CONNECTION_ID()");
      expect([big!.rows[0]![0], big!.rows[0]![1]!.length]).toEqual([id, 17_000_000]);
      const results = await client.results("SET @a = 1; SELECT 'def' AS d, connection_id()");
      const last = results.at(-1)!;
      expect(last.columns).toEqual(["d", "connection_id()"]);
      expect(last.rows).toEqual([["def", id]]);
    });

    test("CONNECTION_ID() is the greeting's id in any expression, and so is its column's name", async () => {
      using client = await app();
      const id = String(client.greeting.threadId);
      const columns = async (target: RawClient, sql: string) =>
        (await target.results(sql))[0]!.columns;
      using direct = await loginAs(server.accounts.app, server, { database: "test" });
      const own = String(direct.greeting.threadId);
      const swap = (text: string) => text === own ? id : text.replace(`a${own}b`, `a${id}b`);
      expect(await direct.value("SELECT CONNECTION_ID()")).toBe(own);
      for (
        const expression of [
          "CONNECTION_ID()",
          "connection_id( )",
          "Connection_Id() + 0",
          "CONCAT('a', CONNECTION_ID(), 'b')",
          "CONNECTION_ID() AS mine",
          "connection_id(), CONNECTION_ID(), Connection_id( ), connection_id()",
          "(CONNECTION_ID())",
          "IF(CONNECTION_ID() > 5, CONNECTION_ID(), 0)",
          "COALESCE(NULL, connection_id())",
          "'CONNECTION_ID()'",
          "/* CONNECTION_ID() */ 'seven'",
          "@@pseudo_thread_id > 0",
        ]
      ) {
        const sql = `SELECT ${expression}`;
        const expected = await direct.value(sql);
        expect([sql, await client.value(sql)]).toEqual([sql, swap(expected!)]);
        expect([sql, await columns(client, sql)]).toEqual([sql, await columns(direct, sql)]);
      }
      expect(await client.value("SELECT 1 FROM DUAL WHERE CONNECTION_ID() = " + id)).toBe("1");
      expect(await client.query("SELECT a.c FROM (SELECT CONNECTION_ID() AS c) a")).toEqual([[id]]);
      await client.results("SET @own = CONNECTION_ID()");
      expect(await client.value("SELECT @own")).toBe(id);
      await client.results("INSERT INTO ids VALUES (CONNECTION_ID(), 'CONNECTION_ID()')");
      expect(await client.query(`SELECT * FROM ids WHERE id = ${id}`)).toEqual([
        [id, "CONNECTION_ID()"],
      ]);
      expect((await client.results("SELECT 1; SELECT CONNECTION_ID()"))[1]!.rows).toEqual([[id]]);
    });

    test("prepared statements, with the names the server would give", async () => {
      const seen: string[][] = [];
      for (const target of [server, proxy]) {
        using client = await loginAs(server.accounts.app, target, { database: "test" });
        const id = client.greeting.threadId;
        const prepare = Buffer.concat([
          Buffer.of(Command.STMT_PREPARE),
          Buffer.from("SELECT CONNECTION_ID(), ? + 1, connection_id() AS again"),
        ]);
        const prepared = await client.command(prepare, Expect.PREPARE);
        const statement = prepared[0]!.payload.readUInt32LE(1);
        const names: string[] = [];
        for (const { payload } of prepared.slice(1)) names.push(columnName(payload));
        for (let turn = 0; turn < 2; turn++) {
          const execute = new PacketWriter().u8(Command.STMT_EXECUTE).u32(statement).u8(0).u32(1)
            .u8(0).u8(1).u16(8).u64(1).done();
          const packets = await client.command(execute, Expect.RESULT);
          for (const { payload } of packets.slice(1, 4)) names.push(columnName(payload));
          const row = packets.at(-2)!.payload;
          // The function's type is INT on MariaDB, BIGINT on MySQL; `? + 1` is a BIGINT.
          const length = kind === "mariadb" ? 4 : 8;
          expect(row.readUInt32LE(2)).toBe(id);
          expect(row.readUInt32LE(2 + length + 8)).toBe(id);
          expect(row.length).toBe(2 + length + 8 + length);
        }
        seen.push(names);
      }
      expect(seen[1]).toEqual(seen[0]!);
    });

    test("a statement closed and prepared again many times, and one executed as -1", async () => {
      const names: string[][] = [];
      for (const target of [server, proxy]) {
        const mariadb = kind === "mariadb" ? Capability.LONG_PASSWORD : 0;
        using client = await loginAs(server.accounts.app, target, {
          capabilities: (USUAL_FLAGS & ~mariadb) >>> 0,
        });
        const seen: string[] = [];
        for (
          const sql of ["SELECT CONNECTION_ID()", "SELECT 'plain'", "SELECT connection_id() + 1"]
        ) {
          const prepare = Buffer.concat([Buffer.of(Command.STMT_PREPARE), Buffer.from(sql)]);
          const execute = (id: number) =>
            new PacketWriter().u8(Command.STMT_EXECUTE).u32(id).u8(0).u32(1).done();
          if (kind === "mariadb") {
            client.sendBytes(Buffer.concat([frame(prepare, 0), frame(execute(0xffffffff), 0)]));
          } else client.send(prepare);
          const prepared = await client.answer(Expect.PREPARE);
          const id = prepared[0]!.payload.readUInt32LE(1);
          if (kind !== "mariadb") client.send(execute(id));
          const packets = await client.answer(Expect.RESULT);
          seen.push(columnName(prepared[1]!.payload), columnName(packets[1]!.payload));
          client.send(new PacketWriter().u8(Command.STMT_CLOSE).u32(id).done());
        }
        names.push(seen);
      }
      expect(names[1]).toEqual(names[0]!);
    });

    test("stored programs and views keep the server's own CONNECTION_ID()", async () => {
      using client = await app();
      await client.results("CREATE OR REPLACE VIEW ids_view AS SELECT CONNECTION_ID() AS c");
      const [view] = await client.query("SHOW CREATE VIEW ids_view");
      expect(view![1]!.toLowerCase()).toContain("connection_id()");
    });

    test("statements that join the server's own lists of threads find the client's", async () => {
      using client = await app();
      const statement =
        "SELECT COUNT(*) FROM information_schema.processlist WHERE id = CONNECTION_ID()";
      expect(await client.value(statement)).toBe("1");
      expect(await client.value("SELECT GET_LOCK('ids', 1)")).toBe("1");
      expect(await client.value("SELECT IS_USED_LOCK('ids') = CONNECTION_ID()")).toBe("1");
    });

    test("SHOW PROCESSLIST shows clients of the proxy by their ids and addresses", async () => {
      using client = await app();
      using other = await loginAs(server.accounts.second, proxy);
      const address = (each: RawClient) => `127.0.0.1:${each.socket.localPort}`;
      for (
        const statement of [
          "SHOW PROCESSLIST",
          "show full processlist",
          "/* x */ SHOW PROCESSLIST;",
        ]
      ) {
        const rows = await client.query(statement);
        const byId = new Map(rows.map((row) => [row[0], row]));
        for (const [each, user] of [[client, "app"], [other, "second"]] as const) {
          const row = byId.get(String(each.greeting.threadId));
          expect(row?.slice(1, 3)).toEqual([user, address(each)]);
        }
      }
    });

    test("KILL QUERY ends the statement, KILL the connection", async () => {
      using killer = await app();
      using victim = await app();
      for (const form of ["KILL QUERY", "kill query", "/* a comment */ KILL /* more */ QUERY"]) {
        const mark = crypto.randomUUID();
        const outcome = sleeping(victim, mark);
        await until("the victim sleeps", async () => await threadsRunning(server, mark) === 1);
        await killer.results(`${form} ${victim.greeting.threadId}`);
        // MySQL's SLEEP() gives 1 when it is interrupted; MariaDB's ends with an error.
        expect(await outcome).toBe(kind === "mysql" ? "gave 1" : "error 1317");
        expect(await victim.value("SELECT 'alive'")).toBe("alive");
      }
      for (const form of ["KILL", "KILL CONNECTION", "/*! KILL */", "# line\nKILL"]) {
        using target = await app();
        const mark = crypto.randomUUID();
        const outcome = sleeping(target, mark);
        await until("the victim sleeps", async () => await threadsRunning(server, mark) === 1);
        await killer.results(`${form} ${target.greeting.threadId}`);
        expect(await outcome).toMatch(/error (1317|1927|2013|1053|3169)|ConnectionEndedError/);
        await target.closed;
        // The server tells the client before it takes the thread off its list.
        await until("it is gone", async () => await threadsRunning(server, mark) === 0);
      }
    });

    test("KILL of an idle connection closes it; the next command finds that out", async () => {
      using killer = await app();
      using victim = await app();
      await killer.results(`KILL ${victim.greeting.threadId}`);
      await victim.closed;
      const error = await killer.errorOf(`KILL ${victim.greeting.threadId}`);
      expect(error.text).toBe(`1094 (HY000): Unknown thread id: ${victim.greeting.threadId}`);
    });

    test("KILL of oneself", async () => {
      using client = await app();
      const outcome = await client.results(`KILL ${client.greeting.threadId}`).then(
        () => "no error",
        (error: Error) => error instanceof ServerError ? error.code : error,
      );
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(ConnectionEndedError);
      else expect([1317, 1927]).toContain(outcome as number);
      await client.closed;
      using again = await app();
      const own = await again.results("KILL CONNECTION_ID()").then(
        () => "no error",
        (error: Error) => error instanceof ServerError ? error.code : error,
      );
      if (own instanceof Error) expect(own).toBeInstanceOf(ConnectionEndedError);
      else expect([1317, 1927]).toContain(own as number);
      await again.closed;
    });

    test("KILL in a prepared statement and by a client with query attributes", async () => {
      using killer = await loginAs(server.accounts.app, proxy, {
        capabilities: (USUAL_FLAGS | Capability.QUERY_ATTRIBUTES) >>> 0,
      });
      using victim = await app();
      await killer.results(`KILL ${victim.greeting.threadId}`);
      await victim.closed;
    });

    test("COM_PROCESS_KILL", async () => {
      using killer = await app();
      using victim = await app();
      const payload = new PacketWriter().u8(Command.PROCESS_KILL).u32(victim.greeting.threadId);
      const answer = await killer.command(payload.done(), Expect.OK);
      if (killer.errorCode(answer) === 1047) {
        // A server that has given the command up says so; the victim stays.
        expect(await victim.value("SELECT 1")).toBe("1");
      } else {
        expect(killer.errorCode(answer)).toBe(0);
        await victim.closed;
      }
    });

    test("without the privilege only own threads can be killed: the server's 1095", async () => {
      using killer = await loginAs(plainuser, proxy);
      using victim = await app();
      const error = await killer.errorOf(`KILL ${victim.greeting.threadId}`);
      expect(error.code).toBe(1095);
      expect(error.message).toContain(String(victim.greeting.threadId));
      expect(await victim.value("SELECT 'untouched'")).toBe("untouched");
      using own = await loginAs(plainuser, proxy);
      await killer.results(`KILL ${own.greeting.threadId}`);
      await own.closed;
    });

    test("an unknown id gives the server's 1094", async () => {
      using client = await app();
      using direct = await loginAs(server.accounts.app, server);
      for (const id of ["999999999", "1073741822", "18446744073709551615"]) {
        const { text } = await direct.errorOf(`KILL ${id}`);
        expect(text).toStartWith("1094 (HY000): Unknown thread id");
        expect((await client.errorOf(`KILL ${id}`)).text).toBe(text);
      }
    });

    test("ids are 32 bits, differ between clients and stay after a reset and a change of user", async () => {
      using one = await app();
      using two = await app();
      const [a, b] = [one.greeting.threadId, two.greeting.threadId];
      expect(a).not.toBe(b);
      expect(Math.max(a, b)).toBeLessThan(2 ** 32);
      await one.command(Buffer.of(Command.RESET_CONNECTION), Expect.OK);
      expect(await one.value("SELECT CONNECTION_ID()")).toBe(String(a));
    });
  });
}
