// What a client costs that shares server connections, has something set and does nothing.

import type { Figures, Part, Scale } from "../part.ts";
import { residentKib } from "../processes.ts";
import { RawClient } from "../raw_client.ts";
import { loginOptions } from "../target.ts";

/** Clients that log in and set things at the same time. */
const AT_ONCE = 32;
/** Memory that logging in has used is given back meanwhile. */
const SETTLE_MS = 15_000;
/** Time zones of the clients. */
const ZONES = 10;

/** Idle clients of a pool, each with a user variable of its own value, a time zone and a statement. */
export function idlePooledPart(scale: Scale): Part {
  const count = scale.pooledClients;
  return {
    name: "idle-pooled",
    cases: [{
      id: `idle-pooled/${count}`,
      title: `${count} idle clients, each with a variable, a time zone and a prepared statement`,
      async measure(target, database): Promise<Figures> {
        const pid = target.process!.pid;
        const options = loginOptions(database, target.endpoint);
        await Bun.sleep(SETTLE_MS);
        const before = residentKib(pid);
        const clients: RawClient[] = [];
        let begunLogins = 0;
        const loginOneByOne = async () => {
          while (begunLogins < count) {
            const number = begunLogins++;
            const client = await RawClient.login(options);
            clients.push(client);
            await client.query(`SET @tenant = ${number}`);
            await client.query(`SET SESSION time_zone = '+0${number % ZONES}:00'`);
            await client.prepare("SELECT c FROM sbtest1 WHERE id=?");
          }
        };
        const begun = performance.now();
        try {
          await Promise.all(Array.from({ length: AT_ONCE }, loginOneByOne));
          const seconds = (performance.now() - begun) / 1000;
          await Bun.sleep(SETTLE_MS);
          const after = residentKib(pid);
          for (const client of clients.splice(0)) client.close();
          await Bun.sleep(SETTLE_MS);
          const left = residentKib(pid);
          return {
            rssMib: before / 1024,
            rssAfterMib: after / 1024,
            riseMib: (after - before) / 1024,
            kibPerClient: (after - before) / count,
            leftMib: (left - before) / 1024,
            clientsPerSecond: count / seconds,
          };
        } finally {
          for (const client of clients) client.close();
        }
      },
    }],
    columns: [
      { figure: "rssMib", title: "RSS before MiB", digits: 1 },
      { figure: "rssAfterMib", title: "RSS with clients MiB", digits: 1 },
      { figure: "riseMib", title: "rise MiB", digits: 1, better: "less" },
      { figure: "kibPerClient", title: "KiB/client", digits: 1 },
      { figure: "leftMib", title: "of that when they have left", digits: 1 },
      { figure: "clientsPerSecond", title: "clients/s", digits: 0 },
    ],
    rounds: 1,
    freshProcess: true,
    contenders: ["mysqlproxy-pool"],
    secondsEach: 3 * SETTLE_MS / 1000 + count / 250,
  };
}
