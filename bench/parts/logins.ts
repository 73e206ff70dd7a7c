// Clients that come for one statement: how many a second, each with a connection of its own.

import { TABLES } from "../database.ts";
import type { Figures, Part, Scale } from "../part.ts";
import { cpuMicros } from "../processes.ts";
import { RawClient } from "../raw_client.ts";
import { loginOptions } from "../target.ts";

/** Clients at the same time. */
const CLIENTS = 16;
const WARM_UP_MS = 1_500;

/** Connect, log in, one point select, COM_QUIT. */
export function loginsPart(scale: Scale): Part {
  return {
    name: "logins",
    cases: [{
      id: `logins/${CLIENTS}`,
      title: `connect, log in, one point select, leave: ${CLIENTS} clients at a time`,
      async measure(target, database): Promise<Figures> {
        const options = loginOptions(database, target.endpoint);
        const run = async (ms: number): Promise<number> => {
          let visits = 0;
          const end = performance.now() + ms;
          await Promise.all(Array.from({ length: CLIENTS }, async () => {
            while (performance.now() < end) {
              const client = await RawClient.login(options);
              await client.query(`SELECT c FROM sbtest1 WHERE id=${1 + visits % TABLES.rows}`);
              client.quit();
              visits++;
            }
          }));
          return visits;
        };
        await run(WARM_UP_MS);
        const pid = target.process?.pid;
        const before = pid === undefined ? 0 : cpuMicros(pid);
        const seconds = Math.max(2, scale.seconds);
        const visits = await run(seconds * 1000);
        const cpu = pid === undefined ? 0 : cpuMicros(pid) - before;
        return {
          perSecond: visits / seconds,
          ...(pid === undefined ? {} : { cpuMicros: cpu / visits }),
        };
      },
    }],
    columns: [
      {
        figure: "perSecond",
        title: "visits/s",
        digits: 0,
        ratioTo: ["direct", "haproxy"],
        better: "more",
      },
      {
        figure: "cpuMicros",
        title: "CPU µs/visit",
        digits: 1,
        ratioTo: ["haproxy"],
        better: "less",
      },
    ],
    rounds: scale.rounds,
    contenders: ["direct", "haproxy", "mysqlproxy", "mysqlproxy-pool", "mysqlproxy-known"],
    freshProcess: false,
    secondsEach: scale.seconds + 2,
  };
}
