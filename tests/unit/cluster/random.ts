// Random numbers that a printed seed gives again.

/** A seed that differs from run to run; MYSQLPROXY_SEED gives a certain one. */
export function seedFromTime(): number {
  return Number(process.env["MYSQLPROXY_SEED"] ?? Date.now() % 0x7fffffff);
}

/** Whole numbers from 0 up to below the argument (the mulberry32 generator). */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return Math.floor(((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 * below);
  };
}
