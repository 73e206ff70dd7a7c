// A statement's bytes without its values, made in one pass into a buffer that serves all of them:
// what is known of one statement is found again for all that differ from it in values alone.

import { type LexicalMode, Multibyte } from "./lexical_mode.ts";

/** Longer statements have no normal form: to make it would cost more than it saves. */
const LENGTH_MAX = 2048;

const OTHER = 0;
const WORD = 1;
const DIGIT = 2;
const BLANK = 3;
/** What may make bytes mean something else: `@`, `:`, `#`, a backslash, a byte above 0x7f. */
const REFUSED = 4;
const SINGLE_QUOTE = 5;
const DOUBLE_QUOTE = 6;
const BACK_QUOTE = 7;
/** `-` and `/`, two of which, or one with a `*`, begin a comment. */
const MAY_COMMENT = 8;

const CLASS = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  const letter = String.fromCharCode(byte);
  if (byte >= 0x80 || /[@:#\\]/.test(letter)) CLASS[byte] = REFUSED;
  else if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) CLASS[byte] = BLANK;
  else if (/[a-z_$]/i.test(letter)) CLASS[byte] = WORD;
  else if (/[0-9]/.test(letter)) CLASS[byte] = DIGIT;
  else if (letter === "'") CLASS[byte] = SINGLE_QUOTE;
  else if (letter === '"') CLASS[byte] = DOUBLE_QUOTE;
  else if (letter === "`") CLASS[byte] = BACK_QUOTE;
  else if (/[-/]/.test(letter)) CLASS[byte] = MAY_COMMENT;
}

const PLACEHOLDER = 0x3f;
const COMMA = 0x2c;
const POINT = 0x2e;
const SPACE = 0x20;
const DASH = 0x2d;
const STAR = 0x2a;
const BACKSLASH = 0x5c;
const SLASH = 0x2f;

/**
 * The normal form of the statement read last: words as they came, numbers and strings as `?`, lists
 * of those as one `?`, blanks as one blank. Statements of one form have the same facts.
 */
export class NormalForm {
  /** The form is the first `length` bytes. Written over by the next one. */
  readonly bytes = new Uint8Array(LENGTH_MAX);
  length = 0;
  /** Equal for equal forms. */
  hash = 0;

  /**
   * Makes the form of the text at `start` to `end`. Hot path: nothing is allocated.
   *
   * @returns false where there is none: comments, variables, what is not ASCII outside of quotes,
   *   charsets in which a quote may be part of a letter, long statements.
   */
  read(text: Uint8Array, start: number, end: number, mode: LexicalMode): boolean {
    const multibyte = mode.multibyte ?? Multibyte.NONE;
    if (end - start > LENGTH_MAX || multibyte !== Multibyte.NONE) return false;
    const { bytes } = this;
    let at = start;
    let to = 0;
    let before = BLANK; // blanks in front go
    while (at < end) {
      const byte = text[at];
      const kind = CLASS[byte];
      switch (kind) {
        case WORD:
          do bytes[to++] = text[at++]; while (
            at < end && CLASS[text[at]] <= DIGIT && CLASS[text[at]] !== OTHER
          );
          break;
        case DIGIT: {
          const from = at;
          at = endOfNumber(text, at, end);
          if (at < 0) return false;
          // What goes on with letters is a name or another notation: it stays as it is.
          if (at < end && CLASS[text[at]] === WORD) {
            at = from;
            while (at < end && (CLASS[text[at]] === WORD || CLASS[text[at]] === DIGIT)) {
              bytes[to++] = text[at++];
            }
          } else to = placeholder(bytes, to);
          break;
        }
        case BLANK:
          do at++; while (at < end && CLASS[text[at]] === BLANK);
          if (before !== BLANK && at < end) bytes[to++] = SPACE;
          break;
        case SINGLE_QUOTE:
        case DOUBLE_QUOTE:
          if (kind === DOUBLE_QUOTE && mode.ansiQuotes !== false) return false;
          at = endOfString(text, at, end, mode.noBackslashEscapes ? -1 : BACKSLASH);
          if (at < 0) return false;
          to = placeholder(bytes, to);
          break;
        case BACK_QUOTE:
          bytes[to++] = text[at++];
          while (at < end && text[at] !== byte) bytes[to++] = text[at++];
          if (at === end) return false;
          bytes[to++] = text[at++];
          break;
        case MAY_COMMENT: {
          const next = text[at + 1];
          if (at + 1 < end && (byte === DASH ? next === DASH : next === STAR)) return false;
          bytes[to++] = text[at++];
          break;
        }
        case REFUSED:
          return false;
        default:
          if (byte === STAR && at + 1 < end && text[at + 1] === SLASH) return false;
          bytes[to++] = text[at++];
      }
      before = kind;
    }
    this.length = to;
    this.hash = hashOf(bytes, to);
    return true;
  }
}

/** Behind a number's digits and their point; -1 where two points follow each other. */
function endOfNumber(text: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && CLASS[text[at]] === DIGIT) at++;
  if (at === end || text[at] !== POINT) return at;
  do at++; while (at < end && CLASS[text[at]] === DIGIT);
  return at < end && (text[at] === POINT || CLASS[text[at]] === WORD) ? -1 : at;
}

/** Behind a string's closing quote; -1 where there is none. */
function endOfString(text: Uint8Array, start: number, end: number, escape: number): number {
  const quote = text[start];
  let at = start + 1;
  while (at < end) {
    const byte = text[at];
    if (byte === quote) {
      if (at + 1 >= end || text[at + 1] !== quote) return at + 1;
      at += 2;
    } else at += byte === escape ? 2 : 1;
  }
  return -1;
}

/** Writes a value; `?,?` and `?, ?` become one. */
function placeholder(bytes: Uint8Array, to: number): number {
  let at = to;
  if (bytes[at - 1] === SPACE) at--;
  if (at >= 2 && bytes[at - 1] === COMMA && bytes[at - 2] === PLACEHOLDER) return at - 1;
  bytes[to] = PLACEHOLDER;
  return to + 1;
}

function hashOf(bytes: Uint8Array, length: number): number {
  let hash = length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    const four = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    hash = Math.imul(hash ^ four, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < length; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
