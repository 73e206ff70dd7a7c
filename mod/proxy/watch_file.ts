// Tells when a file has changed, however editors and deployments replace it.

import { watch } from "node:fs";
import { basename, dirname } from "node:path";

/** Several events are one change: writers write in pieces. */
const SETTLE_MS = 300;

/** Files that are watched, as long as they are to be. */
export class WatchedFiles {
  readonly #onChange: () => void;
  readonly #watches = new Map<string, () => void>();

  /** @param onChange Called a moment after the last event of each. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Watches these and no others. */
  watch(paths: readonly string[]): void {
    for (const [path, stop] of this.#watches) {
      if (paths.includes(path)) continue;
      stop();
      this.#watches.delete(path);
    }
    for (const path of paths) {
      if (!this.#watches.has(path)) this.#watches.set(path, watchFile(path, this.#onChange));
    }
  }
}

/** @returns What ends it. */
function watchFile(path: string, onChange: () => void): () => void {
  const name = basename(path);
  let timer: ReturnType<typeof setTimeout> | undefined;
  // The folder is watched: a file that is replaced by another one would be lost.
  const watcher = watch(dirname(path), { persistent: false }, (_event, changed) => {
    // In a mounted folder of Kubernetes a link beside it changes.
    if (changed !== null && changed !== name && !changed.startsWith("..")) return;
    clearTimeout(timer);
    timer = setTimeout(onChange, SETTLE_MS);
    timer.unref();
  });
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
}
