// How servers call digests (STATEMENT_DIGEST()), as far as a worker was told. Bounded: what was learned
// first goes first.

/** A normalised text, one character a byte, and what a server calls it. */
export type DigestName = readonly [text: string, hash: string];

/** Names that are kept; as many as the sums have digests by default, twice. */
const NAMES_MAX = 10_000;

/** Those that are known. */
export class DigestNames {
  readonly #hashes = new Map<string, string>();

  /** Takes names in, each with some bytes of its text; nothing else grows by it. */
  learn(names: readonly DigestName[]): void {
    for (const [text, hash] of names) {
      this.#hashes.delete(text);
      this.#hashes.set(text, hash);
    }
    for (const text of this.#hashes.keys()) {
      if (this.#hashes.size <= NAMES_MAX) return;
      this.#hashes.delete(text);
    }
  }

  /** What a server calls a text; undefined: nobody has said so. */
  of(text: string): string | undefined {
    return this.#hashes.get(text);
  }
}
