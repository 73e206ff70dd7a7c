// What a client costs that has logged in and does nothing.

import type { Figures, Part, Scale } from "../part.ts";
import { residentKib } from "../processes.ts";
import { RawClient } from "../raw_client.ts";
import { loginOptions } from "../target.ts";

/** Logins under way at the same time. */
const AT_ONCE = 32;
/** Memory that logging in has used is given back meanwhile. */
const SETTLE_MS = 3_000;

/** Idle clients, each with a session at the server. */
export function idlePart(scale: Scale): Part {
  const count = scale.idleClients;
  const settleMs = scale.quick ? SETTLE_MS / 3 : SETTLE_MS;
  return {
    name: "idle",
    cases: [{
      id: `idle/${count}`,
      title: `${count} idle clients`,
      async measure(target, database): Promise<Figures> {
        const pid = target.process!.pid;
        const options = loginOptions(database, target.endpoint);
        await Bun.sleep(settleMs);
        const before = residentKib(pid);
        const clients: RawClient[] = [];
        let begunLogins = 0;
        const loginOneByOne = async () => {
          while (begunLogins < count) {
            begunLogins++;
            clients.push(await RawClient.login(options));
          }
        };
        const begun = performance.now();
        try {
          await Promise.all(Array.from({ length: AT_ONCE }, loginOneByOne));
          const seconds = (performance.now() - begun) / 1000;
          await Bun.sleep(settleMs);
          const after = residentKib(pid);
          return {
            rssMib: before / 1024,
            rssAfterMib: after / 1024,
            riseMib: (after - before) / 1024,
            kibPerClient: (after - before) / count,
            loginsPerSecond: count / seconds,
          };
        } finally {
          for (const client of clients) client.close();
        }
      },
    }],
    columns: [
      { figure: "rssMib", title: "RSS before MiB", digits: 1 },
      { figure: "rssAfterMib", title: "RSS with clients MiB", digits: 1 },
      { figure: "riseMib", title: "rise MiB", digits: 1 },
      {
        figure: "kibPerClient",
        title: "KiB/client",
        digits: 1,
        ratioTo: ["haproxy"],
        better: "less",
      },
      { figure: "loginsPerSecond", title: "logins/s", digits: 0 },
    ],
    rounds: 1,
    freshProcess: true,
    secondsEach: 2 * settleMs / 1000 + count / 1000,
  };
}
