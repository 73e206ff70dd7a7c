// A number for the shape of a statement: statements that differ in values, blanks and comments alone
// have one. Hot path: one pass over the bytes, nothing allocated. Where two shapes have one number,
// a statement is counted with others: nothing else may hang on it.

import type { LexicalMode } from "./lexical_mode.ts";

const WORD = 0;
const DIGIT = 1;
const MARK = 2;
const BLANK = 3;
const QUOTE = 4;
/** `/`, `-` and `#`, which may start a comment. */
const COMMENT = 5;

const CLASS = new Uint8Array(256).fill(MARK);
/** Letters in lower case, all else as it is. */
const LOWER = new Uint8Array(256);
/** What names are made of, in lower case; 0: it ends them. */
const IN_WORD = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  const letter = String.fromCharCode(byte);
  LOWER[byte] = /[A-Z]/.test(letter) ? byte + 0x20 : byte;
  if (/[a-z_$]/i.test(letter) || byte >= 0x80) CLASS[byte] = WORD;
  else if (/[0-9]/.test(letter)) CLASS[byte] = DIGIT;
  else if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) CLASS[byte] = BLANK;
  else if (/['"`]/.test(letter)) CLASS[byte] = QUOTE;
  else if (/[/#-]/.test(letter)) CLASS[byte] = COMMENT;
  if (CLASS[byte] <= DIGIT) IN_WORD[byte] = LOWER[byte];
}

const BACKQUOTE = 0x60;
const DOUBLE_QUOTE = 0x22;
const OPEN = 0x28;
const CLOSE = 0x29;
const COMMA = 0x2c;
const POINT = 0x2e;
const QUESTION = 0x3f;
const SEMICOLON = 0x3b;
const BACKSLASH = 0x5c;
const STAR = 0x2a;
const SLASH = 0x2f;
const HASH = 0x23;
const NEWLINE = 0x0a;
/** Between two lexemes. */
const BORDER = 0x20;
const PRIME = 0x01000193;
const OTHER_PRIME = 0x85ebca6b;

/** Where the walk is in a list of values, and in a list of such lists. */
const ELSEWHERE = 0;
const BEHIND_OPEN = 1;
const BEHIND_VALUE = 2;
const BEHIND_COMMA = 3;
const BEHIND_ROW = 1;
const BEHIND_ROW_COMMA = 2;

/** The shape of the statement read last. One object serves all. */
export class Shape {
  /** Its number: two words of 32 bits. */
  low = 0;
  high = 0;

  /** Reads the statement at `start` to `limit`. */
  read(bytes: Uint8Array, start: number, limit: number, mode: LexicalMode): void {
    const ansi = mode.ansiQuotes === true;
    const backslash = mode.noBackslashEscapes ? -1 : BACKSLASH;
    const end = endOfText(bytes, start, limit);
    let low = 0x811c9dc5 | 0;
    let high = 0x1234567;
    // What the numbers were behind the first value of a list: all of them are one.
    let listLow = 0;
    let listHigh = 0;
    let list = ELSEWHERE;
    let inRow = false;
    // The same for rows of values.
    let rowLow = 0;
    let rowHigh = 0;
    let rows = ELSEWHERE;
    let at = start;
    while (at < end) {
      let byte = bytes[at];
      let isValue = false;
      switch (CLASS[byte]) {
        case BLANK:
          at++;
          continue;
        case WORD:
          inRow = false;
          byte = LOWER[byte];
          do {
            low = Math.imul(low ^ byte, PRIME);
            if (++at === end) break;
            byte = IN_WORD[bytes[at]];
          } while (byte !== 0);
          list = rows = ELSEWHERE;
          break;
        case DIGIT:
          do at++; while (at < end && (CLASS[bytes[at]] <= DIGIT || bytes[at] === POINT));
          isValue = true;
          break;
        case QUOTE: {
          const from = at;
          isValue = byte !== BACKQUOTE && !(ansi && byte === DOUBLE_QUOTE);
          at = quotedEnd(bytes, at, end, byte === BACKQUOTE ? -1 : backslash);
          if (!isValue) {
            for (let each = from; each < at; each++) {
              low = Math.imul(low ^ LOWER[bytes[each]], PRIME);
            }
            list = rows = ELSEWHERE;
          }
          break;
        }
        default:
          if (CLASS[byte] === COMMENT) {
            const after = commentEnd(bytes, at, end);
            if (after > at) {
              at = after;
              continue;
            }
          }
          at++;
          isValue = byte === QUESTION;
          if (isValue) break;
          low = Math.imul(low ^ byte, PRIME);
          if (byte === OPEN) {
            list = BEHIND_OPEN;
            if (rows === BEHIND_ROW) rows = ELSEWHERE;
            inRow = true;
          } else if (byte === COMMA) {
            list = list === BEHIND_VALUE ? BEHIND_COMMA : ELSEWHERE;
            rows = rows === BEHIND_ROW ? BEHIND_ROW_COMMA : list === ELSEWHERE ? ELSEWHERE : rows;
          } else if (byte === CLOSE && list === BEHIND_VALUE && inRow) {
            list = ELSEWHERE;
            inRow = false;
            if (rows === BEHIND_ROW_COMMA) {
              low = rowLow;
              high = rowHigh;
              rows = BEHIND_ROW;
              continue;
            }
            low = Math.imul(low ^ BORDER, PRIME);
            high = Math.imul(high ^ low, OTHER_PRIME);
            rowLow = low;
            rowHigh = high;
            rows = BEHIND_ROW;
            continue;
          } else {
            list = rows = ELSEWHERE;
            inRow = false;
          }
      }
      if (!isValue) {
        // The border between two lexemes counts, and the way to it.
        low = Math.imul(low ^ BORDER, PRIME);
        high = Math.imul(high ^ low, OTHER_PRIME);
        continue;
      }
      if (list === BEHIND_COMMA) {
        low = listLow;
        high = listHigh;
      } else {
        low = Math.imul(low ^ QUESTION, PRIME);
        high = Math.imul(high ^ low, OTHER_PRIME);
        listLow = low;
        listHigh = high;
      }
      list = BEHIND_VALUE;
    }
    this.low = low ^ (low >>> 15);
    this.high = high;
  }
}

/** Without blanks and semicolons at the end. */
function endOfText(bytes: Uint8Array, start: number, limit: number): number {
  let end = limit;
  while (end > start && (bytes[end - 1] === SEMICOLON || CLASS[bytes[end - 1]] === BLANK)) end--;
  return end;
}

function quotedEnd(bytes: Uint8Array, start: number, end: number, backslash: number): number {
  const quote = bytes[start];
  let at = start + 1;
  while (at < end) {
    const byte = bytes[at];
    if (byte !== quote && byte !== backslash) at++;
    else if (byte === backslash) at += 2;
    else if (at + 1 < end && bytes[at + 1] === quote) at += 2;
    else break;
  }
  return at + 1;
}

/** Where a comment at `at` ends; `at` where there is none. Hints and version comments are text. */
function commentEnd(bytes: Uint8Array, at: number, end: number): number {
  const byte = bytes[at];
  const next = at + 1 < end ? bytes[at + 1] : 0;
  if (byte === SLASH) {
    if (next !== STAR) return at;
    const third = bytes[at + 2];
    if (third === 0x21 || third === 0x2b || third === 0x4d) return at; // `!`, `+`, `M`
    let to = at + 2;
    while (to < end && !(bytes[to] === STAR && bytes[to + 1] === SLASH)) to++;
    return Math.min(to + 2, end);
  }
  const isLine = byte === HASH || (next === byte && (at + 2 >= end || bytes[at + 2] <= 0x20));
  if (!isLine) return at;
  let to = at;
  while (to < end && bytes[to] !== NEWLINE) to++;
  return to;
}
