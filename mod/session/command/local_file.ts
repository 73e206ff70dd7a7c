// The content of a local file on its way from the client to the server: packets up to an empty one.
// Source: "LOCAL INFILE Request" of the protocol pages. The proxy opens no file itself.

import { HEADER_LENGTH, PAYLOAD_MAX, payloadLength } from "../../wire/mod.ts";

/** Follows the packets of one file. */
export class LocalFileUpload {
  /** The packet that ends the file has passed. */
  ended = false;
  #left = 0;
  #continues = false;

  /** Gives the position up to which bytes belong to the file; a cut header is left for later. */
  pass(bytes: Uint8Array, start: number): number {
    let at = start;
    while (at < bytes.length && !this.ended) {
      if (this.#left === 0) {
        if (bytes.length - at < HEADER_LENGTH) return at;
        const length = payloadLength(bytes, at);
        this.ended = length === 0 && !this.#continues;
        this.#continues = length === PAYLOAD_MAX;
        this.#left = length;
        at += HEADER_LENGTH;
      }
      const passed = Math.min(this.#left, bytes.length - at);
      this.#left -= passed;
      at += passed;
    }
    return at;
  }
}
