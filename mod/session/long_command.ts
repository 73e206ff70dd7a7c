// A command too long to be looked at whole: it goes to the server in the pieces that come.

import { HEADER_LENGTH, PAYLOAD_MAX, payloadLength } from "../wire/mod.ts";

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
