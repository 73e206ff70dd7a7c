// For how many askers of a shared question it is worth to wait. Each question costs as much as a small
// read, so that among many askers fewer of them are better; but who waits for an answer asks nothing
// else, so that with few clients those who are waited for may never come. What comes of it decides.

/** It waits for no more than these: among so many what a question costs counts for little. */
const ENOUGH = 32;
/** Where this part of them came in time the others were not far. */
const NEARLY = 0.75;
/** Where so many came in time, so often in a row, it is tried whether twice as many do. */
const TRIES_MIN = 128;
/** Each time they do not, that is tried half as often, down to this. */
const TRIES_MAX = 8192;

/** What was learned from the waits so far. */
export class Gathering {
  /** So many are waited for; 1: nobody is. */
  enough: number = ENOUGH;
  #inTime = 0;
  #tries = TRIES_MIN;
  #isTrying = false;

  /** As many have come. */
  succeeded(): void {
    if (this.#isTrying) this.#tries = TRIES_MIN;
    this.#isTrying = false;
    if (this.enough >= ENOUGH || ++this.#inTime < this.#tries) return;
    this.enough *= 2;
    this.#inTime = 0;
    this.#isTrying = true;
  }

  /** The time was over before. @param came So many had come. */
  timedOut(came: number): void {
    if (came > this.enough * NEARLY) return;
    if (this.enough > 1) this.enough /= 2;
    if (this.#isTrying) this.#tries = Math.min(TRIES_MAX, 2 * this.#tries);
    this.#inTime = 0;
    this.#isTrying = false;
  }
}
