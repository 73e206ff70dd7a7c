// Statements per second, latency, and the CPU a contender spends on each, under sysbench.

import { type Database, sysbenchTarget } from "../database.ts";
import type { Case, Figures, Part, Scale } from "../part.ts";
import { cpuMicros, residentKib, tied } from "../processes.ts";
import type { Target } from "../target.ts";

/** What sysbench does. */
export interface Workload {
  readonly title: string;
  readonly script: string;
  /** `--db-ps-mode`: `disable` is the text protocol, `auto` prepared statements. */
  readonly psMode: "disable" | "auto";
}

/** The workloads by name. */
export const workloads: Readonly<Record<string, Workload>> = {
  "point-text": {
    title: "point select, text protocol",
    script: "oltp_point_select",
    psMode: "disable",
  },
  "point-prepared": {
    title: "point select, prepared",
    script: "oltp_point_select",
    psMode: "auto",
  },
  "read-write": {
    title: "read_write, prepared",
    script: "oltp_read_write",
    psMode: "auto",
  },
};

const WARM_UP_CONNECTIONS = 16;

/** What sysbench printed. */
export interface SysbenchResult {
  /** Statements in the whole run. */
  readonly queries: number;
  readonly queriesPerSecond: number;
  readonly averageMs: number;
  readonly p95Ms: number;
  /** Transactions begun anew because of one (or of a lock's timeout). */
  readonly deadlocks: number;
}

/** Point selects and transactions at several numbers of connections. */
export function sysbenchPart(scale: Scale): Part {
  const cases = scale.workloads.flatMap((name) =>
    scale.connections.map((connections): Case => ({
      id: `${name}/${connections}`,
      title: `${workloads[name].title}, ${connections} connection${connections === 1 ? "" : "s"}`,
      measure: (target, database) =>
        measureSysbench(target, { ...scale, database, workload: workloads[name], connections }),
    }))
  );
  const ratioTo = ["direct", "haproxy"];
  return {
    name: "sysbench",
    cases,
    columns: [
      { figure: "qps", title: "QPS", digits: 0, ratioTo, better: "more" },
      { figure: "averageMs", title: "avg ms", digits: 2 },
      { figure: "p95Ms", title: "p95 ms", digits: 2 },
      {
        figure: "cpuMicros",
        title: "CPU µs/query",
        digits: 1,
        ratioTo: ["haproxy"],
        better: "less",
      },
      { figure: "rssMib", title: "RSS MiB", digits: 1 },
    ],
    rounds: scale.rounds,
    freshProcess: false,
    warmUp: (target, database) =>
      measureSysbench(target, {
        database,
        workload: workloads[scale.workloads[0]]!,
        connections: WARM_UP_CONNECTIONS,
        seconds: 1,
      }),
    secondsEach: scale.seconds + 0.2,
  };
}

/**
 * Reads the figures out of sysbench's report.
 *
 * @throws {Error} If they are not there.
 */
export function parseSysbench(report: string): SysbenchResult {
  const number = (pattern: RegExp) => {
    const found = report.match(pattern)?.[1];
    if (found === undefined) throw new Error(`sysbench printed no figures: ${report.slice(-500)}`);
    return Number(found);
  };
  return {
    queries: number(/^ +queries: +(\d+)/m),
    queriesPerSecond: number(/^ +queries: +\d+ +\(([\d.]+) per sec/m),
    averageMs: number(/^ +avg: +([\d.]+)/m),
    p95Ms: number(/^ +95th percentile: +([\d.]+)/m),
    deadlocks: number(/^ +ignored errors: +(\d+)/m),
  };
}

/** A run of sysbench. */
export interface MeasureOptions {
  readonly database: Database;
  readonly workload: Workload;
  readonly connections: number;
  readonly seconds: number;
}

/**
 * Runs sysbench once.
 *
 * @throws {Error} If any statement fails but for a deadlock, for which the transaction is repeated.
 */
export async function measureSysbench(target: Target, options: MeasureOptions): Promise<Figures> {
  const { database, workload, connections, seconds } = options;
  const pid = target.process?.pid;
  const child = Bun.spawn(
    tied([
      "sysbench",
      workload.script,
      ...sysbenchTarget(database, target.endpoint),
      `--threads=${connections}`,
      `--time=${seconds}`,
      `--db-ps-mode=${workload.psMode}`,
      "--rand-type=uniform",
      "run",
    ]),
    { stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  );
  const errors = new Response(child.stderr).text();
  const decoder = new TextDecoder();
  let report = "";
  let before: number | undefined;
  let after: number | undefined;
  // sysbench writes at once: the logins are over with the first mark, the load with the second.
  for await (const chunk of child.stdout) {
    report += decoder.decode(chunk, { stream: true });
    if (pid === undefined) continue;
    if (before === undefined && report.includes("Threads started!")) before = cpuMicros(pid);
    if (after === undefined && report.includes("SQL statistics:")) after = cpuMicros(pid);
  }
  const status = await child.exited;
  if (status !== 0) throw new Error(`sysbench failed: ${firstFatal(report + (await errors))}`);
  const { queries, queriesPerSecond, averageMs, p95Ms, deadlocks } = parseSysbench(report);
  const figures = { qps: queriesPerSecond, averageMs, p95Ms, deadlocks };
  if (pid === undefined) return figures;
  if (before === undefined || after === undefined) throw new Error("sysbench's marks are missing");
  return {
    ...figures,
    cpuMicros: (after - before) / queries,
    rssMib: residentKib(pid) / 1024,
  };
}

function firstFatal(output: string): string {
  return output.split("\n").find((line) => line.startsWith("FATAL")) ?? output.slice(-500);
}
