// Sessions of all workers on the admin port: lists of them, and KILL.

import { expect, test } from "bun:test";
import { createConnection } from "mysql2/promise";
import { workerOf } from "../../mod/session/mod.ts";
import type { RawClient } from "./raw_client.ts";
import {
  kinds,
  loginAs,
  ownAccount,
  ownProxy,
  subject,
  threadsRunning,
  until,
} from "./subjects.ts";

function codeOf(asked: Promise<unknown>): Promise<unknown> {
  return asked.then(() => 0, (error: unknown) => (error as { code?: unknown }).code ?? error);
}

for (const kind of kinds) {
  for (const mode of ["session", "transaction"]) {
    test(`${kind}: lists and KILL over two workers, ${mode} pooling`, async () => {
      const { server } = await subject(kind);
      await using proxy = await ownProxy(server, {
        args: [...ownAccount(server), "--admin", "127.0.0.1:0", "--workers", "2"],
        config: `[pool]\nmode = "${mode}"\n`,
      });
      await proxy.untilLogged(/mode=synced/);
      const { monitor, app } = server.accounts;
      using admin = await loginAs(monitor, { port: await proxy.loggedPort("admin port") });
      const clients: RawClient[] = [];
      const ids: string[] = [];
      const workers = () => new Set(ids.map((id) => workerOf(Number(id))));
      // The kernel spreads connections as it likes: so many that both workers have some.
      while (ids.length < 4 || (workers().size < 2 && ids.length < 60)) {
        const client = await loginAs(app, proxy);
        clients.push(client);
        ids.push((await client.value("SELECT CONNECTION_ID()"))!);
      }
      expect(workers()).toEqual(new Set([0, 1]));
      expect(await admin.value("SELECT count(DISTINCT worker) FROM frontends")).toBe("2");
      const shown = await admin.query("SHOW PROCESSLIST");
      expect(shown.map(([id]) => id).sort()).toEqual([...ids].sort());
      expect(shown.every((row) => row[1] === app.user && row[4] === "Sleep")).toBe(true);
      for (const list of ["FULL FRONTEND", "FRONTENDS", "BACKEND", "REACTOR", "FULL PROCESSLIST"]) {
        const [result] = await admin.results(`SHOW ${list}`);
        expect([list, result!.rows.length > 0]).toEqual([list, true]);
        expect(result!.rows.every((row) => row.length === result!.columns.length)).toBe(true);
      }
      expect(await admin.query("SHOW REACTOR")).toHaveLength(2);
      const text = `SELECT SLEEP(29), 'administered ${mode}'`;
      const [first, second, third] = clients;
      // KILL QUERY ends what runs, and nothing else.
      const interrupted = codeOf(first!.query(text));
      await until("it runs", async () => await threadsRunning(server, text) === 1);
      if (mode === "transaction") {
        const full = await admin.query("SHOW FULL PROCESSLIST");
        expect(full.find(([id]) => id === ids[0])!.slice(4, 8)).toEqual([
          "Query",
          expect.any(String),
          "executing",
          text,
        ]);
      }
      await admin.query(`KILL QUERY ${ids[0]}`);
      await until("it has ended", async () => await threadsRunning(server, text) === 0);
      expect([0, 1317]).toContain(await interrupted as number); // SLEEP() may say that it was interrupted
      expect(await first!.value("SELECT 'goes on'")).toBe("goes on");
      await admin.query(`KILL QUERY ${ids[1]}`); // nothing runs
      expect(await second!.value("SELECT 'too'")).toBe("too");
      // KILL ends the session with what it runs.
      const killed = codeOf(second!.query(text));
      await until("it runs again", async () => await threadsRunning(server, text) === 1);
      await admin.query(`KILL ${ids[1]}`);
      await until("it has ended again", async () => await threadsRunning(server, text) === 0);
      expect(await killed).not.toBe(0);
      await second!.closed;
      await admin.query(`KILL CONNECTION ${ids[2]}`);
      await third!.closed;
      await until(
        "they are gone",
        async () => (await admin.query("SHOW PROCESSLIST")).length === clients.length - 2,
      );
      expect(await codeOf(admin.query(`KILL ${ids[2]}`))).toBe(1094);
      expect(await codeOf(admin.query("KILL 17"))).toBe(1094);
      for (const client of clients) client[Symbol.dispose]();
    });
  }
}

for (const kind of kinds) {
  test(`${kind}: what a session has set and prepared, and what its statement waits for`, async () => {
    const { server } = await subject(kind);
    await using proxy = await ownProxy(server, {
      args: [...ownAccount(server), "--admin", "127.0.0.1:0"],
      config: '[pool]\nmode = "transaction"\nconnections_max = 1\n[route]\nsplit = true\n',
    });
    await proxy.untilLogged(/mode=synced/);
    const { monitor, app } = server.accounts;
    using admin = await loginAs(monitor, { port: await proxy.loggedPort("admin port") });
    const { host, port } = proxy;
    const { user, password } = app;
    const driver = await createConnection({ host, port, user, password, charset: "utf8mb4" });
    const [[row]] = await driver.query("SELECT CONNECTION_ID() AS id") as unknown as [
      readonly { readonly id: number }[],
    ];
    const own = (columns: string) =>
      admin.query(`SELECT ${columns} FROM frontends WHERE id = ${row!.id}`);
    const statement = await driver.prepare("SELECT ?");
    await driver.prepare("SELECT ? + 1");
    await driver.query("SET time_zone = '+05:00', @@session.group_concat_max_len = 4321");
    await until(
      "it is seen",
      async () => (await own("prepared, charset, consistency"))[0]!.join() === "2,utf8mb4,session",
    );
    const [[variables]] = await own("variables") as [[string]];
    expect(variables).toContain("time_zone='+05:00'");
    expect(variables).toContain("group_concat_max_len=4321");
    const [shown] = await admin.results("SHOW FULL FRONTEND");
    expect(shown!.rows[0]).toContain("count: 2");
    // The only connection is another session's.
    using other = await loginAs(app, proxy);
    await other.query("BEGIN");
    await other.query("SELECT 1 FOR UPDATE");
    const waiting = driver.query("SELECT 2 FOR UPDATE");
    await until(
      "it waits",
      async () => (await own("state, waits_for"))[0]!.join() === "wait,connection",
    );
    await other.query("COMMIT");
    await waiting;
    await until("it waits no more", async () => (await own("waits_for"))[0]![0] === null);
    await statement.close();
    await driver.end();
  });
}
