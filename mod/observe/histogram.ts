// Latency histograms as HDR histograms are: buckets that grow with what they hold, so that a
// percentile is right to an eighth of itself from microseconds to minutes. Adding allocates nothing.

/** Buckets in each doubling: 2 to the power of this. */
const SUB_BITS = 3;
const SUB_BUCKETS = 1 << SUB_BITS;
/** The greatest power of two with buckets of its own: 2^27 µs are 134 s. */
const POWER_MAX = 27;
/** Buckets of one histogram. */
export const BUCKETS: number = (POWER_MAX - SUB_BITS + 2) * SUB_BUCKETS;

/** Times from here on share the last bucket. */
const US_MAX = 2 ** (POWER_MAX + 1) - 1;

/** The bucket of a time in microseconds. Hot path. */
export function bucketOf(us: number): number {
  const whole = us < US_MAX ? us | 0 : US_MAX;
  if (whole < SUB_BUCKETS) return whole < 0 ? 0 : whole;
  const shift = 31 - SUB_BITS - Math.clz32(whole);
  return (shift << SUB_BITS) + (whole >>> shift);
}

/** The times of a bucket in microseconds: from the first one on, below the second. */
export function boundsOf(bucket: number): readonly [from: number, to: number] {
  if (bucket < SUB_BUCKETS) return [bucket, bucket + 1];
  const shift = (bucket >>> SUB_BITS) - 1;
  const from = (SUB_BUCKETS + (bucket & (SUB_BUCKETS - 1))) * 2 ** shift;
  return [from, from + 2 ** shift];
}

/** The greatest value of a histogram that holds none. */
const NONE = -1;

/** Histograms that share one array, each with its sum and its greatest value. */
export class HistogramBank {
  readonly #counts: Uint32Array;
  /** In microseconds. */
  readonly #sumsUs: Float64Array;
  readonly #maxUs: Float64Array;

  /** @param size How many histograms. */
  constructor(size: number) {
    this.#counts = new Uint32Array(size * BUCKETS);
    this.#sumsUs = new Float64Array(size);
    this.#maxUs = new Float64Array(size).fill(NONE);
  }

  /** Hot path. How many there are is counted when they are taken. */
  add(histogram: number, us: number): void {
    this.#counts[histogram * BUCKETS + bucketOf(us)]++;
    this.#sumsUs[histogram] += us;
    if (us > this.#maxUs[histogram]) this.#maxUs[histogram] = us;
  }

  /** Nothing has come since the last time. */
  isEmpty(histogram: number): boolean {
    return this.#maxUs[histogram] === NONE;
  }

  /** What has come since the last time: that is gone from here. */
  take(histogram: number): TimesDelta {
    const start = histogram * BUCKETS;
    const buckets: number[] = [];
    let all = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = this.#counts[start + bucket];
      if (count === 0) continue;
      buckets.push(bucket, count);
      all += count;
    }
    const delta = {
      count: all,
      sumUs: Math.round(this.#sumsUs[histogram]),
      maxUs: Math.max(0, Math.round(this.#maxUs[histogram])),
      buckets,
    };
    this.#counts.fill(0, start, start + BUCKETS);
    this.#sumsUs[histogram] = 0;
    this.#maxUs[histogram] = NONE;
    return delta;
  }
}

/** Times that a worker tells: a plain value. */
export interface TimesDelta {
  readonly count: number;
  readonly sumUs: number;
  readonly maxUs: number;
  /** Pairs of a bucket and its count. */
  readonly buckets: readonly number[];
}

/** Times of all workers since the start. */
export class Times {
  count = 0;
  sumUs = 0;
  maxUs = 0;
  readonly #buckets = new Float64Array(BUCKETS);

  add({ count, sumUs, maxUs, buckets }: TimesDelta): void {
    this.count += count;
    this.sumUs += sumUs;
    this.maxUs = Math.max(this.maxUs, maxUs);
    for (let at = 0; at < buckets.length; at += 2) this.#buckets[buckets[at]] += buckets[at + 1];
  }

  /** All of them, as a worker tells them. */
  get delta(): TimesDelta {
    const buckets: number[] = [];
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      if (this.#buckets[bucket] > 0) buckets.push(bucket, this.#buckets[bucket]);
    }
    const { count, sumUs, maxUs } = this;
    return { count, sumUs, maxUs, buckets };
  }

  /** Takes in all of another one. */
  merge(other: Times): void {
    this.count += other.count;
    this.sumUs += other.sumUs;
    this.maxUs = Math.max(this.maxUs, other.maxUs);
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      this.#buckets[bucket] += other.#buckets[bucket];
    }
  }

  /**
   * The time that a part of all did not exceed, in microseconds: the middle of its bucket.
   *
   * @param part From 0 to 1.
   * @returns undefined where there are none.
   */
  percentile(part: number): number | undefined {
    if (this.count === 0) return undefined;
    const wanted = Math.max(1, Math.ceil(part * this.count));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#buckets[bucket];
      if (seen < wanted) continue;
      const [from, to] = boundsOf(bucket);
      return Math.min(this.maxUs, Math.floor((from + to) / 2));
    }
    return this.maxUs;
  }

  /** The buckets that are not empty: the middle of each, in microseconds, and its count. */
  get buckets(): readonly (readonly [us: number, count: number])[] {
    const found: (readonly [number, number])[] = [];
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = this.#buckets[bucket];
      if (count === 0) continue;
      const [from, to] = boundsOf(bucket);
      found.push([Math.floor((from + to) / 2), count]);
    }
    return found;
  }

  /** How many took no longer than each of these bounds, in microseconds, ascending. */
  cumulative(boundsUs: readonly number[]): number[] {
    const result: number[] = [];
    let seen = 0;
    let bucket = 0;
    for (const bound of boundsUs) {
      while (bucket < BUCKETS && boundsOf(bucket)[1] <= bound + 1) seen += this.#buckets[bucket++];
      result.push(seen);
    }
    return result;
  }
}
