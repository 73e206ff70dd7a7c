// The connections of one account at one server, and the sessions that wait for one.
// Hot path: leasing and releasing without anybody waiting allocates nothing.

import type { Counters } from "../observe/mod.ts";
import type { SqlError } from "../wire/mod.ts";
import { closePolitely, DISCARDING } from "./connection_pool.ts";
import { type PooledConnection, Residue, type Tenant } from "./pooled_connection.ts";
import type { Baseline } from "./fresh_state.ts";
import { pingConnection } from "./reset.ts";
import type { ConnectionHolder } from "./server_connection.ts";
import { isSameState, type SessionState } from "./session_state.ts";

/** Who wants a connection. */
export interface Lessee extends Tenant {
  /** Connections of this kind will do. */
  readonly kind: string;
  /** A connection in this state needs no restoring; undefined: any will do. */
  readonly state: SessionState | undefined;
  /** The connection used last. */
  readonly last: PooledConnection | undefined;
  /** When the waiting began, by the pool's clock; set by the pool. */
  waitingSince: number;
  /** Here it is. Called at once or later. */
  granted(connection: PooledConnection): void;
  /** There is none to be had. */
  refused(error: SqlError): void;
  /** Opens one more; undefined where only a client can prove who it is. */
  readonly open: (() => Promise<PooledConnection>) | undefined;
  /** It may open one itself: a place is kept for it, counted already. For logins. */
  readonly mayOpen?: () => void;
}

/** What bounds a pool. */
export interface AccountPoolLimits {
  /** Connections at most. */
  readonly connectionsMax: number;
  /** How long a session waits, in milliseconds. */
  readonly waitTimeoutMs: number;
  /** How long an idle connection is kept, in milliseconds. */
  readonly idleTimeoutMs: number;
}

/** What a pool works with. */
export interface AccountPoolOptions {
  readonly counters: Counters;
  /** A monotonic clock in milliseconds. */
  readonly now: () => number;
  /** Reads what a connection holds of its owner, which keeps it, before the connection is closed. */
  readonly carryOver: (connection: PooledConnection) => Promise<void>;
}

/** Connections of one account. */
export class AccountPool {
  /** The account and its server, for messages. */
  readonly name: string;
  readonly limits: AccountPoolLimits;
  /** Sessions by kind of connection. */
  readonly #sessions = new Map<string, number>();
  /** Connections: idle, leased and being opened. */
  count = 0;
  readonly #now: () => number;
  readonly #carryOver: (connection: PooledConnection) => Promise<void>;
  /** Connections whose owners are asked before they are closed. */
  #evicting = 0;
  readonly #counters: Counters;
  /** Idle ones, the one used last at the end. */
  readonly #idle: PooledConnection[] = [];
  readonly #waiting: Lessee[] = [];
  readonly #baselines = new Map<string, Promise<Baseline>>();
  readonly #connections = new Set<PooledConnection>();
  /** Open connections by kind. */
  readonly #kinds = new Map<string, number>();
  #opening = 0;

  constructor(name: string, limits: AccountPoolLimits, options: AccountPoolOptions) {
    this.name = name;
    this.limits = limits;
    this.#counters = options.counters;
    this.#now = options.now;
    this.#carryOver = options.carryOver;
  }

