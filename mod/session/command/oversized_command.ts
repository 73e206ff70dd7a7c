// A command longer than a client may send: it is passed over to its end, so that the error reaches
// a client that sends before it reads. Servers do the same.

import { HEADER_LENGTH, PAYLOAD_MAX, payloadLength } from "../../wire/mod.ts";

/** Follows the rest of one command. */
export class OversizedCommand {
  /** The sequence id of the packet that passed last. */
  sequence = 0;
  readonly #unanswered: number;
  #left = 0;
  #continues = false;
  #ended = false;

  /** @param unanswered Answers that will never come: 1 if the server has got a part of it. */
  constructor(unanswered: 0 | 1) {
    this.#unanswered = unanswered;
  }

  /** It has passed whole, and all that was asked before is answered: the error may be told. */
  isDue(outstanding: number): boolean {
    return this.#ended && outstanding === this.#unanswered;
  }

  /** Gives the position up to which bytes have passed; a cut header is left for later. */
  pass(bytes: Uint8Array, start: number): number {
    if (this.#ended) return bytes.length;
    let at = start;
    while (at < bytes.length) {
      if (this.#left === 0) {
        if (bytes.length - at < HEADER_LENGTH) return at;
        this.#left = payloadLength(bytes, at);
        this.#continues = this.#left === PAYLOAD_MAX;
        this.sequence = bytes[at + 3];
        at += HEADER_LENGTH;
      }
      const passed = Math.min(this.#left, bytes.length - at);
      this.#left -= passed;
      at += passed;
      if (this.#left === 0 && !this.#continues) {
        this.#ended = true;
        return bytes.length;
      }
    }
    return at;
  }
}
