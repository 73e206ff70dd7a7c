// Instructions of the proxy for each query, counted by valgrind's callgrind: unlike times they hardly
// change from run to run, so that a committed baseline can be held against them.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ExecutePacket, queryPacket, Values } from "../load/values.ts";
import { works } from "../load/work.ts";
import type { Case, Figures, Part } from "../part.ts";
import { RawClient } from "../raw_client.ts";
import { loginOptions, type Target } from "../target.ts";

const WARM_UP = 60;
/** Many batches of few: what happens by the clock adds to some of them, and the least counts. */
const BATCHES = 40;
const QUERIES = 5;
/** A row's. */
const ID = "5013";
/** Starting under callgrind takes its time. */
const START_MS_MAX = 180_000;

/** How the proxy is started to be counted. */
export const callgrind = {
  command: [
    "valgrind",
    "--quiet",
    "--tool=callgrind",
    // Nothing is counted, and all is quicker, until it is told to.
    "--instr-atstart=no",
    "--callgrind-out-file=callgrind.out",
  ],
  environment: {
    // Compiled code depends on the moment when it was compiled; the interpreter does not.
    BUN_JSC_useJIT: "0",
    BUN_JSC_useConcurrentGC: "0",
    BUN_JSC_numberOfGCMarkers: "1",
    BUN_GC_TIMER_DISABLE: "1",
    // Nobody looks at the server meanwhile.
    MYSQLPROXY_MONITOR_INTERVAL: "1h",
    MYSQLPROXY_MONITOR_QUICK_INTERVAL: "1h",
    // It is slow, and the machine may be.
    MYSQLPROXY_LIMITS_LOGIN_TIMEOUT: "2m",
    MYSQLPROXY_POOL_CONNECT_TIMEOUT: "2m",
    MYSQLPROXY_POOL_WAIT_TIMEOUT: "2m",
  },
  startMsMax: START_MS_MAX,
} as const;

/** Point selects of one client, one at a time, in both protocols. */
export function instructionsPart(): Part {
  return {
    name: "instructions",
    cases: [false, true].map((prepared): Case => ({
      id: `instructions/point-${prepared ? "prepared" : "text"}`,
      title: `instructions for a point select, ${prepared ? "prepared" : "text"}, interpreted`,
      async measure(target, database): Promise<Figures> {
        const client = await RawClient.login(loginOptions(database, target.endpoint));
        try {
          return await count(target, { client, prepared });
        } finally {
          client.close();
        }
      },
    })),
    columns: [
      { figure: "instructions", title: "instructions", digits: 0, better: "less" },
    ],
    rounds: 1,
    // Of these only the first two take part where nobody is named.
    contenders: [
      "mysqlproxy-session",
      "mysqlproxy-unpiped",
      "mysqlproxy-unmeasured",
      "mysqlproxy-audited",
      "mysqlproxy-own",
    ],
    servers: ["mariadb"], // answers differ, and with them what is done for them
    freshProcess: false,
    wrapper: callgrind,
    secondsEach: 12,
  };
}

async function count(
  target: Target,
  { client, prepared }: { readonly client: RawClient; readonly prepared: boolean },
): Promise<Figures> {
  const [statement] = works["point"](0);
  const values = new Values();
  // One packet for all: ids of another length would be other work.
  const packet = prepared
    ? new ExecutePacket(statement, await client.prepare(statement.text)).fill(values)
    : queryPacket({ text: statement.text.replace("?", ID), parameters: [] }, values);
  const run = async (queries: number) => {
    for (let query = 0; query < queries; query++) await client.request(packet);
  };
  await run(WARM_UP);
  await tell(target, "instrumentation on");
  await run(WARM_UP);
  await counted(target);
  let least = Infinity;
  for (let batch = 0; batch < BATCHES; batch++) {
    await run(QUERIES);
    least = Math.min(least, await counted(target) / QUERIES);
  }
  return { instructions: least };
}

/** Instructions of all threads since the call before. */
async function counted(target: Target): Promise<number> {
  const before = dumps(target.folder).length;
  await tell(target, "dump");
  const now = dumps(target.folder);
  if (now.length === before) throw new Error("callgrind has written nothing");
  const totals = readFileSync(join(target.folder, `callgrind.out.${now.length}`), "utf8")
    .match(/^totals: (\d+)/m);
  if (totals === null) throw new Error("callgrind's file has no total");
  return Number(totals[1]);
}

/** Gives callgrind a command. @throws {Error} If it does not take it. */
async function tell(target: Target, command: string): Promise<void> {
  const pid = target.process!.pid;
  const child = Bun.spawn(["vgdb", `--pid=${pid}`, ...command.split(" ")], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  if (await child.exited !== 0) {
    throw new Error(`Cannot ask callgrind: ${await new Response(child.stderr).text()}`);
  }
}

function dumps(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith("callgrind.out."));
}
