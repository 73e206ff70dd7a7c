// A command that came in pieces and is to be looked at whole: collected with one copy of each byte.

import { HEADER_LENGTH } from "../../wire/mod.ts";

/** A packet of known length that has not come whole. */
export class PartialCommand {
  /** The packet, header included; good when `whole`. */
  readonly bytes: Buffer;
  #filled: number;

  /** @param start What has come of it; at least the header. @param length The payload's length. */
  constructor(start: Buffer, length: number) {
    this.bytes = Buffer.allocUnsafe(HEADER_LENGTH + length);
    this.#filled = start.copy(this.bytes);
  }

  /** All of it has come. */
  get whole(): boolean {
    return this.#filled === this.bytes.length;
  }

  /** Takes what belongs to the packet; gives how many bytes that was. */
  add(bytes: Buffer): number {
    const taken = bytes.copy(this.bytes, this.#filled);
    this.#filled += taken;
    return taken;
  }
}
