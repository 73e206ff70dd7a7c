// `serve` as a process: starts, says where it listens, reacts to signals, ends in good order.

import type { Config, ListenAddress } from "../config/mod.ts";
import { formatAddress } from "../config/mod.ts";
import { createLog, type Log } from "../observe/mod.ts";
import { startWorker, type Worker } from "./worker.ts";

/** How long sessions with an open transaction may go on after the first signal, in milliseconds. */
const DRAIN_MS = 10_000;

/** A proxy that runs in this process. */
export interface RunningProxy {
  readonly addresses: readonly ListenAddress[];
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
  return {
    addresses: worker.addresses,
    async stop() {
      worker.stop();
      await worker.drained();
    },
  };
}

/**
 * Runs the proxy until a signal ends it.
 *
 * @returns The exit status.
 * @throws {StartError} If it cannot start.
 */
export async function serve(config: Config): Promise<number> {
  const log = createLog(config.log);
  const worker = await startWorker(config, { log, number: 0, reusePort: false });
  for (const address of worker.addresses) {
    log.info("listening", { address: formatAddress(address) });
  }
  worker.context.server.identify().catch((error: unknown) => {
    log.warn("server cannot be reached yet", {
      server: worker.context.server.name,
      reason: (error as Error).message,
    });
  });
  await untilEnded(worker, log);
  return 0;
}

async function untilEnded(worker: Worker, log: Log): Promise<void> {
  let signals = 0;
  const onEnd = (signal: string) => {
    signals++;
    log.info(signals === 1 ? "draining" : "stopping", {
      signal,
      sessions: worker.context.directory.size,
    });
    if (signals === 1) {
      worker.drain();
      setTimeout(() => worker.stop(), DRAIN_MS).unref();
    } else worker.stop();
  };
  process.on("SIGTERM", () => onEnd("SIGTERM"));
  process.on("SIGINT", () => onEnd("SIGINT"));
  process.on("SIGHUP", () => {
    worker.reload().then(
      () => log.info("certificates read again"),
      (error: Error) =>
        log.error("reload failed, the old certificates stay", { reason: error.message }),
    );
  });
  await worker.drained();
  log.info("ended");
}
