// Statements of several sessions behind each other on one connection: what happens to the others when
// one of them is slow, fails, is killed, loses its client or its connection, or is not read.

import { beforeAll, describe, expect, test } from "bun:test";
import { Expect } from "../../mod/wire/mod.ts";
import { freshDatabase, type RealServer, sharedServer } from "../servers/mod.ts";
import { StallingProxy } from "../stalling_proxy.ts";
import { accountOf, type PoolAccount, type PoolSubject, poolSubject } from "./pool_subject.ts";
import { RawClient, ServerError } from "./raw_client.ts";
import { execution, prepare } from "./raw_statements.ts";
import { kinds, loginAs, threadsRunning, until } from "./subjects.ts";

const ROWS = 50;

for (const kind of kinds) {
  describe(kind, () => {
    let server: RealServer;
    let account: PoolAccount;

    beforeAll(async () => {
      server = await sharedServer(kind);
      await freshDatabase(server, "pipelined");
      await server.sql("CREATE TABLE pipelined.t (id INT PRIMARY KEY, v VARCHAR(20))");
      await server.sql("CREATE TABLE pipelined.locked (id INT PRIMARY KEY)");
      await server.sql("INSERT INTO pipelined.locked VALUES (0)");
      for (let id = 0; id < ROWS; id++) {
        await server.sql(`INSERT INTO pipelined.t VALUES (${id}, 'value ${id}')`);
      }
      account = await accountOf(server, "pipelined");
    });

    /** A proxy with so many connections that puts everything that reads behind each other. */
    const subjectWith = (connections: number, to: { readonly port: number } = server) =>
      poolSubject({ ...server, port: to.port }, {
        accounts: [account],
        pool: `connections_max = ${connections}\npipeline = 16\n`,
      });
    const login = (to: { readonly port: number }) =>
      loginAs(account, to, { database: "pipelined" });
    const logins = (count: number, { proxy }: PoolSubject) =>
      Promise.all(Array.from({ length: count }, () => login(proxy)));
    /** A table is locked until what is returned is called. */
    const lock = async () => {
      const locker = await loginAs(server.accounts.app, server);
      await locker.query("LOCK TABLES pipelined.locked WRITE");
      return () => locker.close();
    };
    /** Resolves when the statement waits for the lock at the server. */
    const untilStuck = (mark: string) =>
      until("it waits for the lock", async () => await threadsRunning(server, mark) > 0);

    test("each session gets its own answers, from one connection", async () => {
      await using subject = await subjectWith(1);
      const clients = await logins(12, subject);
      const before = await subject.counter("pool_pipelined");
      await Promise.all(clients.map(async (client, at) => {
        for (let id = at; id < ROWS; id += 5) {
          expect(await client.value(`SELECT v FROM t WHERE id = ${id}`)).toBe(`value ${id}`);
          const wrong = await client.errorOf(`SELECT no_column_${id} FROM t`);
          expect(wrong.message).toContain(`no_column_${id}`);
          expect(await client.query(`SELECT id FROM t WHERE id < ${id} ORDER BY id`))
            .toEqual(Array.from({ length: id }, (_, each) => [`${each}`]));
        }
      }));
      expect(await subject.counter("pool_pipelined")).toBeGreaterThan(before);
      for (const client of clients) client.close();
    });

    test("prepared statements too, each with its own parameters", async () => {
      await using subject = await subjectWith(2);
      const clients = await logins(12, subject);
      await Promise.all(clients.map(async (client, at) => {
        const id = await prepare(client, "SELECT v FROM t WHERE id = ?");
        const other = await prepare(client, `SELECT ${at}, v FROM t WHERE id = ?`);
        for (let i = 0; i < 20; i++) {
          const row = (at * 7 + i) % ROWS;
          const answer = await client.command(execution(id, row), Expect.RESULT);
          expect(Buffer.concat(answer.map(({ payload }) => payload)).includes(`value ${row}`))
            .toBe(true);
          const both = await client.command(execution(other, row), Expect.RESULT);
          expect(client.errorCode(both)).toBe(0);
        }
      }));
      expect(await subject.counter("pool_pipelined")).toBeGreaterThan(200);
      for (const client of clients) client.close();
    });

    test("what a statement leaves is its session's, whatever others do meanwhile", async () => {
      await using subject = await subjectWith(2);
      const others = await logins(8, subject);
      let isOver = false;
      const crowd = others.map(async (other, at) => {
        for (let i = 0; !isOver; i++) {
          const id = (at + i) % ROWS;
          expect(await other.value(`SELECT v FROM t WHERE id = ${id}`)).toBe(`value ${id}`);
        }
      });
      using direct = await login(server);
      using proxied = await login(subject.proxy);
      for (let round = 0; round < 5; round++) {
        for (const sql of LEAVING) {
          const ask = (client: RawClient) =>
            client.query(sql).catch((error: unknown) => {
              if (error instanceof ServerError) return error.text;
              throw error;
            });
          expect({ sql, answer: await ask(proxied) }).toEqual({ sql, answer: await ask(direct) });
        }
      }
      isOver = true;
      await Promise.all(crowd);
      for (const other of others) other.close();
      expect(await subject.counter("pool_pipelined")).toBeGreaterThan(0);
    }, 60_000);

    test("those behind a statement that takes long go elsewhere", async () => {
      await using subject = await subjectWith(2);
      const [slow, ...others] = await logins(5, subject) as [RawClient, ...RawClient[]];
      const unlock = await lock();
      const answer = slow.query("SELECT id FROM locked");
      await untilStuck("id FROM locked");
      const values = await Promise.all(
        others.map((client, at) => client.value(`SELECT v FROM t WHERE id = ${at}`)),
      );
      expect(values).toEqual(others.map((_, at) => `value ${at}`));
      unlock();
      expect(await answer).toEqual([["0"]]);
      for (const client of [slow, ...others]) client.close();
    });

    test("those behind it have their answers in the end where there is nowhere to go", async () => {
      await using subject = await subjectWith(1);
      const [slow, ...others] = await logins(5, subject) as [RawClient, ...RawClient[]];
      const unlock = await lock();
      const answer = slow.query("SELECT id, 1 FROM locked");
      await untilStuck("id, 1 FROM locked");
      const values = others.map((client, at) => client.value(`SELECT v FROM t WHERE id = ${at}`));
      await until(
        "they wait for another connection",
        async () => await subject.number(account, "waiting") > 0,
      );
      unlock();
      expect(await answer).toEqual([["0", "1"]]);
      expect(await Promise.all(values)).toEqual(others.map((_, at) => `value ${at}`));
      for (const client of [slow, ...others]) client.close();
    });

    test("KILL QUERY ends one session's statement and no other's", async () => {
      await using subject = await subjectWith(2);
      const [slow, other, killer] = await logins(3, subject) as [RawClient, RawClient, RawClient];
      const unlock = await lock();
      const answer = slow.errorOf("SELECT id, 2 FROM locked");
      await untilStuck("id, 2 FROM locked");
      const value = other.value("SELECT v FROM t WHERE id = 7");
      await killer.query(`KILL QUERY ${slow.greeting.threadId}`);
      expect((await answer).code).toBe(1317);
      expect(await value).toBe("value 7");
      expect(await slow.value("SELECT v FROM t WHERE id = 8")).toBe("value 8");
      unlock();
      expect(await slow.query("SELECT id, 3 FROM locked")).toEqual([["0", "3"]]);
      for (const client of [slow, other, killer]) client.close();
    });

    test("a client that leaves takes nothing from those behind it", async () => {
      await using subject = await subjectWith(1);
      const [slow, other] = await logins(2, subject) as [RawClient, RawClient];
      for (const client of [slow, other]) await client.value("SELECT v FROM t WHERE id = 0");
      const opened = await subject.number(account, "opened");
      const unlock = await lock();
      slow.send(slow.queryPayload("SELECT id, 4 FROM locked"));
      await untilStuck("id, 4 FROM locked");
      const value = other.value("SELECT v FROM t WHERE id = 9");
      slow.close();
      await until("it has left", async () => await subject.number(account, "sessions") === 1);
      unlock();
      expect(await value).toBe("value 9");
      expect(await subject.number(account, "opened")).toBe(opened);
      expect(await subject.counter("statements_killed")).toBe(0);
      other.close();
    });

    test("a client that does not read is in nobody's way", async () => {
      await using subject = await subjectWith(1);
      const [slow, other] = await logins(2, subject) as [RawClient, RawClient];
      slow.socket.pause();
      const text = (i: number) => `SELECT ${i}, REPEAT('x', 200000)`;
      const count = 60;
      for (let i = 0; i < count; i++) slow.send(slow.queryPayload(text(i)));
      for (let i = 0; i < 200; i++) {
        expect(await other.value(`SELECT v FROM t WHERE id = ${i % ROWS}`)).toBe(
          `value ${i % ROWS}`,
        );
      }
      slow.socket.resume();
      for (let i = 0; i < count; i++) {
        const [result] = slow.parse(await slow.answer(Expect.RESULT));
        expect(result!.rows[0]![0]).toBe(`${i}`);
        expect(result!.rows[0]![1]).toHaveLength(200_000);
      }
      for (const client of [slow, other]) client.close();
    });

    test("an answer that is no small one comes whole, and then on a connection of its own", async () => {
      await using subject = await subjectWith(1);
      const clients = await logins(3, subject);
      const before = await subject.counter("pool_pipelined_again");
      await Promise.all(clients.map(async (client, at) => {
        for (let i = 0; i < 3; i++) {
          const rows = await client.query(`SELECT ${at}, REPEAT('y', 700000), ${i}`);
          expect([rows[0]![0], rows[0]![1]!.length, rows[0]![2]]).toEqual([
            `${at}`,
            700_000,
            `${i}`,
          ]);
        }
      }));
      expect(await subject.counter("pool_pipelined_again")).toBeGreaterThan(before);
      for (const client of clients) client.close();
    });

    test("when the connection is lost only the statement that took long is", async () => {
      using way = await StallingProxy.start(server.port);
      await using subject = await subjectWith(1, way);
      const clients = await logins(8, subject);
      const from = await subject.counter("pool_pipelined");
      way.stall();
      const answers = clients.map(async (client, at) => {
        try {
          return await client.value(`SELECT v FROM t WHERE id = ${at}`);
        } catch (error) {
          if (error instanceof ServerError) return error.code;
          throw error;
        }
      });
      await until(
        "some of them are under way",
        async () => await subject.counter("pool_pipelined") > from,
      );
      await until(
        "others wait for another connection",
        async () => await subject.number(account, "waiting") > 0,
      );
      way.cut();
      const found = await Promise.all(answers);
      const lost = found.filter((each) => typeof each === "number");
      expect(lost).toEqual([2013]);
      for (const [at, each] of found.entries()) {
        if (typeof each !== "number") expect(each).toBe(`value ${at}`);
      }
      for (const [at, client] of clients.entries()) {
        expect(await client.value(`SELECT v FROM t WHERE id = ${at}`)).toBe(`value ${at}`);
        client.close();
      }
    });

    test("what writes waits for no lane to become idle, and is seen at once", async () => {
      await using subject = await subjectWith(1);
      const readers = await logins(6, subject);
      using writer = await login(subject.proxy);
      let isOver = false;
      const crowd = readers.map(async (reader) => {
        while (!isOver) await reader.value("SELECT v FROM t WHERE id = 1");
      });
      for (let i = 0; i < 20; i++) {
        await writer.query(`REPLACE INTO t VALUES (1000, 'written ${i}')`);
        expect(await writer.value("SELECT v FROM t WHERE id = 1000")).toBe(`written ${i}`);
      }
      isOver = true;
      await Promise.all(crowd);
      for (const reader of readers) reader.close();
    });

    test("of itself it shares what has proved to be quick", async () => {
      await using subject = await poolSubject(server, {
        accounts: [account],
        pool: 'connections_max = 2\npipeline = "auto"\n',
      });
      const clients = await logins(8, subject);
      expect(await subject.counter("pool_pipelined")).toBe(0);
      let isOver = false;
      const crowd = clients.map(async (client, at) => {
        for (let id = at; !isOver; id = (id + 1) % ROWS) {
          expect(await client.value(`SELECT v FROM t WHERE id = ${id}`)).toBe(`value ${id}`);
        }
      });
      await until(
        "statements are shared",
        async () => await subject.counter("pool_pipelined") > 100,
        30_000,
      );
      isOver = true;
      await Promise.all(crowd);
      // Of this one nothing is known: it runs alone.
      const before = await subject.counter("pool_pipelined");
      await clients[0]!.query("SELECT COUNT(*) FROM t WHERE v > 'a'");
      expect(await subject.counter("pool_pipelined")).toBe(before);
      for (const client of clients) client.close();
    }, 60_000);
  });
}

/** What asks for something that the statement before has left. */
const ASKING = [
  "SHOW WARNINGS",
  "SELECT FOUND_ROWS(), ROW_COUNT(), @@warning_count, @@error_count",
];
/** Each as it is, and behind it each question. */
const LEAVING: readonly string[] = [
  "SELECT id FROM t WHERE id < 13",
  "SELECT no_such_column FROM t",
  "SELECT CAST('12 apples' AS SIGNED) FROM t WHERE id < 3",
  "SELECT 1",
  "SELECT id FROM t WHERE id = (SELECT id FROM t)",
  "SELECT v FROM t LIMIT 0",
  "INSERT IGNORE INTO t VALUES (1, 'again')",
  "SELECT LAST_INSERT_ID(17)",
].flatMap((sql) => ["SELECT 2", ...ASKING.flatMap((asked) => [sql, asked])]);
