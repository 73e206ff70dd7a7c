// A server that takes nothing and then is gone, while clients of shared connections send long
// commands: they wait for it, are told of its end, and go on.

import { beforeAll, describe, expect, test } from "bun:test";
import { Expect } from "../../mod/wire/mod.ts";
import { type RealServer, sharedServer } from "../servers/mod.ts";
import { StallingProxy } from "../stalling_proxy.ts";
import { poolSubject } from "./pool_subject.ts";
import { kinds, loginAs, until } from "./subjects.ts";

const MIB = 1024 * 1024;

for (const kind of kinds) {
  describe(kind, () => {
    let server: RealServer;
    beforeAll(async () => void (server = await sharedServer(kind)));

    for (
      const { what, begin, length, code } of [
        { what: "17 MiB, which go out in pieces", begin: "DO 0", length: 17 * MIB, code: 2013 },
        {
          what: "12 MiB in a transaction",
          begin: "START TRANSACTION READ WRITE", // goes to the server at once
          length: 12 * MIB,
          code: 1213,
        },
      ]
    ) {
      test(`the connection ends while the server takes nothing of ${what}`, async () => {
        using way = await StallingProxy.start(server.port);
        const { app } = server.accounts;
        await using subject = await poolSubject({ ...server, port: way.port }, {
          accounts: [app],
          config: '[limits]\nbuffer_max = "64KiB"\n',
        });
        using client = await loginAs(app, subject.proxy);
        const commands = async () =>
          Number((await subject.admin.query("SHOW COUNTERS LIKE 'commands'"))[0]![1]);
        await client.query(begin);
        way.stall();
        const before = await commands();
        client.send(client.queryPayload(`SELECT '${"s".repeat(length)}'`));
        await until("it has begun to go out", async () => await commands() > before);
        await untilSteady(() => client.socket.writableLength);
        way.cut();
        expect(client.errorCode(await client.answer(Expect.RESULT))).toBe(code);
        expect(await client.value("SELECT 'goes on'")).toBe("goes on");
      });
    }

    test("a transaction that the server has still to begin counts as open", async () => {
      using way = await StallingProxy.start(server.port);
      const { app } = server.accounts;
      await using subject = await poolSubject({ ...server, port: way.port }, { accounts: [app] });
      using client = await loginAs(app, subject.proxy);
      const open = () => subject.admin.value("SELECT SUM(in_transaction) FROM frontends");
      expect(await open()).toBe("0");
      way.stall();
      for (const sql of ["SELECT 1", "START TRANSACTION READ WRITE"]) {
        client.send(client.queryPayload(sql));
        const isOpen = sql === "SELECT 1" ? "0" : "1";
        await until(
          "it is under way",
          async () => await subject.admin.value("SELECT statement FROM frontends") === sql,
        );
        expect(await open()).toBe(isOpen);
        way.resume();
        await client.answer(Expect.RESULT);
        way.stall();
      }
      way.resume();
      expect(await open()).toBe("1");
      await client.results("COMMIT");
      await until("it has ended", async () => await open() === "0");
    });
  });
}

/** Waits until a number is the same for a while. */
async function untilSteady(measure: () => number): Promise<void> {
  let last = measure();
  let since = Date.now();
  await until("it changes no more", () => {
    const now = measure();
    if (now !== last) since = Date.now();
    last = now;
    return Date.now() - since > 100;
  });
}
