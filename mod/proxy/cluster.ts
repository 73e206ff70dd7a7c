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
  type SavedState,
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
import { sharesConnections } from "./shares_connections.ts";
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
  /** Applies other settings, and watches other servers. As the same account, in the same way. */
  reconfigure(config: Config): void;
  /** Every server was looked at once. */
  readonly ready: Promise<void>;
  /** Tells what it knows from now on, in place of the one that it takes over from. */
  begin(): void;
  /** What one that takes over is to know. */
  readonly knowledge: Knowledge;
  /** A switchover is under way. */
  readonly isSwitching: boolean;
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

/** What a watch has found out so far, and what people have told it. */
export type Knowledge = Pick<ClusterMonitor, "topology" | "events" | "orders">;

/**
 * Starts to watch the servers, as the proxy's own account.
 *
 * @param before What another watch knew that this one takes over from, as soon as it is told to.
 */
export async function startCluster(
  config: Config,
  log: Log,
  { dataPlane, before }: { readonly dataPlane: DataPlane; readonly before?: Knowledge | undefined },
): Promise<RunningCluster> {
  const folder = config.cluster.stateDirPath;
  const files = folder === "" ? undefined : new StateFiles(folder, {
    onError: (reason) => log.warn("cluster state not kept", { reason }),
  });
  const saved = await files?.read();
  return watchServers(config, log, { dataPlane, before, files, saved });
}

/**
 * Not async: all that such a function was given stays for as long as one of its closures does, the
 * watch before this one among it, and what that one was given.
 */
function watchServers(
  config: Config,
  log: Log,
  { dataPlane, before, files, saved }: {
    readonly dataPlane: DataPlane;
    readonly before: Knowledge | undefined;
    readonly files: StateFiles | undefined;
    readonly saved: SavedState | undefined;
  },
): RunningCluster {
  /** The one in force. */
  let current = config;
  let hasBegun = before === undefined;
  let code: StoredCodeWatch | undefined;
  const connector = new OwnConnector((address) => ownEndpoint(current, address));
  const tell = (topology: Topology) => {
    dataPlane.publish(topology);
    files?.saveTopology(topology);
  };
  const monitor = new ClusterMonitor({
    seeds: config.backends,
    saved: before?.topology.servers.map(({ address }) => address) ?? saved?.servers ?? [],
    orders: before?.orders ?? saved?.orders ?? {},
    settings: monitorSettings(config),
    connector,
    onTopology: (topology) => hasBegun && tell(topology),
    onEvent: (event) => logEvent(event, log),
    onOrders: (orders) => files?.saveOrders(orders),
    ...(before ? { before } : {}),
  });
  monitor.start();
  const watchCode = () => {
    const isWanted = splitsReads(current);
    if (isWanted === (code !== undefined)) return;
    code?.stop();
    code = isWanted
      ? new StoredCodeWatch(() => current, {
        log,
        topology: () => monitor.topology,
        publish: (stored) => dataPlane.learn(stored),
      })
      : undefined;
    code?.refresh();
  };
  if (hasBegun) watchCode();
  let switchovers = 0;
  const switchover = new Switchover({
    clock: systemClock,
    get settings() {
      return current.failover;
    },
    topology: () => monitor.topology,
    open: (address) => connector.open(address, { timeoutMs: CONNECT_MS, onLost: () => {} }),
    hold: (target) => monitor.hold(target),
    transactionsAt: (names) => dataPlane.transactionsAt(names),
    note: (event) => monitor.events.add(event),
  });
  const poolOf = (server: TopologyServer) =>
    poolCounts(server, dataPlane.pools(), poolMax(current));
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
      current = next;
      monitor.reconfigure({ settings: monitorSettings(next), seeds: next.backends });
      watchCode();
    },
    ready: monitor.ready,
    begin() {
      hasBegun = true;
      tell(monitor.topology);
      files?.saveOrders(monitor.orders);
      watchCode();
    },
    knowledge: monitor,
    get isSwitching() {
      return switchovers > 0;
    },
    reasonAgainst: ({ backends }) => monitor.reasonAgainst(backends),
    drain: (server) => monitor.drain(server),
    enable: (server) => monitor.enable(server),
    async switchOver(order) {
      if (!sharesConnections(current)) return NOT_WITHOUT_POOLING;
      switchovers++;
      return await switchover.run(order).finally(() => switchovers--);
    },
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
