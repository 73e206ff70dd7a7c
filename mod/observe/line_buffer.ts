// Lines on their way to a file, as bytes: written piece by piece into room that is there already.
// Hot path where statements are logged: nothing is allocated but where there is no room left.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
/** More bytes are copied faster by the system than one by one. */
const CALL_BYTES = 32;

/** What a byte of a text is to JSON, and to those who look for comments and passwords in it. */
const PLAIN = 0;
/** It has a backslash before it. */
const ESCAPED = 1;
/** `\n`, `\r`, `\t`: the letter stands behind the backslash. */
const BLANK = 2;
/** `*`, `-`, `#`: a comment may begin. */
const COMMENT = 3;
/** `d`: ends both words that tell of passwords. */
const LETTER_D = 4;
/** Further control characters, and what is not ASCII. */
const OTHER = 5;

const KINDS = new Uint8Array(256).map((_, byte) => {
  if (byte === QUOTE || byte === BACKSLASH) return ESCAPED;
  if (byte === 0x0a || byte === 0x0d || byte === 0x09) return BLANK;
  if (byte === 0x2a || byte === 0x2d || byte === 0x23) return COMMENT;
  if ((byte | 0x20) === 0x64) return LETTER_D;
  return byte < 0x20 || byte > 0x7e ? OTHER : PLAIN;
});

/** Some lines. */
export class LineBuffer {
  bytes: Buffer;
  /** Bytes written. */
  at = 0;
  lines = 0;
  /** The text written last may hold a comment. */
  hasComment = false;

  /** @param size Room at first, in bytes. */
  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size);
  }

  /** Makes room for so many bytes more. */
  reserve(bytes: number): void {
    if (this.at + bytes <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.at + bytes, 2 * this.bytes.length));
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
  }

  /** There must be room. */
  copy(from: Uint8Array): void {
    const { bytes, at } = this;
    const { length } = from;
    if (length > CALL_BYTES) bytes.set(from, at);
    else for (let i = 0; i < length; i++) bytes[at + i] = from[i];
    this.at = at + length;
  }

  /** Makes room for it too. */
  text(text: string): void {
    this.reserve(3 * text.length);
    this.at += this.bytes.write(text, this.at);
  }

  /** A whole number from 0 on; there must be room for 20 digits. */
  number(value: number): void {
    let digits = 1;
    for (let power = 10; power <= value; power *= 10) digits++;
    let at = this.at += digits;
    let rest = value;
    for (; digits > 0; digits--) {
      const next = rest < 0x7fffffff ? (rest / 10) | 0 : Math.floor(rest / 10);
      this.bytes[--at] = ZERO + (rest - next * 10);
      rest = next;
    }
  }

  /**
   * A text as it stands in a JSON string. There must be room for twice its bytes.
   *
   * @returns false, with nothing written, where it is not of ASCII alone, or may hold a password.
   */
  jsonText(from: Uint8Array, start: number, end: number): boolean {
    const { bytes } = this;
    let { at } = this;
    this.hasComment = false;
    for (let i = start; i < end; i++) {
      const byte = from[i];
      const kind = KINDS[byte];
      if (kind !== PLAIN) {
        if (kind === OTHER || (kind === LETTER_D && endsPasswordWord(from, start, i))) return false;
        if (kind === COMMENT) this.hasComment = true;
        else if (kind !== LETTER_D) {
          bytes[at++] = BACKSLASH;
          if (kind === BLANK) {
            bytes[at++] = byte === 0x0a ? 0x6e : byte === 0x0d ? 0x72 : 0x74;
            continue;
          }
        }
      }
      bytes[at++] = byte;
    }
    this.at = at;
    return true;
  }

  /** All of it is written; the room stays, if it is not more than so many bytes. */
  clear(sizeMax: number): void {
    if (this.bytes.length > sizeMax) this.bytes = Buffer.allocUnsafe(sizeMax);
    this.at = this.lines = 0;
  }
}

const WORDS = [Buffer.from("passwor"), Buffer.from("identifie")];

/** `password` or `identified` ends at a byte: see `maskPasswords`. */
function endsPasswordWord(from: Uint8Array, start: number, end: number): boolean {
  const before = from[end - 1] | 0x20;
  if (before === 0x72) return endsWith(from, start, end, WORDS[0]);
  return before === 0x65 && endsWith(from, start, end, WORDS[1]);
}

function endsWith(from: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  const begin = end - word.length;
  if (begin < start) return false;
  for (let i = 0; i < word.length; i++) if ((from[begin + i] | 0x20) !== word[i]) return false;
  return true;
}
