// PAUSE, RESUME and RECONNECT of shared pools on the admin port, and what SHOW POOLS counts.

import { beforeAll, describe, expect, test } from "bun:test";
import { type RealServer, sharedServer } from "../servers/mod.ts";
import { accountOf, poolSubject, THREAD, threadsOf, untilThreads } from "./pool_subject.ts";
import { refusal } from "./raw_client.ts";
import { kinds, loginAs, until } from "./subjects.ts";

for (const kind of kinds) {
  describe(kind, () => {
    let server: RealServer;
    beforeAll(async () => void (server = await sharedServer(kind)));

    test("PAUSE lets a transaction end and parks what comes; RESUME goes on", async () => {
      const account = await accountOf(server, "paused");
      const other = await accountOf(server, "not_paused");
      await using subject = await poolSubject(server, { accounts: [account, other] });
      const { admin, proxy } = subject;
      using running = await loginAs(account, proxy);
      using coming = await loginAs(account, proxy);
      using bystander = await loginAs(other, proxy);
      await running.query("BEGIN");
      await running.query("SELECT 1"); // has a connection from here on
      let isPaused = false;
      const pause = admin.query("PAUSE POOL 'paused'").then(() => isPaused = true);
      // The admin's client has its answer when the transaction has ended.
      using second = await loginAs({ user: "admin", password: "" }, {
        port: admin.socket.remotePort!,
      });
      await until(
        "it is paused",
        async () =>
          (await second.query("SHOW POOLS")).some((row) =>
            row[1] === "paused" && row[2] === "paused"
          ),
      );
      let answered = false;
      const parked = coming.value("SELECT 'parked'").then((value) => {
        answered = true;
        return value;
      });
      for (let i = 0; i < 3; i++) expect(await running.value(`SELECT ${i}`)).toBe(`${i}`);
      expect(await bystander.value("SELECT 'untouched'")).toBe("untouched");
      expect([isPaused, answered]).toEqual([false, false]);
      await running.query("COMMIT");
      await pause;
      expect(answered).toBe(false);
      // Who logs in now waits as well, sooner or later.
      const late = loginAs(account, proxy).then((client) => client.value("SELECT 'late'"));
      expect(await subject.number(account, "running")).toBe(0);
      expect((await subject.pool(account))!["state"]).toBe("paused");
      await admin.query("RESUME POOL paused");
      expect([await parked, await late]).toEqual(["parked", "late"]);
      expect((await subject.pool(account))!["state"]).toBe("active");
      expect(await subject.number(account, "waits")).toBeGreaterThan(0);
      expect(await subject.number(account, "longest_wait_us")).toBeGreaterThan(0);
    });

    test("a pause is bounded: for who waits by wait_timeout, for who orders it as well", async () => {
      const account = await accountOf(server, "impatient");
      await using subject = await poolSubject(server, {
        accounts: [account],
        pool: 'wait_timeout = "500ms"',
      });
      const { admin, proxy } = subject;
      using holder = await loginAs(account, proxy);
      using coming = await loginAs(account, proxy);
      await holder.query("BEGIN");
      await holder.query("SELECT 1");
      expect(await admin.errorOf("PAUSE POOLS")).toMatchObject({ code: 1205 });
      const refused = await coming.errorOf("SELECT 1");
      expect(refused.code).toBe(1040);
      const waited = refused.message.match(/'impatient' .* is paused: waited (\d+\.\d) s/)![1];
      expect(Number(waited)).toBeWithin(0.5, 5);
      // An account that nobody has come for yet is paused, too.
      const fresh = await accountOf(server, "later");
      expect((await refusal(loginAs(fresh, proxy))).code).toBe(1045); // not one of the file's
      await holder.query("ROLLBACK");
      await admin.query("PAUSE POOLS");
      await admin.query("RESUME POOLS");
      expect(await coming.value("SELECT 'goes on'")).toBe("goes on");
    });

    test("KILL reaches who waits in a paused pool", async () => {
      const account = await accountOf(server, "killed");
      await using subject = await poolSubject(server, { accounts: [account, server.accounts.app] });
      using client = await loginAs(account, subject.proxy);
      using killer = await loginAs(server.accounts.app, subject.proxy);
      const id = await client.value("SELECT CONNECTION_ID()");
      await subject.admin.query("PAUSE POOL killed");
      const parked = client.errorOf("SELECT 1");
      await until("it waits", async () => await subject.number(account, "waiting") === 1);
      await killer.query(`KILL QUERY ${id}`);
      expect((await parked).code).toBe(1317);
      await subject.admin.query("RESUME POOLS");
      expect(await client.value("SELECT 'goes on'")).toBe("goes on");
    });

    test("RECONNECT: idle connections at once, others at their boundary, sessions stay", async () => {
      const account = await accountOf(server, "renewed");
      await using subject = await poolSubject(server, { accounts: [account] });
      const { admin, proxy } = subject;
      using held = await loginAs(account, proxy);
      using idle = await loginAs(account, proxy);
      await held.query("SET @mine = 'held'");
      await held.query("BEGIN");
      await held.query("SELECT 1");
      await idle.query("SET @mine = 'idle'");
      await untilThreads(server, account, 2);
      const before = new Set([await held.value(THREAD), await idle.value(THREAD)]);
      expect(before.size).toBe(2);
      await admin.query("RECONNECT POOL renewed");
      await untilThreads(server, account, 1);
      expect(await held.value("SELECT @mine")).toBe("held");
      expect(await held.value("SELECT CONNECTION_ID()")).not.toBe(null);
      await held.query("COMMIT");
      await untilThreads(server, account, 0);
      for (const client of [held, idle]) {
        expect(before).not.toContain(await client.value(THREAD));
      }
      expect([await held.value("SELECT @mine"), await idle.value("SELECT @mine")])
        .toEqual(["held", "idle"]);
      expect(await subject.number(account, "retired")).toBe(2);
    });

    test("PAUSE and RECONNECT leave nothing at the server, and sessions lose nothing by it", async () => {
      const account = await accountOf(server, "restarted");
      await using subject = await poolSubject(server, { accounts: [account] });
      const clients = await Promise.all([1, 2, 3].map(() => loginAs(account, subject.proxy)));
      await Promise.all(clients.map((client, at) => client.query(`SET @mine = ${at}`)));
      await Promise.all(
        clients.map((client) => client.value("SELECT @mine := @mine + SLEEP(0.1)")),
      );
      await subject.admin.query("PAUSE POOLS");
      await subject.admin.query("RECONNECT POOLS");
      await untilThreads(server, account, 0);
      const answers = clients.map((client) => client.value("SELECT CAST(@mine AS SIGNED)"));
      await until("all wait", async () => await subject.number(account, "waiting") === 3);
      await subject.admin.query("RESUME POOLS");
      expect(await Promise.all(answers)).toEqual(["0", "1", "2"]);
      for (const client of clients) client.close();
    });

    test("RECONNECT where only clients can log in: sessions keep what they need", async () => {
      const account = await accountOf(server, "relayed");
      await using subject = await poolSubject(server, {});
      using first = await loginAs(account, subject.proxy);
      using second = await loginAs(account, subject.proxy);
      await first.query("SET @mine = 1");
      await subject.admin.query("RECONNECT POOLS");
      expect([await first.value("SELECT @mine"), await second.value("SELECT 2")]).toEqual([
        "1",
        "2",
      ]);
      expect(await threadsOf(server, account)).toBe(2);
    });

    test("500 clients wait for one connection, some of them leave, all others are served", async () => {
      const account = await accountOf(server, "crowd");
      await using subject = await poolSubject(server, {
        accounts: [account],
        pool: 'connections_max = 1\nwait_timeout = "30s"',
      });
      const { proxy } = subject;
      using holder = await loginAs(account, proxy);
      const clients = await Promise.all(
        Array.from({ length: 500 }, () => loginAs(account, proxy)),
      );
      await holder.query("BEGIN");
      await holder.query("SELECT 1");
      const order: number[] = [];
      const answers = clients.map(async (client, at) => {
        const value = await client.value(`SELECT ${at}`).catch(() => "left");
        if (value !== "left") order.push(at);
        return value;
      });
      await until("all wait", async () => await subject.number(account, "waiting") === 500);
      expect(await subject.number(account, "maxwait_us")).toBeGreaterThan(0);
      clients.forEach((client, at) => at % 5 === 0 && client.close());
      await until("some have left", async () => await subject.number(account, "waiting") === 400);
      await holder.query("COMMIT");
      expect(await Promise.all(answers)).toEqual(
        clients.map((_, at) => at % 5 === 0 ? "left" : `${at}`),
      );
      expect(order).toEqual([...order].sort((a, b) => a - b));
      expect(await threadsOf(server, account)).toBe(1);
      for (const client of clients) client.close();
    });
  });
}

