// The connections of one account at one server, and the sessions that wait for one.
// Hot path: leasing and releasing without anybody waiting allocates nothing.

import type { SqlError } from "../wire/mod.ts";
import { closePolitely, DISCARDING } from "./connection_pool.ts";
import { IdleHolder } from "./idle_holder.ts";
import { Lanes } from "./lanes.ts";
import { type AccountPoolLimits, BY_ORDER, PoolConnections } from "./pool_connections.ts";
import { NO_CONNECTION, tooLate } from "./pool_errors.ts";
import type { PoolStatus } from "./pool_status.ts";
import { type PooledConnection, Residue } from "./pooled_connection.ts";
import type { SessionState } from "./session_state.ts";
import { isFull, isServerFull } from "./server_error.ts";
import { canServe, type Lessee, WaitQueue } from "./wait_queue.ts";

/**
 * So many connections are opened at a time as are open already, but for these: a server that is asked
 * for all of them at once gives the first one not much earlier than the last, while a few soon serve
 * everybody.
 */
const OPENING_AT_FIRST = 4;
/** What takes longer than this counts no more as on its way, in milliseconds: it may never come. */
const SLOW_MS = 1000;

/** A connection that is being opened. */
interface Opening {
  readonly sinceMs: number;
}

/**
 * So long others may pass over somebody who waits for a connection of a kind that there is none of:
 * to make one costs a login. In milliseconds.
 */
const PASSED_OVER_MS_MAX = 100;

/** It is of a kind, and sessions with a state can use it. */
function isUsable(
  connection: PooledConnection,
  { kind, state }: Pick<Lessee, "kind" | "state">,
): boolean {
  return connection.kind === kind && canServe(connection, state);
}

/** Connections of one account. */
export class AccountPool extends PoolConnections {
  /** New statements and transactions wait. */
  paused = false;
  /** Connections that several sessions use at the same time. */
  readonly lanes: Lanes = new Lanes(this, this.limits.pipeline);
  readonly #queue = new WaitQueue();
  readonly #openings = new Set<Opening>();
  /** When a connection was closed last for somebody who could use none. */
  #madeWayAt = -Infinity;

  /** Applies other bounds: what is beyond them goes when it is given back or swept. */
  setLimits(limits: AccountPoolLimits): void {
    this.limits = limits;
    this.lanes.setDepth(limits.pipeline);
    this.logins.trustMs = limits.loginTrustMs;
  }

  /** Sessions that wait. */
  override get waiting(): number {
    return this.#queue.length;
  }

  /** Nothing is in it and nobody belongs to it. */
  get empty(): boolean {
    return this.count === 0 && this.census.sessions === 0 && this.waiting === 0;
  }

  status(): PoolStatus {
    const { connections, sessions } = this.census;
    const idle = this.idleOnes.length + this.pinged.size;
    const first = this.#queue.first;
    return {
      ...this.tally,
      account: this.account,
      server: this.server,
      paused: this.paused,
      sessions,
      running: this.running,
      idle,
      opening: this.count - connections.size,
      connectionsMin: Math.min(this.limits.connectionsMin, this.connectionsMax),
      connectionsMax: this.connectionsMax,
      waiting: this.waiting,
      oldestWaitUs: first ? Math.round((this.now() - first.waitingSince) * 1000) : 0,
      lastError: this.gate.lastError,
    };
  }

  // Leasing.

