// Runs of the numbers of one source of GTIDs, ascending and apart: first, last, first, last, …

/**
 * The last number up to which `own` has all that `all` has. Behind the last of `all` it goes on to the
 * end of the run: `own` may have been read later.
 *
 * @param below Numbers from here on are of no interest.
 */
export function prefixOf(
  own: readonly number[],
  all: readonly number[],
  below = Infinity,
): number {
  let prefix = 0;
  let at = 0;
  let run = 0;
  for (; run < all.length && all[run] < below; run += 2) {
    while (at < own.length && own[at + 1] < all[run]) at += 2;
    if (at >= own.length || own[at] > all[run]) return prefix;
    const last = Math.min(all[run + 1], below - 1);
    if (own[at + 1] < last) return own[at + 1];
    prefix = last;
  }
  if (run > 0) return at < own.length ? Math.max(prefix, Math.min(own[at + 1], below - 1)) : prefix;
  return own.length > 0 && own[0] === 1 ? Math.min(own[1], below - 1) : 0;
}

/** The last number of a set below a bound; 0 where there is none. */
export function lastBelow(runs: readonly number[], below = Infinity): number {
  let last = 0;
  for (let at = 0; at < runs.length && runs[at] < below; at += 2) {
    last = Math.min(runs[at + 1], below - 1);
  }
  return last;
}

/** The part of a set from `first` up to `last`. */
export function within(runs: readonly number[], first: number, last: number): readonly number[] {
  const part: number[] = [];
  for (let at = 0; at < runs.length && runs[at] <= last; at += 2) {
    if (runs[at + 1] >= first) {
      part.push(Math.max(runs[at], first), Math.min(runs[at + 1], last));
    }
  }
  return part;
}
