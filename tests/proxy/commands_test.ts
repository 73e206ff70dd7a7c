// Every command of the protocol gets through the proxy the packets, sequence ids included, that the
// server itself answers with.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  Capability,
  Command,
  Expect,
  frame,
  MariadbCapability,
  PacketReader,
  PacketWriter,
} from "../../mod/wire/mod.ts";
import { freshBinlog, type RealServer } from "../servers/mod.ts";
import type { Packet } from "./packet_stream.ts";
import { RawClient, USUAL_FLAGS } from "./raw_client.ts";
import { kinds, loginAs, subject } from "./subjects.ts";

/** Packets as text, so that a difference can be read. */
function shown(packets: readonly Packet[]): string[] {
  // Control characters as in source text: terminals hide them.
  return packets.map(({ payload, sequence }) =>
    `${sequence}: ${JSON.stringify(payload.toString("latin1"))}`
  );
}

/** A command packet: its byte and what follows. */
function packet(command: number, ...parts: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat([
    Uint8Array.of(command),
    ...parts.map((part) => typeof part === "string" ? Buffer.from(part) : part),
  ]);
}

function u32(value: number): Uint8Array {
  return new PacketWriter(4).u32(value).done();
}

/** The id that COM_STMT_PREPARE answered with. */
function statementId(packets: readonly Packet[]): number {
  const { payload } = packets[0]!;
  if (payload[0] !== 0) throw new Error(`Not prepared: ${payload.toString("latin1")}`);
  return payload.readUInt32LE(1);
}

