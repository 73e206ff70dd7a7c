// How often each latency was seen: log-linear buckets, so that recording allocates nothing and the
// far end is as exact, relatively, as the middle.

/** Buckets for each doubling: an error below 1 %. */
const STEPS = 128;
const STEPS_LOG2 = 7;
/** 2^26 µs are 67 s; what is longer counts as that. */
const DOUBLINGS = 20;
const SIZE = STEPS * (DOUBLINGS + 1);

/** Latencies in microseconds. */
export class Histogram {
  readonly #counts: Uint32Array;
  count = 0;
  /** The longest one seen. */
  max = 0;

  constructor(counts: ArrayLike<number> = []) {
    this.#counts = new Uint32Array(SIZE);
    for (let at = 0; at < counts.length; at++) this.#add(at, counts[at]);
  }

  /** Takes a latency down. Hot path of the generator. */
  record(micros: number): void {
    this.#counts[bucketOf(micros)]++;
    this.count++;
    if (micros > this.max) this.max = micros;
  }

  /** Adds another one's latencies. */
  merge(other: Histogram): void {
    for (let at = 0; at < SIZE; at++) this.#add(at, other.#counts[at]);
    if (other.max > this.max) this.max = other.max;
  }

  /** The latency that this part (0 to 1) of all does not exceed, in µs; 0 where there are none. */
  quantile(part: number): number {
    let left = Math.max(1, Math.ceil(part * this.count));
    for (let at = 0; at < SIZE; at++) {
      left -= this.#counts[at];
      if (left <= 0) return Math.min(middleOf(at), this.max || Infinity);
    }
    return 0;
  }

  clear(): void {
    this.#counts.fill(0);
    this.count = this.max = 0;
  }

  /** The counts up to the last one that is not 0, for `new Histogram` elsewhere. */
  toJSON(): number[] {
    let end = SIZE;
    while (end > 0 && this.#counts[end - 1] === 0) end--;
    return [...this.#counts.subarray(0, end)];
  }

  #add(at: number, count: number): void {
    this.#counts[at] += count;
    this.count += count;
    if (count > 0) this.max = Math.max(this.max, middleOf(at));
  }
}

/** Linear up to 128 µs, then 128 buckets for each doubling. */
function bucketOf(micros: number): number {
  const whole = micros < 1 ? 0 : Math.min(micros | 0, 0x7ffffff);
  if (whole < STEPS) return whole;
  const doubling = 31 - Math.clz32(whole) - STEPS_LOG2;
  return Math.min(SIZE - 1, STEPS * (doubling + 1) + (whole >>> doubling) - STEPS);
}

/** The middle of a bucket, in µs. */
function middleOf(at: number): number {
  if (at < STEPS) return at + 0.5;
  const doubling = (at / STEPS | 0) - 1;
  const start = (STEPS + at % STEPS) * 2 ** doubling;
  return start + 2 ** doubling / 2;
}
