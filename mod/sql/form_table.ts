// What is known of statements by their normal form. Bounded; two forms are never taken for each
// other: their bytes are compared.

import type { NormalForm } from "./normal_form.ts";

/** Notes by normal form. Of two forms that meet in one place the later one stays. */
export class FormTable<Note> {
  readonly #mask: number;
  readonly #forms: (Uint8Array | undefined)[];
  readonly #hashes: Int32Array;
  readonly #notes: (Note | undefined)[];

  /** @param size Forms at most, a power of two. */
  constructor(size: number) {
    this.#mask = size - 1;
    this.#forms = new Array(size).fill(undefined);
    this.#hashes = new Int32Array(size);
    this.#notes = new Array(size).fill(undefined);
  }

  /** The note of a form; undefined where there is none. Hot path: nothing is allocated. */
  find({ bytes, length, hash }: NormalForm): Note | undefined {
    const first = hash & this.#mask;
    for (let way = 0; way < 2; way++) {
      const slot = first ^ way;
      if (this.#hashes[slot] !== hash) continue;
      const form = this.#forms[slot];
      if (form === undefined || form.length !== length) continue;
      let at = 0;
      while (at < length && form[at] === bytes[at]) at++;
      if (at === length) return this.#notes[slot];
    }
    return undefined;
  }

  /** Keeps a note of the form made last. */
  keep({ bytes, length, hash }: NormalForm, note: Note): void {
    const first = hash & this.#mask;
    const slot = this.#forms[first] === undefined ? first : first ^ 1;
    this.#forms[slot] = bytes.slice(0, length);
    this.#hashes[slot] = hash;
    this.#notes[slot] = note;
  }
}