  /** What sessions of a kind begin with: asked once. */
  baseline(kind: string, learn: () => Promise<Baseline>): Promise<Baseline> {
    let known = this.#baselines.get(kind);
    if (!known) {
      known = learn();
      this.#baselines.set(kind, known);
      known.catch(() => this.#baselines.delete(kind));
    }
    return known;
  }

  /** Connections nobody uses. */
  get idle(): number {
    return this.#idle.length;
  }

  /** Sessions that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Nothing is in it and nobody belongs to it. */
  get empty(): boolean {
    return this.count === 0 && this.sessions === 0 && this.#waiting.length === 0;
  }

  /** Gives a connection now or, first come first served, when there is one. */
  lease(lessee: Lessee): void {
    if (this.#waiting.length === 0) {
      const connection = this.#choose(lessee);
      if (connection) {
        lessee.granted(connection);
        return;
      }
    }
    lessee.waitingSince = this.#now();
    this.#waiting.push(lessee);
    this.#counters.poolWaits++;
    this.#openFor(lessee);
  }

  /** Takes an idle connection that holds nothing of anybody: for a statement of the proxy's own. */
  takeUnused(): PooledConnection | undefined {
    const at = this.#idle.findIndex((each) => each.residue === Residue.NONE);
    return at < 0 ? undefined : this.#take(at);
  }

  /** Sessions logged in or logging in. */
  get sessions(): number {
    let sum = 0;
    for (const sessions of this.#sessions.values()) sum += sessions;
    return sum;
  }

  /** One session more or, with -1, less. */
  countSession(kind: string, change: 1 | -1): void {
    const count = (this.#sessions.get(kind) ?? 0) + change;
    if (count > 0) this.#sessions.set(kind, count);
    else this.#sessions.delete(kind);
  }

  /**
   * A login may open a connection of its own for the pool: there are fewer than sessions of its
   * kind, or none of them is idle. Makes room if it can. The caller counts the connection.
   */
  mayGrow(kind: string): boolean {
    const has = this.#connectionsOf(kind);
    const isIdle = this.#idle.some((each) => each.kind === kind);
    if (isIdle && has >= (this.#sessions.get(kind) ?? 0)) return false;
    return this.count < this.limits.connectionsMax || (!isIdle && this.#evict(kind, undefined));
  }

  #connectionsOf(kind: string): number {
    return this.#kinds.get(kind) ?? 0;
  }

  #countConnection(connection: PooledConnection, change: 1 | -1): void {
    const { kind } = connection;
    this.#kinds.set(kind, this.#connectionsOf(kind) + change);
    if (change > 0) this.#connections.add(connection);
    else this.#connections.delete(connection);
  }

  /** All that are open: idle and leased. */
  connections(): IterableIterator<PooledConnection> {
    return this.#connections.values();
  }

  /** The idle connection that suits best: own, same state, nothing left on it, any. */
  #choose(lessee: Lessee): PooledConnection | undefined {
    const idle = this.#idle;
    const { last, kind, state } = lessee;
    let best = -1;
    let rank = 0;
    for (let at = idle.length - 1; at >= 0; at--) {
      const each = idle[at];
      if (each === last && each.owner === lessee) return this.#take(at);
      if (each.kind !== kind || !canServe(each, state)) continue;
      const found = each.residue !== Residue.NONE
        ? 1
        : state && isSameState(each.state, state)
        ? 3
        : 2;
      // Of those that hold something the one that was left longest ago is taken.
      if (found > rank || (found === 1 && rank === 1)) {
        best = at;
        rank = found;
        if (found === 3 && !(last && last.owner === lessee)) break;
      }
    }
    return best < 0 ? undefined : this.#take(best);
  }

  #take(at: number): PooledConnection {
    const [connection] = at === this.#idle.length - 1
      ? [this.#idle.pop()!]
      : this.#idle.splice(at, 1);
    connection.connection.holder = DISCARDING;
    return connection;
  }

  /** A connection is free again: for the first who waits and can use it, or to be kept. */
  release(connection: PooledConnection): void {
    const { connection: server } = connection;
    const mayServe = server.reusable && server.kills === 0;
    if (!mayServe && !server.closed) closePolitely(server);
    if (!mayServe || server.closed) this.lost(connection);
    else if (server.mayBeInterrupted) void this.#takeInterruption(connection);
    else this.#giveOrKeep(connection);
  }

  /** A KILL QUERY that has come too late hits this instead of somebody's statement. */
  async #takeInterruption(connection: PooledConnection): Promise<void> {
    connection.connection.holder = DISCARDING;
    connection.connection.mayBeInterrupted = false;
    await pingConnection(connection.connection);
    this.release(connection);
  }

  #giveOrKeep(connection: PooledConnection): void {
    const waiting = this.#waiting;
    for (let at = 0; at < waiting.length; at++) {
      const lessee = waiting[at];
      if (lessee.kind !== connection.kind || !canServe(connection, lessee.state)) continue;
      waiting.splice(at, 1);
      this.#countWait(lessee);
      lessee.granted(connection);
      return;
    }
    connection.idleSince = this.#now();
    connection.connection.holder = new IdleHolder(this, connection);
    this.#idle.push(connection);
    if (waiting.length > 0) this.#openFor(waiting[0]);
  }

  /** A new connection: counted, and given to whoever waits. */
  add(connection: PooledConnection): void {
    this.addLeased(connection);
    this.release(connection);
  }

  /** A new connection that is leased already. */
  addLeased(connection: PooledConnection): void {
    this.count++;
    this.#countConnection(connection, 1);
    connection.openedAt = this.#now();
  }

  /** A connection has ended. */
  lost(connection: PooledConnection): void {
    this.count--;
    this.#countConnection(connection, -1);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    const { owner } = connection;
    connection.owner = undefined;
    owner?.onConnectionLost(connection);
    const [first] = this.#waiting;
    if (first) this.#openFor(first);
  }

  /** A leased connection is closed instead of being given back. */
  drop(connection: PooledConnection): void {
    connection.owner = undefined;
    if (!connection.connection.closed) closePolitely(connection.connection);
    this.lost(connection);
  }

  /** Stops waiting. @returns false if it did not wait. */
  cancel(lessee: Lessee): boolean {
    const at = this.#waiting.indexOf(lessee);
    if (at < 0) return false;
    this.#waiting.splice(at, 1);
    return true;
  }

  /** Opens a connection for whoever waits, if there may be one more. */
  #openFor(lessee: Lessee): void {
    if (lessee.mayOpen) {
      const isFull = this.count >= this.limits.connectionsMax;
      if (isFull && !this.#evict(lessee.kind, undefined)) return;
      this.cancel(lessee);
      this.count++;
      lessee.mayOpen();
      return;
    }
    if (!lessee.open) {
      this.#refuseHopeless(lessee);
      return;
    }
    if (this.#opening >= this.#waiting.length) return;
    const isFull = this.count >= this.limits.connectionsMax;
    if (isFull && !this.#evict(lessee.kind, lessee.state)) return;
    this.count++;
    this.#opening++;
    lessee.open().then((connection) => {
      this.#opening--;
      this.count--;
      this.add(connection);
    }, (error: unknown) => {
      this.#opening--;
      this.count--;
      // Others keep the account busy: this one may wait for theirs.
      if (this.count > 0 || !this.#waiting.includes(lessee)) return;
      this.cancel(lessee);
      lessee.refused(this.errorOf(error));
      const [next] = this.#waiting;
      if (next) this.#openFor(next);
    });
  }

  /** What a session is told where opening a connection has failed. Set by the pool's maker. */
  errorOf: (error: unknown) => SqlError = () => ({
    code: 2013,
    sqlState: "HY000",
    message: "Lost connection to server during query",
  });

  /** Without a connection that could ever serve it nobody has to wait. */
  #refuseHopeless(lessee: Lessee): void {
    if (this.#connectionsOf(lessee.kind) > 0 || lessee.state === undefined) return;
    this.cancel(lessee);
    lessee.refused({
      code: 2013,
      sqlState: "HY000",
      message: "Lost connection to server during query",
    });
  }

  /**
   * Makes room by closing an idle connection that cannot serve these sessions.
   *
   * @returns There is room now. If not there may be later: whoever waits is then served.
   */
  #evict(kind: string, state: SessionState | undefined): boolean {
    const cannotServe = (each: PooledConnection) =>
      (each.kind !== kind || !canServe(each, state)) && this.#isDispensable(each);
    const at = this.#idle.findIndex((each) => each.residue === Residue.NONE && cannotServe(each));
    if (at >= 0) {
      this.#closeIdle(at);
      return true;
    }
    const held = this.#idle.findIndex(cannotServe);
    if (held >= 0 && this.#evicting < Math.max(1, this.#waiting.length)) this.#empty(held);
    return false;
  }

  /** Closes an idle connection once its owner has what it holds. */
  #empty(at: number): void {
    const connection = this.#take(at);
    this.#evicting++;
    this.#carryOver(connection).catch(() => {}).finally(() => {
      this.#evicting--;
      this.drop(connection);
    });
  }

  /** Its kind's sessions have others, can open another, or are none. */
  #isDispensable({ kind, connection }: PooledConnection): boolean {
    return connection.again !== undefined || this.#connectionsOf(kind) > 1 ||
      !this.#sessions.has(kind);
  }

