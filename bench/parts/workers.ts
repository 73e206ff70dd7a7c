// What a second worker costs: CPU per statement at a rate that leaves clients, server and both
// processors time to spare, so that none of them is what is measured.

import { Generator } from "../load/generator.ts";
import type { Figures, Part, Scale } from "../part.ts";
import { cpuMicros } from "../processes.ts";
import { loginOptions } from "../target.ts";

const CLIENTS = 64;
/** Statements a second. */
const RATE = 8_000;
const WARM_UP_MS = 2_000;

/** One worker and two, with the same to do. */
export function workersPart(scale: Scale): Part {
  return {
    name: "workers",
    cases: [{
      id: `workers/${CLIENTS}`,
      title: `${RATE} point selects a second of ${CLIENTS} clients, one worker and two`,
      async measure(target, database): Promise<Figures> {
        const login = loginOptions(database, target.endpoint);
        const options = { ...login, work: "point", prepared: false, clients: CLIENTS };
        await using generator = await Generator.start(options, scale.generators);
        await generator.run({ ms: WARM_UP_MS, rate: 0 });
        await generator.run({ ms: WARM_UP_MS, rate: RATE });
        const { pid } = target.process!;
        const before = cpuMicros(pid);
        const { queries, seconds, latencies } = await generator.run({
          ms: scale.seconds * 1000,
          rate: RATE,
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
        ratioTo: ["mysqlproxy", "mysqlproxy-pool"],
        better: "less",
      },
      { figure: "qps", title: "QPS", digits: 0 },
      { figure: "p99Ms", title: "p99 ms", digits: 2 },
    ],
    rounds: scale.rounds,
    contenders: ["mysqlproxy", "mysqlproxy-2", "mysqlproxy-pool", "mysqlproxy-pool-2"],
    freshProcess: false,
    secondsEach: scale.seconds + 5,
  };
}
