// The proxy's own ports: what it says of itself, to whom, and whether it may get traffic.

import { expect, test } from "bun:test";
import { type ProxyProcess, startProxy } from "../proxy_process.ts";
import { freePort } from "../servers/mod.ts";
import { RawClient, refusal, ServerError } from "./raw_client.ts";
import { kinds, loginAs, ownAccount, ownProxy, subject, until } from "./subjects.ts";

/** A port of the proxy's own that it was to choose itself, as its log names it. */
async function portOf(proxy: ProxyProcess, name: "admin port" | "HTTP port"): Promise<number> {
  const line = await proxy.untilLogged(new RegExp(name));
  return Number(line.match(/127\.0\.0\.1:(\d+)/)![1]);
}

for (const workers of ["1", "2"]) {
  for (const kind of kinds) {
    test(`${kind}: SHOW PROPERTIES and SHOW COUNTERS, ${workers} worker(s)`, async () => {
      const { server } = await subject(kind);
      await using proxy = await ownProxy(server, {
        args: [...ownAccount(server), "--admin", "127.0.0.1:0", "--workers", workers],
        config: "[limits]\nclients_per_user_max = 1\n",
      });
      await proxy.untilLogged(/mode=synced/);
      const port = await portOf(proxy, "admin port");
      const { monitor, app } = server.accounts;
      using admin = await loginAs(monitor, { port });
      const properties = await admin.query("SHOW PROPERTIES LIKE 'a%'");
      expect(properties).toContainEqual(["auth.mode_in_force", "synced", null, null, null]);
      expect(properties).toContainEqual(["account.user", monitor.user, "", "--user", "yes"]);
      expect(properties).toContainEqual(["account.password", "********", "", "--password", "yes"]);
      expect(await admin.query("SHOW PROPERTIES LIKE 'limits.clients_per%'")).toEqual([
        ["limits.clients_per_user_max", "1", "0", "file", "yes"],
      ]);
      const [[, , listenDefault]] = await admin.query("SHOW PROPERTIES LIKE 'listen'");
      expect(listenDefault).toBe("0.0.0.0:3307");
      const counter = async (name: string) =>
        Number((await admin.query(`SHOW COUNTERS LIKE '${name}'`))[0]![1]);
      {
        using first = await loginAs(app, proxy);
        expect(await first.value("SELECT 1")).toBe("1");
        if (workers === "1") {
          expect((await refusal(loginAs(app, proxy))).code).toBe(1203);
          await until(
            "the refusal is counted",
            async () => await counter("clients_refused_per_user") === 1,
          );
        }
        await until("the client is counted", async () => await counter("clients") === 1);
        await until("the command is counted", async () => await counter("commands") >= 1);
      }
      await until("nobody is left", async () => await counter("clients") === 0);
      const unknown = await admin.query("SELECT * FROM nowhere").then(
        () => undefined,
        (error: unknown) => error as ServerError,
      );
      expect(unknown?.code).toBe(1146);
      const wrong = await refusal(loginAs({ ...monitor, password: "wrong" }, { port }));
      expect(wrong.code).toBe(1045);
    });
  }
}

test("without an account of its own the proxy tells admin without a password, from here", async () => {
  const { server } = await subject(kinds[0]!);
  await using proxy = await ownProxy(server, { args: ["--admin", "127.0.0.1:0"] });
  const port = await portOf(proxy, "admin port");
  using admin = await loginAs({ user: "admin", password: "" }, { port });
  expect(await admin.query("SHOW PROPERTIES LIKE 'auth.mode_in_force'")).toEqual([
    ["auth.mode_in_force", "relay", null, null, null],
  ]);
  expect((await refusal(loginAs({ user: "root", password: "" }, { port }))).code).toBe(1045);
  const broken = await RawClient.open({ port, user: "", password: "" });
  broken.socket.write(Buffer.from([0xff, 0xff, 0xff, 0, 1, 2, 3]));
  broken.socket.write(Buffer.alloc(2 * 1024 * 1024));
  await broken.closed;
  expect(await admin.value("SELECT @@version_comment LIMIT 1")).toStartWith("mysqlproxy ");
});

test("the HTTP port: alive at once, ready when a server was reached", async () => {
  await using proxy = await startProxy({
    backends: [{ host: "127.0.0.1", port: freePort() }],
    args: ["--http", "127.0.0.1:0"],
  });
  const httpPort = await portOf(proxy, "HTTP port");
  const status = async (path: string) =>
    (await fetch(`http://127.0.0.1:${httpPort}${path}`)).status;
  expect(await status("/livez")).toBe(200);
  expect(await status("/readyz")).toBe(503);
  expect(await status("/else")).toBe(404);
  const { server } = await subject(kinds[0]!);
  await using other = await ownProxy(server, { args: ["--http", "127.0.0.1:0"] });
  const ready = await portOf(other, "HTTP port");
  await until(
    "ready",
    async () => (await fetch(`http://127.0.0.1:${ready}/readyz`)).status === 200,
  );
});
