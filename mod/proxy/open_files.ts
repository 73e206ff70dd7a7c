// How many files the process may have open: each session takes two, its own and its server's.

import { readFileSync } from "node:fs";

/** Files that a process has open besides its sessions', generously. */
const OTHERS = 64;
const FILES_PER_SESSION = 2;

/**
 * The sessions that the system's limit on open files leaves room for; Infinity where it is not
 * known. The runtime raises the soft limit to the hard one at its start.
 */
export function sessionsByOpenFiles(
  limits: () => string = () => readFileSync("/proc/self/limits", "utf8"),
): number {
  let text: string;
  try {
    text = limits();
  } catch {
    return Infinity; // not Linux
  }
  const [, soft] = /^Max open files\s+(\d+)/m.exec(text) ?? [];
  return soft === undefined
    ? Infinity
    : Math.max(0, Math.floor((Number(soft) - OTHERS) / FILES_PER_SESSION));
}
