// Walks over a statement lexeme by lexeme and knows each word by a number. One object serves all
// statements: nothing is allocated. Sources: "Language Structure" and "Comments" of the MySQL
// manual, "Comment Syntax" of MariaDB's.

import { characterLength, type LexicalMode, Multibyte } from "./lexical_mode.ts";
import { findWord, hashWith, NO_WORD } from "./words.ts";

/** The kinds of lexemes. */
export const Lexeme = {
  END: 0,
  /** An unquoted word or number: letters, digits, `_`, `$` and bytes above 0x7f. */
  WORD: 1,
  /** A name in backquotes; in double quotes too, unless those are known to make a string. */
  NAME: 2,
  /** A string. */
  STRING: 3,
  /** One byte of punctuation. */
  MARK: 4,
} as const;

/** Marks by their bytes. */
export const Mark = {
  OPEN: 0x28,
  CLOSE: 0x29,
  COMMA: 0x2c,
  POINT: 0x2e,
  COLON: 0x3a,
  SEMICOLON: 0x3b,
  EQUALS: 0x3d,
  AT: 0x40,
} as const;

/** Which version comments count as text. */
export interface CommentReading {
  /** The server is taken for MariaDB: it runs `/*M!` and passes over what is for newer MySQL. */
  readonly mariadb: boolean;
  /** Comments up to this version run. */
  readonly version: number;
}

/** Servers that are older are not in use: all run the content of comments up to this version. */
export const RUN_BY_ALL_MAX = 50_500;
/** How many versions one statement's comments may name; `uncertain` where there are more. */
const VERSIONS_MAX = 6;
const MYSQL_ONLY_MIN = 50_700;
const MYSQL_ONLY_MAX = 99_999;

const BLANK = 1;
const LETTER = 2;
const DIGIT = 3;
const HIGH = 4;
const QUOTE = 5;
/** `#`, `-` and `/`, which may start a comment, and `*`, which may end one. */
const COMMENT = 6;

