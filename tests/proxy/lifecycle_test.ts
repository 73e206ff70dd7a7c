// How the proxy ends: the first signal lets transactions finish, the second ends at once.

import { beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { decodeErr } from "../../mod/wire/mod.ts";
import { freshDatabase, type RealServer } from "../servers/mod.ts";
import { type ProxyProcess } from "../proxy_process.ts";
import { ServiceManager } from "./service_manager.ts";
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

describe("lifecycle", () => {
  let server: RealServer;

  beforeAll(async () => {
    ({ server } = await subject(kind));
    await freshDatabase(server, "lifecycle");
    await server.sql("CREATE TABLE lifecycle.t (id INT)");
  });

  function accepts(proxy: ProxyProcess): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect({ port: proxy.port, host: "127.0.0.1" });
      socket.on("connect", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
  }

  const login = (proxy: ProxyProcess) =>
    loginAs(server.accounts.app, proxy, { database: "lifecycle" });

  test("keys that change nothing yet are told of at start", async () => {
    await using proxy = await ownProxy(server, { config: "[route]\nsplit = true\n" });
    await proxy.untilLogged(/statements are not split/);
    await using pooled = await ownProxy(server, { config: "[failover]\nreplay = true\n" });
    await pooled.untilLogged(
      /transactions are not run again: that takes \[account\] and pool\.mode/,
    );
    await using marking = await ownProxy(server, {
      config: '[failover]\ncommit_marks = "proxy.commits"\n',
    });
    await marking.untilLogged(/commits leave no marks: that takes failover\.replay/);
    await using silent = await ownProxy(server);
    await silent.stop();
    expect(silent.log()).not.toMatch(/are not (?:split|run again)|leave no marks/);
  });

  test("SIGTERM: idle clients are told, a transaction may finish, nobody new comes in", async () => {
    await using proxy = await ownProxy(server);
    using idle = await login(proxy);
    using working = await login(proxy);
    await working.results("START TRANSACTION");
    await working.results("INSERT INTO t VALUES (1)");
    process.kill(proxy.pid, "SIGTERM");
    const told = await idle.packets.read(5000);
    expect(told.sequence).toBe(0);
    expect(decodeErr(told.payload).code).toBe(1053);
    await idle.closed;
    expect(await accepts(proxy)).toBe(false);
    await working.results("INSERT INTO t VALUES (2)");
    expect(await working.query("SELECT id FROM t ORDER BY id")).toEqual([["1"], ["2"]]);
    await working.results("COMMIT");
    await working.closed;
    expect(await proxy.exited).toBe(0);
    expect((await server.sql("SELECT COUNT(*) AS n FROM lifecycle.t"))[0]!["n"]).toBe(2);
  });

  test("while it drains it is alive and not ready", async () => {
    await using proxy = await ownProxy(server, { args: ["--http", "127.0.0.1:0"] });
    const port = await proxy.loggedPort("HTTP port");
    const status = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
    using working = await login(proxy);
    await working.results("START TRANSACTION");
    await working.results("INSERT INTO t VALUES (1)");
    expect([await status("/livez"), await status("/readyz")]).toEqual([200, 200]);
    process.kill(proxy.pid, "SIGTERM");
    await until("it is not ready", async () => await status("/readyz") === 503);
    expect(await status("/livez")).toBe(200);
    const reason = await (await fetch(`http://127.0.0.1:${port}/readyz`)).text();
    expect(reason).toBe("not ready\nno new clients are accepted: the proxy drains\n");
    await working.results("ROLLBACK");
    expect(await proxy.exited).toBe(0);
  });

  test("SIGINT drains likewise, a running statement may finish", async () => {
    await using proxy = await ownProxy(server);
    using client = await login(proxy);
    const mark = crypto.randomUUID();
    const answer = client.results(`SELECT 'done', SLEEP(2), '${mark}'`);
    await until("the statement runs", async () => await threadsRunning(server, mark) === 1);
    process.kill(proxy.pid, "SIGINT");
    expect((await answer)[0]!.rows[0]![0]).toBe("done");
    await client.closed;
    expect(await proxy.exited).toBe(0);
  });

  test("the second signal ends everything at once", async () => {
    await using proxy = await ownProxy(server);
    using client = await login(proxy);
    await client.results("START TRANSACTION");
    await client.results("INSERT INTO t VALUES (3)");
    process.kill(proxy.pid, "SIGTERM");
    await proxy.untilLogged(/draining/);
    const before = performance.now();
    process.kill(proxy.pid, "SIGTERM");
    await client.closed;
    expect(await proxy.exited).toBe(0);
    expect(performance.now() - before).toBeLessThan(2000);
    expect((await server.sql("SELECT COUNT(*) AS n FROM lifecycle.t WHERE id = 3"))[0]!["n"]).toBe(
      0,
    );
  });

  test("after drain.timeout a running statement ends with 1053, and at the server too", async () => {
    await using proxy = await ownProxy(server, {
      args: ownAccount(server),
      config: '[drain]\ntimeout = "200ms"\n',
    });
    using client = await login(proxy);
    const mark = crypto.randomUUID();
    const error = client.errorOf(`SELECT SLEEP(60), '${mark}'`);
    await until("the statement runs", async () => await threadsRunning(server, mark) === 1);
    process.kill(proxy.pid, "SIGTERM");
    expect((await error).text).toBe("1053 (08S01): Server shutdown in progress");
    await client.closed;
    expect(await proxy.exited).toBe(0);
    await until("it runs no more", async () => await threadsRunning(server, mark) === 0);
  });

  test("after drain.timeout an open transaction is told 1053, and rolled back", async () => {
    await using proxy = await ownProxy(server, { config: '[drain]\ntimeout = "200ms"\n' });
    using client = await login(proxy);
    await client.results("START TRANSACTION");
    await client.results("INSERT INTO t VALUES (4)");
    process.kill(proxy.pid, "SIGTERM");
    expect(decodeErr((await client.packets.read(5000)).payload).code).toBe(1053);
    expect(await proxy.exited).toBe(0);
    const [row] = await server.sql("SELECT COUNT(*) AS n FROM lifecycle.t WHERE id = 4");
    expect(row!["n"]).toBe(0);
  });

  test("a service manager is told", async () => {
    using manager = new ServiceManager();
    await using proxy = await ownProxy(server, { env: { NOTIFY_SOCKET: manager.path } });
    expect(await manager.hears()).toBe(`READY=1\nMAINPID=${proxy.pid}`);
    process.kill(proxy.pid, "SIGHUP");
    expect(await manager.hears()).toMatch(/^RELOADING=1\nMONOTONIC_USEC=\d+$/);
    expect(await manager.hears()).toBe("READY=1");
    process.kill(proxy.pid, "SIGTERM");
    expect(await manager.hears()).toBe("STOPPING=1");
    expect(await proxy.exited).toBe(0);
  });

  test("with nobody there it ends at once", async () => {
    await using proxy = await ownProxy(server);
    (await login(proxy)).close();
    process.kill(proxy.pid, "SIGTERM");
    expect(await proxy.exited).toBe(0);
  });

  test("a client in the middle of a login does not hold the end up", async () => {
    await using proxy = await ownProxy(server);
    const socket = connect({ port: proxy.port, host: "127.0.0.1" });
    socket.on("error", () => {});
    await new Promise((resolve) => socket.once("data", resolve));
    const before = performance.now();
    process.kill(proxy.pid, "SIGTERM");
    expect(await proxy.exited).toBe(0);
    expect(performance.now() - before).toBeLessThan(3000);
    socket.destroy();
  });

  test("a port in use ends with one line and its own status; the first proxy goes on", async () => {
    await using proxy = await ownProxy(server);
    const second = ownProxy(server, { args: ["-l", `127.0.0.1:${proxy.port}`] });
    const reason = await second.then(() => "started", (error: Error) => error.message);
    expect(reason).toContain("ended with 4");
    expect(reason).toContain(
      `Cannot listen on 127.0.0.1:${proxy.port}: the address is in use`,
    );
    using client = await login(proxy);
    expect(await client.value("SELECT 1")).toBe("1");
  });

  test("a proxy that is killed takes no client's server connection with it for long", async () => {
    const proxy = await ownProxy(server);
    using client = await login(proxy);
    const mark = crypto.randomUUID();
    await client.results(`SELECT GET_LOCK('${mark}', 0)`);
    process.kill(proxy.pid, "SIGKILL");
    await client.closed;
    await until("the server has noticed", async () => {
      const [row] = await server.sql(`SELECT IS_FREE_LOCK('${mark}') AS free`);
      return Number(row!["free"]) === 1;
    });
    expect(await proxy.exited).toBe(137);
    await proxy.stop();
  });
});
