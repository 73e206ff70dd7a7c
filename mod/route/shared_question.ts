// One question to the primary for all who ask at the same time: how far are you? Who asks while a
// question is on its way may not have its answer, which may be older; it waits for the next one. A
// question goes out at the end of a turn of the event loop: a busy worker reads what many clients
// sent in one, and asks once for all of them. Where many ask it waits a little for more of them:
// each question costs the primary and the proxy as much as a small read does.

import { Gathering } from "./gathering.ts";
import type { ToldPosition } from "../cluster/mod.ts";

/** Who wants the primary's position: told once, with undefined where it can't be had. */
export interface Asker {
  positionIs(position: ToldPosition | undefined): void;
}

/** As many askers of one question are many: the next one is for more of them. */
const MANY = 4;
/** How long it waits for them, in milliseconds: what timers can measure. */
const GATHER_MS = 2;

/** The question and those who wait for it. */
export class SharedQuestion {
  /** Questions that were sent. */
  asked = 0;
  /** Askers that were told. */
  answered = 0;
  readonly #send: () => void;
  readonly #defer: (go: () => void) => void;
  readonly #gather: (go: () => void) => void;
  /** Those whom the question that is on its way is for. */
  #current: Asker[] = [];
  /** Those who came behind it. */
  #next: Asker[] = [];
  /** A question is on its way, or goes out when the turn ends. */
  #isOut = false;
  /** It goes out when the turn ends. */
  #isPlanned = false;
  /** More of those are waited for whom the next question is for. */
  #gathers = false;
  /** Calls of `gather` that have not come back. */
  #timers = 0;
  readonly #gathering = new Gathering();
  /** The last question was for many. */
  #servedMany = false;

  /**
   * @param send Sends the question; `answer` is called for each, never from within `send`.
   * @param defer Calls what it is given when the turn of the event loop ends.
   * @param gather Calls it when more may have come, where many ask.
   */
  constructor(
    send: () => void,
    defer: (go: () => void) => void = setImmediate,
    gather: (go: () => void) => void = (go) => setTimeout(go, GATHER_MS),
  ) {
    this.#send = send;
    this.#defer = defer;
    this.#gather = gather;
  }

  /** Wants to know the position. Hot path: nothing is allocated but room in a list. */
  ask(asker: Asker): void {
    this.#next.push(asker);
    if (!this.#isOut) this.#plan();
  }

  /** The question that is on its way was answered, or failed with undefined. */
  answer(position: ToldPosition | undefined): void {
    const told = this.#current;
    this.#current = [];
    this.#servedMany = told.length >= MANY;
    this.#isOut = false;
    if (this.#next.length > 0) this.#plan();
    this.answered += told.length;
    for (const asker of told) asker.positionIs(position);
  }

  /**
   * Nobody will answer: all who wait are told so, those too whom the next one is for. An answer to
   * what was sent is not to be told any more.
   */
  fail(): void {
    const told = [...this.#current, ...this.#next];
    this.#current = [];
    this.#next = [];
    this.#gathers = false;
    if (!this.#isPlanned) this.#isOut = false;
    for (const asker of told) asker.positionIs(undefined);
  }

  #plan(): void {
    if (!this.#servedMany || this.#next.length >= this.#gathering.enough) {
      if (this.#servedMany) this.#gathering.succeeded();
      this.#gathers = false;
      this.#isOut = this.#isPlanned = true;
      this.#defer(this.#go);
    } else if (!this.#gathers) {
      this.#gathers = true;
      this.#timers++;
      this.#gather(this.#onGathered);
    }
  }

  readonly #onGathered = (): void => {
    this.#timers--;
    // Enough have come before, and those who are waited for now have more time.
    if (!this.#gathers || this.#timers > 0) return;
    this.#gathering.timedOut(this.#next.length);
    this.#gathers = false;
    this.#isOut = true;
    this.#go();
  };

  /** Those who have come since the last one share this one. */
  readonly #go = (): void => {
    this.#isPlanned = false;
    if (this.#next.length === 0) { // they were told that there is no answer
      this.#isOut = false;
      return;
    }
    this.asked++;
    const empty = this.#current;
    this.#current = this.#next;
    this.#next = empty;
    this.#send();
  };
}
