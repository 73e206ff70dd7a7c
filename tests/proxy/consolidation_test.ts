// Reads that are the same and under way at the same time run once for all who ask: what the server
// has to do then, and that nobody is told anything that is older than the question.

import { beforeAll, describe, expect, test } from "bun:test";
import { Expect } from "../../mod/wire/mod.ts";
import { freshDatabase, type RealServer, sharedServer } from "../servers/mod.ts";
import { accountOf, type PoolAccount, type PoolSubject, poolSubject } from "./pool_subject.ts";
import type { RawClient, ServerError } from "./raw_client.ts";
import { execution, prepare } from "./raw_statements.ts";
import { kinds, loginAs, threadsRunning, until } from "./subjects.ts";

const ASKERS = 12;
/** The length of a long answer, in bytes. */
const LONG = 300_000;

for (const kind of kinds) {
  describe(kind, () => {
    let server: RealServer;
    let account: PoolAccount;

    beforeAll(async () => {
      server = await sharedServer(kind);
      await freshDatabase(server, "consolidated");
      await server.sql("CREATE TABLE consolidated.counts (id INT PRIMARY KEY, n INT)");
      await server.sql("INSERT INTO consolidated.counts VALUES (1, 0)");
      await server.sql("CREATE TABLE consolidated.locked (id INT PRIMARY KEY, v LONGTEXT)");
      await server.sql(`INSERT INTO consolidated.locked VALUES (0, REPEAT('x', ${LONG}))`);
      await server.sql("CREATE TABLE consolidated.two (id INT PRIMARY KEY)");
      await server.sql("INSERT INTO consolidated.two VALUES (1), (2)");
      account = await accountOf(server, "consolidated");
    });

    const start = () =>
      poolSubject(server, {
        accounts: [account],
        pool: `connections_max = 30\npipeline = "auto"\nconsolidate = true\n`,
      });
    const logins = (count: number, { proxy }: PoolSubject) =>
      Promise.all(Array.from(
        { length: count },
        () => loginAs(account, proxy, { database: "consolidated" }),
      ));
    const lock = async () => {
      const locker = await loginAs(server.accounts.app, server);
      await locker.query("LOCK TABLES consolidated.locked WRITE");
      return () => locker.close();
    };

    /** So many ask one thing that waits for a lock: the first, then the others; all are with the proxy. */
    const askAll = async (subject: PoolSubject, clients: readonly RawClient[], text: string) => {
      const unlock = await lock();
      const before = await subject.counter("commands");
      const ask = (client: RawClient) =>
        client.results(text).then(
          ([result]) => ({ code: 0, rows: result!.rows }),
          ({ code }: ServerError) => ({ code, rows: [] }),
        );
      const first = ask(clients[0]!);
      await until("it waits", async () => await threadsRunning(server, text) === 1);
      const others = clients.slice(1).map(ask);
      await until(
        "all have asked",
        async () => await subject.counter("commands") >= before + clients.length,
      );
      expect(await threadsRunning(server, text)).toBe(1);
      return { unlock, answers: [first, ...others] };
    };

    test("many that ask the same at the same time are two statements for the server", async () => {
      await using subject = await start();
      const clients = await logins(ASKERS, subject);
      const { unlock, answers } = await askAll(subject, clients, "SELECT id, 'same' FROM locked");
      unlock();
      for (const answer of answers) expect((await answer).rows).toEqual([["0", "same"]]);
      // The first had gone out: it answers nobody else.
      expect(await subject.counter("pool_consolidated")).toBe(ASKERS - 2);
      for (const client of clients) client.close();
    });

    test("nobody is told what is older than the question", async () => {
      await using subject = await start();
      const [writer, ...readers] = await logins(ASKERS, subject) as [RawClient, ...RawClient[]];
      await server.sql("UPDATE consolidated.counts SET n = 0");
      let written = 0;
      let isOver = false;
      const crowd = readers.map(async (reader) => {
        for (; !isOver;) {
          const atLeast = written;
          const n = Number(await reader.value("SELECT n FROM counts WHERE id = 1"));
          expect(n).toBeGreaterThanOrEqual(atLeast);
        }
      });
      for (let i = 1; i <= 300; i++) {
        await writer.query("UPDATE counts SET n = n + 1 WHERE id = 1");
        written = i;
      }
      isOver = true;
      await Promise.all(crowd);
      expect(await subject.counter("pool_consolidated")).toBeGreaterThan(0);
      for (const client of [writer, ...readers]) client.close();
    }, 60_000);

    test("prepared statements are the same where their values are", async () => {
      await using subject = await start();
      const clients = await logins(ASKERS, subject);
      // Types of parameters come with the first execution, which is no other's therefore.
      const ids = await Promise.all(clients.map(async (client) => {
        const id = await prepare(client, "SELECT id FROM locked WHERE id = ?");
        await client.command(execution(id, 5), Expect.RESULT);
        return id;
      }));
      const unlock = await lock();
      const before = await subject.counter("commands");
      const answers = clients.map((client, at) =>
        client.command(execution(ids[at]!, at % 2), Expect.RESULT)
      );
      await until(
        "all have asked",
        async () => await subject.counter("commands") >= before + ASKERS,
      );
      await until("both run", async () => await threadsRunning(server, "FROM locked") === 2);
      unlock();
      for (const [at, answer] of answers.entries()) {
        // Rows are the packets that begin with 0, behind the definitions of the columns.
        const rows = (await answer).filter(({ payload: [head] }) => head === 0);
        expect(rows).toHaveLength(at % 2 === 0 ? 1 : 0);
      }
      expect(await subject.counter("pool_consolidated")).toBe(ASKERS - 4);
      for (const client of clients) client.close();
    });

    test("a long answer and an error are each client's own", async () => {
      await using subject = await start();
      const clients = await logins(ASKERS, subject);
      const long = await askAll(subject, clients, "SELECT v FROM locked");
      long.unlock();
      for (const answer of long.answers) expect((await answer).rows[0]![0]).toHaveLength(LONG);
      const wrong = "SELECT id FROM locked WHERE id = (SELECT id FROM two)";
      const failing = await askAll(subject, clients, wrong);
      failing.unlock();
      for (const answer of failing.answers) {
        expect((await answer).code).toBe(1242);
      }
      expect(await clients[3]!.query("SHOW COUNT(*) ERRORS")).toEqual([["1"]]);
      for (const client of clients) client.close();
    });

    test("those that wait do not depend on whom they wait for, nor he on them", async () => {
      await using subject = await start();
      const clients = await logins(ASKERS, subject);
      const [killer] = await logins(1, subject) as [RawClient];
      const { unlock, answers } = await askAll(subject, clients, "SELECT id, 'mine' FROM locked");
      clients.at(-1)!.close(); // one that waits, and
      await killer.query(`KILL QUERY ${clients[4]!.greeting.threadId}`);
      expect((await answers[4]!).code).toBe(1317);
      await killer.query(`KILL QUERY ${clients[0]!.greeting.threadId}`); // the one that runs
      expect((await answers[0]!).code).toBe(1317);
      await until("another one runs", async () => await threadsRunning(server, "'mine'") === 1);
      const threads = async () =>
        (await server.sql("SHOW PROCESSLIST"))
          .filter(({ Info }) => `${Info}`.includes("'mine'")).map(({ Id }) => Id);
      const [killed] = await threads();
      await server.sql(`KILL ${killed}`); // at the server itself: its client learns what it does
      await until("the next one runs", async () => (await threads()).some((id) => id !== killed));
      clients[2]!.close(); // the next one, which runs for the rest
      unlock();
      for (const at of answers.keys()) {
        if (![0, 1, 2, 4, ASKERS - 1].includes(at)) expect((await answers[at]!).code).toBe(0);
      }
      expect(await clients[4]!.query("SELECT 5")).toEqual([["5"]]);
      for (const client of [...clients, killer]) client.close();
    });
  });
}
