// Several worker processes on one port look like one server: ids, KILL, lists, limits and accounts
// hold across them.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { childrenOf, type ProxyProcess } from "../proxy_process.ts";
import type { RealServer } from "../servers/mod.ts";
import { type RawClient, refusal, ServerError } from "./raw_client.ts";
import {
  kinds,
  loginAs,
  ownAccount,
  ownProxy,
  subject,
  threadsRunning,
  until,
} from "./subjects.ts";

const [kind] = kinds;
if (kind === undefined) throw new Error("Needs a server: MariaDB or MySQL");

/** How long a worker that dies is missed, of the quickest of several tries. */
const BACK_MS_MAX = 200;
const BACK_TRIES = 6;
/** So many logins in a row come to both of two workers. */
const REFUSALS = 16;

describe("two workers", () => {
  let server: RealServer;
  let proxy: ProxyProcess;
  let clients: RawClient[];
  let one: RawClient;
  let other: RawClient;

  /** Bits of an id above those that count within a worker. */
  const workerOf = (client: RawClient) => client.greeting.threadId >>> 22;

  beforeAll(async () => {
    ({ server } = await subject(kind));
    proxy = await ownProxy(server, { args: ["--workers", "2", ...ownAccount(server)] });
    await proxy.untilLogged(/mode=synced/);
    clients = [];
    // The kernel chooses a worker for each connection: soon both have one.
    await until("both workers have clients", async () => {
      clients.push(await loginAs(server.accounts.app, proxy));
      return clients.some((client) => workerOf(client) !== workerOf(clients[0]!));
    });
    one = clients[0]!;
    other = clients.find((client) => workerOf(client) !== workerOf(one))!;
  });

  afterAll(async () => {
    for (const client of clients) client.close();
    await proxy.stop();
  });

  test("clients_per_user_max counts over both of them", async () => {
    await using limited = await ownProxy(server, {
      args: ["--workers", "2", "--clients-per-user-max", "1", ...ownAccount(server)],
    });
    await limited.untilLogged(/mode=synced/);
    const { app } = server.accounts;
    using first = await loginAs(app, limited);
    const codes: number[] = [];
    // The first ones may come before their worker has heard of the one that is there.
    await until("many in a row are refused, whichever worker they come to", async () => {
      const code = await loginAs(app, limited).then(
        (client) => {
          client.close();
          return 0;
        },
        (error: ServerError) => error.code,
      );
      if (code === 0) codes.length = 0;
      else codes.push(code);
      return codes.length === REFUSALS;
    });
    expect([...new Set(codes)]).toEqual([1203]);
    expect(await first.value("SELECT 1")).toBe("1");
  }, 20_000);

  test("ids are unique, and each client's CONNECTION_ID() is its own", async () => {
    const ids = clients.map((client) => client.greeting.threadId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const client of [one, other]) {
      expect(await client.value("SELECT CONNECTION_ID()")).toBe(String(client.greeting.threadId));
    }
  });

  test("SHOW PROCESSLIST shows the clients of both", async () => {
    const rows = await one.query("SHOW PROCESSLIST");
    for (const client of [one, other]) {
      const row = rows.find((each) => each[0] === String(client.greeting.threadId));
      expect(row?.[2]).toBe(`127.0.0.1:${client.socket.localPort}`);
    }
  });

  test("KILL QUERY and KILL reach the other worker's clients", async () => {
    const mark = crypto.randomUUID();
    const outcome = other.results(`SELECT SLEEP(60), '${mark}'`).then(
      () => "interrupted",
      (error: ServerError) => error.code,
    );
    await until("the statement runs", async () => await threadsRunning(server, mark) === 1);
    await one.results(`KILL QUERY ${other.greeting.threadId}`);
    expect(["interrupted", 1317]).toContain(await outcome);
    const victim = await loginAs(server.accounts.app, proxy);
    await Promise.all(
      [one, other].filter((each) => workerOf(each) !== workerOf(victim))
        .map((each) => each.results(`KILL ${victim.greeting.threadId}`)),
    );
    await victim.closed;
    const error = await one.errorOf(`KILL ${victim.greeting.threadId}`);
    expect(error.text).toBe(`1094 (HY000): Unknown thread id: ${victim.greeting.threadId}`);
  });

  test("a changed password counts in both at once", async () => {
    const by = (password: string) =>
      kind === "mariadb"
        ? `IDENTIFIED VIA mysql_native_password USING PASSWORD('${password}')`
        : `IDENTIFIED WITH caching_sha2_password BY '${password}'`;
    await one.results("DROP USER IF EXISTS 'everywhere'@'%'");
    await one.results(`CREATE USER 'everywhere'@'%' ${by("before")}`);
    await one.results(`ALTER USER 'everywhere'@'%' ${by("after")}`);
    const found = new Set<number>();
    await until("both workers have let the account in", async () => {
      using client = await loginAs({ user: "everywhere", password: "after" }, proxy);
      return found.add(workerOf(client)).size === 2;
    });
    await one.results("DROP USER 'everywhere'@'%'");
  });

  test("a worker that dies is replaced; the clients of the other never notice", async () => {
    await using own = await ownProxy(server, { args: ["--workers", "2"] });
    const inOwn: RawClient[] = [];
    await until("both workers have clients", async () => {
      inOwn.push(await loginAs(server.accounts.app, own));
      return inOwn.some((client) => workerOf(client) !== workerOf(inOwn[0]!));
    });
    const [killed] = childrenOf(own.pid);
    process.kill(killed!, "SIGKILL");
    await own.untilLogged(/worker died/);
    await own.untilLogged(/worker is back/);
    const alive: RawClient[] = [];
    for (const client of inOwn) {
      const answer = await client.value("SELECT 1").catch((error: Error) => error.name);
      if (answer === "1") alive.push(client);
      else expect(answer).toBe("ConnectionEndedError");
    }
    expect(alive.length).toBeGreaterThan(0);
    expect(alive.length).toBeLessThan(inOwn.length);
    expect(new Set(alive.map(workerOf)).size).toBe(1);
    await until("two workers are there again", () => childrenOf(own.pid).length === 2);
    await until("both take clients", async () => {
      try {
        using client = await loginAs(server.accounts.app, own);
        return workerOf(client) !== workerOf(alive[0]!);
      } catch {
        return false;
      }
    });
    for (const client of alive) client.close();
  });

  test("a worker is back within 200 ms", async () => {
    await using own = await ownProxy(server, { args: ["--workers", "2"] });
    const times = () =>
      [...own.log().matchAll(/worker is back .*took_ms=(\d+)/g)].map(([, took]) => Number(took));
    for (let tries = 1; tries <= BACK_TRIES && !times().some((ms) => ms < BACK_MS_MAX); tries++) {
      await until("there are two", () => childrenOf(own.pid).length === 2);
      process.kill(childrenOf(own.pid)[0]!, "SIGKILL");
      await until("it is back", () => times().length === tries);
    }
    console.log(`a worker was back after ${times().join(", ")} ms`);
    expect(Math.min(...times())).toBeLessThan(BACK_MS_MAX);
  });

  test("clients_max is for all of them together", async () => {
    await using own = await ownProxy(server, { args: ["--workers", "2", "--clients-max", "4"] });
    const inside: RawClient[] = [];
    for (let client = 0; client < 4; client++) {
      inside.push(await loginAs(server.accounts.app, own));
    }
    // Workers tell each other a little late how many they have; then none of them takes a fifth.
    let refusals = 0;
    await until("eight in a row are refused", async () => {
      try {
        (await loginAs(server.accounts.app, own)).close();
        refusals = 0;
      } catch (error) {
        expect((error as ServerError).code).toBe(1040);
        refusals++;
      }
      return refusals === 8;
    });
    expect(await inside[0]!.value("SELECT 1")).toBe("1");
    for (const client of inside) client.close();
  });

  test("with the supervisor killed the workers end, and another one starts at once", async () => {
    const own = await ownProxy(server, { args: ["--workers", "2"] });
    const workers = childrenOf(own.pid);
    const client = await loginAs(server.accounts.app, own);
    process.kill(own.pid, "SIGKILL");
    await client.closed;
    await own.exited;
    await until(
      "the workers have ended",
      () => workers.every((pid) => !existsSync(`/proc/${pid}`)),
    );
    const args = ["-l", `127.0.0.1:${own.port}`, "--workers", "2"];
    await using next = await ownProxy(server, { args });
    using again = await loginAs(server.accounts.app, { port: own.port });
    expect(await again.value("SELECT 1")).toBe("1");
    await own.stop();
    expect(next.log()).not.toContain("died");
  });

  test("SIGTERM drains both", async () => {
    await using own = await ownProxy(server, { args: ["--workers", "2"] });
    const client = await loginAs(server.accounts.app, own);
    await client.results("START TRANSACTION");
    process.kill(own.pid, "SIGTERM");
    await own.untilLogged(/draining/);
    expect(await client.value("SELECT 'may finish'")).toBe("may finish");
    await client.results("COMMIT");
    await client.closed;
    expect(await own.exited).toBe(0);
    expect(childrenOf(own.pid)).toEqual([]);
    await refusal(loginAs(server.accounts.app, own)).catch(() => {});
  });
});