  /**
   * Gives a connection now or, first come first served, when there is one.
   *
   * @param since When the waiting began, if it did before.
   */
  lease(lessee: Lessee, since?: number): void {
    if (lessee.open === undefined && lessee.state !== undefined && !lessee.standsForSeveral) {
      this.census.noteSchema(lessee, lessee.state.schema);
    }
    // KILL wants any, for itself.
    const isKill = lessee.state === undefined && lessee.mayOpen === undefined;
    if (isKill || (this.#queue.length === 0 && !this.paused)) {
      const connection = this.idleOnes.takeBest(lessee);
      if (connection) {
        lessee.granted(connection);
        return;
      }
    }
    lessee.waitingSince = since ?? this.now();
    this.#queue.add(lessee);
    this.options.counters.poolWaits++;
    this.tally.waits++;
    if (this.idleOnes.length > 0 && !this.paused) {
      this.#offerIdle();
      if (!this.#queue.has(lessee)) return;
    }
    this.#openFor(lessee);
    const coming = this.#openings.size;
    if (coming < this.waiting) this.lanes.yieldTo(this.waiting - coming);
  }

  /** Those that were idle may be of no use to who waits longest, and of use to who has come now. */
  #offerIdle(): void {
    for (const connection of this.idleOnes.all()) {
      if (this.idleOnes.take(connection)) this.giveOrKeep(connection, connection.idleSince);
    }
  }

  /** For a lane: who waits for a connection of its own comes first. */
  takeClean(kind: string, state: SessionState, mariadb: boolean): PooledConnection | undefined {
    if (this.paused || this.waiting > 0) return undefined;
    return this.idleOnes.takeClean(kind, state, mariadb);
  }

  /** Connections that somebody uses. */
  get running(): number {
    return this.census.connections.size - this.idleOnes.length - this.pinged.size;
  }

  /** Stops waiting. @returns false if it did not wait. */
  cancel(lessee: Lessee): boolean {
    return this.#queue.remove(lessee);
  }

  /** There is an idle connection of a kind. */
  hasIdle(kind: string): boolean {
    return this.idleOnes.has(kind);
  }

  /** Takes this one, to read what it holds of its owner. @returns false if it is not idle. */
  takeIdle(connection: PooledConnection): boolean {
    return this.idleOnes.take(connection);
  }

  /** Takes an idle connection that holds nothing of anybody: for a statement of the proxy's own. */
  takeUnused(): PooledConnection | undefined {
    return this.idleOnes.takeFirst((each) => each.residue === Residue.NONE);
  }

  /** A connection is free again: for the first who waits and can use it, or to be kept. */
  release(connection: PooledConnection): void {
    const { connection: server } = connection;
    const mayServe = server.reusable && server.kills === 0;
    if (!mayServe && !server.closed) closePolitely(server);
    if (!mayServe || server.closed) this.lost(connection);
    else if (server.mayBeInterrupted) void this.#takeInterruption(connection);
    else if (this.isDue(connection)) this.close(connection);
    else this.giveOrKeep(connection, this.now());
  }

  /** A KILL QUERY that has come too late hits this instead of somebody's statement. */
  async #takeInterruption(connection: PooledConnection): Promise<void> {
    connection.connection.holder = DISCARDING;
    connection.connection.mayBeInterrupted = false;
    const owner = await this.ping(connection);
    this.release(connection);
    owner?.wasRead();
  }

  /** @param idleSince When it was used last, unless somebody takes it now. */
  protected override giveOrKeep(connection: PooledConnection, idleSince: number): void {
    if (this.#queue.length > 0 && !this.paused) {
      if (this.#makesWay(connection)) {
        this.#madeWayAt = this.now();
        this.tally.evicted++;
        this.close(connection);
        return;
      }
      const isBare = connection.connection.again === undefined &&
        this.census.isLastBare(connection);
      const lessee = this.#queue.takeFor(connection, isBare);
      if (lessee) {
        this.#countWait(lessee);
        lessee.granted(connection);
        return;
      }
    }
    connection.idleSince = idleSince;
    connection.connection.holder = connection.idleHolder ??= new IdleHolder(this, connection);
    this.idleOnes.put(connection);
    this.onRoom();
  }

  /**
   * Who waits longest can use none of the connections there are: those behind it, who can, have had
   * this one long enough, and a connection of its kind is to take its place.
   */
  #makesWay(connection: PooledConnection): boolean {
    const { open, kind, state, waitingSince } = this.#queue.first!;
    if (open === undefined || isUsable(connection, { kind, state })) return false;
    if (this.now() - Math.max(waitingSince, this.#madeWayAt) < PASSED_OVER_MS_MAX) return false;
    const { connections } = this.census;
    // With room for another one, or with one on its way, nobody has to make any.
    if (this.count < this.connectionsMax || this.count > connections.size) return false;
    return this.isDispensable(connection) &&
      !this.census.hasFor((each) => isUsable(each, { kind, state }));
  }

  #countWait(lessee: Lessee): void {
    const waitedMs = this.now() - lessee.waitingSince;
    const us = Math.round(waitedMs * 1000);
    const { counters } = this.options;
    this.tally.waitUs += us;
    if (us > this.tally.waitUsMax) this.tally.waitUsMax = us;
    if (waitedMs > counters.poolWaitMsMax) counters.poolWaitMsMax = Math.round(waitedMs);
  }

