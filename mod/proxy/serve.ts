// `serve` as a process: starts, says where it listens, reacts to signals, ends in good order.

import type { Config, ListenAddress } from "../config/mod.ts";
import { formatAddress } from "../config/mod.ts";
import { createLog, type Log } from "../observe/mod.ts";
import { ListenError } from "../net/mod.ts";
import { type DataPlane, type RunningCluster, startCluster } from "./cluster.ts";
import { reportFaults } from "./faults.ts";
import { sessionsByOpenFiles } from "./open_files.ts";
import type { Running } from "./running.ts";
import { LISTEN_STATUS, StartError } from "./start_error.ts";
import { startSupervisor } from "./supervisor.ts";
import { workerCount } from "./worker_count.ts";
import { startWorker } from "./worker.ts";

/** How long sessions with an open transaction may go on after the first signal, in milliseconds. */
const DRAIN_MS = 10_000;

/** A proxy that runs in this process. */
export interface RunningProxy {
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
  const cluster = await startCluster(config, log, dataPlaneOf(worker));
  if (cluster) worker.attach(cluster);
  return {
    addresses: worker.addresses,
    cluster,
    async stop() {
      worker.stop();
      await worker.drained();
      await cluster?.stop();
    },
  };
}

/**
 * Runs the proxy until a signal ends it.
 *
 * @param openPorts Opens the proxy's own ports once it serves; they are closed with it.
 * @returns The exit status.
 * @throws {StartError} If it cannot start.
 */
export async function serve(
  config: Config,
  openPorts: (running: Running, log: Log) => Promise<() => void> = () => Promise.resolve(() => {}),
): Promise<number> {
  const log = createLog(config.log);
  reportFaults(log);
  const signals = new Signals(log);
  const running = workerCount(config) === 1
    ? await serveAlone(config, log)
    : await startSupervisor(config, log);
  for (const address of running.addresses) {
    log.info("listening", { address: formatAddress(address) });
  }
  if (config.backends.length > 1 && !config.account) {
    const [used] = config.backends;
    log.warn("only the first backend is used: without an account nobody can tell what they are", {
      backend: formatAddress(used!),
    });
  }
  if (config.route.split || config.rules.length > 0) {
    log.warn("statements are not split yet: [route] and [[rule]] change nothing");
  }
  const room = sessionsByOpenFiles() * workerCount(config);
  if (room < config.limits.clientsMax) {
    log.warn("the limit on open files leaves room for fewer clients than limits.clients_max", {
      room,
      clients_max: config.limits.clientsMax,
    });
  }
  signals.leadTo(running);
  const cluster = await startCluster(config, log, dataPlaneOf(running));
  if (cluster) running.attach(cluster);
  let closePorts: () => void;
  try {
    closePorts = await openPorts({ ...running, cluster }, log);
  } catch (error) {
    running.stop();
    await cluster?.stop();
    if (error instanceof ListenError) throw new StartError(error.message, LISTEN_STATUS);
    throw error;
  }
  await running.drained();
  await cluster?.stop();
  log.info("ended");
  closePorts();
  return 0;
}

function dataPlaneOf(running: Running): DataPlane {
  return {
    publish: (topology) => running.publish(topology),
    pools: () => running.pools(),
  };
}

async function serveAlone(config: Config, log: Log): Promise<Running> {
  const worker = await startWorker(config, { log, number: 0, reusePort: false });
  const { server } = worker.context;
  server.identify().catch((error: Error) => {
    log.warn("server cannot be reached yet", { server: server.name, reason: error.message });
  });
  return worker;
}

/** What signals mean. Listens from before the start, so that none is lost in between. */
class Signals {
  readonly #log: Log;
  #running: Running | undefined;
  #ends = 0;

  constructor(log: Log) {
    this.#log = log;
    process.on("SIGTERM", () => this.#onEnd("SIGTERM"));
    process.on("SIGINT", () => this.#onEnd("SIGINT"));
    process.on("SIGHUP", () => void this.#reload());
  }

  leadTo(running: Running): void {
    this.#running = running;
    if (this.#ends > 0) running.stop();
  }

  /** The first signal drains, the second one ends all sessions. */
  #onEnd(signal: string): void {
    this.#ends++;
    this.#log.info(this.#ends === 1 ? "draining" : "stopping", { signal });
    const running = this.#running;
    if (!running) return;
    if (this.#ends > 1) return running.stop();
    running.drain();
    setTimeout(() => running.stop(), DRAIN_MS).unref();
  }

  async #reload(): Promise<void> {
    try {
      await this.#running?.reload();
      this.#log.info("certificates read again");
    } catch (error) {
      this.#log.error("certificates not read again, the old ones stay", {
        reason: (error as Error).message,
      });
    }
  }
}
