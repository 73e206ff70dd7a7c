// The data plane of one process: listeners, sessions, the server, the janitor.

import { FailureThrottle, RsaKey } from "../auth/mod.ts";
import { type PooledConnection, Pools, PoolTables, Server, ServerList } from "../backend/mod.ts";
import type { Topology } from "../cluster/mod.ts";
import { type Config, workerCount } from "../config/mod.ts";
import { addressText, eventTime, ListenError, onDefect, type Stream } from "../net/mod.ts";
import {
  Counters,
  type DigestName,
  DigestNames,
  type LeveledLog,
  type Log,
  LoopLag,
  reopenLogFiles,
  Stage,
  StatementMetrics,
} from "../observe/mod.ts";
import {
  AuditChoice,
  carryOver,
  ClientSession,
  detailsOf,
  Directory,
  explainFreshRoute,
  FailoverGate,
  killSession,
  NO_PEERS,
  type Peers,
  Routing,
  type SessionContext,
  UserCounts,
} from "../session/mod.ts";
import { encodeEarlyErr, frame, type SqlError } from "../wire/mod.ts";
import {
  prepareConfig,
  type PreparedConfig,
  throttleLimits,
  trustedProxies,
} from "./apply_config.ts";
import { type Credentials, readsAccounts, startCredentials } from "./credentials.ts";
import { FirstServer } from "./first_server.ts";
import { JANITOR_MS, startJanitor } from "./janitor.ts";
import { LeavingServers } from "./leaving_servers.ts";
import { Listeners } from "./listeners.ts";
import { PrimarySilence } from "./primary_silence.ts";
import type { Running } from "./running.ts";
import { TopologyFollower } from "./follow_topology.ts";
import { poolUsesOf } from "./pool_use.ts";
import { splitsReads } from "./splits_reads.ts";
import { LISTEN_STATUS, StartError } from "./start_error.ts";
import { makeTotals } from "./server_digests.ts";
import { connectSettings, ownAccount, poolLimits } from "./server_settings.ts";
import { sharesConnections } from "./shares_connections.ts";
import { openStatementLogs } from "./statement_logs.ts";
import { surveyOf } from "./survey.ts";
import { takeStep } from "./takeover.ts";
import { Troubles } from "./trouble.ts";
import { clientTlsContext, type MadeCertificate } from "./tls_context.ts";
import { takeUsage, UsageTotals } from "./usage.ts";

/** How long the end of a worker waits for servers' answers behind its last client, in milliseconds. */
const LEAVE_MS = 1000;

/** A running data plane. */
export interface Worker extends Running {
  readonly context: SessionContext;
  /** The servers as they were told last. */
  readonly topology: Topology;
  /** Prepares a configuration; the caller puts it in force or drops it. */
  prepare(config: Config): Promise<PreparedConfig>;
  /**
   * Listens so often on each TCP port, beside the sockets of before, which `settleDown` closes.
   *
   * @returns Why that is not possible; undefined: it is done.
   */
  renew(copies: number): Promise<string | undefined>;
  settleDown(): void;
  /** The audit log's lines are to have the names that servers give digests. */
  learnDigests(names: readonly DigestName[]): void;
  /** There are so many workers: they share the bounds of pools, and ask each other. */
  share(workers: number): void;
}

/** What a worker is among others. */
export interface WorkerOptions {
  readonly log: Log;
  /** Changes what `log` writes; absent: it stays. */
  readonly configureLog?: LeveledLog["configure"];
  /** The worker's number, 0 to 255. */
  readonly number: number;
  /** Several workers share their ports by SO_REUSEPORT. */
  readonly reusePort: boolean;
  /** How often it listens on each address. @default {1} */
  readonly copies?: number;
  /** It takes the place of an older proxy. @default {false} */
  readonly replace?: boolean;
  /** How many share the pools. @default {as the configuration says} */
  readonly workers?: number;
  /** The other workers; absent where there are none. */
  readonly peers?: Peers;
  /** A certificate made for all workers; absent where each may make its own, or files are given. */
  readonly certificate?: MadeCertificate | undefined;
  /** Who decides about logins; absent where the worker finds out itself. */
  readonly credentials?: Credentials;
}

/**
 * Starts to serve.
 *
 * @throws {StartError} If a certificate cannot be read or an address cannot be listened on.
 */
