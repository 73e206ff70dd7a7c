// The FIFO of requests that a server has not answered yet, and who gets each answer.

/** Gets the bytes of one answer, in order, and its end. */
export interface AnswerSink {
  /** Bytes of the answer; whole packets are not promised. */
  onAnswerBytes(bytes: Uint8Array): void;
  /**
   * An OK or EOF packet of the answer whose status says that the session's state has changed. It is
   * whole, with its header, and comes in its place among the answer's bytes; the tracker has judged
   * it already. Only on connections whose tracker has `stopAtState`. Without this method it comes as
   * bytes.
   */
  onOkPacket?(packet: Uint8Array): void;
  /**
   * Bytes in front of an OK packet that is told by `onOkPacket` right behind them, before anything
   * else happens: both may go out together. Without this method they come as other bytes do.
   */
  onBytesBeforeOk?(bytes: Uint8Array): void;
  /** The answer is complete: the server's status, error and statement id are in its tracker. */
  onAnswerEnd(): void;
  /** The server is gone before the answer was complete. */
  onServerLost(reason: string): void;
}

/** Passes an OK packet with session state on, as bytes to a sink that makes no difference. */
export function passOk(sink: AnswerSink, packet: Uint8Array): void {
  if (sink.onOkPacket === undefined) sink.onAnswerBytes(packet);
  else sink.onOkPacket(packet);
}

/**
 * Pairs of an expected answer and its sink. The first one lies in fields of its own: mostly there
 * is no second, and then nothing is allocated. Those behind it are in a ring that grows.
 */
export class Outstanding {
  /** The requests without a complete answer. */
  length = 0;
  /** The expected answer at the head, a value of `Expect`. Only while `length` is not 0. */
  expect = 0;
  #sink: AnswerSink | undefined;
  #further: Ring | undefined;

  /** Who gets the answer at the head. Only while `length` is not 0. */
  get sink(): AnswerSink {
    return this.#sink!;
  }

  set sink(sink: AnswerSink) {
    this.#sink = sink;
  }

  /** Adds a request at the end. */
  push(expect: number, sink: AnswerSink): void {
    if (this.length++ === 0) {
      this.expect = expect;
      this.#sink = sink;
    } else (this.#further ??= new Ring()).push(expect, sink);
  }

  /** All sinks now, the head first. */
  sinks(): AnswerSink[] {
    if (this.length === 0) return [];
    return [this.#sink!, ...this.#further?.sinks() ?? []];
  }

  /** Takes the head away. Only while `length` is not 0. */
  shift(): void {
    if (--this.length === 0) {
      this.#sink = undefined;
      return;
    }
    const ring = this.#further!;
    this.expect = ring.expect;
    this.#sink = ring.sink;
    ring.shift();
  }
}

/** The requests behind the first one. */
class Ring {
  #expects = [0, 0, 0, 0];
  #sinks: (AnswerSink | undefined)[] = [undefined, undefined, undefined, undefined];
  #head = 0;
  #length = 0;

  get expect(): number {
    return this.#expects[this.#head];
  }

  get sink(): AnswerSink {
    return this.#sinks[this.#head]!;
  }

  sinks(): AnswerSink[] {
    const mask = this.#sinks.length - 1;
    return Array.from({ length: this.#length }, (_, at) => this.#sinks[(this.#head + at) & mask]!);
  }

  push(expect: number, sink: AnswerSink): void {
    if (this.#length === this.#expects.length) this.#grow();
    const at = (this.#head + this.#length) & (this.#expects.length - 1);
    this.#expects[at] = expect;
    this.#sinks[at] = sink;
    this.#length++;
  }

  shift(): void {
    this.#sinks[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#expects.length - 1);
    this.#length--;
  }

  /** Called when full: doubles, with the head at the start. */
  #grow(): void {
    const size = this.#expects.length;
    const turn = <T>(ring: T[], filler: T): T[] => [
      ...ring.slice(this.#head),
      ...ring.slice(0, this.#head),
      ...Array<T>(size).fill(filler),
    ];
    this.#expects = turn(this.#expects, 0);
    this.#sinks = turn(this.#sinks, undefined);
    this.#head = 0;
  }
}
