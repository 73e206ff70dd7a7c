// Faults of the proxy itself: told in the log, and no reason to end everybody's session.

import type { Log } from "../observe/mod.ts";

/** Logs what nobody caught. A fault inside a socket's handler ends that connection alone. */
export function reportFaults(log: Log): void {
  const report = (error: unknown) => {
    const stack = error instanceof Error ? error.stack ?? error.message : String(error);
    log.error("internal fault", { stack });
  };
  process.on("uncaughtException", report);
  process.on("unhandledRejection", report);
}
