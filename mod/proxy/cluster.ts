// The servers are watched, where the proxy has an account to watch them with.

import {
  answerClusterStatement,
  type ClusterAnswer,
  type ClusterEvent,
  ClusterMonitor,
  type ClusterStatement,
  type ClusterView,
  type EventKind,
  OwnConnector,
  type PoolCounts,
  StateFiles,
  Switchover,
  type SwitchoverOrder,
  systemClock,
  type Topology,
  type TopologyServer,
  type TroubleReport,
} from "../cluster/mod.ts";
import type { Config } from "../config/mod.ts";
import type { Log } from "../observe/mod.ts";
import type { StoredCode } from "../session/mod.ts";
import type { SqlError } from "../wire/mod.ts";
import { ownEndpoint } from "./credentials.ts";
import { monitorSettings } from "./monitor_settings.ts";
import { poolMax, type PoolUses } from "./pool_use.ts";
import { splitsReads } from "./splits_reads.ts";
import { StoredCodeWatch } from "./stored_code.ts";

/** A cluster that is being watched. */
export interface RunningCluster extends ClusterView {
  /** How many events of a kind there were since the start. */
  count(kind: EventKind): number;
  /** Answers a statement about the servers. */
  answer(statement: ClusterStatement): ClusterAnswer;
  /** The data plane has seen something of a server that does not fit. */
  report(report: TroubleReport): void;
  /** It has defined something: a function, a view. */
  noteDefinition(): void;
  /** Applies other settings, and watches other servers. */
  reconfigure(config: Config): void;
  /** Why the servers of a configuration cannot be those; undefined: they can. */
  reasonAgainst(config: Config): string | undefined;
  /** Moves the primary's role; never rejects. */
  switchOver(order: SwitchoverOrder): Promise<ClusterAnswer>;
  /** Ends the watch; resolves when what is to be kept is written. */
  stop(): Promise<void>;
}

/** What the data plane gives to the monitor, and gets from it. */
export interface DataPlane {
  /** Takes a topology. */
  publish(topology: Topology): void;
  /** Takes what stored functions and views there are. */
  learn(code: StoredCode): void;
  /** The connections to each server, all workers together. */
  pools(): PoolUses;
  /** How many sessions have a transaction open on a server, by all of its names. */
  transactionsAt(names: readonly string[]): Promise<number>;
}

/** Starts to watch the servers; undefined where the proxy has no account of its own. */
export async function startCluster(
  config: Config,
  log: Log,
  dataPlane: DataPlane,
): Promise<RunningCluster | undefined> {
  if (!config.account) return undefined;
  const folder = config.cluster.stateDirPath;
  const files = folder === "" ? undefined : new StateFiles(folder, {
    onError: (reason) => log.warn("cluster state not kept", { reason }),
  });
  const saved = await files?.read();
  let code: StoredCodeWatch | undefined;
  const connector = new OwnConnector((address) => ownEndpoint(config, address));
  const monitor = new ClusterMonitor({
    seeds: config.backends,
    saved: saved?.servers ?? [],
    orders: saved?.orders ?? {},
    settings: monitorSettings(config),
    connector,
    onTopology(topology) {
      dataPlane.publish(topology);
      files?.saveTopology(topology);
    },
    onEvent: (event) => logEvent(event, log),
    onOrders: (orders) => files?.saveOrders(orders),
  });
  monitor.start();
  if (splitsReads(config)) {
    code = new StoredCodeWatch(config, {
      log,
      topology: () => monitor.topology,
      publish: (stored) => dataPlane.learn(stored),
    });
    code.refresh();
  }
  let { failover } = config;
  const switchover = new Switchover({
    clock: systemClock,
    get settings() {
      return failover;
    },
    topology: () => monitor.topology,
    open: (address) => connector.open(address, { timeoutMs: CONNECT_MS, onLost: () => {} }),
    hold: (target) => monitor.hold(target),
    transactionsAt: (names) => dataPlane.transactionsAt(names),
    note: (event) => monitor.events.add(event),
  });
  const max = poolMax(config);
  const poolOf = (server: TopologyServer) => poolCounts(server, dataPlane.pools(), max);
  const running: RunningCluster = {
    get topology() {
      return monitor.topology;
    },
    get events() {
      return monitor.events.all;
    },
    count: (kind) => monitor.events.count(kind),
    answer(statement) {
      return answerClusterStatement(statement, running, { nowMs: Date.now(), poolOf });
    },
    report: (report) => monitor.report(report),
    noteDefinition: () => code?.refresh(),
    reconfigure(next) {
      failover = next.failover;
      monitor.reconfigure({ settings: monitorSettings(next), seeds: next.backends });
    },
    reasonAgainst: ({ backends }) => monitor.reasonAgainst(backends),
    drain: (server) => monitor.drain(server),
    enable: (server) => monitor.enable(server),
    switchOver: (order) =>
      config.pool.mode === "transaction"
        ? switchover.run(order)
        : Promise.resolve(NOT_WITHOUT_POOLING),
    setWeight: (server, weight) => monitor.setWeight(server, weight),
    async stop() {
      code?.stop();
      monitor.stop();
      await files?.written();
    },
  };
  return running;
}

/** Clients stay with their connection, to a server that takes no writes any more. */
const NOT_WITHOUT_POOLING: SqlError = {
  code: 1105,
  sqlState: "HY000",
  message: 'SWITCHOVER takes pool.mode = "transaction": other sessions cannot go to another server',
};

/** A switchover's own connections, in milliseconds. */
const CONNECT_MS = 5000;

/** The connections to a server, under whichever of its names they were made. */
function poolCounts({ name, aliases }: TopologyServer, uses: PoolUses, max: number): PoolCounts {
  const counts = { running: 0, idle: 0, max };
  for (const each of [name, ...aliases]) {
    counts.running += uses[each]?.running ?? 0;
    counts.idle += uses[each]?.idle ?? 0;
  }
  return counts;
}

const BAD_STATES: ReadonlySet<string> = new Set(["suspect", "down", "lagging", "wrong-cluster"]);

function logEvent(event: ClusterEvent, log: Log): void {
  const { kind, server, from, to, reason, durationMs } = event;
  const isBad = kind === "failover-began" || (kind === "state-changed" && BAD_STATES.has(to));
  log[isBad ? "warn" : "info"](`cluster: ${kind.replace("-", " ")}`, {
    server: server ?? undefined,
    from: from || undefined,
    to: to || undefined,
    reason: reason || undefined,
    duration_ms: durationMs ?? undefined,
  });
}