const CLASS = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  const letter = String.fromCharCode(byte);
  if (byte >= 0x80) CLASS[byte] = HIGH;
  else if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) CLASS[byte] = BLANK;
  else if (/[a-z_$]/i.test(letter)) CLASS[byte] = LETTER;
  else if (/[0-9]/.test(letter)) CLASS[byte] = DIGIT;
  else if (/["'`]/.test(letter)) CLASS[byte] = QUOTE;
  else if (/[#*/-]/.test(letter)) CLASS[byte] = COMMENT;
}

const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const STAR = 0x2a;
const DASH = 0x2d;
const SLASH = 0x2f;
const BACKSLASH = 0x5c;

/** Reads lexemes one after the other. */
export class Scanner {
  bytes: Uint8Array = new Uint8Array(0);
  /** One past the statement's last byte. */
  limit = 0;
  /** Where the lexeme read last starts. */
  start = 0;
  /** One past its end. */
  end = 0;
  /** Its kind, a value of `Lexeme`. */
  kind: number = Lexeme.END;
  /** The number of the word, or of what stands in a name's quotes; `NO_WORD` otherwise. */
  word = NO_WORD;
  /** The byte of a mark; 0 otherwise. */
  mark = 0;
  /**
   * The word touches bytes above 0x7f, which in some charsets are blanks and in others part of the
   * word. The bytes below 0x80 are a lexeme of their own.
   */
  glued = false;
  /** What is a string and what is not cannot be told. */
  uncertain = false;
  /** Inside a version comment that counts as text. */
  inComment = false;
  /** The versions of comments that not every server runs. */
  readonly versions = new Float64Array(VERSIONS_MAX);
  versionsCount = 0;
  /** The text's first comment that is no version comment, with what marks it; -1: there is none. */
  commentStart = -1;
  commentEnd = -1;

  #backslash = true;
  #ansiQuotes = false;
  #quotesKnown = false;
  #multibyte: number = Multibyte.NONE;
  #reading: CommentReading | undefined;

  /** Goes in front of a statement. @param reading Without one, all version comments are text. */
  reset(bytes: Uint8Array, start: number, end: number, mode: LexicalMode): void {
    this.bytes = bytes;
    this.limit = end;
    this.versionsCount = 0;
    this.commentStart = -1;
    this.uncertain = mode.multibyte === Multibyte.SWE7;
    this.#backslash = !mode.noBackslashEscapes;
    this.#ansiQuotes = mode.ansiQuotes === true;
    this.#quotesKnown = mode.ansiQuotes !== undefined;
    this.#multibyte = mode.multibyte ?? Multibyte.NONE;
    this.rewind(start, undefined);
  }

  /** Goes in front of the same statement again, to read its version comments in another way. */
  rewind(start: number, reading: CommentReading | undefined): void {
    this.start = start;
    this.end = start;
    this.kind = Lexeme.END;
    this.word = NO_WORD;
    this.mark = 0;
    this.glued = false;
    this.inComment = false;
    this.#reading = reading;
  }

  /** Goes to the next lexeme and gives its kind. */
  next(): number {
    const { bytes, limit } = this;
    let at = this.end;
    this.glued = false;
    for (;;) {
      if (at >= limit) return this.#set(Lexeme.END, at, at);
      const byte = bytes[at];
      switch (CLASS[byte]) {
        case BLANK:
          at++;
          continue;
        case LETTER:
          return this.#letters(at, at);
        case DIGIT:
          return this.#number(at);
        case HIGH:
          return this.#highBytes(at);
        case QUOTE:
          return this.#quoted(at, byte);
        case COMMENT: {
          const after = this.#comment(at);
          if (after === at) break;
          at = after;
          continue;
        }
        default:
      }
      this.#set(Lexeme.MARK, at, at + 1);
      this.mark = byte;
      return Lexeme.MARK;
    }
  }

  /** Behind `@`: passes a user variable's name, which may be quoted, or have points, or be empty. */
  passUserVariable(): void {
    const { bytes, limit } = this;
    let at = this.end;
    if (at < limit && CLASS[bytes[at]] === QUOTE) this.#quoted(at, bytes[at]);
    else {
      while (at < limit && isUserVariableByte(bytes[at])) at++;
      this.#set(Lexeme.NAME, this.end, at);
    }
  }

  #set(kind: number, start: number, end: number): number {
    this.kind = kind;
    this.start = start;
    this.end = end;
    this.word = NO_WORD;
    this.mark = 0;
    return kind;
  }

  /** A word from `from` on; its letters below 0x80 start at `start`. */
  #letters(from: number, start: number): number {
    const { bytes, limit } = this;
    let hash = 0;
    let at = from;
    let kind = 0;
    while (at < limit) {
      const byte = bytes[at];
      kind = CLASS[byte];
      if (kind !== LETTER && kind !== DIGIT) break;
      hash = hashWith(hash, byte);
      at++;
    }
    this.#set(Lexeme.WORD, start, at);
    this.word = findWord(bytes, from, at, hash);
    if (kind === HIGH) this.glued = true;
    return Lexeme.WORD;
  }

  /** A number, or a word that starts with a digit, which is none that is known. */
  #number(start: number): number {
    const { bytes, limit } = this;
    let at = start;
    while (at < limit && CLASS[bytes[at]] === DIGIT) at++;
    if (at < limit && bytes[at] === Mark.POINT) {
      // The point belongs to the number: what follows is no column's name.
      do at++; while (at < limit && CLASS[bytes[at]] === DIGIT);
      return this.#set(Lexeme.WORD, start, at);
    }
    while (at < limit && (CLASS[bytes[at]] === LETTER || CLASS[bytes[at]] === DIGIT)) at++;
    this.#set(Lexeme.WORD, start, at);
    if (at < limit && CLASS[bytes[at]] === HIGH) this.glued = true;
    return Lexeme.WORD;
  }

  #highBytes(start: number): number {
    const { bytes, limit } = this;
    let at = start;
    while (at < limit && CLASS[bytes[at]] === HIGH) at += this.#characterLength(at);
    if (at < limit && CLASS[bytes[at]] === LETTER) this.#letters(at, start);
    else this.#set(Lexeme.WORD, start, at);
    this.glued = true;
    return Lexeme.WORD;
  }

  #characterLength(at: number): number {
    return this.#multibyte === Multibyte.NONE
      ? 1
      : characterLength(this.bytes, at, { limit: this.limit, charset: this.#multibyte });
  }

  #quoted(start: number, quote: number): number {
    if (quote === SINGLE_QUOTE) return this.#string(start, quote);
    if (quote === DOUBLE_QUOTE && !this.#ansiQuotes) {
      this.#string(start, quote);
      if (this.#quotesKnown) return this.kind;
      const { end } = this;
      this.#name(start, quote);
      if (this.end !== end) this.uncertain = true;
      return this.kind;
    }
    return this.#name(start, quote);
  }

  #string(start: number, quote: number): number {
    const { bytes, limit } = this;
    const backslash = this.#backslash ? BACKSLASH : -1;
    const multibyte = this.#multibyte === Multibyte.NONE ? 256 : 0x80;
    let at = start + 1;
    while (at < limit) {
      const byte = bytes[at];
      if (byte === quote) {
        if (at + 1 >= limit || bytes[at + 1] !== quote) break;
        at += 2;
      } else if (byte === backslash) at += 2;
      else if (byte >= multibyte) at += this.#characterLength(at);
      else at++;
    }
    return this.#set(Lexeme.STRING, start, Math.min(at + 1, limit));
  }

  #name(start: number, quote: number): number {
    const { bytes, limit } = this;
    let hash = 0;
    let at = start + 1;
    while (at < limit) {
      const byte = bytes[at];
      if (byte === quote) {
        if (at + 1 >= limit || bytes[at + 1] !== quote) break;
        at += 2;
        hash = hashWith(hash, 0); // no name that is known has a quote in it
      } else if (byte >= 0x80 && this.#multibyte !== Multibyte.NONE) {
        at += this.#characterLength(at);
      } else {
        hash = hashWith(hash, byte);
        at++;
      }
    }
    const inside = Math.min(at, limit);
    this.#set(Lexeme.NAME, start, Math.min(at + 1, limit));
    this.word = findWord(bytes, start + 1, inside, hash);
    return Lexeme.NAME;
  }

  /** Where the text goes on behind a comment, or behind a version comment's start or end. */
  #comment(at: number): number {
    const { bytes, limit } = this;
    const byte = bytes[at];
    const next = at + 1 < limit ? bytes[at + 1] : 0;
    if (byte === STAR) {
      if (next !== SLASH || !this.inComment) return at;
      this.inComment = false;
      return at + 2;
    }
    if (byte === SLASH) return next === STAR ? this.#blockComment(at + 2) : at;
    if (byte === DASH) {
      if (next !== DASH) return at;
      const third = at + 2 < limit ? bytes[at + 2] : 0;
      if (third > 0x20 && third !== 0x7f) {
        // In some charsets it is a blank, and the rest of the line a comment.
        if (third >= 0x80) this.uncertain = true;
        return at;
      }
    }
    const end = bytes.indexOf(0x0a, at);
    return this.#passed(at, end < 0 || end >= limit ? limit : end + 1);
  }

  #blockComment(from: number): number {
    const { bytes, limit } = this;
    let at = from;
    const forMariadb = bytes[at] === 0x4d && bytes[at + 1] === 0x21;
    if (at < limit && (forMariadb || bytes[at] === 0x21)) {
      at += forMariadb ? 2 : 1;
      const start = at;
      let version = 0;
      while (at < limit && at < start + 6 && CLASS[bytes[at]] === DIGIT) {
        version = version * 10 + bytes[at++] - 0x30;
      }
      if (at < start + 5) {
        version = 0;
        at = start;
      }
      if (at > limit) return limit;
      if (this.#runs(forMariadb, version)) {
        this.inComment = true;
        return at;
      }
      return this.#passComment(at, true);
    }
    return this.#passed(from - 2, this.#passComment(at, false));
  }

  /** Notes where a comment is, if it is the first. */
  #passed(start: number, end: number): number {
    if (this.commentStart < 0) {
      this.commentStart = start;
      this.commentEnd = end;
    }
    return end;
  }

  #runs(forMariadb: boolean, version: number): boolean {
    if (!forMariadb && version <= RUN_BY_ALL_MAX) return true;
    this.#note(version);
    const reading = this.#reading;
    if (reading === undefined) return true;
    if (forMariadb && !reading.mariadb) return false;
    const passedOver = reading.mariadb && !forMariadb && version >= MYSQL_ONLY_MIN &&
      version <= MYSQL_ONLY_MAX;
    return !passedOver && version <= reading.version;
  }

  #note(version: number): void {
    for (let i = 0; i < this.versionsCount; i++) if (this.versions[i] === version) return;
    if (this.versionsCount === VERSIONS_MAX) this.uncertain = true;
    else this.versions[this.versionsCount++] = version;
  }

  /** One past a comment's end. @param nested A comment inside it is passed over as a whole. */
  #passComment(from: number, nested: boolean): number {
    const { bytes, limit } = this;
    let at = from;
    while (at < limit) {
      const byte = bytes[at];
      const next = at + 1 < limit ? bytes[at + 1] : 0;
      if (byte === STAR && next === SLASH) return at + 2;
      if (nested && byte === SLASH && next === STAR) at = this.#passComment(at + 2, false);
      else at++;
    }
    return limit;
  }
}

function isUserVariableByte(byte: number): boolean {
  const kind = CLASS[byte];
  return kind === LETTER || kind === DIGIT || kind === HIGH || byte === Mark.POINT;
}
