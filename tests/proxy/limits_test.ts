// Ceilings on what clients may take, each with the error a client of MySQL knows.

import { beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import type { RealServer } from "../servers/mod.ts";
import { Command, decodeErr, Expect } from "../../mod/wire/mod.ts";
import { ConnectionEndedError } from "./packet_stream.ts";
import { RawClient, refusal, ServerError } from "./raw_client.ts";
import {
  kinds,
  loginAs,
  ownProxy,
  SESSION_POOLING,
  subject,
  threadsRunning,
  until,
} from "./subjects.ts";

const [kind] = kinds;
if (kind === undefined) throw new Error("Needs a server: MariaDB or MySQL");

describe("limits", () => {
  let server: RealServer;

  beforeAll(async () => {
    ({ server } = await subject(kind));
  });

  const idleOf = (address: { port: number }) =>
    RawClient.open({ port: address.port, user: "", password: "" });

  test("clients_max: one more gets 1040, and a place is free when somebody leaves", async () => {
    await using proxy = await ownProxy(server, { args: ["--clients-max", "2"] });
    const { app } = server.accounts;
    const first = await loginAs(app, proxy);
    using second = await loginAs(app, proxy);
    const error = await refusal(loginAs(app, proxy));
    expect(error.code).toBe(1040);
    expect(error.message).toBe("Too many connections");
    expect(error.sequence).toBe(0);
    expect(await second.value("SELECT 1")).toBe("1");
    await first.quit();
    await until("a place is free", async () => {
      try {
        (await loginAs(app, proxy)).close();
        return true;
      } catch {
        return false;
      }
    });
  });

  test("clients_per_user_max: 1203 for that user, nobody else", async () => {
    await using proxy = await ownProxy(server, {
      args: ["--clients-per-user-max", "2"],
    });
    const { app, second } = server.accounts;
    const one = await loginAs(app, proxy);
    using _two = await loginAs(app, proxy);
    for (let turn = 0; turn < 3; turn++) {
      const error = await refusal(loginAs(app, proxy));
      expect(error.text).toBe(
        "1203 (42000): User app already has more than 'max_user_connections' active connections",
      );
    }
    using other = await loginAs(second, proxy);
    expect(await other.value("SELECT 1")).toBe("1");
    await one.quit();
    using again = await loginAs(app, proxy);
    expect(await again.value("SELECT 1")).toBe("1");
    // Failed logins do not count either.
    again.close();
    for (let turn = 0; turn < 3; turn++) {
      expect((await refusal(loginAs({ ...app, password: "wrong" }, proxy))).code).toBe(1045);
    }
    using last = await loginAs(app, proxy);
    expect(await last.value("SELECT 1")).toBe("1");
  });

  test("the server's own limit reaches the client as its error", async () => {
    // Where clients share connections they share this one.
    const { proxy } = await subject(kind, [], SESSION_POOLING);
    await server.sql(
      "CREATE USER IF NOT EXISTS 'single'@'%' IDENTIFIED BY 'single' " +
        "WITH MAX_USER_CONNECTIONS 1",
    );
    const single = { user: "single", password: "single" };
    const texts: string[] = [];
    for (const target of [server, proxy]) {
      const only = await loginAs(single, target);
      texts.push((await refusal(loginAs(single, target))).text);
      await only.quit();
      await server.sql("DROP USER single");
      await server.sql(
        "CREATE USER 'single'@'%' IDENTIFIED BY 'single' " +
          "WITH MAX_USER_CONNECTIONS 1",
      );
    }
    expect(texts[0]).toStartWith("1226 (42000)");
    expect(texts[1]).toBe(texts[0]!);
  });

  test("unauthenticated_max bounds those who have not logged in, not those who have", async () => {
    await using proxy = await ownProxy(server, {
      args: ["--workers", "1"], // counted within each worker
      config: "[limits]\nunauthenticated_max = 2\n",
    });
    const in1 = await loginAs(server.accounts.app, proxy);
    const in2 = await loginAs(server.accounts.app, proxy);
    const silent = [await idleOf(proxy), await idleOf(proxy)];
    for (const client of silent) await client.packets.read();
    expect((await refusal(loginAs(server.accounts.app, proxy))).code).toBe(1040);
    for (const client of silent) client.close();
    await until("they are forgotten", async () => {
      try {
        (await loginAs(server.accounts.app, proxy)).close();
        return true;
      } catch {
        return false;
      }
    });
    for (const client of [in1, in2]) client.close();
  });

  test("login_timeout: who says nothing, or half of it, is closed", async () => {
    await using proxy = await ownProxy(server, { config: '[limits]\nlogin_timeout = "2s"\n' });
    using silent = await idleOf(proxy);
    using halfway = await idleOf(proxy);
    await halfway.packets.read();
    halfway.sendBytes(Buffer.of(200, 0, 0, 1, 5, 6));
    using inside = await loginAs(server.accounts.app, proxy);
    await Promise.all([silent.closed, halfway.closed]);
    expect(await inside.value("SELECT 'inside'")).toBe("inside");
  });

  test("idle_timeout: told with 4031, unless a statement runs", async () => {
    await using proxy = await ownProxy(server, { args: ["--idle-timeout", "500ms"] });
    using busy = await loginAs(server.accounts.app, proxy);
    const slept = busy.value("SELECT SLEEP(1.5)");
    using idle = await loginAs(server.accounts.app, proxy);
    const packet = await idle.packets.read(5000);
    expect(packet.sequence).toBe(0);
    expect(decodeErr(packet.payload).code).toBe(4031);
    await idle.closed;
    expect(await slept).toBe("0");
  });

  test("the server's wait_timeout ends the client's connection too", async () => {
    const { proxy } = await subject(kind);
    using client = await loginAs(server.accounts.app, proxy);
    await client.results("SET wait_timeout = 1");
    await Promise.race([
      client.closed,
      Bun.sleep(10_000).then(() => {
        throw new Error("The client was not closed");
      }),
    ]);
  });

  describe("packet_max", () => {
    const config = '[limits]\npacket_max = "20MiB"\n';
    const MIB = 1024 * 1024;

    test("at most that many bytes of one command, over all its packets", async () => {
      await using proxy = await ownProxy(server, { config });
      using client = await loginAs(server.accounts.app, proxy);
      const fits = `SELECT LENGTH('${"x".repeat(20 * MIB - 100)}')`;
      expect(await client.value(fits)).toBe(String(20 * MIB - 100));
      for (const length of [20 * MIB + 1, 33 * MIB]) {
        using over = await loginAs(server.accounts.app, proxy);
        const error = await over.errorOf(`SELECT LENGTH('${"x".repeat(length)}')`);
        expect(error.text).toBe(
          "1153 (08S01): Got a packet bigger than 'max_allowed_packet' bytes",
        );
        await over.closed;
      }
      expect(await client.value("SELECT 'others go on'")).toBe("others go on");
    });

    test("below a megabyte as well, and nothing of the command runs", async () => {
      await using proxy = await ownProxy(server, { config: '[limits]\npacket_max = "1KiB"\n' });
      using client = await loginAs(server.accounts.app, proxy);
      expect(await client.value(`SELECT LENGTH('${"x".repeat(900)}')`)).toBe("900");
      const error = await client.errorOf(`SET GLOBAL event_scheduler = /*${"x".repeat(2000)}*/ ON`);
      expect(error.code).toBe(1153);
      await client.closed;
      const rows = await server.sql("SELECT @@event_scheduler AS s");
      expect(rows[0]!["s"]).toBe("OFF");
      expect(await threadsRunning(server, "xxxxxxxx")).toBe(0);
    });

    test("what comes behind a refused command is never run", async () => {
      await using proxy = await ownProxy(server, { config: '[limits]\npacket_max = "1KiB"\n' });
      using client = await loginAs(server.accounts.app, proxy);
      await server.sql("DROP TABLE IF EXISTS test.behind");
      await server.sql("CREATE TABLE test.behind (id INT)");
      client.send(client.queryPayload("x".repeat(3000)));
      client.send(client.queryPayload("INSERT INTO test.behind VALUES (1)"));
      const answer = await client.answer(Expect.RESULT);
      expect(client.errorCode(answer)).toBe(1153);
      await client.closed;
      expect(await server.sql("SELECT * FROM test.behind")).toEqual([]);
    });

    test("the server's own max_allowed_packet is the server's to tell", async () => {
      const { proxy } = await subject(kind);
      const codes: string[] = [];
      for (const target of [server, proxy]) {
        using client = await loginAs(server.accounts.app, target);
        const text = "y".repeat(65 * MIB);
        const outcome = await client.errorOf(`SELECT '${text}'`).catch((error: Error) => error);
        codes.push(outcome instanceof ServerError ? outcome.text : outcome.name);
      }
      // With so much on its way a server's error may be lost to a reset, with or without a proxy.
      const told = "1153 (08S01): Got a packet bigger than 'max_allowed_packet' bytes";
      for (const code of codes) expect([told, ConnectionEndedError.name]).toContain(code);
    });
  });

  test("garbage instead of a handshake is told so and closed", async () => {
    const { proxy } = await subject(kind);
    for (const text of ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x05\0\0\x01hello"]) {
      const socket = connect({ port: proxy.port, host: "127.0.0.1" });
      socket.on("data", () => {});
      socket.on("error", () => {});
      const closed = new Promise((resolve) => socket.on("close", resolve));
      socket.write(text);
      if (text.startsWith("GET")) socket.end();
      await closed;
    }
    using client = await loginAs(server.accounts.app, proxy);
    expect(client.errorCode(await client.command(Buffer.of(Command.PING), Expect.OK))).toBe(0);
  });
});