test("SHOW POOLS and orders reach all workers", async () => {
  const server = await sharedServer(kinds[0]!);
  const account = await accountOf(server, "spread");
  await using subject = await poolSubject(server, {
    accounts: [account],
    args: ["--workers", "2"],
    pool: "connections_max = 8",
  });
  const clients = await Promise.all(
    Array.from({ length: 12 }, () => loginAs(account, subject.proxy)),
  );
  await Promise.all(clients.map((client) => client.value("SELECT SLEEP(0.05)")));
  expect(await subject.number(account, "sessions")).toBe(12);
  expect(await subject.number(account, "max") % 4).toBe(0); // of those that have the account
  await subject.admin.query("PAUSE POOLS");
  let answered = 0;
  const parked = clients.map((client) => client.value("SELECT 1").then(() => answered++));
  await until("all wait", async () => await subject.number(account, "waiting") === 12);
  expect(answered).toBe(0);
  await subject.admin.query("RESUME POOLS");
  await Promise.all(parked);
  for (const client of clients) client.close();
});

test("without shared pools there is nothing to pause", async () => {
  const server = await sharedServer(kinds[0]!);
  await using subject = await poolSubject(server, {});
  expect(await subject.admin.query("SHOW POOLS")).toEqual([]);
  expect((await subject.admin.errorOf("PAUSE POOL")).code).toBe(1064);
  await using session = await poolSubject(server, { mode: "session" });
  expect((await session.admin.errorOf("PAUSE POOLS")).code).toBe(1105);
});
