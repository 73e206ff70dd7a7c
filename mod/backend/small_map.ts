// A map of few entries in a tenth of the memory: the runtime's own takes half a kilobyte however
// little is in it, and thousands of sessions have one or two variables set.

/** More entries are found faster in a map of the runtime's. */
const ENTRIES_MAX = 16;

/** An unchanging copy of a map, small where it can be. */
export function compact(map: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return map.size > ENTRIES_MAX ? new Map(map) : new SmallMap(map);
}

/** Names and values, in order. */
class SmallMap implements ReadonlyMap<string, string> {
  /** Each name with its value behind it. */
  readonly #entries: readonly string[];

  constructor(map: ReadonlyMap<string, string>) {
    const entries: string[] = [];
    for (const [name, value] of map) entries.push(sharedName(name), value);
    this.#entries = entries.slice();
  }

  get size(): number {
    return this.#entries.length / 2;
  }

  get(name: string): string | undefined {
    const at = this.#find(name);
    return at < 0 ? undefined : this.#entries[at + 1];
  }

  has(name: string): boolean {
    return this.#find(name) >= 0;
  }

  #find(name: string): number {
    const entries = this.#entries;
    for (let at = 0; at < entries.length; at += 2) if (entries[at] === name) return at;
    return -1;
  }

  *entries(): MapIterator<[string, string]> {
    const entries = this.#entries;
    for (let at = 0; at < entries.length; at += 2) yield [entries[at], entries[at + 1]];
  }

  [Symbol.iterator](): MapIterator<[string, string]> {
    return this.entries();
  }

  *keys(): MapIterator<string> {
    for (const [name] of this) yield name;
  }

  *values(): MapIterator<string> {
    for (const [, value] of this) yield value;
  }

  forEach(
    each: (value: string, name: string, map: ReadonlyMap<string, string>) => void,
  ): void {
    for (const [name, value] of this) each(value, name, this);
  }
}

/** Names kept to be shared; when there are more, they start anew. */
const NAMES_MAX = 10_000;
const names = new Map<string, string>();

/** The same name, one string for all who have it. */
function sharedName(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  if (names.size >= NAMES_MAX) names.clear();
  names.set(name, name);
  return name;
}