  // Connections come and go.

  /**
   * A login may open a connection of its own for the pool: there are fewer than sessions of its
   * kind, or none of them is idle. Makes room if it can, and keeps a place.
   */
  mayGrow(kind: string): boolean {
    // What the pool itself was refused for may be put right by this very login.
    if (this.paused || (this.#isHeldUp() && !this.#isRefused())) return false;
    const has = this.census.connectionsOf(kind);
    const isIdle = this.idleOnes.has(kind);
    // What a login does to the only one could leave everybody else without any.
    const isEnough = has > 1 && (this.open !== undefined || has >= this.census.sessionsOf(kind));
    if (isIdle && isEnough) return false;
    const isFull = this.count >= this.connectionsMax;
    if (isFull && (isIdle || !this.evict(kind, undefined))) return false;
    this.count++;
    return true;
  }

  /** The place that was kept for a connection is not needed. */
  freePlace(): void {
    this.count--;
    this.onRoom();
  }

  /** A login has been refused: the next one waits where the server takes no more connections. */
  noteFailure(error: unknown): void {
    this.tally.openFailures++;
    this.gate.failed(error, this.now());
    if (isServerFull(error) && this.census.connections.size === 0) this.options.makeRoom(this);
  }

  /** A new connection: counted, and given to whoever waits. */
  add(connection: PooledConnection): void {
    this.addLeased(connection);
    this.release(connection);
  }

  protected override onRoom(): void {
    if (this.#queue.first) this.#openFor(this.#queue.first);
  }

  /** Now is no time to open connections. */
  #isHeldUp(): boolean {
    if (this.options.room.isKeptFrom(this)) return true;
    // Without a connection there is nothing to wait for but a server that is full.
    return this.gate.isShut(this.now()) && (this.gate.full || this.count > 0);
  }

  /** The server takes connections, but not what the pool has logged in with last. */
  #isRefused(): boolean {
    return !this.gate.full && !this.options.room.isKeptFrom(this);
  }

  /** Opens a connection for whoever waits, if there may be one more. */
  #openFor(lessee: Lessee): void {
    if (!lessee.open && !lessee.mayOpen) {
      this.#refuseHopeless(lessee);
      return;
    }
    if (this.paused || this.#isHeldUp()) return;
    // As many as wait are on their way.
    if (!lessee.mayOpen && !this.#mayOpenMore) return;
    if (this.count >= this.connectionsMax && !this.evict(lessee.kind, lessee.state)) return;
    this.count++;
    if (lessee.mayOpen) {
      this.cancel(lessee);
      this.#countWait(lessee);
      lessee.mayOpen();
    } else this.#openWith(lessee.open!, lessee);
  }

  get #mayOpenMore(): boolean {
    const { connections } = this.census;
    const since = this.now() - SLOW_MS;
    let opening = 0;
    for (const { sinceMs } of this.#openings) if (sinceMs > since) opening++;
    let pinged = 0;
    for (const sinceMs of this.pinged.values()) if (sinceMs > since) pinged++;
    return opening + pinged < this.waiting &&
      opening < Math.max(OPENING_AT_FIRST, connections.size);
  }

  /** One more is open: more may be on their way. */
  #openMore(): void {
    for (const lessee of this.#queue.all()) {
      if (!this.#mayOpenMore) return;
      if (this.#queue.has(lessee)) this.#openFor(lessee);
    }
  }

  /** The place is kept already. @param lessee Who is told if it fails and nothing is left to wait for. */
  #openWith(open: () => Promise<PooledConnection>, lessee: Lessee | undefined): void {
    const opening: Opening = { sinceMs: this.now() };
    this.#openings.add(opening);
    open().then((connection) => {
      this.#openings.delete(opening);
      this.count--;
      this.add(connection);
      this.#openMore();
    }, (error: unknown) => {
      this.#openings.delete(opening);
      this.count--;
      this.noteFailure(error);
      // Others keep the account busy, or the whole server: this one may wait for theirs.
      if (this.count > 0 || isFull(error) || !lessee || !this.cancel(lessee)) return;
      this.#countWait(lessee);
      lessee.refused(this.options.errorOf(error), false);
      this.onRoom();
    });
  }

  /** Without a connection that could ever serve it nobody has to wait. */
  #refuseHopeless(lessee: Lessee): void {
    const mayCome = this.count > this.census.connections.size; // a login brings one, or tries to
    const { kind, state } = lessee;
    if (mayCome || !state || this.census.hasFor((each) => isUsable(each, { kind, state }))) return;
    this.cancel(lessee);
    lessee.refused(NO_CONNECTION, true);
  }

  // What is done now and then.

  /** Ends waits that took too long and connections nobody needs. Called by the janitor. */
  sweep(): void {
    const now = this.now();
    this.lanes.sweep(now, this.limits.waitTimeoutMs);
    this.#endWaits(now);
    for (const lessee of this.#queue.all()) this.#openFor(lessee);
    if (this.waiting === 0) this.options.room.settle(this);
    for (const connection of this.idleOnes.all()) this.lookAt(connection, now);
    for (const [{ connection }, since] of this.pinged) {
      if (now - since > this.limits.pingTimeoutMs) connection.abandon();
    }
    this.#fill(now);
  }

  #endWaits(now: number): void {
    const { waitTimeoutMs } = this.limits;
    for (;;) {
      const lessee = this.#queue.takeOlder(now - waitTimeoutMs);
      if (!lessee) return;
      this.options.counters.poolWaitsTimedOut++;
      this.tally.waitsTimedOut++;
      this.#countWait(lessee);
      lessee.refused(this.#tooLate(now - lessee.waitingSince), false);
    }
  }

  #tooLate(waitedMs: number): SqlError {
    const { account, server, count, paused } = this;
    return tooLate(waitedMs, { account, server, count, paused, lastError: this.gate.lastError });
  }

  /** Opens what is missing of the connections that are kept open. */
  #fill(now: number): void {
    if (this.isLeaving) return;
    const missing = Math.min(this.limits.connectionsMin, this.connectionsMax) - this.count;
    for (let i = 0; i < missing; i++) this.#openUnasked(this.open, now);
  }

