// Numbers for tests that look random and are the same for the same seed.

/** A generator seeded by one number (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** The next number, 0 to 1 without 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x100000000;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** One of several. */
  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  /** All of several, in another order. */
  shuffled<T>(values: readonly T[]): T[] {
    const left = [...values];
    return values.map(() => left.splice(this.below(left.length), 1)[0]!);
  }

  /** True in one of `n` cases. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }
}

/**
 * The seed of a test run: MYSQLPROXY_TEST_SEED, else another each time; it is printed. In CI it is
 * always the same: a run there tells about the change it is for, others look for what is unknown.
 */
export function testSeed(name: string): number {
  const other = process.env["CI"] === "true" ? 1 : Date.now() % 1_000_000;
  const seed = Number(process.env["MYSQLPROXY_TEST_SEED"] ?? other);
  console.log(`${name}: MYSQLPROXY_TEST_SEED=${seed}`);
  return seed;
}

/** Cuts bytes into chunks at random places; some are empty-free single bytes, some are long. */
export function randomChunks<T extends Uint8Array>(bytes: T, random: Random): T[] {
  const chunks: T[] = [];
  const longest = random.pick([2, 5, 30, 200, 5000]);
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + 1 + random.below(longest));
    chunks.push(bytes.subarray(at, end) as T);
    at = end;
  }
  return chunks;
}