  #closeIdle(at: number): void {
    const connection = this.#take(at);
    this.count--;
    this.#countConnection(connection, -1);
    closePolitely(connection.connection);
  }

  #countWait(lessee: Lessee): void {
    const waited = this.#now() - lessee.waitingSince;
    if (waited > this.#counters.poolWaitMsMax) {
      this.#counters.poolWaitMsMax = Math.round(waited);
    }
  }

  /** Ends waits that took too long, and idle connections nobody needs. Called by the janitor. */
  sweep(): void {
    const now = this.#now();
    const { waitTimeoutMs, idleTimeoutMs } = this.limits;
    while (this.#waiting.length > 0 && now - this.#waiting[0].waitingSince > waitTimeoutMs) {
      const lessee = this.#waiting.shift()!;
      this.#counters.poolWaitsTimedOut++;
      this.#countWait(lessee);
      lessee.refused(this.#tooLate(now - lessee.waitingSince));
    }
    // Where only clients can log in, a connection closed is one that may be missed later.
    const spare = () =>
      this.#idle[0].residue === Residue.NONE && this.#isDispensable(this.#idle[0]);
    while (
      this.#idle.length > 0 && now - this.#idle[0].idleSince > idleTimeoutMs &&
      this.count > Math.min(this.sessions, this.limits.connectionsMax) && spare()
    ) {
      this.#closeIdle(0);
    }
  }

  #tooLate(waitedMs: number): SqlError {
    return {
      code: 1040,
      sqlState: "08004",
      message: `Too many connections: waited ${(waitedMs / 1000).toFixed(1)} s for one of ` +
        `${this.count} connections of ${this.name}`,
    };
  }

  /** Closes idle connections. */
  close(): void {
    while (this.#idle.length > 0) this.#closeIdle(0);
  }
}

/** A schema once chosen cannot be unchosen. */
function canServe(connection: PooledConnection, state: SessionState | undefined): boolean {
  return state === undefined || state.schema !== "" || connection.state.schema === "";
}

/** An idle connection that says or does anything is of no use any more. */
class IdleHolder implements ConnectionHolder {
  readonly #pool: AccountPool;
  readonly #connection: PooledConnection;

  constructor(pool: AccountPool, connection: PooledConnection) {
    this.#pool = pool;
    this.#connection = connection;
  }

  onUnasked(): void {
    this.#pool.lost(this.#connection);
    this.#connection.connection.abandon();
  }

  onServerDrained(): void {}

  onServerClosed(): void {
    this.#pool.lost(this.#connection);
  }
}
