// Times at which work became due while a client was still busy, first in, first out.

/** A queue of times in milliseconds. */
export class Latecomers {
  #times: number[] = [];
  #head = 0;

  add(dueMs: number): void {
    this.#times.push(dueMs);
  }

  /** The earliest; -1 where there is none. */
  take(): number {
    if (this.#head === this.#times.length) return -1;
    const time = this.#times[this.#head++];
    if (this.#head === this.#times.length) this.clear();
    return time;
  }

  clear(): void {
    this.#times.length = this.#head = 0;
  }
}
