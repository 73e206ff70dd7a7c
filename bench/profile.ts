// `bun bench/profile.ts [options]`: where the proxy's time goes under a load, by function. Leaves a
// .cpuprofile, which Chrome's developer tools and speedscope show as a flame graph.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Command, Option } from "commander";
import type { ServerKind } from "../tests/servers/mod.ts";
import { startClusterDatabase } from "./cluster.ts";
import { contenders } from "./contenders/mod.ts";
import { startDatabase } from "./database.ts";
import { Generator } from "./load/generator.ts";
import { works } from "./load/work.ts";
import { cpuMicros } from "./processes.ts";
import { loginOptions, openTarget } from "./target.ts";

const FOLDER = resolve(import.meta.dir, "../.cache/profiles");
const CONNECTIONS = 16;
const WARM_UP_MS = 2_000;
/** Functions printed. */
const SHOWN = 30;

interface Given {
  readonly contender: string;
  readonly work: string;
  readonly prepared: boolean;
  readonly clients: number;
  readonly seconds: number;
  readonly server: ServerKind;
}

const own = contenders.map(({ name }) => name).filter((name) =>
  /^(?:mysqlproxy|split-)/.test(name)
);
const given = new Command("just profile")
  .description("Where the proxy's time goes under a load, function by function.")
  .addOption(new Option("--contender <name>").choices(own).default("mysqlproxy-pool"))
  .addOption(new Option("--work <name>").choices(Object.keys(works)).default("point"))
  .option("--prepared", "prepared statements instead of text", false)
  .option("--clients <number>", "clients at the same time", Number, 64)
  .option("--seconds <number>", "length of the load", Number, 8)
  .addOption(new Option("--server <kind>").choices(["mariadb", "mysql"]).default("mariadb"))
  .parse(process.argv)
  .opts<Given>();

const folder = mkdtempSync(join(tmpdir(), "mysqlproxy-profile-"));
try {
  await profile(given);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);

async function profile(options: Given): Promise<void> {
  const { clients, work, prepared, server, seconds } = options;
  mkdirSync(FOLDER, { recursive: true });
  const stamp = new Date().toISOString().replaceAll(":", "-");
  const name = `${stamp}-${options.contender}-${work}-${prepared ? "prepared" : "text"}`;
  await using database = options.contender.startsWith("split-")
    ? await startClusterDatabase(server)
    : await startDatabase(server, { connectionsMax: 2 * clients + 200 });
  const target = await openTarget(contenders.find((each) => each.name === options.contender)!, {
    database,
    folder,
    clientsMax: clients + 100,
    workers: 1,
    poolConnections: CONNECTIONS,
    wrapper: {
      command: [],
      environment: {
        BUN_OPTIONS: `--cpu-prof --cpu-prof-dir=${FOLDER} --cpu-prof-name=${name}.cpuprofile`,
      },
      startMsMax: 30_000,
    },
  });
  const login = { ...loginOptions(database, target.endpoint), work, prepared, clients };
  {
    await using generator = await Generator.start(login, 1);
    await generator.run({ ms: WARM_UP_MS, rate: 0 });
    const before = cpuMicros(target.process!.pid);
    const { queries, seconds: took } = await generator.run({ ms: seconds * 1000, rate: 0 });
    const cpu = (cpuMicros(target.process!.pid) - before) / queries;
    console.log(`${Math.round(queries / took)} QPS, ${cpu.toFixed(1)} µs of CPU each`);
  }
  await target.stop(); // ends with SIGTERM, which writes the profile
  const file = readdirSync(FOLDER).find((each) => each === `${name}.cpuprofile`);
  if (file === undefined) throw new Error("The proxy has left no profile");
  printSelfTimes(join(FOLDER, file));
  console.log(`\nflame graph: load ${join(FOLDER, file)} into Chrome's developer tools`);
}

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  readonly samples: readonly number[];
}

/** Functions by the share of samples that were in themselves, idle time left out. */
function printSelfTimes(path: string): void {
  const { nodes, samples } = JSON.parse(readFileSync(path, "utf8")) as Profile;
  const names = new Map(nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
    const place = url === "" ? "" : ` ${url.replace(/^.*\/(?=(?:mod|commands)\/)/, "")}`;
    return [id, `${functionName || "(anonymous)"}${place}:${lineNumber + 1}`];
  }));
  const counts = new Map<string, number>();
  for (const sample of samples) {
    const name = names.get(sample) ?? "?";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const ordered = [...counts].filter(([name]) => !/^\((?:idle|root|program)\)/.test(name))
    .sort(([, left], [, right]) => right - left);
  const total = ordered.reduce((sum, [, count]) => sum + count, 0);
  for (const [name, count] of ordered.slice(0, SHOWN)) {
    console.log(`${(count / total * 100).toFixed(1).padStart(5)} %  ${name}`);
  }
}
