// Whether the benchmark's own load generator measures what sysbench does, where both can go.

import { Generator } from "../load/generator.ts";
import type { Case, Figures, Part, Scale } from "../part.ts";
import { cpuMicros } from "../processes.ts";
import { loginOptions } from "../target.ts";
import { measureSysbench, workloads } from "./sysbench.ts";

/** sysbench's workload and the generator's, with how many clients. */
const COMPARED = [
  { workload: "point-text", work: "point", prepared: false, clients: 16 },
  { workload: "point-prepared", work: "point", prepared: true, clients: 64 },
  { workload: "read-write", work: "read-write", prepared: true, clients: 16 },
] as const;

/** sysbench and the generator, one after the other on the same contender. */
export function generatorsPart(scale: Scale): Part {
  return {
    name: "generators",
    cases: COMPARED.map(({ workload, work, prepared, clients }): Case => ({
      id: `generators/${workload}/${clients}`,
      title: `sysbench and the load generator: ${workloads[workload]!.title}, ${clients} clients`,
      async measure(target, database): Promise<Figures> {
        const { seconds } = scale;
        const connections = clients;
        const theirs = await measureSysbench(target, {
          database,
          workload: workloads[workload]!,
          connections,
          seconds,
        });
        const options = { ...loginOptions(database, target.endpoint), work, prepared, clients };
        await using generator = await Generator.start(options, scale.generators);
        await generator.run({ ms: 300, rate: 0 });
        const pid = target.process?.pid;
        const before = pid === undefined ? 0 : cpuMicros(pid);
        const own = await generator.run({ ms: seconds * 1000, rate: 0 });
        const cpu = pid === undefined ? 0 : cpuMicros(pid) - before;
        const qps = own.queries / own.seconds;
        return {
          perSysbench: qps / theirs["qps"],
          qps,
          sysbenchQps: theirs["qps"],
          p95Ms: own.latencies.quantile(0.95) / 1000,
          sysbenchP95Ms: theirs["p95Ms"],
          ...(pid === undefined ? {} : {
            cpuMicros: cpu / own.queries,
            sysbenchCpuMicros: theirs["cpuMicros"],
          }),
        };
      },
    })),
    columns: [
      { figure: "perSysbench", title: "× sysbench", digits: 2 },
      { figure: "qps", title: "QPS", digits: 0 },
      { figure: "sysbenchQps", title: "sysbench", digits: 0 },
      { figure: "p95Ms", title: "p95 ms", digits: 2 },
      { figure: "sysbenchP95Ms", title: "sysbench", digits: 2 },
      { figure: "cpuMicros", title: "CPU µs/query", digits: 1 },
      { figure: "sysbenchCpuMicros", title: "sysbench", digits: 1 },
    ],
    rounds: scale.rounds,
    contenders: ["direct", "haproxy", "mysqlproxy"],
    freshProcess: false,
    secondsEach: 2 * scale.seconds + 1,
  };
}
