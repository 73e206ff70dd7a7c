// The gate in front of the server that takes writes: shut while there is none. What is for it waits
// here, and goes on in small groups once there is one again.

import type { Counters } from "../../observe/mod.ts";
import type { FailoverConfig } from "../../config/mod.ts";
import { ParkingLot, retryDelayMs } from "../../route/mod.ts";
import type { SqlError } from "../../wire/mod.ts";

/** A session whose command, or login, waits. */
export interface Waiting {
  /** Bytes that it holds meanwhile. */
  readonly waitingBytes: number;
  /** It may go on: looks anew for a server. */
  goOn(): void;
  /** It has waited in vain. */
  giveUp(error: SqlError): void;
  /** Whether the server is gone that its command was at. */
  settle(isGone: boolean): void;
}

/** What a waiting command has gone through. */
export interface Trials {
  /** Since when, on the gate's clock. */
  readonly sinceMs: number;
  /** Attempts so far. */
  readonly attempts: number;
  /** Why the last one has failed; empty: there was none. */
  readonly reason: string;
}

/** How often those that wait are looked at, in milliseconds. */
const TICK_MS = 5;
/** A server whose look has not failed in this time is there, in milliseconds. */
const DOUBT_MS = 1000;
/** So many go on at a time, so that a new primary does not get all at once. */
const AT_ONCE = 32;

/** One for a worker. */
export class FailoverGate {
  #config: FailoverConfig;
  readonly #counters: Counters;
  readonly #now: () => number;
  readonly #lot: ParkingLot<Waiting>;
  readonly #reasons = new Map<Waiting, Trials>();
  /** Since when it is shut; undefined: it is open. */
  #shutMs: number | undefined;
  #why = "";
  /** The server that took writes last still takes reads. */
  readsGoOn = false;
  /** Those that wait to know whether a server is gone, and until when. */
  readonly #doubts = new Map<Waiting, { readonly server: string; readonly untilMs: number }>();
  /** When a server was last said to be gone. */
  readonly #goneMs = new Map<string, number>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    config: FailoverConfig,
    { counters, now }: { readonly counters: Counters; readonly now: () => number },
  ) {
    this.#config = config;
    this.#counters = counters;
    this.#now = now;
    this.#lot = new ParkingLot({
      countMax: config.maxParked,
      bytesMax: config.parkedBytesMaxBytes,
    });
  }

  /** Applies other bounds; who waits already may stay. */
  reconfigure(config: FailoverConfig): void {
    this.#config = config;
    this.#lot.setBounds({ countMax: config.maxParked, bytesMax: config.parkedBytesMaxBytes });
  }

  /** There is a server that takes writes. */
  open(): void {
    this.#shutMs = undefined;
    this.#lot.call(true);
    if (this.#lot.size > 0) this.#tick();
  }

  /** There is none. @param why For messages. */
  shut(why: string, { readsGoOn }: { readonly readsGoOn: boolean }): void {
    this.#why = why;
    this.readsGoOn = readsGoOn;
    this.#shutMs ??= this.#now();
    this.#lot.call(false);
  }

  /**
   * What is for the primary waits here. A primary that does not come back is waited for no longer
   * than one command would wait: later ones are told at once. Hot path: one comparison.
   */
  get holds(): boolean {
    return this.#shutMs !== undefined && this.#now() - this.#shutMs < this.#config.maxWaitMs;
  }

  get isShut(): boolean {
    return this.#shutMs !== undefined;
  }

  /** How many wait. */
  get size(): number {
    return this.#lot.size;
  }

  /** Lets a command wait, for its next attempt or for a primary. It is told if it cannot. */
  park(waiting: Waiting, trials: Trials): void {
    const now = this.#now();
    const lateMs = trials.sinceMs + this.#config.maxWaitMs;
    const dueMs = this.holds ? Infinity : now + retryDelayMs(trials.attempts);
    if (now >= lateMs || dueMs >= lateMs && dueMs !== Infinity) {
      this.#refuseLate(waiting, trials, now);
    } else if (this.#lot.park(waiting, { bytes: waiting.waitingBytes, dueMs, lateMs })) {
      this.#counters.parked++;
      this.#reasons.set(waiting, trials);
      this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
    } else {
      this.#counters.parkedRefusedFull++;
      const { maxParked, parkedBytesMaxBytes } = this.#config;
      const { size, bytes } = this.#lot;
      const full = size >= maxParked
        ? `${size} of at most ${maxParked} statements wait already`
        : `statements that wait have ${bytes} of at most ${parkedBytesMaxBytes} bytes already`;
      waiting.giveUp(notAvailable(full + this.#because(trials)));
    }
  }

  /**
   * Waits until it is known whether a server is gone; a look at it is on its way. It may have failed
   * before: whoever watches the server sees it go at the same time, and find it again at once.
   */
  doubt(waiting: Waiting, server: string): void {
    if (this.#now() - (this.#goneMs.get(server) ?? -Infinity) < DOUBT_MS) {
      waiting.settle(true);
      return;
    }
    this.#doubts.set(waiting, { server, untilMs: this.#now() + DOUBT_MS });
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
  }

  /** A server does not answer, or is not what it was. @param names All names of it. */
  noteGone(names: readonly string[]): void {
    for (const name of names) this.#goneMs.set(name, this.#now());
    for (const [waiting, { server }] of [...this.#doubts]) {
      if (names.includes(server) && this.#doubts.delete(waiting)) waiting.settle(true);
    }
  }

  /** It may not wait as long as others. @returns false if it did not wait. */
  expire(waiting: Waiting, trials: Trials): boolean {
    if (!this.leave(waiting)) return false;
    this.#refuseLate(waiting, trials, this.#now());
    return true;
  }

  /** Its client has gone, or its command was killed. @returns false if it did not wait. */
  leave(waiting: Waiting): boolean {
    this.#reasons.delete(waiting);
    return this.#doubts.delete(waiting) || this.#lot.leave(waiting);
  }

  #tick(): void {
    const now = this.#now();
    // The way is free or its time has come: it finds out by itself where to go.
    for (const waiting of this.#lot.takeDue(now, AT_ONCE)) {
      this.#reasons.delete(waiting);
      waiting.goOn();
    }
    for (const waiting of this.#lot.takeLate(now)) {
      const trials = this.#reasons.get(waiting)!;
      this.#reasons.delete(waiting);
      this.#refuseLate(waiting, trials, now);
    }
    for (const [waiting, { untilMs }] of this.#doubts) {
      if (untilMs <= now && this.#doubts.delete(waiting)) waiting.settle(false);
    }
    if (this.#lot.size + this.#doubts.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #refuseLate(waiting: Waiting, trials: Trials, now: number): void {
    this.#counters.parkedRefusedLate++;
    const waitedMs = now - trials.sinceMs;
    waiting.giveUp(
      notAvailable(`waited ${(waitedMs / 1000).toFixed(1)} s` + this.#because(trials)),
    );
  }

  #because({ reason }: Trials): string {
    const why = this.#shutMs === undefined ? reason : this.#why;
    return why === "" ? "" : ` (${why})`;
  }
}

/** ER_SERVER_ISNT_AVAILABLE. The command has not run. */
function notAvailable(what: string): SqlError {
  return { code: 3168, sqlState: "HY000", message: `Server isn't available: ${what}` };
}
