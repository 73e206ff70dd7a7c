// From one client to thousands, under the benchmark's own load generator: statements per second as
// fast as answers come, and latency at a rate that every contender is given alike.

import { Generator } from "../load/generator.ts";
import { works } from "../load/work.ts";
import type { Case, Figures, LoadCase, Part, Scale } from "../part.ts";
import { cpuMicros, residentKib } from "../processes.ts";
import { loginOptions, type Target } from "../target.ts";

/** Of the units a second that the first contender has done, direct where it takes part. */
const PACED_SHARE = 0.2;
const WARM_UP_MS = 700;
/**
 * A contender's first time at a work takes so many times as long as it is measured: what is compiled
 * while it runs, the load generator too, is compiled by then.
 */
const FIRST_TIMES = 2;

const TITLES: Readonly<Record<string, string>> = {
  "point": "point select",
  "read-only": "read_only",
  "read-write": "read_write",
  "write-only": "write_only",
  "1k": "result of 1 KiB",
  "100k": "result of 100 KiB",
  "10m": "result of 10 MiB",
};

/** Every case is measured twice in a row on the same clients: without and with a rate. */
export function loadPart(scale: Scale): Part {
  return {
    name: "load",
    cases: scale.loads.map((each) => loadCase(each, scale)),
    columns: [
      {
        figure: "qps",
        title: "QPS",
        digits: 0,
        ratioTo: ["direct", "haproxy"],
        better: "more",
      },
      { figure: "p50Ms", title: "p50 ms", digits: 3, addedTo: "direct" },
      { figure: "p95Ms", title: "p95 ms", digits: 3, addedTo: "direct" },
      { figure: "p99Ms", title: "p99 ms", digits: 2, addedTo: "direct" },
      { figure: "p999Ms", title: "p99.9 ms", digits: 2, addedTo: "direct" },
      {
        figure: "cpuMicros",
        title: "CPU µs/query",
        digits: 1,
        ratioTo: ["haproxy"],
        better: "less",
      },
      { figure: "serverCpuMicros", title: "server's", digits: 1 },
      { figure: "rssMib", title: "RSS MiB", digits: 0 },
      { figure: "generatorBusy", title: "generator", digits: 2 },
    ],
    rounds: scale.rounds,
    freshProcess: false,
    secondsEach: 2 * scale.seconds + 2,
  };
}

/** The name of a case: `load/point-text/64`, `load/point-text-tls/64`. */
function idOf({ work, prepared, tls, clients }: LoadCase): string {
  return `load/${work}-${prepared ? "prepared" : "text"}${tls ? "-tls" : ""}/${clients}`;
}

function loadCase(each: LoadCase, scale: Scale): Case {
  const { work, prepared, tls, clients } = each;
  const how = `${prepared ? "prepared" : "text"}${tls ? ", TLS" : ""}`;
  return {
    id: idOf(each),
    title: `${TITLES[work] ?? work}, ${how}, ${clients} client${clients === 1 ? "" : "s"}`,
    measure: measureLoad(each, scale),
  };
}

/** Measures a load on one contender after the other, all at the same rate. */
export function measureLoad(each: LoadCase, scale: Scale): Case["measure"] {
  /** The same for all contenders and rounds: from the first one's first round. */
  let rate: number | undefined;
  const warm = new WeakSet<Target>();
  return async (target, database): Promise<Figures> => {
    const options = { ...loginOptions(database, target.endpoint), ...each };
    await using generator = await Generator.start(options, scale.generators);
    const isShort = scale.quick || warm.has(target);
    const firstMs = isShort ? 0 : FIRST_TIMES * scale.seconds * 1000;
    warm.add(target);
    await generator.run({ ms: WARM_UP_MS + firstMs, rate: 0 });
    const proxyPid = target.process?.pid;
    const used = () => ({
      proxy: proxyPid === undefined ? 0 : cpuMicros(proxyPid),
      servers: database.pids.reduce((sum, pid) => sum + cpuMicros(pid), 0),
    });
    const ms = scale.seconds * 1000;
    const before = used();
    const fast = await generator.run({ ms, rate: 0 });
    const after = used();
    if (fast.units === 0) throw new Error("Not one unit of work was done");
    rate ??= fast.units / fast.seconds * PACED_SHARE;
    const paced = await generator.run({ ms, rate });
    const millis = (part: number) => paced.latencies.quantile(part) / 1000;
    const proxy = proxyPid === undefined ? {} : {
      cpuMicros: (after.proxy - before.proxy) / fast.queries,
      rssMib: residentKib(proxyPid) / 1024,
    };
    return {
      qps: fast.queries / fast.seconds,
      p50Ms: millis(0.5),
      p95Ms: millis(0.95),
      p99Ms: millis(0.99),
      p999Ms: millis(0.999),
      ...proxy,
      serverCpuMicros: (after.servers - before.servers) / fast.queries,
      generatorBusy: fast.busy,
      pacedRate: rate,
      overdue: paced.overdue / Math.max(1, paced.overdue + paced.units),
      deadlocks: fast.repeats + paced.repeats,
    };
  };
}

/** The cases of a whole run. */
export const allLoads: readonly LoadCase[] = [
  ...[false, true].flatMap((prepared) =>
    [1, 8, 16, 64, 256, 512, 4096].map((clients) => ({
      work: "point",
      prepared,
      tls: false,
      clients,
    }))
  ),
  ...[1, 64].map((clients) => ({ work: "point", prepared: false, tls: true, clients })),
  ...["read-only", "read-write", "write-only"].map((work) => ({
    work,
    prepared: true,
    tls: false,
    clients: 64,
  })),
  ...["1k", "100k", "10m"].map((work) => ({ work, prepared: false, tls: false, clients: 8 })),
];

/** The cases of a quick run. */
export const quickLoads: readonly LoadCase[] = [
  { work: "point", prepared: false, tls: false, clients: 64 },
  { work: "point", prepared: true, tls: false, clients: 64 },
  { work: "point", prepared: false, tls: false, clients: 512 },
];

/** The names of works. */
export const workNames: readonly string[] = Object.keys(works);
