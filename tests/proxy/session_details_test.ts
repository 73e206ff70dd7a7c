// What sessions and server connections have set and prepared, as the admin port tells it.

import { createConnection } from "mysql2/promise";
import { expect, test } from "bun:test";
import { kinds, loginAs, ownAccount, ownProxy, subject, until } from "./subjects.ts";
import type { RawClient } from "./raw_client.ts";

/** The rows of an answer by the names of its columns. */
async function objects(admin: RawClient, text: string) {
  const [result] = await admin.results(text);
  const names = result!.columns.map((column) => String(column));
  return result!.rows.map((row) =>
    Object.fromEntries(names.map((name, at) => [name, row[at] ?? null]))
  );
}

for (const kind of kinds) {
  for (const workers of ["1", "2"]) {
    test(
      `${kind}: sessions and connections, transaction pooling, ${workers} worker(s)`,
      async () => {
        const { server } = await subject(kind);
        await using proxy = await ownProxy(server, {
          args: [...ownAccount(server), "--admin", "127.0.0.1:0", "--workers", workers],
          config: '[pool]\nmode = "transaction"\n',
        });
        await proxy.untilLogged(/mode=synced/);
        const { monitor, app } = server.accounts;
        using admin = await loginAs(monitor, { port: await proxy.loggedPort("admin port") });
        const client = await createConnection({
          host: "127.0.0.1",
          port: proxy.port,
          user: app.user,
          password: app.password,
        });
        const [found] = await client.query("SELECT CONNECTION_ID() AS id");
        const { id } = (found as { id: number }[])[0]!;
        const own = async () =>
          (await objects(admin, `SELECT * FROM sessions WHERE id = ${id}`))[0]!;
        expect(await own()).toMatchObject({
          user: app.user,
          shares: "1",
          home: `127.0.0.1:${server.port}`,
          transaction: null,
          autocommit: "1",
          user_variables: "0",
          prepared: "0",
          pins: null,
          consistency: null,
          position: null,
        });
        const settingsBefore = Number((await own())["settings_count"]);
        await client.query("SET NAMES latin1, @@time_zone = '+02:00', @seven = 7");
        await client.query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
        await client.execute("SELECT ? + 1", [1]);
        await until("all is told", async () => (await own())["isolation"] === "READ-COMMITTED");
        const set = await own();
        expect(set).toMatchObject({ charset: "latin1", user_variables: "1", prepared: "1" });
        expect(set["settings"]).toContain("time_zone='+02:00'");
        expect(Number(set["settings_count"])).toBeGreaterThan(settingsBefore);
        await client.query("BEGIN");
        await client.query("SELECT 1"); // has a connection from here on
        await until("it is in a transaction", async () => (await own())["transaction"] === "open");
        const [frontend] = (await objects(admin, "SHOW FULL FRONTEND"))
          .filter((row) => row["id"] === String(id));
        expect(frontend).toMatchObject({
          client_charset: "latin1",
          connection_charset: "latin1",
          results_charset: "latin1",
          prepared_statement: "count: 1",
        });
        expect(frontend!["changed_variables"]).toContain("time_zone='+02:00'");
        const ofSession = async (text: string) =>
          (await objects(admin, text)).filter((row) => row["frontend"] === String(id));
        const [backend] = await ofSession("SHOW FULL BACKEND");
        expect(backend).toMatchObject({
          user: app.user,
          client_charset: "latin1",
          results_charset: "latin1",
          idle_prepared_statement: "count: 1",
          secure: "0",
          idle_s: null,
        });
        expect(backend!["changed_variables"]).toContain("time_zone='+02:00'");
        expect(Number(backend!["age_s"])).toBeGreaterThanOrEqual(0);
        // Without FULL some columns fewer.
        const [short] = await ofSession("SHOW BACKEND");
        expect(Object.keys(backend!).slice(0, Object.keys(short!).length)).toEqual(
          Object.keys(short!),
        );
        expect(Object.keys(backend!).length).toBeGreaterThan(Object.keys(short!).length);
        await client.query("ROLLBACK");
        await client.query("SELECT GET_LOCK('details', 1)");
        await until("it is pinned", async () => (await own())["pins"] !== null);
        client.destroy();
        await until(
          "it is gone",
          async () =>
            (await objects(admin, `SELECT * FROM sessions WHERE id = ${id}`)).length === 0,
        );
      },
      30_000,
    );
  }
}

test("session pooling: what nobody but the server knows is NULL", async () => {
  const { server } = await subject(kinds[0]!);
  await using proxy = await ownProxy(server, {
    args: [...ownAccount(server), "--admin", "127.0.0.1:0"],
    config: '[pool]\nmode = "session"\n',
  });
  await proxy.untilLogged(/mode=synced/);
  const { monitor, app } = server.accounts;
  using admin = await loginAs(monitor, { port: await proxy.loggedPort("admin port") });
  using client = await loginAs(app, proxy);
  await client.query("BEGIN");
  await until(
    "it is in a transaction",
    async () => (await objects(admin, "SELECT * FROM sessions"))[0]?.["transaction"] === "open",
  );
  expect(await objects(admin, "SELECT * FROM sessions")).toMatchObject([
    { user: app.user, shares: "0", home: null, settings: null, prepared: null, position: null },
  ]);
  expect((await objects(admin, "SHOW FULL BACKEND"))[0]).toMatchObject({
    client_charset: null,
    idle_prepared_statement: null,
    user_variables: null,
  });
});
