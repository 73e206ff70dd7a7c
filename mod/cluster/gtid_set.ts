// Sets of MySQL's global transaction ids, tags included, and their arithmetic.
// Source: "GTID Format and Storage" of the MySQL manual (tags: since 8.3).

/** Runs of transaction numbers, ascending and apart: first, last, first, last, … */
type Intervals = readonly number[];

const NONE: Intervals = [];
const SET_PART = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})((?::[^:]+)*)$/;
const TAG = /^[a-z_][a-z0-9_]{0,31}$/;
const INTERVAL = /^(\d+)(?:-(\d+))?$/;

/** An immutable set of transactions. */
export class GtidSet {
  /** Intervals by source: `uuid`, or `uuid:tag`. No entry is empty. */
  readonly #sources: ReadonlyMap<string, Intervals>;
  #count = -1;

  private constructor(sources: ReadonlyMap<string, Intervals>) {
    this.#sources = sources;
  }

  /** The set without members. */
  static readonly empty: GtidSet = new GtidSet(new Map());

  /**
   * Reads a set as servers print it, or in any order and with overlaps.
   *
   * @throws {SyntaxError} If it has another form, or numbers above 2^53 - 1.
   */
  static parse(text: string): GtidSet {
    const lists = new Map<string, number[]>();
    for (const written of text.toLowerCase().split(",")) {
      const part = written.replace(/\s+/g, "");
      if (part === "") continue;
      const [, uuid, rest] = SET_PART.exec(part) ?? [];
      if (uuid === undefined || rest === undefined) throw malformed(written);
      readIntervals(rest, { uuid, lists });
    }
    const sources = new Map<string, Intervals>();
    for (const [source, list] of lists) sources.set(source, normalized(list));
    return new GtidSet(sources);
  }

  /** The number of transactions. */
  get count(): number {
    if (this.#count < 0) {
      this.#count = 0;
      for (const intervals of this.#sources.values()) this.#count += countOf(intervals);
    }
    return this.#count;
  }

  /** Where the transactions come from: `uuid`, or `uuid:tag`. */
  get sources(): Iterable<string> {
    return this.#sources.keys();
  }

  /** The runs of one source's numbers, ascending and apart: first, last, first, last, … */
  intervals(source: string): readonly number[] {
    return this.#sources.get(source) ?? NONE;
  }

  /** Whether every transaction of another set is in this one: GTID_SUBSET(other, this). */
  contains(other: GtidSet): boolean {
    if (other.#sources.size > this.#sources.size) return false;
    for (const [source, intervals] of other.#sources) {
      const own = this.#sources.get(source);
      if (own === undefined || !containsAll(own, intervals)) return false;
    }
    return true;
  }

  /** All transactions of both. */
  union(other: GtidSet): GtidSet {
    const sources = new Map(this.#sources);
    for (const [source, intervals] of other.#sources) {
      const own = sources.get(source);
      sources.set(source, own === undefined ? intervals : normalized([...own, ...intervals]));
    }
    return new GtidSet(sources);
  }

  /** The transactions that another set lacks: GTID_SUBTRACT(this, other). */
  subtract(other: GtidSet): GtidSet {
    const sources = new Map<string, Intervals>();
    for (const [source, intervals] of this.#sources) {
      const left = difference(intervals, other.#sources.get(source) ?? NONE);
      if (left.length > 0) sources.set(source, left);
    }
    return new GtidSet(sources);
  }

  /** Whether both have the same members. */
  equals(other: GtidSet): boolean {
    return this.count === other.count && this.contains(other);
  }

  /** As servers print it, without line breaks: by source, tags in order behind the untagged. */
  toString(): string {
    const byUuid = new Map<string, string[]>();
    for (const source of [...this.#sources.keys()].sort()) {
      const [uuid = "", tag] = source.split(":");
      const written = writeIntervals(this.#sources.get(source) ?? NONE);
      const parts = byUuid.get(uuid);
      const part = tag === undefined ? written : `${tag}:${written}`;
      if (parts === undefined) byUuid.set(uuid, [part]);
      else parts.push(part);
    }
    return [...byUuid].map(([uuid, parts]) => `${uuid}:${parts.join(":")}`).join(",");
  }
}

/**
 * Reads `:1-5:7:tag:1`; a tag holds for all that follows it up to the next one. As for the server, a
 * source or a tag without numbers is one without transactions.
 */
function readIntervals(
  text: string,
  into: { readonly uuid: string; readonly lists: Map<string, number[]> },
): void {
  let source = into.uuid;
  for (const word of text.split(":").slice(1)) {
    const [, first, last = first] = INTERVAL.exec(word) ?? [];
    if (first === undefined) {
      if (!TAG.test(word)) throw malformed(word);
      source = `${into.uuid}:${word}`;
      continue;
    }
    const [from, to] = [Number(first), Number(last)];
    if (from < 1 || !Number.isSafeInteger(to)) throw malformed(word);
    if (to < from) continue; // as the server reads it: an interval without members
    const list = into.lists.get(source);
    if (list === undefined) into.lists.set(source, [from, to]);
    else list.push(from, to);
  }
}

function malformed(text: string): SyntaxError {
  return new SyntaxError(`Cannot read a GTID set: "${text.trim()}" is no part of one`);
}

/** Puts runs in order and joins those that touch. */
function normalized(list: readonly number[]): Intervals {
  if (isNormal(list)) return list;
  const pairs: [first: number, last: number][] = [];
  for (let at = 0; at < list.length; at += 2) pairs.push([list[at], list[at + 1]]);
  pairs.sort((a, b) => a[0] - b[0]);
  const out: number[] = [];
  for (const [first, last] of pairs) {
    const end = out.length - 1;
    if (end > 0 && first <= out[end] + 1) out[end] = Math.max(out[end], last);
    else out.push(first, last);
  }
  return out;
}

function isNormal(list: readonly number[]): boolean {
  for (let at = 2; at < list.length; at += 2) if (list[at] <= list[at - 1] + 1) return false;
  return true;
}

function countOf(intervals: Intervals): number {
  let count = 0;
  for (let at = 0; at < intervals.length; at += 2) count += intervals[at + 1] - intervals[at] + 1;
  return count;
}

function containsAll(own: Intervals, other: Intervals): boolean {
  let at = 0;
  for (let wanted = 0; wanted < other.length; wanted += 2) {
    while (at < own.length && own[at + 1] < other[wanted]) at += 2;
    if (at >= own.length || own[at] > other[wanted] || own[at + 1] < other[wanted + 1]) {
      return false;
    }
  }
  return true;
}

function difference(from: Intervals, taken: Intervals): Intervals {
  if (taken.length === 0) return from;
  const out: number[] = [];
  let at = 0;
  for (let each = 0; each < from.length; each += 2) {
    let first = from[each];
    const last = from[each + 1];
    while (at < taken.length && taken[at + 1] < first) at += 2;
    let next = at;
    while (first <= last && next < taken.length && taken[next] <= last) {
      if (taken[next] > first) out.push(first, taken[next] - 1);
      first = taken[next + 1] + 1;
      next += 2;
    }
    if (first <= last) out.push(first, last);
  }
  return out;
}

function writeIntervals(intervals: Intervals): string {
  let text = "";
  for (let at = 0; at < intervals.length; at += 2) {
    const [first, last] = [intervals[at], intervals[at + 1]];
    text += `${at === 0 ? "" : ":"}${first === last ? first : `${first}-${last}`}`;
  }
  return text;
}
