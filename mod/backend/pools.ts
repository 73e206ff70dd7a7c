// The pools of all accounts at one server.

import { AccountPool } from "./account_pool.ts";
import type { AccountPoolLimits, AccountPoolOptions, PoolConnections } from "./pool_connections.ts";
import type { PoolOrder, PoolStatus } from "./pool_status.ts";
import { statementError } from "./server_error.ts";
import { ServerRoom } from "./server_room.ts";
import { SessionVariables } from "./session_defaults.ts";
import type { PoolTables } from "./pool_tables.ts";

/** Shared connections, by account. */
export class Pools {
  /** What all servers' pools have in common. */
  readonly tables: PoolTables;
  /** What variables its sessions have. */
  readonly variables = new SessionVariables();
  readonly #server: string;
  #limits: AccountPoolLimits;
  readonly #options: AccountPoolOptions;
  readonly #pools = new Map<string, AccountPool>();
  readonly #room = new ServerRoom();
  /** All are, those to come too. */
  #paused = false;
  #isLeaving = false;

  /** @param server The server's name, for messages. */
  constructor(
    server: string,
    limits: AccountPoolLimits,
    { tables, ...options }: Pick<AccountPoolOptions, "counters" | "now" | "carryOver"> & {
      readonly tables: PoolTables;
    },
  ) {
    this.#server = server;
    this.#limits = limits;
    this.tables = tables;
    this.#options = {
      ...options,
      errorOf: (error) => statementError(error, server),
      room: this.#room,
      makeRoom: (pool) => this.#makeRoom(pool),
    };
  }

  /** Applies other bounds to all pools: what is beyond them goes when it is given back or swept. */
  setLimits(limits: AccountPoolLimits): void {
    this.#limits = limits;
    for (const pool of this.#pools.values()) pool.setLimits(limits);
  }

  /** The pool of an account, made if there is none. @param user In latin1. */
  of(user: string): AccountPool {
    const known = this.#pools.get(user);
    if (known) return known;
    const pool = new AccountPool({
      account: Buffer.from(user, "latin1").toString(),
      server: this.#server,
      limits: this.#limits,
    }, this.#options);
    pool.paused = this.#paused;
    pool.isLeaving = this.#isLeaving;
    this.#pools.set(user, pool);
    return pool;
  }

  /** All pools, by account. */
  all(): IterableIterator<[string, AccountPool]> {
    return this.#pools.entries();
  }

  /** What SHOW POOLS shows. */
  statuses(): PoolStatus[] {
    return [...this.#pools.values()].map((pool) => pool.status());
  }

  /** The server is to be asked about every login. */
  forgetLogins(): void {
    for (const pool of this.#pools.values()) pool.logins.forget();
  }

  /** Applies an order to one pool, which is made if there is none yet, or to all of them. */
  order({ kind, account }: PoolOrder): void {
    if (account === undefined && kind !== "reconnect") this.#paused = kind === "pause";
    const pools = account === undefined
      ? [...this.#pools.values()]
      : [this.of(Buffer.from(account).toString("latin1"))];
    for (const pool of pools) {
      if (kind === "reconnect") pool.reconnect();
      else pool.setPaused(kind === "pause");
    }
  }

  /** The server is to get no connections any more: each is closed as soon as nobody needs it. */
  leave(isLeaving: boolean): void {
    this.#isLeaving = isLeaving;
    for (const pool of this.#pools.values()) {
      pool.isLeaving = isLeaving;
      if (isLeaving) pool.reconnect();
    }
  }

  /** No connection is there, and nobody wants one. */
  get empty(): boolean {
    return [...this.#pools.values()].every(({ empty }) => empty);
  }

  /** There is reason to think that the server takes connections again. */
  tryAgain(): void {
    for (const pool of this.#pools.values()) pool.tryAgain();
  }

  /** The server is gone: ends all connections, as if it had. */
  abandon(reason: string): void {
    for (const pool of this.#pools.values()) {
      for (const { connection } of [...pool.census.connections]) connection.lose(reason);
    }
  }

  /** The same for connections that sessions share, on which nothing but reads is under way. */
  loseLanes(reason: string): void {
    for (const { lanes } of this.#pools.values()) lanes?.lose(reason);
  }

  /** The one that has most idle connections closes one, or the next one to be given back is. */
  #makeRoom(wanting: PoolConnections): void {
    const others = [...this.#pools.values()].filter((pool) => pool !== wanting && pool.idle > 0);
    others.sort((a, b) => b.idle - a.idle);
    if (!others.some((pool) => pool.yieldOne())) this.#room.want(wanting);
  }

  /** Applies every timeout; forgets pools that nobody uses. */
  sweep(): void {
    for (const [user, pool] of this.#pools) {
      pool.sweep();
      if (!pool.empty || pool.paused !== this.#paused) continue;
      pool.isForgotten = true;
      this.#pools.delete(user);
    }
  }

  /** Closes idle connections. */
  close(): void {
    for (const pool of this.#pools.values()) pool.closeIdle();
  }
}
