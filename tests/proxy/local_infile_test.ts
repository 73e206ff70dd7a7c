// LOAD DATA LOCAL INFILE: the file is the client's, byte by byte. The proxy opens none.

import { beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Capability, Command, Expect, frame } from "../../mod/wire/mod.ts";
import type { ProxyProcess } from "../proxy_process.ts";
import type { RealServer } from "../servers/mod.ts";
import { type RawClient, USUAL_FLAGS } from "./raw_client.ts";
import { kinds, loginAs, subject } from "./subjects.ts";

for (const kind of kinds) {
  describe(kind, () => {
    let server: RealServer;
    let proxy: ProxyProcess;

    beforeAll(async () => {
      ({ server, proxy } = await subject(kind));
      await server.sql("DROP TABLE IF EXISTS test.loaded");
      await server.sql("CREATE TABLE test.loaded (line LONGTEXT) ENGINE = InnoDB");
    });

    async function load(client: RawClient, name: string, file: Uint8Array) {
      await client.results("DELETE FROM test.loaded");
      return await client.results(
        `LOAD DATA LOCAL INFILE '${name}' INTO TABLE test.loaded (line)`,
        file,
      );
    }

    test("the client's content arrives although the proxy could read a file of that name", async () => {
      const folder = mkdtempSync(join(tmpdir(), "mp-infile-"));
      const name = join(folder, "on_the_proxys_machine.txt");
      writeFileSync(name, "the proxy's file\n");
      using client = await loginAs(server.accounts.app, proxy);
      await load(client, name, Buffer.from("the client's file\n"));
      expect(await client.query("SELECT * FROM test.loaded")).toEqual([["the client's file"]]);
      const open = readdirSync(`/proc/${proxy.pid}/fd`).map((fd) => {
        try {
          return readlinkSync(`/proc/${proxy.pid}/fd/${fd}`);
        } catch {
          return ""; // closed in the meantime
        }
      });
      expect(open).not.toContain(name);
      rmSync(folder, { recursive: true });
    });

    test("an empty file, one of many packets, one with a packet over 16 MiB", async () => {
      using client = await loginAs(server.accounts.app, proxy);
      await load(client, "empty", new Uint8Array(0));
      expect(await client.value("SELECT COUNT(*) FROM test.loaded")).toBe("0");

      await client.results("DELETE FROM test.loaded");
      const statement = "LOAD DATA LOCAL INFILE 'many' INTO TABLE test.loaded (line)";
      client.send(client.queryPayload(statement));
      let { sequence } = await client.packets.read();
      for (let i = 0; i < 1000; i++) {
        client.send(Buffer.from(`${"x".repeat(i)}\n`), ++sequence & 0xff);
      }
      client.send(new Uint8Array(0), ++sequence & 0xff);
      const answer = await client.packets.read();
      expect(answer.payload[0]).toBe(0);
      expect(answer.sequence).toBe((sequence + 1) & 0xff);
      expect(await client.value("SELECT SUM(LENGTH(line)) FROM test.loaded")).toBe("499500");

      const large = Buffer.from(`${"y".repeat(999_999)}\n`.repeat(17));
      await load(client, "large", large);
      expect(await client.query("SELECT COUNT(*), SUM(LENGTH(line)) FROM test.loaded")).toEqual([
        ["17", String(17 * 999_999)],
      ]);
    });

    test("in one of several statements, and what follows still runs", async () => {
      using client = await loginAs(server.accounts.app, proxy);
      const results = await client.results(
        "DELETE FROM test.loaded; SELECT 'before'; " +
          "LOAD DATA LOCAL INFILE 'x' INTO TABLE test.loaded (line); SELECT COUNT(*) FROM test.loaded",
        Buffer.from("a\nb\n"),
      );
      expect(results.at(-1)!.rows).toEqual([["2"]]);
      expect(await client.value("SELECT 1")).toBe("1");
    });

    test("an error about the table or the content reaches the client", async () => {
      for (const target of [server, proxy]) {
        using client = await loginAs(server.accounts.app, target, { database: "test" });
        const missing = await client.errorOf("LOAD DATA LOCAL INFILE 'x' INTO TABLE missing (a)");
        expect(missing.code).toBe(1146);
        await client.results("CREATE TEMPORARY TABLE narrow (n INT NOT NULL PRIMARY KEY)");
        const statement = "LOAD DATA LOCAL INFILE 'x' REPLACE INTO TABLE narrow (n, @x)" +
          " SET n = (SELECT 1 UNION SELECT 2)";
        const packets = await client.command(
          client.queryPayload(statement),
          Expect.RESULT,
          Buffer.from("1\t2\n".repeat(10)),
        );
        expect(client.errorCode(packets)).toBe(1242);
        expect(await client.value("SELECT 'usable'")).toBe("usable");
      }
    });

    test("a client without LOCAL_FILES gets the server's refusal", async () => {
      const capabilities = (USUAL_FLAGS & ~Capability.LOCAL_FILES) >>> 0;
      const texts: string[] = [];
      for (const target of [server, proxy]) {
        using client = await loginAs(server.accounts.app, target, { capabilities });
        const error = await client.errorOf(
          "LOAD DATA LOCAL INFILE 'x' INTO TABLE test.loaded (line)",
        );
        texts.push(error.text);
      }
      expect(texts[1]).toBe(texts[0]!);
    });

    test("a command sent right behind the file is answered after it", async () => {
      using client = await loginAs(server.accounts.app, proxy);
      await client.results("DELETE FROM test.loaded");
      client.send(
        client.queryPayload("LOAD DATA LOCAL INFILE 'x' INTO TABLE test.loaded (line)"),
      );
      const { sequence } = await client.packets.read();
      client.sendBytes(Buffer.concat([
        frame(Buffer.from("one\ntwo\n"), sequence + 1),
        frame(new Uint8Array(0), sequence + 2),
        frame(Buffer.concat([Buffer.of(Command.QUERY), Buffer.from("SELECT CONNECTION_ID()")]), 0),
        frame(Buffer.of(0x2a), 0),
      ]));
      expect((await client.packets.read()).payload[0]).toBe(0);
      const rows = client.parse(await client.answer(Expect.RESULT))[0]!.rows;
      expect(rows).toEqual([[String(client.greeting.threadId)]]);
      expect(client.errorCode(await client.answer(Expect.OK))).toBe(1047);
    });
  });
}