  /** Sessions of a kind will come from another server: some connections are there for the first. */
  openAhead(kind: string): void {
    const now = this.now();
    const most = Math.min(OPENING_AT_FIRST, this.connectionsMax);
    while (this.count < most) {
      const before = this.count;
      this.#openUnasked(this.openers.get(kind), now);
      if (this.count === before) return;
    }
  }

  protected override openSpare(kind: string, now: number): void {
    if (this.#openings.size === 0) this.#openUnasked(this.openers.get(kind), now);
  }

  #openUnasked(open: (() => Promise<PooledConnection>) | undefined, now: number): void {
    if (!open || this.paused || this.gate.isShut(now)) return;
    if (this.options.room.isKeptFrom(this)) return;
    this.count++;
    this.#openWith(open, undefined);
  }

  // Orders.

  /** Lets what runs end, and what comes wait; or goes on. */
  setPaused(paused: boolean): void {
    this.paused = paused;
    if (paused) return;
    for (const lessee of this.#queue.all()) {
      const connection = this.idleOnes.takeBest(lessee);
      if (!connection) this.#openFor(lessee);
      else if (this.cancel(lessee)) {
        this.#countWait(lessee);
        lessee.granted(connection);
      } else this.giveOrKeep(connection, this.now());
    }
  }

  /** Whoever waits because the server did not take connections waits no longer for that. */
  tryAgain(): void {
    this.gate.open();
    for (const lessee of this.#queue.all()) this.#openFor(lessee);
  }

  /** All connections of now are closed: those nobody uses at once, others when they are free. */
  reconnect(): void {
    const now = this.now();
    this.logins.forget();
    for (const connection of this.census.connections) connection.retireAt = BY_ORDER;
    for (const connection of this.idleOnes.all()) this.lookAt(connection, now);
    for (const lessee of this.#queue.all()) this.#openFor(lessee);
  }
}
