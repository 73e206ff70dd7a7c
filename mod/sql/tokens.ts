// Cuts a statement into tokens by MySQL's lexical rules, as far as the proxy needs them:
// words, numbers, punctuation; strings, quoted names and comments are passed over whole.
// Source: "Language Structure" of the MySQL manual. Bytes, not characters: every charset a client
// may use has ASCII bytes for ASCII characters (multi-byte tails are handled where they matter).

import type { LexicalMode } from "./lexical_mode.ts";

/** The kinds of tokens. */
export const Token = {
  END: 0,
  /** An unquoted word or number: letters, digits, `_`, `$` and bytes above 0x7f. */
  WORD: 1,
  /** A string or quoted name, quotes included. */
  QUOTED: 2,
  /** One byte of punctuation. */
  PUNCTUATION: 3,
} as const;

/** Reads tokens one after the other. */
export class Tokenizer {
  readonly bytes: Uint8Array;
  /** Where the token read last starts. */
  start: number;
  /** One past its end. */
  end: number;
  /** Its kind, a value of `Token`. */
  kind: number = Token.END;
  readonly #limit: number;
  readonly #backslash: boolean;

  constructor(bytes: Uint8Array, start: number, end: number, mode?: LexicalMode) {
    this.bytes = bytes;
    this.start = start;
    this.end = start;
    this.#limit = end;
    this.#backslash = !mode?.noBackslashEscapes;
  }

  /** Goes to the next token and gives its kind. */
  next(): number {
    const { bytes } = this;
    let at = this.#skipBlanks(this.end);
    this.start = at;
    if (at >= this.#limit) {
      this.end = at;
      return this.kind = Token.END;
    }
    const byte = bytes[at];
    if (isWordByte(byte)) {
      do at++; while (at < this.#limit && isWordByte(bytes[at]));
      this.end = at;
      return this.kind = Token.WORD;
    }
    if (byte === 0x27 || byte === 0x22 || byte === 0x60) {
      this.end = this.#skipQuoted(at, byte);
      return this.kind = Token.QUOTED;
    }
    this.end = at + 1;
    return this.kind = Token.PUNCTUATION;
  }

  /** There are no more tokens. */
  get atEnd(): boolean {
    return this.kind === Token.END;
  }

  /** The token is this word, in any case. @param word In upper case. */
  is(word: string): boolean {
    if (this.kind !== Token.WORD || this.end - this.start !== word.length) return false;
    for (let i = 0; i < word.length; i++) {
      const byte = this.bytes[this.start + i];
      const upper = byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte;
      if (upper !== word.charCodeAt(i)) return false;
    }
    return true;
  }

  /** The token is this character of punctuation. */
  isMark(mark: string): boolean {
    return this.kind === Token.PUNCTUATION && this.bytes[this.start] === mark.charCodeAt(0);
  }

  /** The token's text, one character a byte. */
  text(): string {
    return Buffer.from(this.bytes.subarray(this.start, this.end)).toString("latin1");
  }

  /** Passes blanks and comments; the content of version comments counts as statement text. */
  #skipBlanks(from: number): number {
    const { bytes } = this;
    const limit = this.#limit;
    let at = from;
    while (at < limit) {
      const byte = bytes[at];
      const next = at + 1 < limit ? bytes[at + 1] : 0;
      if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) at++;
      else if (byte === 0x23) at = this.#lineEnd(at);
      else if (byte === 0x2d && next === 0x2d && isBlankOrEnd(bytes, at + 2, limit)) {
        at = this.#lineEnd(at);
      } else if (byte === 0x2f && next === 0x2a) at = this.#skipComment(at);
      else if (byte === 0x2a && next === 0x2f) at += 2; // the end of a version comment
      else break;
    }
    return at;
  }

  #lineEnd(from: number): number {
    const at = this.bytes.indexOf(0x0a, from);
    return at < 0 || at >= this.#limit ? this.#limit : at + 1;
  }

  #skipComment(from: number): number {
    const { bytes } = this;
    const limit = this.#limit;
    let at = from + 2;
    if (bytes[at] === 0x21 || (bytes[at] === 0x4d && bytes[at + 1] === 0x21)) {
      at += bytes[at] === 0x21 ? 1 : 2;
      while (at < limit && bytes[at] >= 0x30 && bytes[at] <= 0x39) at++;
      return at;
    }
    while (at < limit && !(bytes[at] === 0x2a && bytes[at + 1] === 0x2f)) at++;
    return Math.min(at + 2, limit);
  }

  #skipQuoted(from: number, quote: number): number {
    const { bytes } = this;
    const limit = this.#limit;
    let at = from + 1;
    while (at < limit) {
      const byte = bytes[at];
      if (byte === 0x5c && quote !== 0x60 && this.#backslash) at += 2;
      else if (byte !== quote) at++;
      else if (bytes[at + 1] === quote && at + 1 < limit) at += 2;
      else return at + 1;
    }
    return limit;
  }
}

function isWordByte(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x30 && byte <= 0x39) || byte === 0x5f || byte === 0x24 || byte >= 0x80;
}

function isBlankOrEnd(bytes: Uint8Array, at: number, limit: number): boolean {
  return at >= limit || bytes[at] <= 0x20;
}
