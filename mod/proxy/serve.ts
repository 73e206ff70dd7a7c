// `serve` as a process: starts, says where it listens, reacts to signals, ends in good order.

import { type Config, type ListenAddress, workerCount } from "../config/mod.ts";
import { formatAddress } from "../config/mod.ts";
import { createLog, type Log, LogLines } from "../observe/mod.ts";
import { ListenError } from "../net/mod.ts";
import type { DataPlane, RunningCluster } from "./cluster.ts";
import { reportFaults } from "./faults.ts";
import { checkPortsAreFree } from "./free_ports.ts";
import { logSettings } from "./log_settings.ts";
import { notifyService } from "./notify_service.ts";
import { sessionsByOpenFiles } from "./open_files.ts";
import { type ConfigLoader, type ConfigOutcome, LiveConfig } from "./live_config.ts";
import type { Running } from "./running.ts";
import { Signals } from "./signals.ts";
import { LISTEN_STATUS, StartError } from "./start_error.ts";
import { Predecessor } from "./takeover.ts";
import { ClusterWatch } from "./watch_cluster.ts";
import { WatchedFiles } from "./watch_file.ts";
import { sharesConnections } from "./shares_connections.ts";
import { splitsReads } from "./splits_reads.ts";
import { primaryAddress } from "./stored_code.ts";
import { startSupervisor } from "./supervisor.ts";
import { startWorker } from "./worker.ts";

/** How long a proxy that is replaced may take to close its own ports, in milliseconds. */
const PORTS_MS = 5000;

/** A proxy that runs in this process. */
export interface RunningProxy {
  /** For the proxy's own ports. */
  readonly running: Running;
  readonly addresses: readonly ListenAddress[];
  /** The servers as they are watched; absent where the proxy has no account for it. */
  readonly cluster: RunningCluster | undefined;
  /** Ends all sessions and resolves when they are gone. */
  stop(): Promise<void>;
}

/**
 * Starts a proxy inside this process, for tests and the demo.
 *
 * @throws {StartError} If it cannot start.
 */
export async function startProxy(config: Config, log: Log): Promise<RunningProxy> {
  const worker = await startWorker(config, { log, number: 0, reusePort: false });
  const watch = new ClusterWatch(config, log.of("cluster"), dataPlaneOf(worker));
  await watch.start();
  const cluster = watch.current;
  worker.attach(watch);
  return {
    running: { ...worker, cluster },
    addresses: worker.addresses,
    cluster,
    async stop() {
      worker.stop();
      await worker.drained();
      await watch.stop();
    },
  };
}

/** What a command says beside the configuration. */
export interface ServeOptions {
  /** Opens the proxy's own ports once it serves; gives what closes them. */
  readonly openPorts?: (
    running: Running,
    logs: { readonly log: Log; readonly lines: LogLines },
  ) => Promise<() => void>;
  /** An older proxy on the same ports is to be replaced. @default {false} */
  readonly takeover?: boolean;
  /** Reads the configuration anew; without it there is none to be applied. */
  readonly load?: ConfigLoader;
  /** The files that are to be read anew whenever they change. */
  readonly watched?: (config: Config) => readonly string[];
  /** The file, where there is one. */
  readonly file?: string | undefined;
}

/** Lines of the log that the admin port has. */
const LINES_MAX = 1000;

/**
 * Runs the proxy until a signal ends it.
 *
 * @returns The exit status.
 * @throws {StartError} If it cannot start.
 */
