// Rows flow at the client's pace, and whichever end goes first takes the other one with it.

import { beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import type { ProxyProcess } from "../proxy_process.ts";
import { freePort, type RealServer, sharedServer, startServer } from "../servers/mod.ts";
import { Expect } from "../../mod/wire/mod.ts";
import { ConnectionEndedError } from "./packet_stream.ts";
import { RawClient, refusal, ServerError } from "./raw_client.ts";
import {
  kinds,
  loginAs,
  ownProxy,
  SESSION_POOLING,
  sharedProxy,
  subject,
  syncedProxy,
  threadsRunning,
  until,
} from "./subjects.ts";

const MIB = 1024 * 1024;

for (const kind of kinds) {
  describe(kind, () => {
    let server: RealServer;
    let proxy: ProxyProcess;

    beforeAll(async () => {
      ({ server, proxy } = await subject(kind));
    });

    const sessionProxy = () => sharedProxy(server, [], SESSION_POOLING);

    /** A mebibyte a row; `mark` is what the statement is found by in the server's list. */
    const manyRows = (mebibytes: number, mark: string = crypto.randomUUID()) =>
      `SELECT /* ${mark} */ REPEAT('0123456789abcdef', 65536) FROM ` +
      `(WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < ${mebibytes})` +
      ` SELECT i FROM n) x`;

    test("512 MiB through a client that pauses move the proxy's memory by less than 64 MiB", async () => {
      await using own = await ownProxy(server);
      using client = await loginAs(server.accounts.app, own);
      await client.results("SELECT 1");
      const before = own.rssBytes();
      let most = before;
      let received = 0;
      const finished = Promise.withResolvers<void>();
      client.socket.removeAllListeners("data");
      client.socket.on("data", (bytes: Buffer) => {
        const at = Math.floor(received / (64 * MIB));
        received += bytes.length;
        most = Math.max(most, own.rssBytes());
        if (received >= 512 * MIB) finished.resolve();
        else if (Math.floor(received / (64 * MIB)) > at) {
          client.socket.pause();
          setTimeout(() => client.socket.resume(), 100);
        }
      });
      client.send(client.queryPayload(manyRows(512)));
      await finished.promise;
      const grown = (most - before) / MIB;
      console.log(`${kind}: 512 MiB: the proxy grew by ${grown.toFixed(1)} MiB at most`);
      expect(grown).toBeLessThan(64);
    });

    test("a client that does not read at all pauses its server connection only", async () => {
      using slow = await loginAs(server.accounts.app, proxy);
      slow.socket.pause();
      const before = proxy.rssBytes();
      const mark = crypto.randomUUID();
      slow.send(slow.queryPayload(manyRows(200, mark)));
      // The server is stuck in writing: its thread sends data for as long as nobody reads.
      await until("the server writes", async () => await threadsRunning(server, mark) === 1);
      using quick = await loginAs(server.accounts.app, proxy);
      for (let i = 0; i < 50; i++) expect(await quick.value("SELECT 1")).toBe("1");
      expect(proxy.rssBytes() - before).toBeLessThan(64 * MIB);
      expect(await threadsRunning(server, mark)).toBe(1);
      slow.close();
      await until("the server is freed", async () => await threadsRunning(server, mark) === 0);
    });

    test("a statement of 48 MiB from a client while its server is slow keeps memory flat", async () => {
      await using own = await ownProxy(server);
      using client = await loginAs(server.accounts.app, own);
      const text = "x".repeat(48 * MIB);
      const before = own.rssBytes();
      expect(await client.value(`SELECT LENGTH('${text}')`)).toBe(String(48 * MIB));
      expect(own.rssBytes() - before).toBeLessThan(64 * MIB);
    });

    test("a client killed in the middle of a result frees the server connection", async () => {
      using client = await loginAs(server.accounts.app, proxy);
      const mark = crypto.randomUUID();
      client.send(client.queryPayload(manyRows(300, mark)));
      await client.packets.read();
      client.close();
      await until("the statement is gone", async () => await threadsRunning(server, mark) === 0);
    });

    for (const mode of ["an idle connection of the account", "the proxy's own account"] as const) {
      test(`a client's end kills its running statement, through ${mode}`, async () => {
        const target = mode === "the proxy's own account"
          ? await syncedProxy(server)
          : await ownProxy(server);
        if (mode !== "the proxy's own account") {
          const [one, two] = await Promise.all(
            [1, 2].map(() => loginAs(server.accounts.app, target)),
          );
          await one!.quit();
          await two!.quit();
        }
        const mark = crypto.randomUUID();
        const client = await loginAs(server.accounts.app, target);
        client.send(client.queryPayload(`SELECT BENCHMARK(1e11, SHA2('${mark}', 512))`));
        await until("the statement runs", async () => await threadsRunning(server, mark) === 1);
        client.close();
        await until("the statement is gone", async () => await threadsRunning(server, mark) === 0);
        if (mode !== "the proxy's own account") await target.stop();
      });
    }

    // What becomes of sessions that share connections is in transaction_pooling_test.ts.
    test("a server connection killed in a statement: the client gets an error packet", async () => {
      using client = await loginAs(server.accounts.app, await sessionProxy());
      const id = await client.value(
        "SELECT ID FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()",
      );
      const mark = crypto.randomUUID();
      const outcome = client.results(`SELECT SLEEP(30), '${mark}'`).catch((error: Error) => error);
      await until("the statement runs", async () => await threadsRunning(server, mark) === 1);
      await server.sql(`KILL ${id}`);
      const error = await outcome as ServerError;
      expect(error).toBeInstanceOf(ServerError);
      expect([1317, 1927, 2013, 3169]).toContain(error.code);
      expect(error.sequence).toBe(1);
      await client.closed;
    });

    test("a server connection killed in the middle of rows: no more bytes than belong to packets", async () => {
      using client = await loginAs(server.accounts.app, await sessionProxy());
      const id = await client.value(
        "SELECT ID FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()",
      );
      client.socket.pause();
      const mark = crypto.randomUUID();
      client.send(client.queryPayload(manyRows(200, mark)));
      await until("the server writes", async () => await threadsRunning(server, mark) === 1);
      await server.sql(`KILL ${id}`);
      client.socket.resume();
      const outcome = await client.answer(Expect.RESULT).catch((error: Error) => error);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(ConnectionEndedError);
      else expect([1317, 1927, 2013]).toContain(client.errorCode(outcome));
      await client.closed;
    });

    test("a server that is killed and comes back", async () => {
      const first = await startServer(kind);
      await using own = await ownProxy(first, { env: SESSION_POOLING });
      const waiting = await loginAs(first.accounts.app, own);
      const idle = await loginAs(first.accounts.app, own);
      const outcome = waiting.results("SELECT SLEEP(30)").catch((error: Error) => error);
      await until("the statement runs", async () => await threadsRunning(first, "SLEEP") === 1);
      process.kill(first.pid, "SIGKILL");
      const error = await outcome as ServerError;
      expect(error).toBeInstanceOf(ServerError);
      expect(error.code).toBe(2013);
      expect(error.sqlState).toBe("HY000");
      await Promise.all([waiting.closed, idle.closed]);
      // The dying server's socket may take connections for a moment: 2013 then, as without a proxy.
      let refused = await refusal(loginAs(first.accounts.app, own));
      await until("the server refuses", async () => {
        refused = await refusal(loginAs(first.accounts.app, own));
        return refused.code !== 2013;
      });
      expect(refused.text).toBe(
        `2003 (HY000): Can't connect to MySQL server on '127.0.0.1:${first.port}' (ECONNREFUSED)`,
      );
      await first.stop();
      const again = await startServer(kind, { extraConfig: [`port = ${first.port}`] });
      using back = await loginAs(again.accounts.app, own);
      expect(await back.value("SELECT 'back'")).toBe("back");
      await again.stop();
    });
  });
}

test("a server that is down at start gives an error until it comes", async () => {
  const port = freePort();
  const missing = { host: "127.0.0.1", port } as RealServer;
  await using proxy = await ownProxy(missing);
  const error = await refusal(loginAs({ user: "app", password: "app" }, proxy));
  expect(error.code).toBe(1429);
  expect(error.sequence).toBe(0);
  const [kind] = kinds;
  await using server = await startServer(kind!, { extraConfig: [`port = ${port}`] });
  using client = await loginAs(server.accounts.app, proxy);
  expect(await client.value("SELECT 1")).toBe("1");
});

test("a client that connects and says nothing, or leaves at once, costs nothing", async () => {
  const server = await sharedServer(kinds[0]!);
  const proxy = await sharedProxy(server);
  const sockets = await Promise.all(
    Array.from({ length: 50 }, () =>
      new Promise<ReturnType<typeof connect>>((resolve) => {
        const socket = connect({ port: proxy.port, host: "127.0.0.1" }, () => resolve(socket));
      })),
  );
  for (const socket of sockets) socket.destroy();
  using client = await RawClient.connect({ port: proxy.port, user: "app", password: "app" });
  expect(await client.value("SELECT 1")).toBe("1");
});
