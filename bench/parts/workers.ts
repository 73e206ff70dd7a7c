// Whether two workers do twice the work of one: CPU per statement with as many clients and statements
// for each of them, at a rate that leaves clients, server and processors time to spare.

import { Generator } from "../load/generator.ts";
import type { Figures, Part, Scale } from "../part.ts";
import { cpuMicros } from "../processes.ts";
import { loginOptions } from "../target.ts";

/** Of each worker. */
const CLIENTS = 64;
/** Statements a second, of each worker. */
const RATE = 6_000;
const WARM_UP_MS = 2_000;

/** One worker and two, each with the same to do. */
export function workersPart(scale: Scale): Part {
  return {
    name: "workers",
    cases: [{
      id: `workers/${CLIENTS}`,
      title: `${RATE} point selects a second of ${CLIENTS} clients for each worker`,
      async measure(target, database): Promise<Figures> {
        const login = loginOptions(database, target.endpoint);
        const { workers = 1 } = target.contender;
        const [clients, rate] = [workers * CLIENTS, workers * RATE];
        const options = { ...login, work: "point", prepared: false, clients };
        await using generator = await Generator.start(options, scale.generators);
        await generator.run({ ms: WARM_UP_MS, rate: 0 });
        await generator.run({ ms: WARM_UP_MS, rate });
        const { pid } = target.process!;
        const before = cpuMicros(pid);
        const { queries, seconds, latencies } = await generator.run({
          ms: scale.seconds * 1000,
          rate,
        });
        return {
          cpuMicros: (cpuMicros(pid) - before) / queries,
          qps: queries / seconds,
          p99Ms: latencies.quantile(0.99) / 1000,
        };
      },
    }],
    columns: [
      {
        figure: "cpuMicros",
        title: "CPU µs/query",
        digits: 1,
        ratioTo: ["haproxy", "mysqlproxy", "mysqlproxy-pool"],
        better: "less",
      },
      { figure: "qps", title: "QPS", digits: 0 },
      { figure: "p99Ms", title: "p99 ms", digits: 2 },
    ],
    rounds: scale.rounds,
    contenders: [
      "haproxy",
      "haproxy-2",
      "mysqlproxy",
      "mysqlproxy-2",
      "mysqlproxy-pool",
      "mysqlproxy-pool-2",
    ],
    freshProcess: false,
    secondsEach: scale.seconds + 5,
  };
}
