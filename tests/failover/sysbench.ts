// sysbench's read_write through the proxy over a kill -9 of the primary of a real cluster, with
// failover.replay: its transactions go on. A COMMIT that was under way is the only error.

import { createConnection, type RowDataPacket } from "mysql2/promise";
import { until } from "../cluster/watching.ts";
import { type ProxyProcess, startProxy } from "../proxy_process.ts";
import { proxyCounters } from "../proxy_counters.ts";
import type { Site } from "./site.ts";
import { type ClusterKind, startSite } from "./start_site.ts";

/** What to run. */
export interface SysbenchOptions {
  readonly cluster: ClusterKind;
  /** Prepared statements rather than text. */
  readonly prepared: boolean;
  readonly threads: number;
  /** Rows of all tables. Transactions that meet in one are told apart by what they read. */
  readonly rows: number;
  readonly seed: number;
}

/** What came of it. */
export interface SysbenchOutcome {
  readonly transactions: number;
  /** Errors of COMMITs that were under way: the only ones that sysbench was told to go on after. */
  readonly unknown: number;
  /** Transactions that were run again, and that could not be. */
  readonly replays: number;
  readonly replaysFailed: number;
  /** It was still at work when there was another primary. */
  readonly wentOn: boolean;
  readonly status: number;
  /** sysbench's own words. */
  readonly report: string;
  readonly proxyLog: string;
}

const TABLES = 4;
/** Of the run, before the kill. */
const BEFORE_MS = 3000;
/** Of the whole: a group takes 5 to 8 of it to choose another primary. */
const RUN_S = 20;

/** Rows of the admin port are no older, in milliseconds, and some more. */
const ROWS_AGE_MS = 300;

/** libmariadb keeps 2013 for itself: what is unknown comes as 1105. */
const UNKNOWN = [1105, 2013].join();

/** Runs: the load goes on over the kill, and ends in good order. */
export async function runSysbench(options: SysbenchOptions): Promise<SysbenchOutcome> {
  await using site = await startSite(options.cluster);
  await using proxy = await startProxy({
    backends: site.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
    args: ["-u", "app", "-p", "app", "--admin", "127.0.0.1:0"],
    config: '[pool]\nmode = "transaction"\n[failover]\nreplay = true\nmax_wait = "60s"\n',
  });
  await proxy.untilLogged(/mode=synced/);
  await prepare(site, options);
  return await overKill(site, proxy, options);
}

/** The tables, on all servers. */
async function prepare(site: Site, options: SysbenchOptions): Promise<void> {
  const child = Bun.spawn(command("prepare", site.primary.port, options), {
    stdout: "pipe",
    stderr: "inherit",
  });
  await new Response(child.stdout).text();
  if (await child.exited !== 0) throw new Error("sysbench could not fill its tables");
  const count = `SELECT COUNT(*) FROM ledger.sbtest${TABLES}`;
  for (const node of site.replicas) {
    await until(
      `${node.name} has the tables`,
      async () =>
        Number(await node.value(count).catch(() => 0)) === Math.floor(options.rows / TABLES),
      { pollMs: 100, limitMs: 120_000 },
    );
  }
}

async function overKill(
  site: Site,
  proxy: ProxyProcess,
  options: SysbenchOptions,
): Promise<SysbenchOutcome> {
  const child = Bun.spawn([
    ...command("run", proxy.port, options),
    ...[`--time=${RUN_S}`, "--rand-type=uniform", `--rand-seed=${options.seed}`],
    `--db-ps-mode=${options.prepared ? "auto" : "disable"}`,
    `--mysql-ignore-errors=${UNKNOWN}`,
  ], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const said = Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await Bun.sleep(BEFORE_MS);
  await freezeInTransaction(site, proxy);
  await site.primary.kill();
  await site.promote();
  const wentOn = child.exitCode === null;
  const report = (await said).join("\n");
  const status = await child.exited;
  const counters = await proxyCounters(proxy);
  const number = (pattern: RegExp) => Number(pattern.exec(report)?.[1] ?? NaN);
  return {
    transactions: number(/^ +transactions: +(\d+)/m),
    unknown: number(/^ +ignored errors: +(\d+)/m),
    wentOn,
    status,
    replays: counters.get("replays")!,
    replaysFailed: counters.get("replays_failed")!,
    report,
    proxyLog: proxy.log(),
  };
}

/** The primary stands still, and a transaction that has read and is writing with it. */
async function freezeInTransaction(site: Site, proxy: ProxyProcess): Promise<void> {
  const port = await proxy.loggedPort("admin port");
  const admin = await createConnection({ host: "127.0.0.1", port, user: "app", password: "app" });
  const isWriting = async () => {
    site.primary.freeze();
    await Bun.sleep(ROWS_AGE_MS); // else they may be from before
    const [rows] = await admin.query<RowDataPacket[]>(
      "SELECT 1 FROM frontends WHERE in_transaction AND state = 'execute' AND statement LIKE 'UPDATE %'",
    );
    if (rows.length === 0) site.primary.thaw();
    return rows.length > 0;
  };
  try {
    await until("a transaction is writing", isWriting, { pollMs: 50 });
  } finally {
    admin.destroy();
  }
}

function command(what: "prepare" | "run", port: number, options: SysbenchOptions): string[] {
  return [
    ...["sysbench", "oltp_read_write", "--db-driver=mysql", "--mysql-db=ledger"],
    ...["--mysql-host=127.0.0.1", `--mysql-port=${port}`],
    ...["--mysql-user=ledger", "--mysql-password=ledger"],
    ...[`--tables=${TABLES}`, `--table-size=${Math.floor(options.rows / TABLES)}`],
    ...[`--threads=${options.threads}`, what],
  ];
}
