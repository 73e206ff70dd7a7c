// Where a server takes no more connections: accounts that have none get one of those that have
// several, so that a busy account cannot keep another one out.
// Source: error 1040 and `max_connections` in the MySQL manual.

/** The connections of one server among its accounts. */
export class ServerRoom {
  /** Pools that have no connection and were told that there are too many. */
  readonly #wanting = new Set<object>();
  /** Those of them for which nobody has closed a connection yet. */
  readonly #due = new Set<object>();

  /** A pool has no connection and gets none. */
  want(pool: object): void {
    this.#wanting.add(pool);
    this.#due.add(pool);
  }

  /** A pool has a connection, or needs none any more. */
  settle(pool: object): void {
    this.#wanting.delete(pool);
    this.#due.delete(pool);
  }

  /** Whoever has connections opens no others: they would take what another one waits for. */
  isKeptFrom(pool: object): boolean {
    return this.#wanting.size > 0 && !this.#wanting.has(pool);
  }

  /** Whether a pool is to close a connection; true once for each that wants one. */
  claim(pool: object): boolean {
    if (!this.isKeptFrom(pool)) return false;
    const [due] = this.#due;
    return due !== undefined && this.#due.delete(due);
  }
}
