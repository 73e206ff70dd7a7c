// Where transactions come from, as small numbers: what a position says per source is a table.

/** Sources a cluster has at most: more are not told apart, and reads that need them are not split. */
export const SOURCES_MAX = 1024;
/** What bounds leave of them for names. */
const NAMES_KEPT = 64;

/**
 * Numbers for the names of sources: a GTID's UUID (with its tag), MariaDB's domain, or "".
 *
 * A UUID's numbers need not come in their order: a member of a group takes those of its own block,
 * and one that becomes the primary again goes on in the block it had; a server begins again with the
 * lowest free number when it starts. So each gap of the primary's set makes a source of its own for
 * what is below the bound where it ends: what needs a number of the gap is not taken to be there
 * since higher ones are.
 */
export class Sources {
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [];
  /** Of each source with bounds: those, ascending, and the source of what is below each. */
  readonly #bounds: (Bounds | undefined)[] = [];
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

  /** The source of one number of a name's source. Hot path for writes. */
  below(top: number, number: number): number {
    const bounds = this.#bounds[top];
    if (bounds === undefined) return top;
    const { starts, sources } = bounds;
    for (let at = 0; at < starts.length; at++) if (number < starts[at]) return sources[at];
    return top;
  }

  /** The bounds of a name's source, and the sources of what is below them. */
  boundsOf(top: number): Bounds {
    return this.#bounds[top] ?? UNBOUND;
  }

  /** A gap of a name's source ends at a number. @returns Whether there is room for it. */
  addBound(top: number, start: number): boolean {
    const { starts, sources } = this.#bounds[top] ??= { starts: [], sources: [] };
    if (starts.includes(start)) return true;
    if (this.#names.length + NAMES_KEPT >= SOURCES_MAX) return false;
    let at = starts.findIndex((each) => each > start);
    if (at < 0) at = starts.length;
    starts.splice(at, 0, start);
    sources.splice(at, 0, this.#names.push(this.#names[top]) - 1);
    return true;
  }
}

/** Where gaps of a source end, ascending, and the source of what is below each. */
export interface Bounds {
  readonly starts: number[];
  readonly sources: number[];
}

const UNBOUND: Bounds = { starts: [], sources: [] };
