// A login and the server that it is for: where that one is lost under it, or there is none, the login
// waits as statements do, and is begun anew at the server that takes writes then.

import { LoginRefusedError, type Server, serverError } from "../../backend/mod.ts";
import { ChannelClosedError, DialError } from "../../net/mod.ts";
import type { SqlError } from "../../wire/mod.ts";
import type { SessionContext } from "../context.ts";
import type { Waiting } from "../failover/failover_gate.ts";

/** ER_SERVER_SHUTDOWN */
const SHUTDOWN = 1053;
/** What a server's loss is called where there is no error of its own. */
const LOST = 2013;

/** One client's. Not on the hot path of statements. */
export class LoginAttempts implements Waiting {
  readonly waitingBytes: number;
  sinceMs = 0;
  attempts = 0;
  reason = "";
  /** Nothing was said that only the server of before could judge. */
  mayBeginAnew: () => boolean = () => true;
  readonly #context: SessionContext;
  readonly #signal: AbortSignal;
  #trial: AbortController | undefined;
  #server: Server | undefined;
  #parked: PromiseWithResolvers<void> | undefined;

  /**
   * @param signal Aborted when the client has gone.
   * @param waitingBytes What is kept of a client that waits.
   */
  constructor(context: SessionContext, signal: AbortSignal, waitingBytes: number) {
    this.#context = context;
    this.#signal = signal;
    this.waitingBytes = waitingBytes;
  }

  /**
   * Does something at the server that takes writes, again where that one is lost under it.
   *
   * @param attempt Ends early, and leaves nothing behind, when its signal is aborted.
   * @throws {LoginRefusedError} With 3168 after `failover.max_wait`.
   * @throws What the attempt has thrown, where another one would be of no use.
   */
  async run<T>(attempt: (server: Server, signal: AbortSignal) => Promise<T>): Promise<T> {
    const { gate, counters } = this.#context;
    for (;;) {
      while (this.mustWait) await this.#wait();
      try {
        return await this.#try(attempt);
      } catch (error) {
        if (!this.#mayTryAgain(error)) throw error;
        this.reason = serverError(error, this.#server!.name).message;
      }
      counters.loginsRetried++;
      // At once, since the next one may be another server; then as statements do.
      if (this.attempts++ > 0 || gate.holds) await this.#wait();
    }
  }

  async #try<T>(attempt: (server: Server, signal: AbortSignal) => Promise<T>): Promise<T> {
    const trial = this.#trial = new AbortController();
    const { server } = this.#context;
    this.#server = server;
    const leave = () => trial.abort(this.#signal.reason);
    this.#signal.addEventListener("abort", leave);
    try {
      return await attempt(server, trial.signal);
    } finally {
      this.#trial = undefined;
      this.#signal.removeEventListener("abort", leave);
    }
  }

  /** Nobody could be logged in anywhere. */
  get mustWait(): boolean {
    const { gate } = this.#context;
    return gate.holds && !gate.readsGoOn;
  }

  #mayTryAgain(error: unknown): boolean {
    const { gate, cluster, config } = this.#context;
    // Without anybody who watches the servers there will be no other one.
    if (this.#signal.aborted || cluster === undefined || !this.mayBeginAnew()) return false;
    if (config.failover.maxWaitMs === 0 || (gate.isShut && !gate.holds)) return false;
    return isServersEnd(error);
  }

  async #wait(): Promise<void> {
    const { gate } = this.#context;
    this.sinceMs ||= performance.now();
    const parked = this.#parked = Promise.withResolvers<void>();
    const leave = () => {
      gate.leave(this);
      parked.reject(new ChannelClosedError("client left during its login"));
    };
    this.#signal.addEventListener("abort", leave);
    try {
      gate.park(this, this);
      await parked.promise;
    } finally {
      this.#parked = undefined;
      this.#signal.removeEventListener("abort", leave);
    }
  }

  /** The server that takes writes is another one, or none: what is under way there is given up. */
  reconsider(): void {
    if (this.#trial === undefined || !this.mayBeginAnew()) return;
    if (this.#server === this.#context.server && !this.mustWait) return;
    this.#trial.abort(new ChannelClosedError("the server takes no writes any more"));
  }

  /** Its time to log in is over. @returns false if it does not wait. */
  endWait(): boolean {
    return this.#context.gate.expire(this, this);
  }

  goOn(): void {
    this.#parked?.resolve();
  }

  giveUp(error: SqlError): void {
    this.#parked?.reject(new LoginRefusedError(error));
  }

  settle(): void {}
}

/** A server could not be reached, has ended the connection, or is about to. */
function isServersEnd(error: unknown): boolean {
  if (error instanceof DialError || error instanceof ChannelClosedError) return true;
  if (!(error instanceof LoginRefusedError)) return false;
  const { code } = error.error;
  return code === SHUTDOWN || (code === LOST && error.payload === undefined);
}

/**
 * What a promise gives, unless the signal is aborted before.
 *
 * @param onLate Gets what has come too late.
 * @throws The signal's reason, where it is aborted; what the promise is rejected with.
 */
export function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  onLate: (value: T) => void = () => {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      promise.then(onLate, () => {});
      reject(signal.reason);
    };
    if (signal.aborted) return leave();
    signal.addEventListener("abort", leave);
    promise.then((value) => {
      if (!signal.aborted) resolve(value);
    }, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}
