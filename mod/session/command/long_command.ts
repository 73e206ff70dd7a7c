// Commands of 16 MiB and more, which are of several packets: those that go to the server in the pieces
// that come, and those that are taken whole.

import { frame, HEADER_LENGTH, PAYLOAD_MAX, payloadLength } from "../../wire/mod.ts";

/** Follows the packets of one command, and numbers them from 0 in place. */
export class LongCommand {
  /** The command's last byte has passed. */
  ended = false;
  /** The sequence id of the packet that passes or has passed last. */
  sequence = -1;
  /** The packet that comes next would make it longer than allowed. */
  tooLong = false;
  readonly #lengthMax: number;
  #length = 0;
  #left = 0;
  #continues = false;

  /** @param lengthMax The longest payload allowed, all packets together, in bytes. */
  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax;
  }

  /** Gives the position up to which bytes belong to the command; a cut header is left for later. */
  pass(bytes: Uint8Array, start: number): number {
    let at = start;
    while (at < bytes.length && !this.ended) {
      if (this.#left === 0) {
        if (bytes.length - at < HEADER_LENGTH) return at;
        const length = payloadLength(bytes, at);
        this.#length += length;
        this.tooLong = this.#length > this.#lengthMax;
        if (this.tooLong) return at;
        this.#continues = length === PAYLOAD_MAX;
        // Clients that compress number the parts otherwise, and only servers that do take that.
        bytes[at + 3] = this.sequence = (this.sequence + 1) & 0xff;
        this.#left = HEADER_LENGTH + length;
      }
      const passed = Math.min(this.#left, bytes.length - at);
      this.#left -= passed;
      at += passed;
      this.ended = this.#left === 0 && !this.#continues;
    }
    return at;
  }
}

/** Collects the packets of one command and joins them. */
export class WholeCommand {
  /** The command's last byte has come. */
  ended = false;
  /** The sequence id of the packet that came last. */
  sequence = 0;
  /** The packet that comes next would make it longer than allowed. */
  tooLong = false;
  readonly #parts: Uint8Array[] = [Buffer.alloc(HEADER_LENGTH)];
  readonly #lengthMax: number;
  #length = 0;
  #left = 0;
  #continues = false;

  /** @param lengthMax The longest payload allowed, all packets together, in bytes. */
  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax;
  }

  /** Gives the position up to which bytes belong to the command; a cut header is left for later. */
  add(bytes: Uint8Array, start: number): number {
    let at = start;
    while (at < bytes.length && !this.ended) {
      if (this.#left === 0) {
        if (bytes.length - at < HEADER_LENGTH) return at;
        this.#left = payloadLength(bytes, at);
        this.#length += this.#left;
        this.tooLong = this.#length > this.#lengthMax;
        if (this.tooLong) return at;
        this.#continues = this.#left === PAYLOAD_MAX;
        this.sequence = bytes[at + 3];
        at += HEADER_LENGTH;
      }
      const taken = Math.min(this.#left, bytes.length - at);
      this.#parts.push(bytes.subarray(at, at + taken));
      this.#left -= taken;
      at += taken;
      this.ended = this.#left === 0 && !this.#continues;
    }
    return at;
  }

  /** All of it as if it were one packet: behind one header, which does not say the length. */
  take(): Buffer {
    const whole = Buffer.concat(this.#parts);
    this.#parts.length = 0;
    return whole;
  }
}

/** What is written for a command behind one header, whatever its length. */
export function inPackets(packet: Uint8Array): Uint8Array {
  return packet.length < HEADER_LENGTH + PAYLOAD_MAX
    ? packet
    : frame(packet.subarray(HEADER_LENGTH), 0);
}
