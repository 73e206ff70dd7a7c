// Where transactions come from, as small numbers: what a position says per source is a table.

/** Sources a cluster has at most: more are not told apart, and reads that need them are not split. */
export const SOURCES_MAX = 64;

/** Numbers for the names of sources: a GTID's UUID (with its tag), MariaDB's domain, or "". */
export class Sources {
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [];
  /** MariaDB: the server of each domain's last transaction, which waits want to be told. */
  readonly servers = new Float64Array(SOURCES_MAX);

  /** A source's number; -1 where there is no room for one more. */
  numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    if (this.#names.length === SOURCES_MAX) return -1;
    this.#numbers.set(name, this.#names.length);
    return this.#names.push(name) - 1;
  }

  /** The name that has a number. */
  nameOf(number: number): string {
    return this.#names[number];
  }

  /** How many there are. */
  get count(): number {
    return this.#names.length;
  }
}
