// What a load was told of each of its writes, and whether the database agrees.

/** What became of a write, as its session was told. */
export const Fate = {
  /** Sent, and not answered yet. */
  PENDING: 0,
  ACKNOWLEDGED: 1,
  /** An error said that it has not run. */
  REFUSED: 2,
  /** Nobody can tell: the connection or its server was lost while it ran. */
  UNKNOWN: 3,
} as const;

/** A ledger against what is in the database. */
export interface Account {
  readonly written: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
  /** Of those, how many were done. */
  readonly unknownDone: number;
  /** Acknowledged, and not there. */
  readonly lost: readonly string[];
  /** There more than once. */
  readonly doubled: readonly string[];
  /** There, although an error said that it has not run. */
  readonly denied: readonly string[];
  /** There, although nobody wrote it. */
  readonly foreign: readonly string[];
}

/** One entry for each write, under an id of its own. */
export class Ledger {
  readonly #fates = new Map<string, number>();
  #next = 0;

  /** A write begins. @returns Its id. */
  open(session: number): string {
    const id = `${session}-${this.#next++}`;
    this.#fates.set(id, Fate.PENDING);
    return id;
  }

  /** What its session was told. @param fate A value of `Fate`. */
  close(id: string, fate: number): void {
    this.#fates.set(id, fate);
  }

  /** Compares with how often each id is in the database. */
  settle(found: ReadonlyMap<string, number>): Account {
    const counts = [0, 0, 0, 0];
    let unknownDone = 0;
    const lost: string[] = [];
    const denied: string[] = [];
    for (const [id, fate] of this.#fates) {
      counts[fate]!++;
      const times = found.get(id) ?? 0;
      if (fate === Fate.ACKNOWLEDGED && times === 0) lost.push(id);
      if (fate === Fate.REFUSED && times > 0) denied.push(id);
      if ((fate === Fate.UNKNOWN || fate === Fate.PENDING) && times > 0) unknownDone++;
    }
    return {
      written: this.#fates.size,
      acknowledged: counts[Fate.ACKNOWLEDGED]!,
      refused: counts[Fate.REFUSED]!,
      unknown: counts[Fate.UNKNOWN]! + counts[Fate.PENDING]!,
      unknownDone,
      lost,
      doubled: [...found].filter(([, times]) => times > 1).map(([id]) => id),
      denied,
      foreign: [...found.keys()].filter((id) => !this.#fates.has(id)),
    };
  }
}

/** Whether nothing in an account is wrong. */
export function isClean({ lost, doubled, denied, foreign }: Account): boolean {
  return lost.length + doubled.length + denied.length + foreign.length === 0;
}
