// The pools of all accounts at one server.

import { AccountPool, type AccountPoolLimits, type AccountPoolOptions } from "./account_pool.ts";
import { StateTable } from "./session_state.ts";

/** Shared connections, by account. */
export class Pools {
  /** The states of all sessions and connections. */
  readonly states = new StateTable();
  readonly #server: string;
  readonly #limits: AccountPoolLimits;
  readonly #options: AccountPoolOptions;
  readonly #pools = new Map<string, AccountPool>();

  /** @param server The server's name, for messages. */
  constructor(server: string, limits: AccountPoolLimits, options: AccountPoolOptions) {
    this.#server = server;
    this.#limits = limits;
    this.#options = options;
  }

  /** The pool of an account, made if there is none. @param user In latin1. */
  of(user: string): AccountPool {
    const known = this.#pools.get(user);
    if (known) return known;
    const name = `'${Buffer.from(user, "latin1").toString()}' at ${this.#server}`;
    const pool = new AccountPool(name, this.#limits, this.#options);
    this.#pools.set(user, pool);
    return pool;
  }

  /** All pools, by account. */
  all(): IterableIterator<[string, AccountPool]> {
    return this.#pools.entries();
  }

  /** Applies every timeout; forgets pools that nobody uses. */
  sweep(): void {
    for (const [user, pool] of this.#pools) {
      pool.sweep();
      if (pool.empty) this.#pools.delete(user);
    }
  }

  /** Closes idle connections. */
  close(): void {
    for (const pool of this.#pools.values()) pool.close();
  }
}
