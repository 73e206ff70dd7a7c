// Packets on the wire: a 3-byte length, a sequence id, the payload; 16 MiB and more in several parts.
// Source: "MySQL Packets" of the protocol pages.

/** Length of a packet's header in bytes. */
export const HEADER_LENGTH = 4;

/** The longest payload of one packet; a payload of exactly this length goes on in the next packet. */
export const PAYLOAD_MAX = 0xffffff;

/** Reads the payload length from the header at `at`. */
export function payloadLength(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
}

/** Writes a packet header at `at`. */
export function writeHeader(
  bytes: Uint8Array,
  at: number,
  header: { readonly length: number; readonly sequence: number },
): void {
  bytes[at] = header.length;
  bytes[at + 1] = header.length >>> 8;
  bytes[at + 2] = header.length >>> 16;
  bytes[at + 3] = header.sequence;
}

/**
 * Puts a payload behind a header, in as many packets as its length asks for.
 *
 * @param sequence The first packet's sequence id; wraps at 256.
 */
export function frame(payload: Uint8Array, sequence: number): Uint8Array {
  const parts = Math.floor(payload.length / PAYLOAD_MAX) + 1;
  const bytes = new Uint8Array(payload.length + parts * HEADER_LENGTH);
  let to = 0;
  for (let part = 0; part < parts; part++) {
    const from = part * PAYLOAD_MAX;
    const length = Math.min(PAYLOAD_MAX, payload.length - from);
    writeHeader(bytes, to, { length, sequence: sequence + part });
    bytes.set(payload.subarray(from, from + length), to + HEADER_LENGTH);
    to += HEADER_LENGTH + length;
  }
  return bytes;
}

/** Gives whole payloads out of a stream that comes in chunks of any size. */
export class PacketAssembler {
  /** The sequence id of the packet given last. */
  sequence = 0;
  readonly #lengthMax: number;
  #kept: Uint8Array = EMPTY;
  #at = 0;

  /** @param lengthMax The longest payload accepted, in bytes. */
  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax;
  }

  /** Takes the next chunk of the stream. Keeps a reference, copies only what straddles chunks. */
  push(chunk: Uint8Array): void {
    if (this.#at >= this.#kept.length) {
      this.#kept = chunk;
      this.#at = 0;
      return;
    }
    const left = this.#kept.length - this.#at;
    const joined = new Uint8Array(left + chunk.length);
    joined.set(this.#kept.subarray(this.#at));
    joined.set(chunk, left);
    this.#kept = joined;
    this.#at = 0;
  }

  /**
   * The next whole payload, parts of 16 MiB joined, or undefined until more bytes come.
   *
   * @throws {PacketTooLargeError} If the payload is longer than allowed.
   */
  next(): Uint8Array | undefined {
    const bytes = this.#kept;
    let at = this.#at;
    let total = 0;
    for (;;) {
      if (bytes.length - at < HEADER_LENGTH) return undefined;
      const length = payloadLength(bytes, at);
      total += length;
      if (total > this.#lengthMax) throw new PacketTooLargeError(total, this.#lengthMax);
      if (bytes.length - at - HEADER_LENGTH < length) return undefined;
      at += HEADER_LENGTH + length;
      if (length < PAYLOAD_MAX) break;
    }
    const from = this.#at;
    this.#at = at;
    if (total < PAYLOAD_MAX) {
      this.sequence = bytes[from + 3];
      return bytes.subarray(from + HEADER_LENGTH, at);
    }
    return this.#joinParts(from, total);
  }

  /** The bytes that came after the last whole payload; the assembler is empty afterwards. */
  takeRest(): Uint8Array {
    const rest = this.#kept.subarray(this.#at);
    this.#kept = EMPTY;
    this.#at = 0;
    return rest;
  }

  #joinParts(from: number, total: number): Uint8Array {
    const payload = new Uint8Array(total);
    let at = from;
    let to = 0;
    while (to < total || at < this.#at) {
      const length = payloadLength(this.#kept, at);
      this.sequence = this.#kept[at + 3];
      payload.set(this.#kept.subarray(at + HEADER_LENGTH, at + HEADER_LENGTH + length), to);
      to += length;
      at += HEADER_LENGTH + length;
    }
    return payload;
  }
}

/** Thrown when a peer announces a packet longer than allowed. */
export class PacketTooLargeError extends Error {
  override name = "PacketTooLargeError";

  constructor(length: number, lengthMax: number) {
    super(`Packet is too large: ${length} bytes, maximum is ${lengthMax}`);
  }
}

const EMPTY = new Uint8Array(0);