for (const kind of kinds) {
  describe(kind, () => {
    let server: RealServer;
    let port: number;
    let direct: RawClient;
    let proxied: RawClient;

    beforeAll(async () => {
      const found = await subject(kind);
      server = found.server;
      port = found.proxy.port;
      direct = await loginAs(server.accounts.app, server, { database: "test" });
      proxied = await loginAs(server.accounts.app, found.proxy, { database: "test" });
      await server.sql("DROP TABLE IF EXISTS test.commands");
      await server.sql("CREATE TABLE test.commands (id INT PRIMARY KEY, body LONGTEXT)");
      await server.sql("INSERT INTO test.commands VALUES (1, 'one'), (2, 'two'), (3, NULL)");
    });

    afterAll(() => {
      direct.close();
      proxied.close();
    });

    /** Sends the same to both and gives both answers. */
    async function both(payload: Uint8Array, shape: number): Promise<[Packet[], Packet[]]> {
      return [await direct.command(payload, shape), await proxied.command(payload, shape)];
    }

    async function expectSame(payload: Uint8Array, shape: number): Promise<Packet[]> {
      const [expected, got] = await both(payload, shape);
      expect(shown(got)).toEqual(shown(expected));
      return got;
    }

    test("INIT_DB", async () => {
      await expectSame(packet(Command.INIT_DB, "other"), Expect.OK);
      expect(await proxied.value("SELECT DATABASE()")).toBe("other");
      await expectSame(packet(Command.INIT_DB, "no_such_database"), Expect.OK);
      await expectSame(packet(Command.INIT_DB, "test"), Expect.OK);
    });

    test("QUERY: rows, an OK, an error, nothing at all, a NUL byte, several statements", async () => {
      const statements = [
        "SELECT * FROM commands ORDER BY id",
        "SELECT * FROM commands WHERE id > 99",
        "DO 1",
        "SELECT nonsense FROM nowhere",
        "",
        ";",
        "SELECT 'a\0b'",
        "SELECT 1; SELECT 2; DO 3; SELECT 4",
        "SELECT 1; SELECT * FROM nowhere; SELECT 3",
        "-- a comment only",
      ];
      for (const sql of statements) {
        await expectSame(packet(Command.QUERY, sql), Expect.RESULT);
      }
    });

    test("QUERY: an error in the middle of the rows", async () => {
      // The second row is an error only once the first has been sent.
      const statement = "SELECT id, (SELECT t.id FROM commands t WHERE t.id >= 2 AND " +
        "commands.id > 1) FROM commands ORDER BY id";
      const packets = await expectSame(packet(Command.QUERY, statement), Expect.RESULT);
      expect(proxied.errorCode(packets)).toBe(1242);
    });

    test("FIELD_LIST", async () => {
      await expectSame(packet(Command.FIELD_LIST, "commands\0%"), Expect.FIELDS);
      await expectSame(packet(Command.FIELD_LIST, "no_such_table\0"), Expect.FIELDS);
    });

    test("STATISTICS", async () => {
      const [expected, got] = await both(packet(Command.STATISTICS), Expect.TEXT);
      expect(got.length).toBe(1);
      expect(got[0]!.sequence).toBe(1);
      expect(got[0]!.payload.toString()).toStartWith("Uptime: ");
      expect(expected[0]!.payload.toString()).toStartWith("Uptime: ");
    });

    test("PROCESS_INFO", async () => {
      const [expected, got] = await both(packet(Command.PROCESS_INFO), Expect.RESULT);
      // Its rows are other threads each time: the columns and the form are the same.
      if (proxied.errorCode(got) !== 0) expect(shown(got)).toEqual(shown(expected));
      else {
        const columns = expected[0]!.payload[0]!;
        expect(shown(got.slice(0, columns + 1))).toEqual(shown(expected.slice(0, columns + 1)));
        expect(got.map(({ sequence }) => sequence)).toEqual(got.map((_, index) => index + 1));
      }
    });

    test("PROCESS_KILL of nobody", async () => {
      await expectSame(packet(Command.PROCESS_KILL, u32(0x3fffffff)), Expect.OK);
    });

    test("REFRESH", async () => {
      await expectSame(packet(Command.REFRESH, Uint8Array.of(1)), Expect.OK);
    });

    test("DEBUG, PING, SET_OPTION", async () => {
      await expectSame(packet(Command.DEBUG), Expect.OK);
      await expectSame(packet(Command.PING), Expect.OK);
      for (const option of [0, 1, 9]) {
        await expectSame(packet(Command.SET_OPTION, Uint8Array.of(option, 0)), Expect.OK);
      }
      await expectSame(packet(Command.SET_OPTION, Uint8Array.of(1, 0)), Expect.OK);
      await expectSame(packet(Command.QUERY, "SELECT 1; SELECT 2"), Expect.RESULT);
      await expectSame(packet(Command.SET_OPTION, Uint8Array.of(0, 0)), Expect.OK);
      await expectSame(packet(Command.SET_OPTION), Expect.OK);
    });

    test("RESET_CONNECTION", async () => {
      await proxied.query("SET @kept = 1");
      await direct.query("SET @kept = 1");
      await expectSame(packet(Command.RESET_CONNECTION), Expect.OK);
      expect(await proxied.value("SELECT @kept")).toBeNull();
      await direct.value("SELECT @kept");
    });

    test("STMT_PREPARE, EXECUTE, RESET, CLOSE", async () => {
      for (
        const sql of [
          "SELECT ?, id, body FROM commands WHERE id < ? ORDER BY id",
          "SELECT 1",
          "DO ?",
          "SELECT nonsense FROM nowhere",
          "INSERT INTO commands SELECT id + 100, ? FROM commands WHERE id > 1000",
        ]
      ) {
        const [expected, got] = await both(packet(Command.STMT_PREPARE, sql), Expect.PREPARE);
        // The id itself is the server's to choose.
        const withoutId = (packets: Packet[]) =>
          packets.map(({ payload, sequence }, index) => {
            const from = index === 0 && proxied.errorCode(packets) === 0 ? 5 : 0;
            return `${sequence}: ${payload.subarray(from).toString("latin1")}`;
          });
        expect(withoutId(got)).toEqual(withoutId(expected));
      }
      const sql = packet(Command.STMT_PREPARE, "SELECT ? + 1");
      const [directId, proxiedId] = (await both(sql, Expect.PREPARE)).map(statementId);
      // One parameter, not NULL, a LONGLONG.
      const execute = (id: number) =>
        new PacketWriter().u8(Command.STMT_EXECUTE).u32(id).u8(0).u32(1).u8(0).u8(1).u16(8).u64(41)
          .done();
      const expected = await direct.command(execute(directId!), Expect.RESULT);
      expect(shown(await proxied.command(execute(proxiedId!), Expect.RESULT))).toEqual(
        shown(expected),
      );
      const reset = (id: number) => packet(Command.STMT_RESET, u32(id));
      expect(shown(await proxied.command(reset(proxiedId!), Expect.OK))).toEqual(
        shown(await direct.command(reset(directId!), Expect.OK)),
      );
      // CLOSE has no answer; the statement is unknown afterwards.
      proxied.send(packet(Command.STMT_CLOSE, u32(proxiedId!)));
      const gone = await proxied.command(execute(proxiedId!), Expect.RESULT);
      expect(proxied.errorCode(gone)).toBe(1243);
      await expectSame(
        packet(Command.STMT_EXECUTE, u32(0x12345), Uint8Array.of(0, 1, 0, 0, 0)),
        Expect.RESULT,
      );
    });

    test("STMT_SEND_LONG_DATA in many chunks", async () => {
      const sql = packet(Command.STMT_PREPARE, "SELECT SHA2(?, 256), SHA2(?, 256)");
      for (const client of [direct, proxied]) {
        const id = statementId(await client.command(sql, Expect.PREPARE));
        for (let chunk = 0; chunk < 50; chunk++) {
          for (const parameter of [0, 1]) {
            const head = new PacketWriter().u8(Command.STMT_SEND_LONG_DATA).u32(id).u16(parameter);
            client.send(head.raw(Buffer.alloc(3000, chunk)).done());
          }
        }
        const execute = new PacketWriter().u8(Command.STMT_EXECUTE).u32(id).u8(0).u32(1)
          .u8(0).u8(1).u16(252).u16(252).done();
        const packets = await client.command(execute, Expect.RESULT);
        expect(client.errorCode(packets)).toBe(0);
        const reader = new PacketReader(packets.at(-2)!.payload, 2);
        const hash = Buffer.from(reader.lenencView()).toString();
        const sent = Buffer.concat(Array.from({ length: 50 }, (_, i) => Buffer.alloc(3000, i)));
        expect(hash).toBe(new Bun.CryptoHasher("sha256").update(sent).digest("hex"));
        client.send(packet(Command.STMT_CLOSE, u32(id)));
      }
    });

    test("STMT_FETCH from a cursor", async () => {
      const sql = packet(Command.STMT_PREPARE, "SELECT id FROM commands ORDER BY id");
      const ids = (await both(sql, Expect.PREPARE)).map(statementId);
      const answers: string[][] = [];
      for (const [index, client] of [direct, proxied].entries()) {
        const id = ids[index]!;
        const all: Packet[] = [];
        const open = packet(Command.STMT_EXECUTE, u32(id), Uint8Array.of(1), u32(1));
        client.send(open);
        // The flag of an open cursor is in the packet behind the columns.
        for (let at = 0; at < 3; at++) all.push(await client.packets.read());
        for (let turn = 0; turn < 3; turn++) {
          all.push(
            ...await client.command(packet(Command.STMT_FETCH, u32(id), u32(2)), Expect.ROWS),
          );
          if (turn === 1) break;
        }
        all.push(...await client.command(packet(Command.PING), Expect.OK));
        client.send(packet(Command.STMT_CLOSE, u32(id)));
        answers.push(shown(all));
      }
      expect(answers[1]).toEqual(answers[0]!);
    });

    test("unknown commands get error 1047 and the connection goes on", async () => {
      const unknown = [
        Command.SLEEP,
        0x05,
        0x06,
        0x0b,
        0x0f,
        0x10,
        0x14,
        0x1d,
        0x22,
        0x2a,
        0x80,
        0xff,
      ];
      for (const command of unknown) {
        const got = await proxied.command(packet(command, "abc"), Expect.OK);
        expect([command, got[0]!.sequence, proxied.errorCode(got)]).toEqual([command, 1, 1047]);
        expect(shown(got)[0]).toBe(`1: "\xff\\u0017\\u0004#08S01Unknown command"`);
        expect(await proxied.value("SELECT 1")).toBe("1");
      }
      // A packet without even a command byte.
      await expectSame(new Uint8Array(0), Expect.OK);
    });

    test("pipelined requests are answered in order, local answers included", async () => {
      const client = await loginAs(server.accounts.app, { port }, { database: "test" });
      const requests = [
        { payload: packet(Command.QUERY, "SELECT 1, SLEEP(0.05)"), shape: Expect.RESULT },
        { payload: packet(0x2a), shape: Expect.OK },
        { payload: packet(Command.PING), shape: Expect.OK },
        { payload: packet(Command.QUERY, "SELECT CONNECTION_ID()"), shape: Expect.RESULT },
        { payload: packet(Command.STMT_PREPARE, "SELECT 3"), shape: Expect.PREPARE },
        { payload: packet(0xff), shape: Expect.OK },
        { payload: packet(Command.QUERY, "SHOW PROCESSLIST"), shape: Expect.RESULT },
        { payload: packet(Command.QUERY, "KILL 1073741823"), shape: Expect.RESULT },
        { payload: packet(Command.INIT_DB, "other"), shape: Expect.OK },
        { payload: packet(Command.QUERY, "SELECT DATABASE()"), shape: Expect.RESULT },
      ];
      client.sendBytes(Buffer.concat(requests.map(({ payload }) => frame(payload, 0))));
      const answers: Packet[][] = [];
      for (const { shape } of requests) answers.push(await client.answer(shape));
      for (const answer of answers) {
        expect(answer.map(({ sequence }) => sequence)).toEqual(answer.map((_, i) => i + 1));
      }
      const codes = answers.map((answer) => client.errorCode(answer));
      expect(codes).toEqual([0, 1047, 0, 0, 0, 1047, 0, 1094, 0, 0]);
      expect(client.parse(answers[3]!)[0]!.rows).toEqual([[String(client.greeting.threadId)]]);
      expect(client.parse(answers[9]!)[0]!.rows).toEqual([["other"]]);
      client.close();
    });

    test("requests cut at every byte are answered alike", async () => {
      const client = await loginAs(server.accounts.app, { port });
      const bytes = Buffer.concat([
        frame(packet(Command.QUERY, "SELECT 'x', CONNECTION_ID() > 0"), 0),
        frame(packet(0x2a), 0),
        frame(packet(Command.PING), 0),
      ]);
      for (let cut = 1; cut < bytes.length; cut++) {
        client.sendBytes(bytes.subarray(0, cut));
        await Bun.sleep(0);
        client.sendBytes(bytes.subarray(cut));
        const rows = client.parse(await client.answer(Expect.RESULT))[0]!.rows;
        expect(rows).toEqual([["x", "1"]]);
        expect(client.errorCode(await client.answer(Expect.OK))).toBe(1047);
        expect(client.errorCode(await client.answer(Expect.OK))).toBe(0);
      }
      client.close();
    });

    test("QUIT closes, and answers what was asked before", async () => {
      const client = await loginAs(server.accounts.app, { port });
      client.sendBytes(Buffer.concat([
        frame(packet(Command.QUERY, "SELECT 'last'"), 0),
        frame(packet(Command.QUIT), 0),
      ]));
      expect(client.parse(await client.answer(Expect.RESULT))[0]!.rows).toEqual([["last"]]);
      await client.closed;
    });

    test("procedures with several results and OUT parameters in both protocols", async () => {
      await server.sql("DROP PROCEDURE IF EXISTS test.several");
      await server.sql(
        "CREATE PROCEDURE test.several(IN a INT, OUT b INT) BEGIN SELECT a; SELECT a + 1, 'x'; " +
          "SET b = a * 2; SELECT * FROM test.commands WHERE id > 90; END",
      );
      await expectSame(packet(Command.QUERY, "DO 0"), Expect.RESULT); // no warnings from before
      await expectSame(packet(Command.INIT_DB, "test"), Expect.OK);
      await expectSame(packet(Command.QUERY, "CALL several(5, @out)"), Expect.RESULT);
      await expectSame(packet(Command.QUERY, "SELECT @out"), Expect.RESULT);
      const sql = packet(Command.STMT_PREPARE, "CALL several(?, ?)");
      const ids = (await both(sql, Expect.PREPARE)).map(statementId);
      const execute = (id: number) =>
        new PacketWriter().u8(Command.STMT_EXECUTE).u32(id).u8(0).u32(1)
          .u8(0).u8(1).u16(8).u16(8).u64(7).u64(0).done();
      const expected = await direct.command(execute(ids[0]!), Expect.RESULT);
      const got = await proxied.command(execute(ids[1]!), Expect.RESULT);
      expect(got.length).toBeGreaterThan(10);
      expect(shown(got)).toEqual(shown(expected));
    });

    test("replication streams: REGISTER_SLAVE, BINLOG_DUMP", async () => {
      const file = await freshBinlog(server);
      await server.sql("INSERT INTO test.commands VALUES (50, REPEAT('replicated ', 1000))");
      await server.sql("DELETE FROM test.commands WHERE id = 50");
      const streams: string[][] = [];
      for (const target of [server, { port }]) {
        const client = await loginAs(server.accounts.repl, target);
        for (const name of ["master_binlog_checksum", "source_binlog_checksum"]) {
          await client.results(`SET @${name} = 'CRC32'`);
        }
        await client.results("SET @mariadb_slave_capability = 4");
        const register = new PacketWriter().u8(Command.REGISTER_SLAVE).u32(4242).u8(0).u8(0).u8(0)
          .u16(3306).u32(0).u32(0).done();
        expect(client.errorCode(await client.command(register, Expect.OK))).toBe(0);
        const nonBlocking = 1;
        client.send(
          new PacketWriter().u8(Command.BINLOG_DUMP).u32(4).u16(nonBlocking).u32(4242).text(file)
            .done(),
        );
        streams.push(shown(await untilStreamEnds(client)));
        client.close();
      }
      expect(streams[0]!.length).toBeGreaterThan(5);
      expect(streams[0]!.join()).toContain("replicated replicated");
      expect(streams[1]).toEqual(streams[0]!);
    });

    if (kind === "mysql") {
      test("replication streams: BINLOG_DUMP_GTID", async () => {
        const streams: string[][] = [];
        await server.sql("INSERT INTO test.commands VALUES (51, 'by gtid')");
        await server.sql("DELETE FROM test.commands WHERE id = 51");
        const [status] = await server.sql("SHOW BINARY LOG STATUS");
        for (const target of [server, { port }]) {
          const client = await loginAs(server.accounts.repl, target);
          await client.results("SET @source_binlog_checksum = 'CRC32'");
          const file = String(status!["File"]);
          const nonBlocking = 1;
          client.send(
            new PacketWriter().u8(Command.BINLOG_DUMP_GTID).u16(nonBlocking).u32(4243)
              .u32(file.length).text(file).u64(4).u32(8).u64(0).done(),
          );
          streams.push(shown(await untilStreamEnds(client)));
          client.close();
        }
        expect(streams[0]!.join()).toContain("by gtid");
        expect(streams[1]).toEqual(streams[0]!);
      });
    }

    test("a replication stream that may not be had gives the server's error", async () => {
      const texts: string[] = [];
      for (const target of [server, { port }]) {
        const client = await loginAs(server.accounts.tlsonly, target, { tls: true });
        client.send(new PacketWriter().u8(Command.BINLOG_DUMP).u32(4).u16(1).u32(4242).done());
        const [answer] = await untilStreamEnds(client);
        texts.push(`${answer!.sequence} ${answer!.payload.toString("latin1")}`);
        client.close();
      }
      expect(texts[0]).toContain("denied");
      expect(texts[1]).toBe(texts[0]!);
    });

    if (kind === "mariadb") {
      // Only who has a connection of its own is offered to keep metadata.
      const modes = [["transaction", 0], ["session", MariadbCapability.CACHE_METADATA]] as const;
      test.each(modes)("STMT_BULK_EXECUTE, and EXECUTE of statement -1, %s", async (mode, more) => {
        const flags = (USUAL_FLAGS & ~Capability.LONG_PASSWORD) >>> 0;
        const mariadbCapabilities = MariadbCapability.STMT_BULK_OPERATIONS |
          MariadbCapability.EXTENDED_METADATA | more;
        const { proxy } = await subject(kind, [], { MYSQLPROXY_POOL_MODE: mode });
        const answers: string[][] = [];
        for (const target of [server, proxy]) {
          const client = await loginAs(server.accounts.app, target, {
            database: "test",
            capabilities: flags,
            mariadbCapabilities,
          });
          expect(client.mariadbCapabilities).toBe(mariadbCapabilities);
          await client.results("CREATE TEMPORARY TABLE bulk (id BIGINT, t VARCHAR(20))");
          // Prepared and executed without waiting: -1 is the statement prepared last.
          const prepare = packet(Command.STMT_PREPARE, "INSERT INTO bulk VALUES (?, ?)");
          const bulk = new PacketWriter().u8(Command.STMT_BULK_EXECUTE).u32(0xffffffff).u16(128)
            .u16(8).u16(253);
          for (let row = 1; row <= 3; row++) {
            bulk.u8(0).u64(row).u8(0).lenencBytes(Buffer.from(`row ${row}`));
          }
          client.sendBytes(Buffer.concat([frame(prepare, 0), frame(bulk.done(), 0)]));
          await client.answer(Expect.PREPARE);
          const all = await client.answer(Expect.RESULT);
          const select = packet(Command.STMT_PREPARE, "SELECT id, t FROM bulk");
          const execute = packet(Command.STMT_EXECUTE, u32(0xffffffff), Uint8Array.of(0), u32(1));
          for (let turn = 0; turn < 2; turn++) {
            client.sendBytes(Buffer.concat([frame(select, 0), frame(execute, 0)]));
            await client.answer(Expect.PREPARE);
            all.push(...await client.answer(Expect.RESULT));
          }
          all.push(...await client.command(execute, Expect.RESULT)); // where it is kept, without metadata this time
          expect(
            client.parse(
              await client.command(client.queryPayload("SELECT COUNT(*) FROM bulk"), Expect.RESULT),
            )[0]!.rows,
          ).toEqual([["3"]]);
          answers.push(shown(all));
          client.close();
        }
        expect(answers[1]).toEqual(answers[0]!);
      });
    }
  });
}

/** All packets up to the EOF or error that ends a stream. */
async function untilStreamEnds(client: RawClient): Promise<Packet[]> {
  const packets: Packet[] = [];
  for (;;) {
    const next = await client.packets.read();
    packets.push(next);
    if (next.payload[0] === 0xff || next.payload[0] === 0xfe) return packets;
  }
}
