// What carries messages to a worker: the channel between processes, or a call where it is in this one.

import type { LeveledLog } from "../observe/mod.ts";
import type { Credentials } from "./credentials.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import type { Worker } from "./worker.ts";
import { Link } from "./worker_link.ts";

/** The hidden command that a worker process runs. */
export const WORKER_COMMAND = "worker";

/** A worker from the supervisor's side. */
export interface WorkerChannel {
  /** Its process. */
  readonly pid: number;
  send(message: ToWorker): void;
  /** The worker itself, where it is in this process and has started. */
  readonly worker: Worker | undefined;
}

/** What is told of a worker. */
export interface WorkerEvents {
  onMessage(message: FromWorker): void;
  /** It has ended, with this status; null: it was killed. */
  onEnd(channel: WorkerChannel, status: number | null): void;
}

/** Starts a process for a worker. */
export function spawnWorker(events: WorkerEvents): WorkerChannel {
  const process = Bun.spawn({
    cmd: [globalThis.process.execPath, ...scriptArguments(), WORKER_COMMAND],
    stdio: ["ignore", "inherit", "inherit"],
    serialization: "json",
    ipc: (message: FromWorker) => events.onMessage(message),
    onExit: (_process, status) => events.onEnd(channel, status),
  });
  const channel: WorkerChannel = {
    pid: process.pid,
    worker: undefined,
    send(message) {
      try {
        process.send(message);
      } catch {
        // It has just died: its end is seen by onEnd.
      }
    },
  };
  return channel;
}

/** A worker in this process, which has log and credentials already. */
export function localWorker(
  events: WorkerEvents,
  { log, credentials }: { readonly log: LeveledLog; readonly credentials: Credentials },
): WorkerChannel {
  const link = new Link({
    tell: (message) => events.onMessage(message),
    log: () => log,
    credentials: withoutStop(credentials),
  });
  const channel: WorkerChannel = {
    pid: process.pid,
    get worker() {
      return link.worker;
    },
    send: (message) => link.onMessage(message),
  };
  void link.ended.then((status) => events.onEnd(channel, status));
  return channel;
}

/** They are stopped by who has started them. */
function withoutStop(credentials: Credentials): Credentials {
  return {
    store: credentials.store,
    refresh: () => credentials.refresh(),
    readAt: (address) => credentials.readAt(address),
    reconfigure: (config) => credentials.reconfigure(config),
    stop() {},
  };
}

/** Under `bun main.ts` the script must be named again; a compiled executable is all there is. */
function scriptArguments(): string[] {
  return Bun.main.startsWith("/$bunfs/") ? [] : [Bun.main];
}
