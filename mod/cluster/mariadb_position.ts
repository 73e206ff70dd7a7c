// MariaDB's replication positions: the last transaction of each domain.
// Source: "Global Transaction ID" of the MariaDB documentation.

/** The last transaction of a domain. */
export interface Last {
  readonly server: number;
  readonly sequence: number;
}

const GTID = /^(\d+)-(\d+)-(\d+)$/;

/** An immutable position: one transaction id per replication domain. */
export class MariadbPosition {
  readonly #domains: ReadonlyMap<number, Last>;

  private constructor(domains: ReadonlyMap<number, Last>) {
    this.#domains = domains;
  }

  /** The position before the first transaction. */
  static readonly empty: MariadbPosition = new MariadbPosition(new Map());

  /**
   * Reads `0-1-100,1-2-50`. Where a domain stands there more than once, as in a binlog state, the
   * highest sequence number counts.
   *
   * @throws {SyntaxError} If it has another form, or numbers above 2^53 - 1.
   */
  static parse(text: string): MariadbPosition {
    const domains = new Map<number, Last>();
    for (const part of text.split(",").map((each) => each.trim())) {
      if (part === "") continue;
      const [, domain, server, sequence] = GTID.exec(part) ?? [];
      if (sequence === undefined || !Number.isSafeInteger(Number(sequence))) {
        throw new SyntaxError(`Cannot read a MariaDB position: "${part}" is no part of one`);
      }
      const last = { server: Number(server), sequence: Number(sequence) };
      if (last.sequence > sequenceOf(domains.get(Number(domain)))) {
        domains.set(Number(domain), last);
      }
    }
    return new MariadbPosition(domains);
  }

  /** The domains, each with the server and the sequence number of its last transaction. */
  get domains(): Iterable<readonly [domain: number, last: Last]> {
    return this.#domains;
  }

  /** The number of transactions, taking sequence numbers as a count. */
  get count(): number {
    let count = 0;
    for (const { sequence } of this.#domains.values()) count += sequence;
    return count;
  }

  /** Whether this position is at or behind another one in every domain of that one. */
  contains(other: MariadbPosition): boolean {
    for (const [domain, { sequence }] of other.#domains) {
      if (sequenceOf(this.#domains.get(domain)) < sequence) return false;
    }
    return true;
  }

  /** In each domain the later of both. */
  union(other: MariadbPosition): MariadbPosition {
    const domains = new Map(this.#domains);
    for (const [domain, last] of other.#domains) {
      if (last.sequence > sequenceOf(domains.get(domain))) domains.set(domain, last);
    }
    return new MariadbPosition(domains);
  }

  /** The domains in which this position is ahead of another one. */
  subtract(other: MariadbPosition): MariadbPosition {
    const domains = new Map<number, Last>();
    for (const [domain, last] of this.#domains) {
      if (last.sequence > sequenceOf(other.#domains.get(domain))) domains.set(domain, last);
    }
    return new MariadbPosition(domains);
  }

  /** The number of transactions up to this position that lie behind another one. */
  countBeyond(other: MariadbPosition): number {
    let count = 0;
    for (const [domain, { sequence }] of this.#domains) {
      count += Math.max(0, sequence - sequenceOf(other.#domains.get(domain)));
    }
    return count;
  }

  /** Whether both are the same transactions of the same domains. */
  equals(other: MariadbPosition): boolean {
    return this.toString() === other.toString();
  }

  /** As servers print it, domains in order. */
  toString(): string {
    const domains = [...this.#domains].sort(([a], [b]) => a - b);
    return domains.map(([domain, { server, sequence }]) => `${domain}-${server}-${sequence}`)
      .join(",");
  }
}

function sequenceOf(last: Last | undefined): number {
  return last?.sequence ?? 0;
}
