// What a proxy that has been thrown mutated bytes at must not show.

import type { FuzzReport } from "./run.ts";

/** The control session's slowest answer may take so long, in milliseconds. */
const SLOWEST_MS_MAX = 5_000;
/** Memory may grow by so many bytes after the first tenth of the streams. */
const GROWTH_MAX = 96 * 1024 * 1024;
const DEFECTS_SHOWN = 10;

/** Sentences about what is wrong; none where all is well. */
export function complaints(report: FuzzReport): string[] {
  const { control, serverDied, clientsLeft, serverConnectionsLeft, defects, exitStatus } = report;
  const growth = report.rssEnd - report.rssEarly;
  const wrong: string[] = [];
  if (serverDied !== undefined) wrong.push(`the server has died: ${serverDied}`);
  if (control.failure !== undefined) wrong.push(`the control session failed: ${control.failure}`);
  if (control.slowestMs > SLOWEST_MS_MAX) {
    wrong.push(`an answer took ${Math.round(control.slowestMs)} ms`);
  }
  if (clientsLeft > 0) wrong.push(`${clientsLeft} client connections were left open`);
  if (serverConnectionsLeft > 0) {
    wrong.push(`${serverConnectionsLeft} server connections too many were left open`);
  }
  if (growth > GROWTH_MAX) wrong.push(`memory grew by ${growth} bytes`);
  if (exitStatus !== 0) wrong.push(`the proxy ended with status ${exitStatus}`);
  wrong.push(...defects.slice(0, DEFECTS_SHOWN).map((line) => `log: ${line}`));
  if (defects.length > DEFECTS_SHOWN) wrong.push(`log: ${defects.length - DEFECTS_SHOWN} more`);
  return wrong;
}
