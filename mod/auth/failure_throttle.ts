// Failed logins by address: each makes the next login slower, too many get the address refused for
// a while. A full table forgets the address that was quiet for longest.

import { isIPv6 } from "node:net";
import { type AuthError, hostBlocked } from "./auth_error.ts";

/** Limits of the throttle. */
export interface FailureThrottleOptions {
  /** Failures after which an address is refused; 0: never. */
  readonly failuresMax: number;
  /** How long an address has to be without a failure to be forgotten, in milliseconds. */
  readonly windowMs: number;
  /** Failures without a delay: slips, and suites that test for errors. @default {5} */
  readonly failuresFree?: number;
  /** Delay after the first failure beyond those, doubled by each further one, in milliseconds; 0: none. */
  readonly delayMs: number;
  /** The longest delay, in milliseconds. @default {10000} */
  readonly delayMsMax?: number;
  /** Addresses remembered at a time. */
  readonly addressesMax: number;
  /** A clock in milliseconds. */
  readonly now: () => number;
}

/** What to do with a client that has just come. */
export type ThrottleDecision =
  | { readonly kind: "go" }
  /** Let it wait this long before it is answered. */
  | { readonly kind: "delay"; readonly delayMs: number }
  /** Send the error and close. */
  | { readonly kind: "refuse"; readonly error: AuthError };

interface Failures {
  failures: number;
  lastMs: number;
}

const GO: ThrottleDecision = { kind: "go" };
const DELAY_MS_MAX = 10_000;
const FAILURES_FREE = 5;

/** The table of addresses. Clients of a unix socket have none and are never throttled. */
export class FailureThrottle {
  #options: FailureThrottleOptions;
  /** By address (IPv6: by its first 64 bits), in the order of their last failure. */
  readonly #records = new Map<string, Failures>();

  constructor(options: FailureThrottleOptions) {
    this.#options = options;
  }

  /** Applies other limits; what is remembered stays. */
  setLimits(
    limits: Pick<
      FailureThrottleOptions,
      "failuresMax" | "windowMs" | "delayMs" | "addressesMax"
    >,
  ): void {
    this.#options = { ...this.#options, ...limits };
  }

  /** Those that are remembered, with their failures and the milliseconds since the last of them. */
  addresses(): { readonly address: string; readonly failures: number; readonly ageMs: number }[] {
    const now = this.#options.now();
    return [...this.#records].map(([address, { failures, lastMs }]) => ({
      address,
      failures,
      ageMs: Math.max(0, now - lastMs),
    }));
  }

  /** How many addresses are remembered at this moment. */
  get size(): number {
    return this.#records.size;
  }

  /** The decision for a client, before its password is looked at. */
  check(ip: string | undefined): ThrottleDecision {
    const record = this.#find(ip);
    if (ip === undefined || record === undefined) return GO;
    const { failuresMax, delayMs, delayMsMax = DELAY_MS_MAX, windowMs, now } = this.#options;
    const { failuresFree = FAILURES_FREE } = this.#options;
    if (failuresMax > 0 && record.failures >= failuresMax) {
      const leftMs = record.lastMs + windowMs - now();
      return { kind: "refuse", error: hostBlocked(ip, Math.max(1, Math.ceil(leftMs / 1000))) };
    }
    const slowed = record.failures - failuresFree;
    if (delayMs === 0 || slowed < 1) return GO;
    return { kind: "delay", delayMs: Math.min(delayMsMax, delayMs * 2 ** (slowed - 1)) };
  }

  /** A login from the address failed for its password or name. */
  failed(ip: string | undefined): void {
    if (ip === undefined || this.#options.addressesMax < 1) return;
    const key = throttleKey(ip);
    const failures = (this.#find(ip)?.failures ?? 0) + 1;
    // Taken out and put back, so that the Map's order stays that of the last failures.
    this.#records.delete(key);
    if (this.#records.size >= this.#options.addressesMax) this.#dropOldest();
    this.#records.set(key, { failures, lastMs: this.#options.now() });
  }

  /** A login from the address succeeded: its failures are forgotten. @returns There were some. */
  succeeded(ip: string | undefined): boolean {
    return ip !== undefined && this.#records.size > 0 && this.#records.delete(throttleKey(ip));
  }

  /** Forgets all addresses (FLUSH HOSTS). */
  clear(): void {
    this.#records.clear();
  }

  /** Forgets addresses that were quiet for the window; for the janitor. */
  expire(): void {
    const now = this.#options.now();
    for (const [key, record] of this.#records) {
      if (now - record.lastMs < this.#options.windowMs) return;
      this.#records.delete(key);
    }
  }

  #find(ip: string | undefined): Failures | undefined {
    if (ip === undefined || this.#records.size === 0) return undefined;
    const record = this.#records.get(throttleKey(ip));
    if (record === undefined) return undefined;
    return this.#options.now() - record.lastMs < this.#options.windowMs ? record : undefined;
  }

  #dropOldest(): void {
    const oldest = this.#records.keys().next();
    if (!oldest.done) this.#records.delete(oldest.value);
  }
}

/** One subscriber usually has a whole /64 of IPv6, so that single addresses would mean nothing. */
function throttleKey(ip: string): string {
  const plain = ip.split("%", 1)[0];
  if (!isIPv6(plain)) return ip;
  const [head, tail] = new URL(`http://[${plain}]`).hostname.slice(1, -1).split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  return [...left, ...Array<string>(zeros).fill("0"), ...right].slice(0, 4).join(":");
}
