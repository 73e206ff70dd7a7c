// A worker as a process of its own: starts on the supervisor's word, ends with the supervisor.

import type { Config } from "../config/mod.ts";
import { createLog, type LeveledLog, type LogLine } from "../observe/mod.ts";
import { reportFaults } from "./faults.ts";
import { logSettings } from "./log_settings.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { StartError } from "./start_error.ts";
import { REPLACED_SIGNAL } from "./takeover.ts";
import { Link } from "./worker_link.ts";

/** Runs the worker; resolves with its exit status. */
export async function runWorkerProcess(): Promise<number> {
  if (!process.send) {
    throw new StartError("This command is started by the proxy itself", 2);
  }
  // The terminal sends its signals to all processes; the supervisor says what they mean.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {});
  process.on("SIGHUP", () => {});
  // Who takes over knows only who listens.
  process.on(REPLACED_SIGNAL, () => {
    if (process.ppid > 1) process.kill(process.ppid, REPLACED_SIGNAL);
  });
  const link = new Link({ tell, log: logOf });
  process.on("message", (message: ToWorker) => link.onMessage(message));
  const alone = Promise.withResolvers<number>();
  process.on("disconnect", () => alone.resolve(1));
  return await Promise.race([link.ended, alone.promise]);
}

function tell(message: FromWorker): void {
  process.send!(message);
}

function logOf(config: Config): LeveledLog {
  const log = createLog({ ...logSettings(config), module: "proxy", onLine: logTeller() });
  process.on("exit", () => log.flush());
  reportFaults(log);
  return log;
}

/** Lines that a worker tells in a second at most: a storm of them is for standard error alone. */
const LINES_PER_SECOND_MAX = 50;

/** Tells the supervisor of the log's lines. */
function logTeller(): (line: LogLine) => void {
  let second = 0;
  let told = 0;
  return (line) => {
    const now = Math.floor(line.atMs / 1000);
    if (now !== second) {
      second = now;
      told = 0;
    }
    if (told++ < LINES_PER_SECOND_MAX) tell({ kind: "logged", line });
  };
}
