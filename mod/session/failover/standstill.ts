// A replica whose data gets no newer: what applies it has stopped, waits for a lock, or receives
// nothing. Reads that wait there for what it lacks would do so until their time is over. It is asked
// how far it is; where it says the same for too long they go elsewhere, and no more of them come until
// it says something else.

import type { ToldPosition } from "../../cluster/mod.ts";
import type { Asker } from "../../route/mod.ts";

/** A wait that is not served for so long has the server asked, in milliseconds. */
const WAITED_MS = 10;
/** So long it may say the same, in milliseconds. */
const SAME_MS = 30;
/** One that was found to stand still in vain is given twice the time; this at most. */
const SAME_MS_MAX = 1000;
/** In vain: it has gone on within so long. */
const IN_VAIN_MS = 1000;
/** Between two questions, in milliseconds. */
const ASK_MS = 10;
/** The same where it stands still. */
const ASK_AGAIN_MS = 100;
/** It is believed to for so long at most: what was waited for may be nowhere. Then all is forgotten. */
const FORGOTTEN_MS = 60_000;

/** One server's. Times are by `performance.now()`. */
export class Standstill implements Asker {
  /** Nobody waits for it to get further. */
  stands = false;
  readonly #ask: (asker: Asker) => void;
  #isOut = false;
  #askedAt = 0;
  #saidAt = 0;
  /** Since when it has said the same; 0: it was not asked lately. */
  #sameSince = 0;
  #position: string | number | undefined;
  #foundAt = 0;
  #patienceMs = SAME_MS;

  /** @param ask Asks the server how far it is. */
  constructor(ask: (asker: Asker) => void) {
    this.#ask = ask;
  }

  /**
   * Reads wait there.
   *
   * @param waitsSince Since when, and none was served.
   * @returns Whether it is found to stand still now.
   */
  look(now: number, waitsSince: number): boolean {
    if (now - waitsSince < WAITED_MS) return false;
    // What it has said before says nothing of these.
    if (this.#sameSince < waitsSince) this.#sameSince = 0;
    this.#askAfter(ASK_MS, now);
    if (this.#sameSince === 0 || this.#saidAt - this.#sameSince < this.#patienceMs) return false;
    if (now - this.#foundAt > FORGOTTEN_MS) this.#patienceMs = SAME_MS;
    this.#foundAt = now;
    this.stands = true;
    return true;
  }

  /** It stands still: whether it still does is asked. */
  lookAgain(now: number): void {
    if (now - this.#foundAt > FORGOTTEN_MS) this.stands = false;
    else this.#askAfter(ASK_AGAIN_MS, now);
  }

  /** The proxy itself was held up: what the server says counts from now on. */
  excuse(): void {
    this.#sameSince = 0;
  }

  positionIs(told: ToldPosition | undefined): void {
    this.#isOut = false;
    if (told === undefined) return;
    const now = performance.now();
    const position = told.kind === "index" ? told.value : told.text;
    this.#saidAt = now;
    if (this.#sameSince !== 0 && position === this.#position) return;
    if (this.stands && position !== this.#position) {
      this.stands = false;
      if (now - this.#foundAt < IN_VAIN_MS) {
        this.#patienceMs = Math.min(SAME_MS_MAX, 2 * this.#patienceMs);
      }
    }
    this.#position = position;
    this.#sameSince = now;
  }

  #askAfter(restMs: number, now: number): void {
    if (this.#isOut || now - this.#askedAt < restMs) return;
    this.#isOut = true;
    this.#askedAt = now;
    this.#ask(this);
  }
}
