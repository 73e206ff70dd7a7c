// Reading and writing the protocol's integers and strings in control packets (not on the row path).
// Source: "Protocol::Integer" and "Protocol::String" of the protocol pages.

/** Thrown when bytes from a peer do not have the form the protocol prescribes. */
export class MalformedPacketError extends Error {
  override name = "MalformedPacketError";
}

/** A cursor over one packet's payload. Every read checks the end and throws `MalformedPacketError`. */
export class PacketReader {
  /** The bytes read from; not copied. */
  readonly bytes: Uint8Array;
  /** The next byte to read. */
  position: number;
  /** One past the last byte that belongs to the payload. */
  readonly end: number;

  constructor(bytes: Uint8Array, position = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  /** The bytes not yet read. */
  get remaining(): number {
    return this.end - this.position;
  }

  #take(count: number): number {
    const from = this.position;
    if (count < 0 || count > this.end - from) {
      throw new MalformedPacketError(
        `Packet ends too early: ${count} bytes wanted, ${this.end - from} left`,
      );
    }
    this.position = from + count;
    return from;
  }

  /** Reads an unsigned 8-bit integer. */
  u8(): number {
    return this.bytes[this.#take(1)];
  }

  /** Reads an unsigned little-endian 16-bit integer. */
  u16(): number {
    const at = this.#take(2);
    return this.bytes[at] | (this.bytes[at + 1] << 8);
  }

  /** Reads an unsigned little-endian 24-bit integer. */
  u24(): number {
    const at = this.#take(3);
    return this.bytes[at] | (this.bytes[at + 1] << 8) | (this.bytes[at + 2] << 16);
  }

  /** Reads an unsigned little-endian 32-bit integer. */
  u32(): number {
    const low = this.u16();
    return (low + this.u16() * 0x10000) >>> 0;
  }

  /** Reads a length-encoded integer; values above 2^53 lose precision (they occur in ids only). */
  lenenc(): number {
    const first = this.u8();
    if (first < 0xfb) return first;
    if (first === 0xfc) return this.u16();
    if (first === 0xfd) return this.u24();
    if (first === 0xfe) {
      const low = this.u32();
      return low + this.u32() * 0x100000000;
    }
    throw new MalformedPacketError(`Byte 0x${first.toString(16)} does not start an integer`);
  }

  /** Skips bytes. */
  skip(count: number): void {
    this.#take(count);
  }

  /** A view of the next bytes, not a copy. */
  view(count: number): Uint8Array {
    const at = this.#take(count);
    return this.bytes.subarray(at, at + count);
  }

  /** A view of all that is left. */
  rest(): Uint8Array {
    return this.view(this.remaining);
  }

  /** A view up to the next NUL, which is skipped; up to the end where there is none. */
  untilNul(): Uint8Array {
    let at = this.position;
    while (at < this.end && this.bytes[at] !== 0) at++;
    const found = this.bytes.subarray(this.position, at);
    this.position = at < this.end ? at + 1 : at;
    return found;
  }

  /** A view of a length-encoded string. */
  lenencView(): Uint8Array {
    return this.view(this.lenenc());
  }
}

/** Appends integers and strings to a growing buffer. */
export class PacketWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 128) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** The number of bytes written so far. */
  get length(): number {
    return this.#length;
  }

  #reserve(count: number): number {
    const at = this.#length;
    if (at + count > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, at + count));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#length = at + count;
    return at;
  }

  /** Writes the low 8 bits. */
  u8(value: number): this {
    const at = this.#reserve(1);
    this.#bytes[at] = value;
    return this;
  }

  /** Writes the low 16 bits, little-endian. */
  u16(value: number): this {
    return this.u8(value).u8(value >>> 8);
  }

  /** Writes the low 24 bits, little-endian. */
  u24(value: number): this {
    return this.u16(value).u8(value >>> 16);
  }

  /** Writes 32 bits, little-endian. */
  u32(value: number): this {
    return this.u16(value).u16(value >>> 16);
  }

  /** Writes 64 bits, little-endian; exact up to 2^53. */
  u64(value: number): this {
    return this.u32(value % 0x100000000).u32(Math.floor(value / 0x100000000));
  }

  /** Writes a length-encoded integer. */
  lenenc(value: number): this {
    if (value < 0xfb) return this.u8(value);
    if (value < 0x10000) return this.u8(0xfc).u16(value);
    if (value < 0x1000000) return this.u8(0xfd).u24(value);
    return this.u8(0xfe).u64(value);
  }

  /** Writes zero bytes. */
  zeros(count: number): this {
    const at = this.#reserve(count);
    this.#bytes.fill(0, at, at + count);
    return this;
  }

  /** Writes bytes as they are. */
  raw(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** Writes a string as UTF-8. */
  text(text: string): this {
    return this.raw(encoder.encode(text));
  }

  /** Writes bytes followed by a NUL. */
  nulTerminated(bytes: Uint8Array): this {
    return this.raw(bytes).u8(0);
  }

  /** Writes bytes behind their length. */
  lenencBytes(bytes: Uint8Array): this {
    return this.lenenc(bytes.length).raw(bytes);
  }

  /** The bytes written: a view that is good until the next write. */
  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

const encoder = new TextEncoder();