export async function startWorker(
  config: Config,
  options: WorkerOptions,
): Promise<Worker> {
  const { log } = options;
  onDefect((error) => log.error("connection closed by a defect", { stack: error.stack }));
  const counters = new Counters();
  const now = eventTime;
  const tables = new PoolTables({ tracksGtids: splitsReads(config) });
  /** The one in force: servers that are met later begin with it. */
  let current = config;
  let workers = options.workers ?? workerCount(config);
  const carry = (connection: PooledConnection) => carryOver(connection, counters);
  const servers = new ServerList((address) =>
    new Server(connectSettings(current, address), {
      pool: current.pool,
      pools: new Pools(addressText(address), poolLimits(current, workers), {
        ...{ counters, now, tables },
        carryOver: carry,
      }),
      shares: sharesConnections(current),
      account: ownAccount(current),
      onOpened(ms) {
        if (!metrics.enabled) return;
        metrics.addStage(Stage.CONNECT, metrics.server(addressText(address)), ms * 1000);
      },
      onFailure: (code) => context.cluster?.report(addressText(address), code),
      counters,
      log: log.of("backend"),
      now,
    })
  );
  const peersOf = (among: number) => among > 1 && options.peers ? options.peers : NO_PEERS;
  const credentials = options.credentials ?? startCredentials(config, log);
  const digestNames = new DigestNames();
  const logs = openStatementLogs(config, { number: options.number, log, names: digestNames });
  const isMeasured = config.metrics.statements || Object.values(logs).some(Boolean);
  const metrics = new StatementMetrics(isMeasured);
  const learnDigests = (names: readonly DigestName[]) => {
    digestNames.learn(names);
    context.audit?.renameDigests(names);
  };
  const totals = makeTotals(config.metrics.digestsMax, {
    config: () => current,
    onNames: learnDigests,
  });
  const usage = new UsageTotals();
  const context: SessionContext = {
    config,
    log: log.of("session"),
    counters,
    metrics,
    ...logs,
    auditChoice: AuditChoice.from(config),
    digestNames,
    loopLag: new LoopLag(JANITOR_MS),
    directory: new Directory(options.number),
    server: servers.at(config.backends[0]),
    settled: config.account && config.backends.length > 1
      ? Promise.withResolvers<void>()
      : undefined,
    gate: new FailoverGate(config.failover, { counters, now }),
    servers,
    tables,
    usersConnected: new UserCounts(),
    credentials: credentials.store,
    onAccountsChanged: undefined,
    rsaKey: new RsaKey(),
    throttle: new FailureThrottle({ ...throttleLimits(config), now }),
    trustedProxies: trustedProxies(config),
    peers: peersOf(workers),
    routing: undefined,
    cluster: undefined,
    ...await clientTlsContext(config.clientTls, options.certificate),
    now: now(),
  };
  const listeners = new Listeners(config.listen, {
    accept: (stream) => accept(stream, context),
    reusePort: options.reusePort,
    copies: options.copies ?? 1,
    replace: options.replace ?? false,
  });
  try {
    await listeners.open();
  } catch (error) {
    if (error instanceof ListenError) throw new StartError(error.message, LISTEN_STATUS);
    throw error;
  }
  const stopJanitor = startJanitor(context, now);
  const silence = new PrimarySilence(context, now);
  const empty = Promise.withResolvers<void>();
  let phase: "serving" | "retired" | "draining" = "serving";
  const leaving = new LeavingServers(context, now);
  const follower = new TopologyFollower(context, leaving);
  const first = new FirstServer(context, leaving);
  /** Who is asked about the servers, where the configuration has them watched. */
  let desk: SessionContext["cluster"];
  // Servers that cannot be looked at in that time may be there for clients nevertheless.
  const settling = setTimeout(() => {
    context.settled?.resolve();
    context.settled = undefined;
  }, Math.min(config.pool.connectTimeoutMs, config.limits.loginTimeoutMs / 2));
  const endIdle = () => {
    for (const session of [...context.directory.all()]) {
      if (!session.loggedIn || (session.idle && !session.hasBegun)) {
        session.shutDown(SHUTDOWN);
      }
    }
  };
  /** When the last client had left. */
  let leftAt: number | undefined;
  const finish = setInterval(() => {
    if (phase === "serving") return;
    if (phase === "draining") endIdle();
    if (context.directory.size > 0) return;
    if (leftAt === undefined) servers.leave();
    leftAt ??= now();
    if (!servers.empty && now() - leftAt < LEAVE_MS) return;
    clearInterval(finish);
    stopJanitor();
    silence.stop();
    clearTimeout(settling);
    credentials.stop();
    leaving.stop();
    first.stop();
    void Promise.all([context.audit?.close(), context.slowLog?.close()])
      .then(() => empty.resolve());
  }, 50);
  /** What hangs on several sections, and comes and goes as a whole. */
  const arrange = (next: Config) => {
    current = next;
    const splits = splitsReads(next);
    tables.tracksGtids = splits;
    if (context.routing) context.routing.turn(splits);
    else if (splits) {
      context.routing = new Routing(next, context);
      context.routing.update(follower.topology);
    }
    context.onAccountsChanged = readsAccounts(next) ? () => credentials.refresh() : undefined;
    context.cluster = next.account ? desk : undefined;
  };
  arrange(config);
  const prepare = async (next: Config): Promise<PreparedConfig> => {
    const { commit, drop } = await prepareConfig(next, context, { ...options, workers });
    return {
      drop,
      commit() {
        commit();
        arrange(next);
        if (next.account === undefined) first.be(next.backends[0]);
        else first.rest();
      },
    };
  };
  return {
    get config() {
      return context.config;
    },
    credentials,
    addresses: listeners.addresses,
    context,
    clientTls: () => context.clientTls,
    counters: () => ({ ...counters }),
    get topology() {
      return follower.topology;
    },
    pools: () => poolUsesOf(context),
    managePools(order) {
      if (order) servers.order(order);
      return Promise.resolve(servers.poolStatuses());
    },
    metrics() {
      totals.add(metrics.take(), Date.now());
      return totals;
    },
    usage() {
      usage.add(takeUsage(context), { worker: options.number, config: current });
      return usage;
    },
    kill: (command) => killSession(command, context),
    noteAdminRefusal: () => void counters.adminLoginsFailed++,
    routes: () => Promise.resolve(context.routing?.counts.rows() ?? []),
    explainRoute: (statement) => Promise.resolve(explainFreshRoute(statement, context)),
    survey: () => Promise.resolve([surveyOf(context, options.number)]),
    details: () => Promise.resolve([detailsOf(context)]),
    publish: (topology) => follower.follow(topology),
    learn: (code) => context.routing?.learn(code),
    learnDigests,
    attach(watcher) {
      const troubles = new Troubles((report) => watcher.report(report));
      desk = {
        answer: async (statement) => await watcher.answer(statement),
        report: (server, code) => troubles.report(server, code),
        reportSilence: (server) => troubles.reportSilence(server),
        noteDefinition: () => watcher.noteDefinition(),
      };
      if (current.account) context.cluster = desk;
    },
    async renew(copies) {
      return await listeners.renew(copies).then(() => undefined, (error: Error) => error.message);
    },
    settleDown: () => listeners.settleDown(),
    share(among) {
      workers = among;
      context.peers = peersOf(among);
      for (const { pools } of servers.all()) pools?.setLimits(poolLimits(current, workers));
    },
    prepare,
    async configure(next) {
      try {
        (await prepare(next)).commit();
        return undefined;
      } catch (error) {
        return (error as Error).message;
      }
    },
    draining: () => phase !== "serving",
    paused: () => listeners.isPaused,
    async pause(isPaused) {
      if (phase !== "serving" || isPaused === listeners.isPaused) return undefined;
      if (isPaused) listeners.pause();
      else return await listeners.open().then(() => undefined, (error: Error) => error.message);
      return undefined;
    },
    ready: () => phase === "serving" && context.server.identity !== undefined,
    async reload() {
      Object.assign(context, await clientTlsContext(config.clientTls, options.certificate));
    },
    reopenLogs: reopenLogFiles,
    takeStep,
    retire() {
      phase = "retired";
      listeners.retire();
    },
    drain() {
      phase = "draining";
      listeners.close();
      endIdle();
    },
    stop() {
      phase = "draining";
      listeners.close();
      for (const session of [...context.directory.all()]) session.shutDown(SHUTDOWN);
    },
    drained: () => empty.promise,
  };
}

function accept(stream: Stream, context: SessionContext): void {
  const { config, counters } = context;
  stream.configure(config.tcp);
  const full = counters.clients + context.peers.clients >= config.limits.clientsMax ||
    counters.clientsUnauthenticated + context.peers.unauthenticated >=
      config.limits.unauthenticatedMax;
  if (full) {
    counters.clientsRefusedFull++;
    stream.write(frame(encodeEarlyErr(TOO_MANY_CONNECTIONS), 0));
    stream.end();
    return;
  }
  counters.clientsAccepted++;
  counters.clients++;
  counters.clientsUnauthenticated++;
  const session = new ClientSession(stream, context);
  context.directory.add(session);
  session.start().catch((error: Error) => {
    context.log.error("internal fault in a login", { stack: error.stack ?? error.message });
    stream.destroy();
  });
}

const TOO_MANY_CONNECTIONS: SqlError = {
  code: 1040,
  sqlState: "08004",
  message: "Too many connections",
};

const SHUTDOWN: SqlError = {
  code: 1053,
  sqlState: "08S01",
  message: "Server shutdown in progress",
};
