// Facts of statements by their bytes, so that a statement sent again is not read again. Bounded; a
// hit allocates nothing. Two statements are never taken for each other: bytes are compared.

import { type FactsOptions, readFacts, type StatementFacts } from "./effects.ts";
import type { Hint } from "./hint.ts";
import type { LexicalMode } from "./lexical_mode.ts";

/** Longer statements are read each time: to compare them costs nearly as much. */
const LENGTH_MAX = 4096;
/** Bytes of text per place in the table. */
const BYTES_PER_SLOT = 64;

/** The facts of a statement, and what the caller has noted of its text. Not to be changed. */
export class CachedFacts<Note> implements StatementFacts {
  effects = 0;
  bars = 0;
  hint: Hint | undefined = undefined;
  seesTables = false;
  note: Note | undefined = undefined;
}

/** What a cache is made with. */
export interface FactsCacheOptions<Note> extends Omit<FactsOptions, "mode"> {
  /** Bytes of statements held at most; as many again go into tables and records. */
  readonly bytesMax: number;
  /** Notes more of a text, once. */
  readonly annotate?: (bytes: Uint8Array, start: number, end: number) => Note;
}

/**
 * Facts by text and mode. A text is held from the second time on, so that statements which never
 * come again push nothing out; texts lie in a ring, and those that are asked for are written anew
 * before it comes round to them.
 */
export class FactsCache<Note = undefined> {
  /** Statements whose facts were there. */
  hits = 0;
  /** Statements that were read. */
  misses = 0;
  readonly #options: FactsCacheOptions<Note>;
  readonly #ring: Buffer;
  /** Bytes ever written to the ring: what is written next goes to this position of it. */
  #written = 0;
  readonly #mask: number;
  readonly #hashes: Int32Array;
  readonly #positions: Float64Array;
  readonly #lengths: Int32Array;
  readonly #modes: Uint8Array;
  readonly #facts: (CachedFacts<Note> | undefined)[];
  /** Hashes that have come once. */
  readonly #seen: Int32Array;

  /** @param options Replacing what is known of routines takes a new cache. */
  constructor(options: FactsCacheOptions<Note>) {
    this.#options = options;
    const bytes = Math.max(options.bytesMax, LENGTH_MAX);
    const slots = 2 ** Math.floor(Math.log2(bytes / BYTES_PER_SLOT));
    this.#mask = slots - 1;
    this.#ring = Buffer.alloc(bytes);
    this.#hashes = new Int32Array(slots);
    this.#positions = new Float64Array(slots).fill(-Infinity);
    this.#lengths = new Int32Array(slots);
    this.#modes = new Uint8Array(slots);
    this.#facts = new Array(slots).fill(undefined);
    this.#seen = new Int32Array(slots);
  }

  /** The facts of the text at `start` to `end`. */
  of(bytes: Uint8Array, start: number, end: number, mode: LexicalMode): CachedFacts<Note> {
    const length = end - start;
    if (length > LENGTH_MAX) return this.#read(bytes, start, end, mode);
    const modeKey = keyOf(mode);
    const hash = hashOf(bytes, start, end, modeKey);
    const first = hash & this.#mask;
    for (let way = 0; way < 2; way++) {
      const slot = first ^ way;
      if (this.#hashes[slot] !== hash || this.#lengths[slot] !== length) continue;
      if (this.#modes[slot] !== modeKey || !this.#isAt(slot, bytes, start)) continue;
      this.hits++;
      const facts = this.#facts[slot]!;
      if (this.#isOld(slot)) this.#write(slot, bytes, start, end);
      return facts;
    }
    const facts = this.#read(bytes, start, end, mode);
    if (this.#seen[first] !== hash) {
      this.#seen[first] = hash;
      return facts;
    }
    const slot = this.#positions[first] <= this.#positions[first ^ 1] ? first : first ^ 1;
    this.#hashes[slot] = hash;
    this.#lengths[slot] = length;
    this.#modes[slot] = modeKey;
    this.#facts[slot] = facts;
    this.#write(slot, bytes, start, end);
    return facts;
  }

  #read(bytes: Uint8Array, start: number, end: number, mode: LexicalMode): CachedFacts<Note> {
    this.misses++;
    const { known, hints, annotate } = this.#options;
    const facts = new CachedFacts<Note>();
    readFacts(bytes, { start, end }, { mode, known, ...(hints && { hints }) }, facts);
    if (annotate !== undefined) facts.note = annotate(bytes, start, end);
    return facts;
  }

  /** Whether the text in a slot has not been written over, and is this one. */
  #isAt(slot: number, bytes: Uint8Array, start: number): boolean {
    const ring = this.#ring;
    const position = this.#positions[slot];
    if (position < this.#written - ring.length) return false;
    const length = this.#lengths[slot];
    const from = position % ring.length;
    for (let i = 0; i < length; i++) if (ring[from + i] !== bytes[start + i]) return false;
    return true;
  }

  /** The ring will come round to it soon. */
  #isOld(slot: number): boolean {
    return this.#written - this.#positions[slot] > this.#ring.length * 0.75;
  }

  #write(slot: number, bytes: Uint8Array, start: number, end: number): void {
    const ring = this.#ring;
    const length = end - start;
    const left = ring.length - this.#written % ring.length;
    if (left < length) this.#written += left; // a text lies in one piece
    const from = this.#written % ring.length;
    for (let i = 0; i < length; i++) ring[from + i] = bytes[start + i];
    this.#positions[slot] = this.#written;
    this.#written += length;
  }
}

/** All of a mode that a text's facts hang on. */
function keyOf({ ansiQuotes, multibyte = 0, noBackslashEscapes, server }: LexicalMode): number {
  const quotes = ansiQuotes === undefined ? 0 : ansiQuotes ? 1 : 2;
  const product = server === undefined ? 0 : server === "mysql" ? 1 : 2;
  return (noBackslashEscapes ? 1 : 0) | (multibyte << 1) | (quotes << 4) | (product << 6);
}

function hashOf(bytes: Uint8Array, start: number, end: number, mode: number): number {
  let hash = (end - start) ^ (mode << 16);
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const four = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    hash = Math.imul(hash ^ four, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
