// How late timers come: how long the process has been busy with one thing.

/** Of how long the greatest is known, at least and at most twice, in milliseconds. */
const WINDOW_MS = 30_000;

/** Fed by a timer that comes again and again. */
export class LoopLag {
  readonly #intervalMs: number;
  #tickedAt: number | undefined;
  #windowAt = 0;
  #maxMs = 0;
  #maxBeforeMs = 0;
  /** How late the timer came last, in milliseconds. */
  lastMs = 0;

  /** @param intervalMs The timer's. */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** The timer has come. @param now In milliseconds. */
  tick(now: number): void {
    const before = this.#tickedAt;
    this.#tickedAt = now;
    if (before === undefined) return;
    this.lastMs = Math.max(0, now - before - this.#intervalMs);
    if (now - this.#windowAt > WINDOW_MS) {
      this.#windowAt = now;
      this.#maxBeforeMs = this.#maxMs;
      this.#maxMs = 0;
    }
    this.#maxMs = Math.max(this.#maxMs, this.lastMs);
  }

  /** The latest one of the last 30 to 60 s. */
  get maxMs(): number {
    return Math.max(this.#maxMs, this.#maxBeforeMs);
  }
}
