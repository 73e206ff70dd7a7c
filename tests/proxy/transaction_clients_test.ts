// What real clients do that is hard on connections they share: long commands, results they do not
// read, refused logins, COM_SET_OPTION. Each client has one connection, direct or one for all.

import { beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Capability, Command, encodeChangeUser, Expect, frame } from "../../mod/wire/mod.ts";
import { type ProxyProcess, startProxy } from "../proxy_process.ts";
import { freshDatabase, type RealServer, sharedServer } from "../servers/mod.ts";
import { ConnectionEndedError } from "./packet_stream.ts";
import { poolSubject } from "./pool_subject.ts";
import { type RawClient, refusal, ServerError, USUAL_FLAGS } from "./raw_client.ts";
import { kinds, loginAs, ownProxy, threadsRunning, until } from "./subjects.ts";

const MIB = 1024 * 1024;
const ONE_CONNECTION =
  '[pool]\nmode = "transaction"\nconnections_max = 1\nwait_timeout = "1s"\n[auth]\n' +
  'failures_max = 0\nfailure_delay = "0"\n';

for (const kind of kinds) {
  describe(kind, () => {
    let server: RealServer;

    beforeAll(async () => {
      server = await sharedServer(kind);
      await freshDatabase(server, "shared");
      await server.sql("CREATE TABLE shared.blobs (id INT PRIMARY KEY, b LONGBLOB)");
      await server.sql("SET GLOBAL max_allowed_packet = 67108864");
    });

    const own = (config = ONE_CONNECTION): Promise<ProxyProcess> => ownProxy(server, { config });
    const login = (proxy: ProxyProcess, flags = USUAL_FLAGS): Promise<RawClient> =>
      loginAs(server.accounts.app, proxy, { database: "shared", capabilities: flags });

    test("a result that its client takes slowly is not in the next client's way", async () => {
      // Unix sockets both ways: what a kernel keeps for a TCP connection can be all of a result.
      const path = join(server.folder, "slow.sock");
      await using proxy = await startProxy({
        backends: [],
        args: ["-l", `unix:${path}`, "-b", `unix:${server.socket}`],
        // The end of nearly every answer comes while more than this waits for the client.
        config: `${ONE_CONNECTION}[limits]\nbuffer_max = "64KiB"\n`,
      });
      using slow = await loginAs(server.accounts.app, proxy, { path });
      using quick = await loginAs(server.accounts.app, proxy, { path });
      let isHeld = false;
      slow.socket.on("data", () => {
        slow.socket.pause();
        setTimeout(() => isHeld || slow.socket.resume(), 1);
      });
      for (let i = 0; i < 5; i++) {
        const mark = crypto.randomUUID();
        isHeld = true;
        slow.socket.pause();
        slow.send(slow.queryPayload(`SELECT '${mark}', REPEAT('x', ${8 * MIB + i * 100_000})`));
        // More than kernels and proxy keep for a client: the server waits, then the proxy does.
        await until("the server writes", async () => await threadsRunning(server, mark) === 1);
        isHeld = false;
        slow.socket.resume();
        expect(slow.parse(await slow.answer(Expect.RESULT))[0]!.rows[0]![1]).toHaveLength(
          8 * MIB + i * 100_000,
        );
        expect(await quick.value(`SELECT ${i}`)).toBe(`${i}`);
      }
    });

    test("prepared statements with 17 MiB, on a connection that another session had", async () => {
      await using proxy = await own();
      using client = await login(proxy);
      using other = await login(proxy);
      const body = Buffer.alloc(17 * MIB, "b");
      const insert = await prepare(client, "REPLACE INTO blobs VALUES (?, ?)");
      expect(insert).toBe(1);
      const first = execution(insert, { types: true, id: 1, body });
      expect(client.errorCode(await client.command(first, Expect.RESULT))).toBe(0);
      // Its statement of the same id is another one, told other types.
      const select = await prepare(other, "SELECT LENGTH(b) FROM blobs WHERE id = ? OR id = ?");
      expect(select).toBe(1);
      // Without types: the connection has been told them.
      const again = execution(insert, { types: false, id: 2, body });
      const packets = await client.command(again, Expect.RESULT);
      expect(client.errorCode(packets)).toBe(0);
      expect(packets[0]!.sequence).toBe(2); // the command had two packets
      expect(await client.query("SELECT id, LENGTH(b) FROM blobs ORDER BY id")).toEqual([
        ["1", `${17 * MIB}`],
        ["2", `${17 * MIB}`],
      ]);
    });

    test("an execution of 17 MiB without types, on a connection that was not told them", async () => {
      await using proxy = await own(ONE_CONNECTION.replace("_max = 1", "_max = 2"));
      using client = await login(proxy);
      using one = await login(proxy);
      using other = await login(proxy);
      const insert = await prepare(client, "REPLACE INTO blobs VALUES (?, ?)");
      // Of two connections one is held at a time, so that the session has to change.
      await one.query("BEGIN");
      await one.query("SELECT 1");
      const small = execution(insert, { types: true, id: 3, body: Buffer.from("small") });
      expect(client.errorCode(await client.command(small, Expect.RESULT))).toBe(0);
      await other.query("BEGIN");
      await other.query("SELECT 1");
      await one.query("COMMIT");
      const long = execution(insert, { types: false, id: 3, body: Buffer.alloc(17 * MIB, "c") });
      expect(client.errorCode(await client.command(long, Expect.RESULT))).toBe(0);
      expect(await client.value("SELECT LENGTH(b) FROM blobs WHERE id = 3")).toBe(`${17 * MIB}`);
    });

    test("long data of 17 MiB and a prepared text of 17 MiB", async () => {
      await using proxy = await own();
      using client = await login(proxy);
      using other = await login(proxy);
      const insert = await prepare(client, "REPLACE INTO blobs VALUES (?, ?)");
      const parts = [Buffer.alloc(1000, "d"), Buffer.alloc(17 * MIB, "e"), Buffer.alloc(10, "f")];
      for (const part of parts) client.send(longData(insert, 1, part));
      const packets = await client.command(
        execution(insert, { types: true, id: 4, body: undefined }),
        Expect.RESULT,
      );
      expect(client.errorCode(packets)).toBe(0);
      const length = 17 * MIB + 1010;
      expect(await other.query("SELECT LENGTH(b), LEFT(b, 1), RIGHT(b, 1) FROM blobs WHERE id = 4"))
        .toEqual([[`${length}`, "d", "f"]]);
      // The session holds the connection no longer, nor long data of a statement that it closes.
      client.send(longData(insert, 1, Buffer.alloc(2 * MIB)));
      client.send(Buffer.concat([Uint8Array.of(Command.STMT_CLOSE), u32(insert)]));
      expect(await other.value("SELECT 1")).toBe("1");
      const text = await prepare(client, `SELECT LENGTH('${"g".repeat(17 * MIB)}')`);
      expect(await other.value("SELECT 2")).toBe("2");
      const run = Buffer.concat([
        Uint8Array.of(Command.STMT_EXECUTE),
        u32(text),
        Uint8Array.of(0, 1, 0, 0, 0),
      ]);
      const answer = await client.command(run, Expect.RESULT);
      expect(client.errorCode(answer)).toBe(0);
      expect(answer.at(-2)!.payload.readInt32LE(2)).toBe(17 * MIB);
    });

    test("who gets no connection for 17 MiB is told so, and goes on", async () => {
      await using proxy = await own();
      using holder = await login(proxy);
      using client = await login(proxy);
      const insert = await prepare(client, "REPLACE INTO blobs VALUES (?, ?)");
      await holder.query("BEGIN");
      await holder.query("SELECT 1 FROM blobs LIMIT 1");
      const error = await client.errorOf(`SELECT LENGTH('${"h".repeat(17 * MIB)}')`);
      expect([error.code, error.sequence]).toEqual([1040, 2]);
      const body = Buffer.alloc(17 * MIB, "i");
      for (const types of [true, false]) {
        const packets = await client.command(
          execution(insert, { types, id: 5, body }),
          Expect.RESULT,
        );
        expect([client.errorCode(packets), packets[0]!.sequence]).toEqual([1040, 2]);
      }
      await holder.query("COMMIT");
      expect(await client.value("SELECT COUNT(*) FROM blobs WHERE id = 5")).toBe("0");
    });

    test("a connection killed while 17 MiB come: the client is told, and goes on", async () => {
      // Nobody but a client can log in here: it goes on with the connection that the other has made.
      const { app } = server.accounts;
      await using subject = await poolSubject(server, { pool: "connections_max = 2" });
      using client = await loginAs(app, subject.proxy);
      using _other = await loginAs(app, subject.proxy);
      const running = (count: number) =>
        until(`${count} in use`, async () => await subject.number(app, "running") === count);
      const mark = crypto.randomUUID();
      const whole = frame(
        client.queryPayload(`SELECT '${mark}', SLEEP(0), LENGTH('${"k".repeat(17 * MIB)}')`),
        0,
      );
      const id = await client.value(SERVER_ID);
      await running(0);
      client.sendBytes(whole.subarray(0, 9 * MIB));
      await running(1);
      await server.sql(`KILL ${id}`);
      await until("the thread is gone", async () => {
        const rows = await server.sql(
          `SELECT 1 FROM information_schema.PROCESSLIST WHERE ID=${id}`,
        );
        return rows.length === 0;
      });
      client.sendBytes(whole.subarray(9 * MIB), { first: false });
      const packets = await client.answer(Expect.RESULT);
      expect(packets[0]!.payload[0]).toBe(0xff);
      expect(await threadsRunning(server, mark)).toBe(0);
      expect(await client.value("SELECT 'goes on'")).toBe("goes on");
    });

    test("a connection with refused changes of user is not lent again", async () => {
      await using proxy = await own();
      const { user, password } = server.accounts.app;
      using client = await login(proxy);
      for (let i = 0; i < 3; i++) {
        const refused = await client.changeUser(changeUser(client, user), `${password}?`)
          .then(() => undefined, (error: unknown) => error);
        if (i === 0) expect(refused).toBeInstanceOf(ServerError);
      }
      await client.quit();
      for (let i = 0; i < 3; i++) {
        using next = await login(proxy);
        expect(await next.value("SELECT 1")).toBe("1");
        expect((await refusal(loginAs({ user, password: "no" }, proxy))).code).toBe(1045);
      }
    }, 20_000);

    test("clients that leave in the middle of their login take no place in the pool", async () => {
      await using proxy = await own(ONE_CONNECTION.replace("_max = 1", "_max = 2"));
      using _first = await login(proxy);
      for (const leaveAfterMs of [0, 1, 2, 3, 4, 5, 6, 8, 10, 15]) {
        const { user, password } = server.accounts.app;
        const leaving = [1, 2, 3].map(async () => {
          const signal = AbortSignal.timeout(leaveAfterMs);
          const client = await loginAs({ user, password }, proxy, { database: "shared", signal })
            .catch((error: unknown) => expect(error).toBeInstanceOf(ConnectionEndedError));
          if (client) await client.closed;
        });
        await Promise.all(leaving);
      }
      for (let i = 0; i < 5; i++) {
        using one = await login(proxy);
        using two = await login(proxy);
        expect(await Promise.all([one.value("SELECT 1"), two.value("SELECT 2")])).toEqual([
          "1",
          "2",
        ]);
      }
    }, 20_000);

    test("a statement sent behind one whose connection is killed goes out on another", async () => {
      await using proxy = await own(ONE_CONNECTION.replace("_max = 1", "_max = 2"));
      await server.sql("CREATE USER IF NOT EXISTS counted@'%' IDENTIFIED BY 'counted'");
      const account = { user: "counted", password: "counted" };
      const threads = async () => {
        const rows = await server.sql("SHOW PROCESSLIST");
        return rows.filter((row) => row["User"] === account.user).length;
      };
      using client = await loginAs(account, proxy);
      using other = await loginAs(account, proxy);
      for (let i = 0; i < 3; i++) {
        const mark = crypto.randomUUID();
        client.sendBytes(Buffer.concat([
          frame(client.queryPayload(`SELECT SLEEP(20), '${mark}'`), 0),
          frame(client.queryPayload("SELECT 'behind it'"), 0),
        ]));
        await until("it runs", async () => await threadsRunning(server, mark) === 1);
        const rows = await server.sql("SHOW FULL PROCESSLIST");
        const row = rows.find(({ Info }) => String(Info).includes(mark) && !/LIST/.test(`${Info}`));
        await server.sql(`KILL ${row!["Id"]}`);
        const killed = client.errorCode(await client.answer(Expect.RESULT));
        expect([1317, 1927, 2013, 3169]).toContain(killed);
        // The next command is told of the loss where the server has said it in the answer before.
        const next = await client.answer(Expect.RESULT);
        if (client.errorCode(next) === 0) {
          expect(client.parse(next)[0]!.rows).toEqual([["behind it"]]);
        }
        expect(await other.value("SELECT 'other'")).toBe("other");
        using again = await loginAs(account, proxy); // it makes the connection that is missing
        expect(await again.value("SELECT 'again'")).toBe("again");
        await until("no more than two are open", async () => await threads() <= 2);
      }
    }, 20_000);

    test("COM_SET_OPTION is one session's, and none's after it has left", async () => {
      const single = (USUAL_FLAGS & ~Capability.MULTI_STATEMENTS) >>> 0;
      const option = (value: number) => Uint8Array.of(Command.SET_OPTION, value, 0);
      const [ON, OFF] = [0, 1] as const;
      for (const mode of ["transaction", "session"]) {
        await using proxy = await own(ONE_CONNECTION.replace("transaction", mode));
        const client = await login(proxy, single);
        await client.command(option(ON), Expect.OK);
        expect((await client.results("SELECT 1; SELECT 2")).length).toBe(2);
        await client.command(option(OFF), Expect.OK);
        if (mode === "transaction") {
          using other = await login(proxy, single);
          expect((await other.errorOf("SELECT 1; SELECT 2")).code).toBe(1064);
        }
        await client.command(option(ON), Expect.OK);
        await client.quit();
        for (let i = 0; i < 3; i++) {
          using next = await login(proxy, single);
          expect((await next.errorOf("SELECT 1; SELECT 2")).code).toBe(1064);
          await next.quit();
        }
      }
    });
  });
}

