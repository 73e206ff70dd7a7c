// The answer to a command of several packets where a leg is compressed. Servers and clients then go
// on counting packets from the compressed ones, so the two legs disagree about the first number.

import { type AnswerSink, passOk } from "../../backend/mod.ts";
import { HEADER_LENGTH } from "../../wire/mod.ts";

/** Gives the answer's packets the numbers that the client expects, in place. */
export class RenumberedAnswer implements AnswerSink {
  readonly #sink: AnswerSink;
  readonly #firstSequence: () => number;
  #shift: number | undefined;
  /** Bytes of the current packet's header that have passed. */
  #header = 0;
  #length = 0;
  #left = 0;

  /** @param firstSequence What the client expects; asked when the answer begins. */
  constructor(sink: AnswerSink, firstSequence: () => number) {
    this.#sink = sink;
    this.#firstSequence = firstSequence;
  }

  onAnswerBytes(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#header < HEADER_LENGTH - 1) {
        this.#length |= bytes[at++] << (8 * this.#header++);
      } else if (this.#header < HEADER_LENGTH) {
        this.#shift ??= this.#firstSequence() - bytes[at];
        bytes[at] = bytes[at] + this.#shift;
        at++;
        this.#header++;
        this.#left = this.#length;
      } else {
        const passed = Math.min(this.#left, bytes.length - at);
        this.#left -= passed;
        at += passed;
      }
      if (this.#header === HEADER_LENGTH && this.#left === 0) this.#header = this.#length = 0;
    }
    this.#sink.onAnswerBytes(bytes);
  }

  onOkPacket(packet: Uint8Array): void {
    this.#shift ??= this.#firstSequence() - packet[HEADER_LENGTH - 1];
    packet[HEADER_LENGTH - 1] += this.#shift;
    passOk(this.#sink, packet);
  }

  onAnswerEnd(): void {
    this.#sink.onAnswerEnd();
  }

  onServerLost(reason: string): void {
    this.#sink.onServerLost(reason);
  }
}
