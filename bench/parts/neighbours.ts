// What clients feel of others: of thousands that are idle, and of one that gets large results.

import { Generator } from "../load/generator.ts";
import type { LoadOptions } from "../load/load.ts";
import type { Case, Figures, Part, Scale } from "../part.ts";
import { loginOptions, type Target } from "../target.ts";
import type { Database } from "../database.ts";

const ACTIVE = 200;
const PACED = 64;
/** Of what the clients reach, for their latency beside the large results. */
const PACED_SHARE = 0.2;
const WARM_UP_MS = 700;

const COLUMNS: Part["columns"] = [
  { figure: "share", title: "beside / alone", digits: 2, ratioTo: ["direct"] },
  { figure: "alone", title: "alone", digits: 2 },
  { figure: "beside", title: "beside others", digits: 2 },
];

/** Point selects alone and then, on the same connections, beside idle clients of a pool. */
export function idleNeighboursPart(scale: Scale): Part {
  const idle = scale.pooledClients - ACTIVE;
  return {
    name: "idle-neighbours",
    cases: [idleCase(idle, scale)],
    columns: COLUMNS,
    rounds: scale.rounds,
    contenders: ["mysqlproxy-pool"],
    freshProcess: true,
    secondsEach: 2 * scale.seconds + idle / 700 + 2,
  };
}

/** Likewise beside a client that gets large results. */
export function largeNeighbourPart(scale: Scale): Part {
  return {
    name: "large-neighbour",
    cases: [largeCase(scale)],
    columns: COLUMNS,
    rounds: scale.rounds,
    contenders: ["direct", "haproxy", "mysqlproxy", "mysqlproxy-pool"],
    freshProcess: false,
    secondsEach: 2 * scale.seconds + 2,
  };
}

function idleCase(idle: number, scale: Scale): Case {
  return {
    id: `idle-neighbours/${idle}`,
    title: `QPS of ${ACTIVE} clients alone and beside ${idle} idle ones`,
    async measure(target, database): Promise<Figures> {
      const ms = scale.seconds * 1000;
      const options = optionsOf(target, database);
      await using active = await Generator.start({ ...options, clients: ACTIVE }, scale.generators);
      const qps = async () => {
        const { queries, seconds } = await active.run({ ms, rate: 0 });
        return queries / seconds;
      };
      await active.run({ ms: WARM_UP_MS, rate: 0 });
      const alone = await qps();
      await using _idle = await Generator.start({ ...options, clients: idle }, 1);
      const beside = await qps();
      return { alone, beside, share: beside / alone };
    },
  };
}

function largeCase(scale: Scale): Case {
  return {
    id: `large-neighbour/${PACED}`,
    title: `p99 ms of ${PACED} clients alone and beside one that reads 10 MiB again and again`,
    async measure(target, database): Promise<Figures> {
      const ms = scale.seconds * 1000;
      const options = optionsOf(target, database);
      await using paced = await Generator.start({ ...options, clients: PACED }, scale.generators);
      const { units, seconds } = await paced.run({ ms: WARM_UP_MS, rate: 0 });
      const rate = units / seconds * PACED_SHARE;
      const p99 = async () => {
        const { latencies } = await paced.run({ ms, rate });
        return latencies.quantile(0.99) / 1000;
      };
      const alone = await p99();
      const work = "10m";
      await using large = await Generator.start({ ...options, work, clients: 1 }, 1);
      const [beside] = await Promise.all([p99(), large.run({ ms, rate: 0 })]);
      return { alone, beside, share: beside / alone };
    },
  };
}

function optionsOf(target: Target, database: Database): Omit<LoadOptions, "clients"> {
  return { ...loginOptions(database, target.endpoint), work: "point", prepared: false };
}