const SERVER_ID = "SELECT ID FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()";

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Prepares; gives the id. */
async function prepare(client: RawClient, sql: string): Promise<number> {
  const packets = await client.command(
    Buffer.concat([Uint8Array.of(Command.STMT_PREPARE), Buffer.from(sql)]),
    Expect.PREPARE,
  );
  expect(client.errorCode(packets)).toBe(0);
  return packets[0]!.payload.readUInt32LE(1);
}

/** COM_STMT_EXECUTE with an integer and a blob. @param of.body Undefined: sent as long data. */
function execution(
  statement: number,
  of: { readonly types: boolean; readonly id: number; readonly body: Buffer | undefined },
): Buffer {
  const { types, id, body } = of;
  const length = Buffer.alloc(9, 0xfe);
  length.writeBigUInt64LE(BigInt(body?.length ?? 0), 1);
  return Buffer.concat([
    Uint8Array.of(Command.STMT_EXECUTE),
    u32(statement),
    Uint8Array.of(0, 1, 0, 0, 0, 0, types ? 1 : 0),
    Uint8Array.from(types ? [3, 0, 252, 0] : []),
    u32(id),
    ...(body ? [length, body] : []),
  ]);
}

function longData(statement: number, parameter: number, data: Buffer): Buffer {
  return Buffer.concat([
    Uint8Array.of(Command.STMT_SEND_LONG_DATA),
    u32(statement),
    Uint8Array.of(parameter, 0),
    data,
  ]);
}

function changeUser(client: RawClient, user: string): Uint8Array {
  return encodeChangeUser({
    user: Buffer.from(user),
    authResponse: new Uint8Array(0),
    database: new Uint8Array(0),
    collation: 45,
    authPlugin: "mysql_native_password",
    attributes: new Uint8Array(0),
  }, client.capabilities);
}