export async function serve(
  config: Config,
  { openPorts = () => Promise.resolve(() => {}), takeover = false, load, watched = () => [], file }:
    ServeOptions = {},
): Promise<number> {
  const lines = new LogLines(LINES_MAX);
  const log = createLog({
    ...logSettings(config),
    module: "proxy",
    onLine: (line) => lines.add(line, null),
  });
  reportFaults(log);
  const signals = new Signals(log);
  const predecessor = takeover ? Predecessor.find(config.listen) : undefined;
  if (predecessor === undefined) await checkPortsAreFree(config.listen);
  const workers = workerCount(config);
  const place = { copies: predecessor?.copiesFor(workers) ?? 1, replace: takeover };
  const running = await startSupervisor(config, log, { ...place, lines });
  for (const address of running.addresses) {
    log.info("listening", { address: formatAddress(address) });
  }
  warnAbout(config, log);
  let close = () => {};
  const closePorts = () => {
    close();
    close = () => {};
  };
  signals.leadTo(running, closePorts);
  const watch = new ClusterWatch(config, log.of("cluster"), dataPlaneOf(running));
  await watch.start();
  running.attach(watch);
  const loaded = load?.();
  const live = load && loaded?.config
    ? new LiveConfig(config, loaded, { running, watch, log, load, file })
    : undefined;
  // What is running, and what is known of it here.
  const whole: Running = Object.create(running, {
    cluster: { get: () => watch.current },
    live: { value: live },
  });
  if (live) {
    signals.reloadWith(async () => told(await live.apply({}, "SIGHUP"), log));
    const files = new WatchedFiles(() => {
      live.applyChanged().then((outcome) => outcome && told(outcome, log)).catch(() => {});
    });
    live.onApplied = (config) => {
      warnAbout(config, log);
      files.watch(watched(config));
    };
    files.watch(watched(config));
  }
  const { sockets = [] } = predecessor ?? {};
  await predecessor?.relieve(async (step) => await running.takeStep(step, sockets), log);
  try {
    // Those of the older proxy are free in a moment.
    const patienceMs = predecessor === undefined ? 0 : PORTS_MS;
    close = await opened(() => openPorts(whole, { log, lines }), patienceMs);
  } catch (error) {
    running.stop();
    await watch.stop();
    if (error instanceof ListenError) throw new StartError(error.message, LISTEN_STATUS);
    throw error;
  }
  notifyService(["READY=1", `MAINPID=${process.pid}`]);
  await running.drained();
  await watch.stop();
  log.info("ended");
  log.flush();
  closePorts();
  return 0;
}

/** Says what of a configuration comes to less than its keys promise. */
function warnAbout(config: Config, log: Log): void {
  if (config.backends.length > 1 && !config.account) {
    const [used] = config.backends;
    log.warn("only the first backend is used: without an account nobody can tell what they are", {
      backend: formatAddress(used!),
    });
  }
  if (config.route.split && !splitsReads(config)) {
    log.warn('statements are not split: that takes [account] and pool.mode = "transaction"');
  }
  const { replay, commitMarks } = config.failover;
  if (replay && !(config.account !== undefined && sharesConnections(config))) {
    log.warn('transactions are not run again: that takes [account] and pool.mode = "transaction"');
  }
  if (commitMarks !== "" && !replay) {
    log.warn("commits leave no marks: that takes failover.replay");
  }
  const room = sessionsByOpenFiles() * workerCount(config);
  if (room < config.limits.clientsMax) {
    log.warn("the limit on open files leaves room for fewer clients than limits.clients_max", {
      room,
      clients_max: config.limits.clientsMax,
    });
  }
}

/** @throws {Error} If a configuration was refused. */
function told(outcome: ConfigOutcome, log: Log): void {
  if (outcome.kind === "applied") return;
  for (const reason of outcome.reasons) log.of("config").error("configuration refused", { reason });
  throw new Error(outcome.reasons[0]);
}

/** Tries again for a while where an address is in use. */
async function opened(open: () => Promise<() => void>, forMs: number): Promise<() => void> {
  const deadline = performance.now() + forMs;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof ListenError) || performance.now() > deadline) throw error;
      await Bun.sleep(20);
    }
  }
}

function dataPlaneOf(running: Running): DataPlane {
  return {
    publish(topology) {
      const primary = primaryAddress(topology);
      if (primary) running.credentials.readAt(primary);
      running.publish(topology);
    },
    learn: (code) => running.learn(code),
    pools: () => running.pools(),
    async transactionsAt(names) {
      const frontends = (await running.survey()).flatMap(({ frontends }) => frontends);
      return frontends.filter(({ inTransaction, server }) =>
        inTransaction && server !== null && names.includes(server)
      ).length;
    },
  };
}
