// Clients that take turns on few connections all at the same time: what one has left on a connection
// is read from it for another's sake just when it wants to go on elsewhere.

import { beforeAll, describe, expect, test } from "bun:test";
import { type RealServer, sharedServer } from "../servers/mod.ts";
import { accountOf, poolSubject } from "./pool_subject.ts";
import { kinds, loginAs } from "./subjects.ts";

const ROUNDS = 60;

for (const kind of kinds) {
  describe(kind, () => {
    let server: RealServer;
    beforeAll(async () => void (server = await sharedServer(kind)));

    test("no value is missed that is still on its way", async () => {
      const account = await accountOf(server, "turning");
      await using subject = await poolSubject(server, {
        accounts: [account],
        pool: 'connections_max = 3\nidle_timeout = "10ms"\nmax_age = "300ms"',
      });
      const clients = await Promise.all(
        Array.from({ length: 7 }, () => loginAs(account, subject.proxy)),
      );
      const found = await Promise.all(clients.map(async (client, at) => {
        const wrong: unknown[] = [];
        for (let round = 0; round < ROUNDS; round++) {
          const value = `${at}.${round}`;
          await client.query(`SELECT @seen := '${value}'`);
          if (round % 10 === at) await Bun.sleep(20); // another one takes the connection over
          const seen = await client.value("SELECT @seen");
          if (seen !== value) wrong.push([value, seen]);
        }
        return wrong;
      }));
      expect(found.flat()).toEqual([]);
      for (const client of clients) client.close();
    }, 20_000);
  });
}
