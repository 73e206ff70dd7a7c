// `bun bench/toggle.ts [options]`: what something costs that can be switched while the proxy runs. One
// proxy, one load that goes on; it is on and off in turns, so that both meet the same machine.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, Option } from "commander";
import type { ServerKind } from "../tests/servers/mod.ts";
import { startClusterDatabase } from "./cluster.ts";
import { contenders } from "./contenders/mod.ts";
import { startDatabase } from "./database.ts";
import { Generator } from "./load/generator.ts";
import { works } from "./load/work.ts";
import { cpuMicros } from "./processes.ts";
import { loginOptions, openTarget } from "./target.ts";

const CONNECTIONS = 16;
const WARM_UP_MS = 4_000;
/** A configuration is in force after this time, and code that is new has become fast. */
const SETTLE_MS = 300;

/** Something that can be switched by the configuration. */
interface Switch {
  /** The configuration with it on. */
  readonly on: (text: string) => string;
  readonly off: (text: string) => string;
  /** On a primary and two replicas; else on one server. */
  readonly onCluster?: true;
}

const SWITCHES: Readonly<Record<string, Switch>> = {
  audit: { on: (text) => `${text}\n[audit]\nfile = "audit.log"\n`, off: String },
  metrics: { on: String, off: (text) => `${text}\n[metrics]\nstatements = false\n` },
  // What reads that are not stale cost, against those that may be.
  session: consistency("session"),
  global: consistency("global"),
  // For transactions: `--work read-write`.
  replay: {
    on: (text) => `${text}\n[failover]\nreplay = true\n`,
    off: String,
    onCluster: true,
  },
};

interface Given {
  readonly switch: string;
  readonly work: string;
  readonly prepared: boolean;
  readonly clients: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly server: ServerKind;
}

const given = new Command("bun bench/toggle.ts")
  .description(
    "What the audit log, the measuring of statements, a level of consistency or replay costs.",
  )
  .addOption(new Option("--switch <name>").choices(Object.keys(SWITCHES)).default("audit"))
  .addOption(new Option("--work <name>").choices(Object.keys(works)).default("point"))
  .option("--prepared", "prepared statements instead of text", false)
  .option("--clients <number>", "clients at the same time", Number, 64)
  .option("--rounds <number>", "times on and off", Number, 30)
  .option("--seconds <number>", "length of each", Number, 1)
  .addOption(new Option("--server <kind>").choices(["mariadb", "mysql"]).default("mariadb"))
  .parse(process.argv)
  .opts<Given>();

/** Off it is `eventual`, as the contender has it. */
function consistency(level: string): Switch {
  return {
    on: (text) => text.replace('consistency = "eventual"', `consistency = "${level}"`),
    off: String,
    onCluster: true,
  };
}

const folder = mkdtempSync(join(tmpdir(), "mysqlproxy-toggle-"));
try {
  await toggle(given);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);

interface Round {
  readonly qps: number;
  /** Of the proxy, for each query. */
  readonly cpuMicros: number;
}

async function toggle(options: Given): Promise<void> {
  const { clients, work, prepared, server, seconds, rounds } = options;
  const how = SWITCHES[options.switch]!;
  await using database = how.onCluster
    ? await startClusterDatabase(server)
    : await startDatabase(server, { connectionsMax: 2 * clients + 200 });
  const contender = contenders.find(({ name }) =>
    name === (how.onCluster ? "split-eventual" : "mysqlproxy-pool")
  )!;
  const target = await openTarget(contender, {
    ...{ database, folder, clientsMax: clients + 100, workers: 1, poolConnections: CONNECTIONS },
  });
  const { pid } = target.process!;
  const file = join(target.folder, "mysqlproxy.toml");
  const text = readFileSync(file, "utf8");
  const login = { ...loginOptions(database, target.endpoint), work, prepared, clients };
  await using generator = await Generator.start(login, 1);
  const turn = async (isOn: boolean, ms: number): Promise<Round> => {
    writeFileSync(file, isOn ? how.on(text) : how.off(text));
    process.kill(pid, "SIGHUP");
    await generator.run({ ms: SETTLE_MS, rate: 0 });
    const before = cpuMicros(pid);
    const { queries, seconds: took } = await generator.run({ ms, rate: 0 });
    return { qps: queries / took, cpuMicros: (cpuMicros(pid) - before) / queries };
  };
  for (const isOn of [false, true]) await turn(isOn, WARM_UP_MS / 2);
  const ratios: { qps: number; cpu: number }[] = [];
  const all = { on: [] as Round[], off: [] as Round[] };
  for (let round = 0; round < rounds; round++) {
    // Who is first changes: what drifts hits both alike.
    const first = await turn(round % 2 === 0, seconds * 1000);
    const second = await turn(round % 2 !== 0, seconds * 1000);
    const [on, off] = round % 2 === 0 ? [first, second] : [second, first];
    all.on.push(on);
    all.off.push(off);
    ratios.push({ qps: on.qps / off.qps, cpu: on.cpuMicros / off.cpuMicros });
  }
  await target.stop();
  const of = (side: "on" | "off", figure: keyof Round) => median(all[side].map((r) => r[figure]));
  console.log(
    `${options.switch}, ${work}, ${
      prepared ? "prepared" : "text"
    }, ${clients} clients, ${rounds} times on and off`,
  );
  console.log(
    `QPS ${Math.round(of("on", "qps"))} on, ${Math.round(of("off", "qps"))} off; CPU µs/query ` +
      `${of("on", "cpuMicros").toFixed(1)} on, ${of("off", "cpuMicros").toFixed(1)} off`,
  );
  for (const figure of ["qps", "cpu"] as const) {
    const sorted = ratios.map((each) => each[figure]).sort((a, b) => a - b);
    const at = (part: number) => sorted[Math.floor(part * (sorted.length - 1))]!.toFixed(3);
    console.log(
      `${figure} on / off, pair by pair: median ${at(0.5)}, middle half ${at(0.25)} to ${at(0.75)}`,
    );
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
