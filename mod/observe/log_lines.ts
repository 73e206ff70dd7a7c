// The last lines of the log, of all workers, for who looks at a proxy and not at its terminal.

import type { LogLine } from "./log_line.ts";

/** A line that is kept. */
export interface KeptLine extends LogLine {
  /** Counts up from 1 since the start. */
  readonly number: number;
  /** The worker that wrote it; null: the process that was started. */
  readonly worker: number | null;
}

/** A bounded number of lines, oldest first. */
export class LogLines {
  readonly #max: number;
  #lines: KeptLine[] = [];
  #number = 0;

  /** @param max Lines that are kept. */
  constructor(max: number) {
    this.#max = max;
  }

  get all(): readonly KeptLine[] {
    return this.#lines.slice(-this.#max);
  }

  add(line: LogLine, worker: number | null): void {
    this.#lines.push({ ...line, number: ++this.#number, worker });
    // Not at every line: half of what is held then is thrown away at once.
    if (this.#lines.length > 2 * this.#max) this.#lines = this.#lines.slice(-this.#max);
  }
}
