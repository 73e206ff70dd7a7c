// The FIFO of requests that a server has not answered yet, and who gets each answer.

/** Gets the bytes of one answer, in order, and its end. */
export interface AnswerSink {
  /** Bytes of the answer; whole packets are not promised. */
  onAnswerBytes(bytes: Uint8Array): void;
  /** The answer is complete: the server's status, error and statement id are in its tracker. */
  onAnswerEnd(): void;
  /** The server is gone before the answer was complete. */
  onServerLost(reason: string): void;
}

/** A ring of (expected answer, sink) pairs. Hot path: nothing is allocated unless it must grow. */
export class Outstanding {
  #expects: number[] = [0, 0];
  #sinks: (AnswerSink | undefined)[] = [undefined, undefined];
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(expect: number, sink: AnswerSink): void {
    if (this.#length === this.#expects.length) this.#grow();
    const at = (this.#head + this.#length) & (this.#expects.length - 1);
    this.#expects[at] = expect;
    this.#sinks[at] = sink;
    this.#length++;
  }

  /** The expected answer at the head, a value of `Expect`. Only while there is one. */
  get expect(): number {
    return this.#expects[this.#head]!;
  }

  /** Who gets the answer at the head. Only while there is one. */
  get sink(): AnswerSink {
    return this.#sinks[this.#head]!;
  }

  shift(): void {
    this.#sinks[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#expects.length - 1);
    this.#length--;
  }

  #grow(): void {
    const expects: number[] = [];
    const sinks: (AnswerSink | undefined)[] = [];
    const mask = this.#expects.length - 1;
    for (let i = 0; i < this.#length; i++) {
      expects.push(this.#expects[(this.#head + i) & mask]!);
      sinks.push(this.#sinks[(this.#head + i) & mask]);
    }
    for (let i = this.#length; i < (mask + 1) * 2; i++) {
      expects.push(0);
      sinks.push(undefined);
    }
    this.#expects = expects;
    this.#sinks = sinks;
    this.#head = 0;
  }
}
