// One run: a cluster, a proxy before it, a load, a fault, and what came of it.

import { createConnection, type RowDataPacket } from "mysql2/promise";
import { until } from "../cluster/watching.ts";
import { Random } from "../fuzz/random.ts";
import { StallingProxy } from "../stalling_proxy.ts";
import { ProxyInCharge } from "./proxy_in_charge.ts";
import { type FaultName, FAULTS, WRITABLE, WRITTEN } from "./faults.ts";
import type { Account } from "./ledger.ts";
import { Load, type Mix, TRANSACTION_ROWS } from "./load.ts";
import type { SiteNode } from "./site.ts";
import { type ClusterKind, startSite } from "./start_site.ts";
import type { Timeline } from "./timeline.ts";

/** What to run. */
export interface RunOptions {
  readonly cluster: ClusterKind;
  readonly faults: readonly FaultName[];
  /**
   * The faults are done round by round, each round in another order, until the time is over, but
   * each once at least; in milliseconds. @default each is done once, in the order given
   */
  readonly forMs?: number;
  /** Reads go to replicas. @default {false} */
  readonly split?: boolean;
  readonly sessions: number;
  /** How long each fault lasts, in milliseconds. */
  readonly holdMs: number;
  readonly seed: number;
  readonly mix: Mix;
  readonly pauseMs: number;
  /** Told what is done and noticed, as it happens. */
  readonly onMark?: (line: string) => void;
  /** Lost transactions are run again, and their COMMITs looked for. @default {false} */
  readonly replay?: boolean;
  /** Statements of sessions behind each other on one connection. @default {"auto"} */
  readonly pipeline?: "auto" | "off" | number;
  /** More configuration of the proxy. */
  readonly config?: string;
}

/** A fault that was done, in milliseconds of the timeline. */
export interface Period {
  readonly fault: FaultName;
  readonly fromMs: number;
  readonly toMs: number;
}

/** What came of it. */
export interface Outcome {
  readonly account: Account;
  readonly timeline: Timeline;
  readonly periods: readonly Period[];
  /** Transactions that only their server's end has ended are none that a client is told of. */
  readonly replay: boolean;
  /** The cluster says before that another server is to be the primary. */
  readonly isAnnounced: boolean;
  readonly complaints: Load["complaints"];
  readonly wrong: readonly string[];
  readonly reconnects: number;
  /** From each time that there was a writable primary to the next write's answer, in ms. */
  readonly backMs: readonly number[];
  /** The same to the answer of a write that goes there without the proxy. */
  readonly directMs: readonly number[];
  readonly proxyLog: string;
}

/** Reads and single writes, some transactions and settings, and now and then a new connection. */
export const MIXED: Mix = { reads: 50, transactions: 10, settings: 10, connects: 5 };

const WARM_UP_MS = 1500;
const CALM_DOWN_MS = 1000;
/** With discover the servers would be found by ways that no test can cut. */
const proxyConfig = (pipeline: RunOptions["pipeline"]) =>
  `[pool]
mode = "transaction"
pipeline = ${JSON.stringify(pipeline ?? "auto")}
[cluster]
discover = false
slow_start = "0"
[failover]
replication_user = "repl"
replication_password = "repl"
`;
const REPLAY_CONFIG = `replay = true
commit_marks = "ledger.commits"
`;
const SPLIT_CONFIG = `[route]
split = true
consistency = "session"
`;

