// Storms of log lines: what is the same many times a second becomes one line with a count.

import type { LogLine } from "./log_line.ts";

/** So many lines that say the same pass within a window. */
const LINES_MAX = 5;
/** A window begins with a line, in milliseconds. */
const WINDOW_MS = 1000;
/** Different lines that are watched at a time; beyond that lines pass as they are. */
const KINDS_MAX = 1000;
/** Who it was about makes no other line. */
const WHO: ReadonlySet<string> = new Set(["session", "client", "thread"]);

interface Window {
  lines: number;
  /** The last line that was held back. */
  held: LogLine | undefined;
  heldCount: number;
}

/** Lets lines through, and counts those of a storm. */
export class Storms {
  readonly #write: (line: LogLine) => void;
  readonly #windows = new Map<string, Window>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param write Gets the lines that pass. */
  constructor(write: (line: LogLine) => void) {
    this.#write = write;
  }

  /** A line that was not filtered out. */
  add(line: LogLine): void {
    const key = keyOf(line);
    let window = this.#windows.get(key);
    if (window === undefined) {
      if (this.#windows.size >= KINDS_MAX) return this.#write(line);
      window = { lines: 0, held: undefined, heldCount: 0 };
      this.#windows.set(key, window);
      this.#timer ??= setTimeout(() => this.flush(), WINDOW_MS);
      this.#timer.unref?.();
    }
    if (++window.lines <= LINES_MAX) return this.#write(line);
    window.held = line;
    window.heldCount++;
  }

  /** The window is over: tells of each storm how many lines it had beside those that were written. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const windows = [...this.#windows.values()];
    this.#windows.clear();
    for (const { held, heldCount } of windows) {
      if (held === undefined) continue;
      // One that was held back alone is that line itself.
      const fields = heldCount === 1 ? held.fields : { ...held.fields, repeated: heldCount };
      this.#write({ ...held, fields });
    }
  }
}

function keyOf({ severity, sentence, fields }: LogLine): string {
  let key = `${severity} ${sentence}`;
  for (const name in fields) {
    if (!WHO.has(name)) key += ` ${name}=${fields[name]}`;
  }
  return key;
}
