// How evenly many clients are served on few server connections: the time each statement takes, its
// waiting included.

import { TABLES } from "../database.ts";
import type { Figures, Part, Scale } from "../part.ts";
import { cpuMicros } from "../processes.ts";
import { RawClient } from "../raw_client.ts";
import { loginOptions } from "../target.ts";

const CLIENTS = 1_000;
const POOL_CONNECTIONS = 16;
/** Logins under way at the same time. */
const AT_ONCE = 16;
const WARM_UP_MS = 1_000;

/** Point selects of many clients, each sending the next when it has its answer. */
export function crowdPart(scale: Scale): Part {
  return {
    name: "crowd",
    cases: [{
      id: `crowd/${CLIENTS}`,
      title: `${CLIENTS} clients, point select, ${POOL_CONNECTIONS} server connections of a pool`,
      async measure(target, database): Promise<Figures> {
        const options = loginOptions(database, target.endpoint);
        const clients: RawClient[] = [];
        const loginOneByOne = async () => {
          while (clients.length + AT_ONCE <= CLIENTS) clients.push(await RawClient.login(options));
        };
        try {
          await Promise.all(Array.from({ length: AT_ONCE }, loginOneByOne));
          await load(clients, WARM_UP_MS);
          const pid = target.process?.pid;
          const before = pid === undefined ? 0 : cpuMicros(pid);
          const seconds = Math.max(2, scale.seconds);
          const { latencies, turns } = await load(clients, seconds * 1000);
          const cpu = pid === undefined ? 0 : cpuMicros(pid) - before;
          return {
            qps: latencies.length / seconds,
            p50Ms: quantile(latencies, 0.5),
            p99Ms: quantile(latencies, 0.99),
            maxMs: quantile(latencies, 1),
            p99PerP50: quantile(latencies, 0.99) / quantile(latencies, 0.5),
            turns: quantile(turns, 0.99) / quantile(turns, 0.5),
            ...(pid === undefined ? {} : { cpuMicros: cpu / latencies.length }),
          };
        } finally {
          for (const client of clients) client.close();
        }
      },
    }],
    columns: [
      { figure: "p99PerP50", title: "p99/p50", digits: 2, better: "less" },
      { figure: "turns", title: "in turns", digits: 2, better: "less" },
      { figure: "p50Ms", title: "p50 ms", digits: 2 },
      { figure: "p99Ms", title: "p99 ms", digits: 2 },
      { figure: "maxMs", title: "max ms", digits: 2 },
      { figure: "qps", title: "QPS", digits: 0, ratioTo: ["direct", "haproxy"], better: "more" },
      {
        figure: "cpuMicros",
        title: "CPU µs/query",
        digits: 1,
        ratioTo: ["haproxy"],
        better: "less",
      },
    ],
    rounds: scale.rounds,
    freshProcess: false,
    poolConnections: POOL_CONNECTIONS,
    secondsEach: scale.seconds + 3,
  };
}

/** What each statement of a load has waited for, in ascending order. */
interface Waits {
  /** In milliseconds. */
  readonly latencies: Float64Array;
  /** Statements of others that were answered between its sending and its answer. */
  readonly turns: Float64Array;
}

function quantile(ascending: Float64Array, part: number): number {
  return ascending[Math.floor(part * (ascending.length - 1))];
}

/** Each client sends for `ms` milliseconds. */
async function load(clients: readonly RawClient[], ms: number): Promise<Waits> {
  const latencies: number[] = [];
  const turns: number[] = [];
  const end = performance.now() + ms;
  await Promise.all(clients.map(async (client, at) => {
    for (let id = at; performance.now() < end; id += clients.length) {
      const statement = `SELECT c FROM sbtest1 WHERE id=${1 + id % TABLES.rows}`;
      const answered = turns.length;
      const begun = performance.now();
      await client.query(statement);
      latencies.push(performance.now() - begun);
      turns.push(turns.length - answered);
    }
  }));
  return {
    latencies: Float64Array.from(latencies).sort(),
    turns: Float64Array.from(turns).sort(),
  };
}
