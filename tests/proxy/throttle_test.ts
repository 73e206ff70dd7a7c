// Guessing passwords gets slower and is then refused; a few slips cost nothing.

import { beforeAll, describe, expect, test } from "bun:test";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProxyProcess } from "../proxy_process.ts";
import type { RealServer } from "../servers/mod.ts";
import { RawClient, refusal, type ServerError } from "./raw_client.ts";
import { kinds, loginAs, ownProxy, subject, until } from "./subjects.ts";

const [kind] = kinds;
if (kind === undefined) throw new Error("Needs a server: MariaDB or MySQL");

describe("throttle", () => {
  let server: RealServer;

  beforeAll(async () => ({ server } = await subject(kind)));

  const wrong = { user: "app", password: "wrong" };

  const slowing = () =>
    ownProxy(server, {
      config: '[auth]\nfailures_max = 8\nfailure_delay = "200ms"\nfailure_window = "3s"\n' +
        "[pool]\nidle_max = 0\n",
    });

  /** How long each of eight wrong logins in a row takes to be refused, in milliseconds. */
  async function refusalTimes(
    target: Pick<ProxyProcess, "port">,
    account = wrong,
  ): Promise<number[]> {
    const times: number[] = [];
    for (let failure = 0; failure < 8; failure++) {
      const started = performance.now();
      expect((await refusal(loginAs(account, target))).code).toBe(1045);
      times.push(performance.now() - started);
    }
    return times;
  }

  test("five failures are free", async () => {
    // The least of several tries, since others may use the machine at the same time.
    let least = Array<number>(8).fill(Infinity);
    for (let attempt = 0; attempt < 5 && Math.max(...least.slice(0, 6)) >= 200; attempt++) {
      await using proxy = await slowing();
      const times = await refusalTimes(proxy);
      least = least.map((time, failure) => Math.min(time, times[failure]!));
    }
    expect(Math.max(...least.slice(0, 6))).toBeLessThan(200);
  });

  test("after those each answer comes later, then 1129, until the window has passed", async () => {
    await using proxy = await slowing();
    const times = await refusalTimes(proxy);
    expect(times[6]).toBeGreaterThanOrEqual(195);
    expect(times[7]).toBeGreaterThanOrEqual(395);
    const refused = await refusal(loginAs(server.accounts.app, proxy));
    expect(refused.code).toBe(1129);
    expect(refused.message).toContain("127.0.0.1");
    expect(refused.sequence).toBe(0);
    await until("the failures are forgotten", async () => {
      const client = await loginAs(server.accounts.app, proxy).catch(() => undefined);
      client?.close();
      return client !== undefined;
    });
  });

  for (const workers of ["1", "2"]) {
    test(`the admin port is no place to guess either, ${workers} worker(s)`, async () => {
      const socket = join(tmpdir(), `mp-throttle-${process.pid}-${workers}.sock`);
      await using proxy = await ownProxy(server, {
        args: ["--admin", "127.0.0.1:0", "--workers", workers],
        env: { MYSQLPROXY_ADMIN_SOCKET: socket },
        config: '[auth]\nfailures_max = 8\nfailure_delay = "200ms"\nfailure_window = "3s"\n' +
          '[admin]\npassword = "right"\n',
      });
      const port = await proxy.loggedPort("admin port");
      const times = await refusalTimes({ port }, { user: "admin", password: "wrong" });
      expect(times[6]).toBeGreaterThanOrEqual(195);
      expect(times[7]).toBeGreaterThanOrEqual(395);
      const right = { user: "admin", password: "right" };
      const refused = await refusal(loginAs(right, { port }));
      expect(refused.code).toBe(1129);
      expect(refused.sequence).toBe(0);
      expect(proxy.log()).toMatch(/admin login refused user=admin client=127\.0\.0\.1 code=1045/);
      expect(proxy.log()).toMatch(/admin login refused user="" client=127\.0\.0\.1 code=1129/);
      // Neither clients nor those who may open the socket pay for it.
      (await loginAs(server.accounts.app, proxy)).close();
      using owner = await RawClient.connect({ path: socket, user: "admin", password: "" });
      const [counter] = await owner.query("SHOW COUNTERS LIKE 'admin_logins_failed'");
      expect(counter).toEqual(["admin_logins_failed", "9"]);
      await until("the failures are forgotten", async () => {
        const client = await loginAs(right, { port }).catch(() => undefined);
        client?.close();
        return client !== undefined;
      });
    });
  }

  test("a success forgives", async () => {
    await using proxy = await ownProxy(server, {
      config: "[auth]\nfailures_max = 3\n[pool]\nidle_max = 0\n",
    });
    for (let round = 0; round < 3; round++) {
      for (let failure = 0; failure < 2; failure++) {
        expect((await refusal(loginAs(wrong, proxy))).code).toBe(1045);
      }
      (await loginAs(server.accounts.app, proxy)).close();
    }
  });

  /** What wrong logins are answered with that are under way at the same time. */
  const codesAtOnce = (count: number, target: Pick<ProxyProcess, "port">) =>
    Promise.all(
      Array.from({ length: count }, async () => (await refusal(loginAs(wrong, target))).code),
    );

  test("who guesses many times at once learns no more than who does it one by one", async () => {
    await using proxy = await ownProxy(server, {
      args: ["--admin", "127.0.0.1:0"],
      config: '[auth]\nfailures_max = 3\n[admin]\npassword = "right"\n',
    });
    for (const target of [proxy, { port: await proxy.loggedPort("admin port") }]) {
      const codes = await codesAtOnce(20, target);
      expect(codes.filter((code) => code === 1045)).toHaveLength(3);
      expect(codes.filter((code) => code === 1129)).toHaveLength(17);
    }
  });

  test("a failure counts at every worker", async () => {
    const workers = 4;
    const failuresMax = 3;
    await using proxy = await ownProxy(server, {
      args: ["--workers", String(workers)],
      config: `[auth]\nfailures_max = ${failuresMax}\nfailure_window = "1m"\n`,
    });
    // It is told to the others behind the answer: they may let one more guess than one would.
    let guesses = 0;
    const guess = async () => {
      const { code } = await refusal(loginAs(wrong, proxy));
      if (code === 1045) guesses++;
      return code;
    };
    let inARow = 0;
    await until("every worker refuses", async () => {
      inARow = await guess() === 1129 ? inARow + 1 : 0;
      return inARow >= 8 * workers;
    });
    expect(guesses).toBeGreaterThanOrEqual(failuresMax);
    expect(guesses).toBeLessThan(failuresMax * workers);
  });

  test("other errors than of password and name do not count", async () => {
    await using proxy = await ownProxy(server, { config: "[auth]\nfailures_max = 2\n" });
    for (let failure = 0; failure < 4; failure++) {
      const error = await refusal(
        loginAs(server.accounts.app, proxy, { database: "no_such_database" }),
      );
      expect(error.code).toBe(1049);
    }
  });

  const toSecond = Buffer.concat([
    Buffer.of(0x11),
    Buffer.from("second\0\0\0"),
    Buffer.of(45, 0),
    Buffer.from("mysql_native_password\0"),
  ]);

  for (const mode of ["session", "transaction"]) {
    test(`whom others have had refused meanwhile does not become another user, ${mode}`, async () => {
      await using proxy = await ownProxy(server, {
        env: { MYSQLPROXY_POOL_MODE: mode },
        config: "[auth]\nfailures_max = 2\n",
      });
      using client = await loginAs(server.accounts.app, proxy);
      const told = await client.changeUser(toSecond, server.accounts.second.password, {
        async whenAsked() {
          expect(await codesAtOnce(2, proxy)).toEqual([1045, 1045]);
        },
      }).then(() => "in", (error: ServerError) => error.code);
      expect(told).toBe(1129);
      await client.closed;
    });
  }

  test("failures of COM_CHANGE_USER count", async () => {
    await using proxy = await ownProxy(server, { config: "[auth]\nfailures_max = 2\n" });
    // Logged in beforehand: a success would forgive.
    const { app } = server.accounts;
    const clients = [await loginAs(app, proxy), await loginAs(app, proxy)];
    for (const client of clients) {
      const outcome = await client.changeUser(toSecond, "wrong").then(
        () => "in",
        (error: Error) => error.message,
      );
      expect(outcome).toContain("Access denied");
      client.close();
    }
    expect((await refusal(loginAs(server.accounts.app, proxy))).code).toBe(1129);
  });
});
