// One question to the primary for all who ask at the same time: how far are you? Who asks while a
// question is on its way may not have its answer, which may be older; it waits for the next one.

import type { ToldPosition } from "../cluster/mod.ts";

/** Who wants the primary's position: told once, with undefined where it can't be had. */
export interface Asker {
  positionIs(position: ToldPosition | undefined): void;
}

/** The question and those who wait for it. */
export class SharedQuestion {
  /** Questions that were sent. */
  asked = 0;
  /** Askers that were told. */
  answered = 0;
  readonly #send: () => void;
  /** Those whom the question that is on its way is for. */
  #current: Asker[] = [];
  /** Those who came behind it. */
  #next: Asker[] = [];
  #isOut = false;

  /** @param send Sends the question; `answer` is called for each, never from within `send`. */
  constructor(send: () => void) {
    this.#send = send;
  }

  /** Wants to know the position. Hot path: nothing is allocated but room in a list. */
  ask(asker: Asker): void {
    this.#next.push(asker);
    if (!this.#isOut) this.#go();
  }

  /** The question that is on its way was answered, or failed with undefined. */
  answer(position: ToldPosition | undefined): void {
    const told = this.#current;
    this.#current = [];
    this.#isOut = false;
    // Those who came meanwhile first: their question is on its way while the others go on.
    if (this.#next.length > 0) this.#go();
    this.answered += told.length;
    for (const asker of told) asker.positionIs(position);
  }

  #go(): void {
    this.#isOut = true;
    this.asked++;
    const empty = this.#current;
    this.#current = this.#next;
    this.#next = empty;
    this.#send();
  }
}
