// Time for the monitor: the system's, or one that a test moves by hand.

import { ProbeTimeoutError } from "./failure.ts";

/** Time, so that tests can make it pass. */
export interface Clock {
  /** Milliseconds that only ever grow. */
  now(): number;
  /** Milliseconds since 1970, for people. */
  wallMs(): number;
  /** Calls back after a time; the result takes that back. */
  after(delayMs: number, callback: () => void): () => void;
}

/** The system's time. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/**
 * Gives a promise a time limit.
 *
 * @throws {ProbeTimeoutError} When it is over; what was waited for goes on unnoticed.
 */
export async function within<T>(
  promise: Promise<T>,
  limit: { readonly timeoutMs: number; readonly clock: Clock; readonly what: string },
): Promise<T> {
  const { timeoutMs, clock, what } = limit;
  promise.catch(() => {}); // nobody may be listening any more when it fails
  const timeout = Promise.withResolvers<never>();
  const cancel = clock.after(timeoutMs, () => {
    timeout.reject(new ProbeTimeoutError(`${what}: no answer within ${timeoutMs} ms`));
  });
  try {
    return await Promise.race([promise, timeout.promise]);
  } finally {
    cancel();
  }
}
