// Tells when a file has changed, however editors and deployments replace it.

import { watch } from "node:fs";
import { basename, dirname } from "node:path";

/** Several events are one change: writers write in pieces. */
const SETTLE_MS = 300;

/** @param onChange Called a moment after the last event. */
export function watchFile(path: string, onChange: () => void): void {
  const name = basename(path);
  let timer: ReturnType<typeof setTimeout> | undefined;
  // The folder is watched: a file that is replaced by another one would be lost.
  watch(dirname(path), { persistent: false }, (_event, changed) => {
    // In a mounted folder of Kubernetes a link beside it changes.
    if (changed !== null && changed !== name && !changed.startsWith("..")) return;
    clearTimeout(timer);
    timer = setTimeout(onChange, SETTLE_MS);
    timer.unref();
  });
}
