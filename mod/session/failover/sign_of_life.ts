// Asks a server for a sign of life, on a connection of the proxy's own that is there already.

import type { Server } from "../../backend/mod.ts";
import { OwnProbe } from "./own_probe.ts";

/** Behind a connection that could not be opened the next one is, in milliseconds. */
const AGAIN_MS = 250;
/** A connection that leaves one unanswered for so long is given up, in milliseconds: it may be dead. */
const DEAD_MS = 2000;
/** Opening one may take so long more than a ping, in milliseconds. */
const OPENING_MS = 150;

/** One server's. Times are by `performance.now()`. */
export class SignOfLife {
  /** When it was asked last; 0: never. */
  askedAt = 0;
  /** When it has answered last; 0: never. */
  givenAt = 0;
  readonly #server: () => Server | undefined;
  readonly #onGiven: (tookMs: number) => void;
  #probe: OwnProbe | undefined;
  #isOut = false;
  #isOpening = false;
  #isClosed = false;
  /** When the next one may be. */
  #openAt = 0;
  /** When what is out went out. */
  #sentAt = 0;

  /** @param onGiven Told of each answer, and how long it took. */
  constructor(server: () => Server | undefined, onGiven: (tookMs: number) => void) {
    this.#server = server;
    this.#onGiven = onGiven;
  }

  /** Has a connection opened, if there is none. */
  prepare(now: number): void {
    if (this.#probe?.closed === false || this.#isOpening || now < this.#openAt) return;
    const server = this.#server();
    if (server === undefined) return;
    this.#isOpening = true;
    this.#openAt = now + AGAIN_MS;
    this.#open(server).finally(() => this.#isOpening = false);
  }

  async #open(server: Server): Promise<void> {
    let probe: OwnProbe;
    try {
      probe = await OwnProbe.open(server);
    } catch {
      return; // who cannot be reached loses its other connections too
    }
    if (this.#isClosed) {
      probe.close();
      return;
    }
    this.#probe = probe;
    this.#given(0);
  }

  /** What it may take longer than a ping. */
  get allowanceMs(): number {
    return this.#isOpening ? OPENING_MS : 0;
  }

  /**
   * Asks. An answer that is still to come, or a connection that is being opened, is waited for from
   * now on where the question is an older one.
   *
   * @param since When something else was last heard from the server.
   */
  ask(now: number, since: number): void {
    const probe = this.#probe;
    if (this.#isOut || this.#isOpening) {
      if (this.askedAt <= since) this.askedAt = now;
      if (this.#isOut && now - this.#sentAt > DEAD_MS) probe!.abandon();
      return;
    }
    if (probe === undefined || probe.closed) return;
    this.#isOut = true;
    this.askedAt = this.#sentAt = now;
    probe.query("SELECT 1")
      .then(() => this.#given(performance.now() - this.askedAt), () => probe.close())
      .finally(() => this.#isOut = false);
  }

  /** It could not have been heard: what it owes counts from now on. */
  excuse(now: number): void {
    if (this.#isOut || this.#isOpening) this.askedAt = now;
    else this.givenAt = now;
  }

  /** Nobody asks any more. */
  close(): void {
    this.#isClosed = true;
    this.#probe?.close();
  }

  #given(tookMs: number): void {
    this.givenAt = performance.now();
    this.#onGiven(tookMs);
  }
}
