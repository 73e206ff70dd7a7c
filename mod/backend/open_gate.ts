// When a pool may try to open a connection: not over and over where its server says no.

import { isFull } from "./server_error.ts";

/** Between two attempts where a server takes no more connections, in milliseconds. */
const FULL_RETRY_MS = 250;
/** Between two attempts after other failures: this, doubled with each, up to the other. */
const RETRY_MS = 250;
const RETRY_MS_MAX = 5000;

/** Shut for a while after each failure. */
export class OpenGate {
  #failures = 0;
  #shutUntil = -Infinity;
  /** The last attempt has failed because the server takes no more connections. */
  full = false;
  /** Why the last attempt has failed; empty: it has not. */
  lastError = "";

  /** An attempt has failed. @param now In milliseconds. */
  failed(error: unknown, now: number): void {
    this.full = isFull(error);
    this.lastError = (error as Error).message;
    const waitMs = this.full
      ? FULL_RETRY_MS
      : Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** this.#failures);
    this.#failures++;
    this.#shutUntil = now + waitMs;
  }

  /** An attempt has succeeded, or there is reason to think that the next one will. */
  open(): void {
    this.#failures = 0;
    this.#shutUntil = -Infinity;
    this.full = false;
    this.lastError = "";
  }

  /** It is too early for another attempt. @param now In milliseconds. */
  isShut(now: number): boolean {
    return now < this.#shutUntil;
  }
}
