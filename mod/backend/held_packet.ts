// A packet that is cut by the end of a chunk and may not pass in pieces: kept until more has come.

import { HEADER_LENGTH, payloadLength, type ResponseTracker } from "../wire/mod.ts";

/** Enough of any packet for a tracker to judge it. */
const HEAD_LENGTH_MAX = 28;

/** The first bytes of a packet, as few as the tracker needs to judge it. */
export class PacketHead {
  readonly #bytes = new Uint8Array(HEAD_LENGTH_MAX);
  #length = 0;

  /** Takes bytes from `start` on until the tracker can judge; gives the position behind them. */
  add(bytes: Uint8Array, start: number, tracker: ResponseTracker): number {
    let at = start;
    while (at < bytes.length && !this.isEnough(tracker)) this.#bytes[this.#length++] = bytes[at++];
    return at;
  }

  /** Whether the tracker can judge. */
  isEnough(tracker: ResponseTracker): boolean {
    return tracker.canJudge(this.#bytes, 0, this.#length);
  }

  /** The bytes taken. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** A whole packet in the making. */
export class PacketInParts {
  /** The packet with its header; good when `whole`. */
  readonly bytes: Uint8Array;
  #length = 0;

  /** @param bytes Where at `start` at least the packet's header is. */
  constructor(bytes: Uint8Array, start: number) {
    this.bytes = new Uint8Array(HEADER_LENGTH + payloadLength(bytes, start));
    this.add(bytes, start);
  }

  get whole(): boolean {
    return this.#length === this.bytes.length;
  }

  /** Takes from `start` on what belongs to the packet; gives the position behind it. */
  add(bytes: Uint8Array, start: number): number {
    const taken = Math.min(this.bytes.length - this.#length, bytes.length - start);
    this.bytes.set(bytes.subarray(start, start + taken), this.#length);
    this.#length += taken;
    return start + taken;
  }
}