/** Runs. */
export async function run(options: RunOptions): Promise<Outcome> {
  const random = new Random(options.seed);
  await using site = await startSite(options.cluster);
  const ways = new Map<SiteNode, StallingProxy>();
  if (options.faults.includes("cut")) {
    for (const node of site.nodes) ways.set(node, await StallingProxy.start(node.port));
  }
  const portOf = (node: SiteNode) => ways.get(node)?.port ?? node.port;
  await using proxy = await ProxyInCharge.start({
    backends: site.nodes.map((node) => ({ host: "127.0.0.1", port: portOf(node) })),
    args: [
      ...["-u", "app", "-p", "app", "--admin", "127.0.0.1:0"],
      ...options.faults.includes("worker") ? ["--workers", "2"] : [],
    ],
    config: proxyConfig(options.pipeline) + (options.replay ? REPLAY_CONFIG : "") +
      (options.split ? SPLIT_CONFIG : "") + (options.config ?? ""),
  });
  await settled(proxy, site.nodes.length);
  // Sessions that the proxy could not log in by itself stay where they are.
  await until("accounts are known", () => proxy.log().includes("mode=synced"));
  if (options.split === true) await splits(proxy);
  const load = new Load({
    port: proxy.port,
    sessions: options.sessions,
    mix: options.mix,
    pauseMs: options.pauseMs,
    random: () => random.next(),
  });
  await until("all sessions are in", () => load.ready, {
    describe: () =>
      [...load.complaints.slice(0, 3).map(({ message }) => message), proxy.log()].join("\n"),
  });
  await Bun.sleep(WARM_UP_MS);
  const { timeline } = load;
  timeline.onMark = options.onMark;
  const periods: Period[] = [];
  const watch = watchLog(proxy, timeline);
  try {
    for (const fault of faultsOf(options)) {
      const fromMs = timeline.nowMs;
      await FAULTS[fault].run({
        site,
        ways,
        nameOf: (node) => `127.0.0.1:${portOf(node)}`,
        proxy,
        load,
        holdMs: options.holdMs,
        mark: (what) => timeline.mark(what),
      });
      await Bun.sleep(CALM_DOWN_MS);
      await settled(proxy, site.nodes.length);
      periods.push({ fault, fromMs, toMs: timeline.nowMs });
    }
  } catch (error) {
    console.log(proxy.log());
    throw error;
  } finally {
    clearInterval(watch);
    await load.stop();
    for (const way of ways.values()) way[Symbol.dispose]();
  }
  await site.caughtUp();
  const backAfter = (find: (atMs: number) => number | undefined) =>
    timeline.marks.filter(({ what }) => what === WRITABLE)
      .map(({ atMs }) => (find(atMs) ?? Infinity) - atMs);
  const account = load.ledger.settle(await site.found(TRANSACTION_ROWS));
  return {
    account,
    timeline,
    periods,
    replay: options.replay === true,
    isAnnounced: site.isAnnounced,
    complaints: load.complaints,
    wrong: load.wrong,
    reconnects: load.reconnects,
    backMs: backAfter((atMs) => timeline.firstWriteAfter(atMs)),
    directMs: backAfter((atMs) =>
      timeline.marks.find((mark) => mark.what === WRITTEN && mark.atMs >= atMs)?.atMs
    ),
    proxyLog: proxy.log(),
  };
}

/** What is done, one after the other. */
function* faultsOf({ faults, forMs, seed }: RunOptions): Generator<FaultName> {
  if (forMs === undefined) return yield* faults;
  const random = new Random(seed);
  const endMs = performance.now() + forMs;
  for (let round = 0;; round++) {
    for (const fault of random.shuffled(faults)) {
      if (round > 0 && performance.now() > endMs) return;
      yield fault;
    }
  }
}

/** What the proxy has noticed stands among what was done. */
function watchLog(proxy: ProxyInCharge, timeline: Timeline): ReturnType<typeof setInterval> {
  let seen = proxy.log().length;
  return setInterval(() => {
    const text = proxy.log();
    for (const line of text.slice(seen).split("\n")) {
      if (NOTICED.test(line)) timeline.mark(`  proxy: ${line.replace(/^\w+ /, "")}`);
    }
    seen = text.length;
  }, LOOK_MS);
}

const NOTICED = /cluster: (?:failover|state|primary|switchover)|primary is another|reads: /;
const LOOK_MS = 10;

/** Waits until reads go to replicas: else what is done to those would show nothing. */
async function splits(proxy: ProxyInCharge): Promise<void> {
  const login = { host: "127.0.0.1", port: proxy.port, user: "ledger", password: "ledger" };
  await until("reads are split", async () => {
    const client = await createConnection({ ...login, database: "ledger" });
    const [[row]] = await client.query<RowDataPacket[]>("EXPLAIN ROUTE SELECT name FROM fruit");
    await client.end();
    return row?.["Value"] === "replica";
  }, { describe: () => proxy.log() });
}

/** Waits until the proxy knows all servers and a primary. */
async function settled(proxy: ProxyInCharge, servers: number): Promise<void> {
  await until("all servers are up", async () => {
    const rows = await proxy.order("SHOW CLUSTER WHERE state = 'up'");
    return rows.length === servers && rows.some(({ role }) => role === "primary");
  });
}
