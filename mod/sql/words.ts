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
  // Written where it would lie. Plain loops: more than a thousand words are learned at each start,
  // before anything is compiled.
  const from = starts[count + 1];
  const { length } = name;
  if (count === WORDS_MAX || from + length > LETTERS_MAX) {
    throw new RangeError(`Cannot know the word "${name}": no room`);
  }
  let hash = 0;
  for (let at = 0; at < length; at++) {
    const letter = name.charCodeAt(at) | 0x20;
    letters[from + at] = letter;
    hash = (Math.imul(hash, 31) + letter) | 0; // as `hashWith()`
  }
  const known = findWord(letters, from, from + length, hash);
  if (known !== NO_WORD) return known;
  count++;
  starts[count + 1] = from + length;
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
