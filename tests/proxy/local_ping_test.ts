// COM_PING of a session that holds no connection needs none; everywhere else the server answers.

import { beforeAll, describe, expect, test } from "bun:test";
import { Command, decodeOk, Expect, ServerStatus } from "../../mod/wire/mod.ts";
import { type RealServer, sharedServer } from "../servers/mod.ts";
import { accountOf, poolSubject } from "./pool_subject.ts";
import type { RawClient } from "./raw_client.ts";
import { kinds, loginAs } from "./subjects.ts";

async function ping(client: RawClient) {
  const [packet] = await client.command(Uint8Array.of(Command.PING), Expect.OK);
  return decodeOk(packet!.payload, client.capabilities);
}

for (const kind of kinds) {
  describe(kind, () => {
    let server: RealServer;
    beforeAll(async () => void (server = await sharedServer(kind)));

    test("COM_PING waits for no connection, and says what a server would", async () => {
      const account = await accountOf(server, "pinging");
      await using subject = await poolSubject(server, {
        accounts: [account],
        pool: "connections_max = 1",
      });
      using holder = await loginAs(account, subject.proxy);
      using client = await loginAs(account, subject.proxy);
      using direct = await loginAs(account, server);
      for (const each of [client, direct]) await each.query("SELECT 1 UNION SELECT 2");
      const mine = await ping(client);
      expect(mine).toEqual(await ping(direct));
      for (const each of [client, direct]) {
        expect(await each.query("SELECT ROW_COUNT(), FOUND_ROWS()")).toEqual([["0", "2"]]);
        await each.query("SELECT 1"); // on MySQL FOUND_ROWS() leaves a warning
      }
      await holder.results("BEGIN");
      await holder.value("SELECT 1"); // it has the only connection
      for (let time = 0; time < 3; time++) expect(await ping(client)).toEqual(mine);
      expect((await ping(holder)).status & ServerStatus.IN_TRANS).not.toBe(0);
      await holder.results("ROLLBACK");
      for (const each of [client, direct]) {
        await each.query("SELECT CAST('x' AS SIGNED)"); // leaves a warning
      }
      expect((await ping(client)).warnings).toBe((await ping(direct)).warnings);
      for (const each of [client, direct]) {
        expect(await each.query("SHOW COUNT(*) WARNINGS")).toEqual([["1"]]);
        await each.results("SET sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES', autocommit = 0");
      }
      expect((await ping(client)).status).toBe((await ping(direct)).status);
    }, 20_000);
  });
}
