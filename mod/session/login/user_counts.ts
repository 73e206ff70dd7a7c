// How many sessions each account name has.

/** Counts sessions by account name; names without a session take no memory. */
export class UserCounts {
  readonly #counts = new Map<string, number>();

  /** The sessions of an account name. */
  of(user: string): number {
    return this.#counts.get(user) ?? 0;
  }

  /** All that have some. */
  all(): readonly (readonly [string, number])[] {
    return [...this.#counts];
  }

  /** Counts a session that has changed from one name to another; undefined: from or to none. */
  move(from: string | undefined, to: string | undefined): void {
    if (from !== undefined) {
      const others = this.of(from) - 1;
      if (others > 0) this.#counts.set(from, others);
      else this.#counts.delete(from);
    }
    if (to !== undefined) this.#counts.set(to, this.of(to) + 1);
  }
}
