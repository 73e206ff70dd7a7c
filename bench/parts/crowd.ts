// How evenly many clients are served on few server connections: the time each statement takes, its
// waiting included.

import { Generator } from "../load/generator.ts";
import type { Case, Column, Figures, Part, Scale } from "../part.ts";
import { cpuMicros } from "../processes.ts";
import { loginOptions } from "../target.ts";

const CLIENTS = 1_000;
const POOL_CONNECTIONS = 16;
const WARM_UP_MS = 2_000;

/** Point selects of many clients, each sending the next when it has its answer. */
export function crowdPart(scale: Scale): Part {
  return part("crowd", crowdCase(CLIENTS, scale), scale);
}

/** The same of more than servers have connections for. */
export function largeCrowdPart(scale: Scale): Part {
  const large = part("large-crowd", crowdCase(scale.pooledClients, scale), scale);
  return { ...large, contenders: ["mysqlproxy-pool"], secondsEach: large.secondsEach + 10 };
}

function part(name: string, one: Case, scale: Scale): Part {
  return {
    name,
    cases: [one],
    columns: COLUMNS,
    rounds: scale.rounds,
    freshProcess: false,
    poolConnections: POOL_CONNECTIONS,
    secondsEach: scale.seconds + 4,
  };
}

const COLUMNS: readonly Column[] = [
  { figure: "p99PerP50", title: "p99/p50", digits: 2, better: "less" },
  { figure: "p50Ms", title: "p50 ms", digits: 2 },
  { figure: "p99Ms", title: "p99 ms", digits: 2 },
  { figure: "maxMs", title: "max ms", digits: 2 },
  { figure: "qps", title: "QPS", digits: 0, ratioTo: ["direct", "haproxy"], better: "more" },
  { figure: "cpuMicros", title: "CPU µs/query", digits: 1, ratioTo: ["haproxy"], better: "less" },
];

function crowdCase(clients: number, scale: Scale): Case {
  return {
    id: `crowd/${clients}`,
    title: `${clients} clients, point select, ${POOL_CONNECTIONS} server connections of a pool`,
    async measure(target, database): Promise<Figures> {
      const login = loginOptions(database, target.endpoint);
      const options = { ...login, work: "point", prepared: false, clients };
      await using generator = await Generator.start(options, scale.generators);
      await generator.run({ ms: WARM_UP_MS, rate: 0 });
      const pid = target.process?.pid;
      const before = pid === undefined ? 0 : cpuMicros(pid);
      const ms = Math.max(2, scale.seconds) * 1000;
      const { queries, seconds, latencies } = await generator.run({ ms, rate: 0 });
      const cpu = pid === undefined ? 0 : cpuMicros(pid) - before;
      const [p50, p99] = [latencies.quantile(0.5), latencies.quantile(0.99)];
      return {
        qps: queries / seconds,
        p50Ms: p50 / 1000,
        p99Ms: p99 / 1000,
        maxMs: latencies.max / 1000,
        p99PerP50: p99 / p50,
        ...(pid === undefined ? {} : { cpuMicros: cpu / queries }),
      };
    },
  };
}
