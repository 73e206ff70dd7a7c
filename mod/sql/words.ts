// The words that mean something, each by a number. A word in a statement is looked up by a hash of
// its bytes, in any case, without making a string of it.

const SLOTS = 4096;
const WORDS_MAX = 1500;
const LETTERS_MAX = 20_000;

/** The number of each slot's word; 0 where the slot is free. */
const slots = new Uint16Array(SLOTS);
/** The words, folded, one after the other; word n lies from starts[n] to starts[n + 1]. */
const letters = new Uint8Array(LETTERS_MAX);
const starts = new Uint16Array(WORDS_MAX + 2);
let count = 0;

/** How many words there can be; their numbers are below. */
export const WORDS_LIMIT = WORDS_MAX + 1;

/** The number of every word that is not known. */
export const NO_WORD = 0;

/**
 * The hash of a word with one byte more; that of no bytes is 0. Letters count alike in both cases;
 * no other two of the bytes that a word may have are taken for each other.
 */
export function hashWith(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + (byte | 0x20)) | 0;
}

/**
 * The number of a word, which is known from here on.
 *
 * @param name ASCII letters, digits, `_` and `$`, in any case.
 */
export function word(name: string): number {
  const bytes = Buffer.from(name, "latin1");
  let hash = 0;
  for (const byte of bytes) hash = hashWith(hash, byte);
  const known = findWord(bytes, 0, bytes.length, hash);
  if (known !== NO_WORD) return known;
  const from = starts[count + 1];
  if (count === WORDS_MAX || from + bytes.length > LETTERS_MAX) {
    throw new RangeError(`Cannot know the word "${name}": no room`);
  }
  count++;
  for (const [at, byte] of bytes.entries()) letters[from + at] = byte | 0x20;
  starts[count + 1] = from + bytes.length;
  let slot = slotOf(hash);
  while (slots[slot] !== NO_WORD) slot = (slot + 1) % SLOTS;
  slots[slot] = count;
  return count;
}

/** The number of the word at `start` to `end`, whose hash was made with `hashWith()`. */
export function findWord(bytes: Uint8Array, start: number, end: number, hash: number): number {
  let slot = slotOf(hash);
  for (;;) {
    const found = slots[slot];
    if (found === NO_WORD) return NO_WORD;
    const from = starts[found];
    let length = starts[found + 1] - from;
    if (length === end - start) {
      while (length > 0 && letters[from + length - 1] === (bytes[start + length - 1] | 0x20)) {
        length--;
      }
      if (length === 0) return found;
    }
    slot = (slot + 1) % SLOTS;
  }
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 15)) & (SLOTS - 1);
}
