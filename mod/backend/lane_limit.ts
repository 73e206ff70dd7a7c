// How many connections are shared at the same time. What is best differs from server to server and
// from load to load, so it is found out: as long as statements wait for room, more or fewer are
// tried, and kept where more statements are answered that way than before the trial and after it: by
// itself a rate rises too, as long as code is being compiled.

/** Connections at the start: each is one more that the proxy writes to and a server wakes up for. */
const START = 2;
/** A rate is counted over this time at least, in milliseconds, */
const WINDOW_MS = 200;
/** and over so many answers, or it is chance. */
const ANSWERS_MIN = 500;
/** So much more must be answered where more connections are kept. */
const GAIN = 1.1;
/** So much may be lost where fewer are kept. */
const LOSS = 0.97;
/** Nothing gets so much faster by itself: it needs no second look. */
const CERTAIN = 1.4;
/** Where so much lies between two windows the load may be another one: they are not compared. */
const APART_MS = 5 * WINDOW_MS;
/** Pause after a trial that has not paid, in milliseconds; doubled each time. */
const PAUSE_MS_MIN = 1000;
const PAUSE_MS_MAX = 10_000;

/** The number, and the search for it. Times are in milliseconds of any steady clock. */
export class LaneLimit {
  readonly #max: number;
  /** What was found out; undefined: nothing yet. */
  #found: number | undefined;
  #since = -1;
  #answered = 0;
  /** Answers a millisecond before the trial; 0: none is under way. */
  #rateBefore = 0;
  #valueBefore = 0;
  /** Of a trial that was good, which is being compared with what is without it; 0: none. */
  #rateTried = 0;
  #valueTried = 0;
  /** When the last window ended. */
  #judgedAt = 0;
  #isUp = true;
  #pauseMs = PAUSE_MS_MIN;
  #pausedUntil = 0;

  /** @param max Connections that there may be. */
  constructor(max: number) {
    this.#max = Math.max(1, max);
  }

  /** Connections that may be shared now. */
  get value(): number {
    return this.#found ?? Math.min(this.#max, START);
  }

  /**
   * Statements have been answered. Called once a turn.
   *
   * @param isShort Statements wait for room: only then does the number matter.
   */
  note(answered: number, now: number, isShort: boolean): void {
    if (!isShort) {
      this.#since = -1;
      return;
    }
    if (this.#since < 0) {
      this.#since = now;
      this.#answered = 0;
      return;
    }
    this.#answered += answered;
    const elapsed = now - this.#since;
    if (elapsed < WINDOW_MS || this.#answered < ANSWERS_MIN) return;
    const rate = this.#answered / elapsed;
    if (this.#since - this.#judgedAt > APART_MS) this.#forgetTrial();
    this.#judgedAt = this.#since = now;
    this.#answered = 0;
    this.#judge(rate, now);
  }

  #judge(rate: number, now: number): void {
    if (this.#rateTried > 0) this.#compare(rate, now);
    else if (this.#rateBefore > 0) this.#look(rate, now);
    else if (now >= this.#pausedUntil) this.#try(rate);
  }

  #forgetTrial(): void {
    if (this.#rateBefore > 0) this.#found = this.#valueBefore;
    this.#rateBefore = this.#rateTried = 0;
  }

  /** The trial is over. */
  #look(rate: number, now: number): void {
    if (rate < this.#rateBefore * this.#wanted) {
      this.#giveUp(now);
      return;
    }
    if (this.#isUp && rate >= this.#rateBefore * CERTAIN) {
      this.#keep(rate);
      return;
    }
    this.#rateTried = rate;
    this.#valueTried = this.value;
    this.#found = this.#valueBefore;
  }

  /** What it is without the trial has been seen once more. */
  #compare(rate: number, now: number): void {
    const tried = this.#rateTried;
    this.#rateTried = 0;
    if (tried < (this.#rateBefore + rate) / 2 * this.#wanted) {
      this.#giveUp(now);
      return;
    }
    this.#found = this.#valueTried;
    this.#keep(tried);
  }

  get #wanted(): number {
    return this.#isUp ? GAIN : LOSS;
  }

  #keep(rate: number): void {
    this.#pauseMs = PAUSE_MS_MIN;
    this.#try(rate);
  }

  #giveUp(now: number): void {
    this.#found = this.#valueBefore;
    this.#isUp = !this.#isUp;
    this.#rateBefore = 0;
    this.#pausedUntil = now + this.#pauseMs;
    this.#pauseMs = Math.min(PAUSE_MS_MAX, this.#pauseMs * 2);
  }

  #try(rate: number): void {
    const { value } = this;
    const step = Math.max(1, value >> 1);
    const next = this.#isUp ? Math.min(this.#max, value + step) : Math.max(1, value - step);
    if (next === value) {
      this.#isUp = !this.#isUp;
      this.#rateBefore = 0;
      return;
    }
    this.#valueBefore = value;
    this.#rateBefore = rate;
    this.#found = next;
  }
}
