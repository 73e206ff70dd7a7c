// Passwords that clients proved in full and a server accepted; in memory only, each for a time.

import { cachingSha2Digest } from "./caching_sha2_password.ts";
import type { Credential } from "./credential.ts";
import type { LearnedPassword } from "./plugin.ts";

/** Limits of the table. */
export interface LearnedPasswordsOptions {
  /** Time from the last acceptance by a server, in milliseconds; can be changed later. */
  readonly lifetimeMs: number;
  /** Passwords kept; beyond, the one that was accepted longest ago is dropped. */
  readonly entriesMax: number;
  /** A clock in milliseconds. */
  readonly now: () => number;
}

interface Entry extends LearnedPassword {
  readonly acceptedMs: number;
}

/**
 * The table. Call `learn` each time a server has accepted a login with a password, `drop` when it
 * answered 1045, `expire` now and then.
 */
export class LearnedPasswords {
  /** Time from the last acceptance by a server, in milliseconds; of those that are known too. */
  lifetimeMs: number;
  readonly #options: LearnedPasswordsOptions;
  /** In the order of their acceptance, oldest first: a Map keeps it. */
  readonly #entries = new Map<string, Entry>();

  constructor(options: LearnedPasswordsOptions) {
    this.lifetimeMs = options.lifetimeMs;
    this.#options = options;
  }

  /** Passwords held at this moment. */
  get size(): number {
    return this.#entries.size;
  }

  /** What is known under a key (see `accountKey`), unless its time is over. */
  get(key: string): LearnedPassword | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || !this.#isOver(entry)) return entry;
    this.#entries.delete(key);
    return undefined;
  }

  /** Remembers a password, or renews its time. Credentials of other kinds are not kept. */
  learn(key: string, credential: Credential): void {
    if (credential.kind !== "password" || credential.isEmpty) return;
    const { entriesMax, now } = this.#options;
    if (entriesMax < 1) return;
    const known = this.#entries.get(key);
    const digest = known?.credential === credential
      ? known.digest
      : cachingSha2Digest(credential.reveal());
    this.#entries.delete(key);
    if (this.#entries.size >= entriesMax) this.#dropOldest();
    this.#entries.set(key, { credential, digest, acceptedMs: now() });
  }

  /** Forgets one password: the server has refused it. */
  drop(key: string): void {
    this.#entries.delete(key);
  }

  /** Forgets all passwords: accounts have changed. */
  clear(): void {
    this.#entries.clear();
  }

  /** Forgets what is over; for the janitor. */
  expire(): void {
    for (const [key, entry] of this.#entries) {
      // They were put in in the order of their ends.
      if (!this.#isOver(entry)) return;
      this.#entries.delete(key);
    }
  }

  #isOver({ acceptedMs }: Entry): boolean {
    return this.#options.now() >= acceptedMs + this.lifetimeMs;
  }

  #dropOldest(): void {
    const oldest = this.#entries.keys().next();
    if (!oldest.done) this.#entries.delete(oldest.value);
  }
}
