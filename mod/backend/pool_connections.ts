// The connections of an account: how they are counted, kept alive and closed.

import type { Counters } from "../observe/mod.ts";
import type { SqlError } from "../wire/mod.ts";
import { ConnectionCensus } from "./connection_census.ts";
import { closePolitely, DISCARDING } from "./connection_pool.ts";
import { FreshSessions } from "./fresh_sessions.ts";
import { IdleConnections } from "./idle_connections.ts";
import { KnownLogins } from "./known_logins.ts";
import type { PipelineDepth } from "./lane_group.ts";
import type { Authenticator } from "./login_exchange.ts";
import { OpenGate } from "./open_gate.ts";
import { PoolTally } from "./pool_status.ts";
import { type Owner, type PooledConnection, Residue } from "./pooled_connection.ts";
import { pingConnection } from "./reset.ts";
import type { ServerRoom } from "./server_room.ts";
import type { SessionState } from "./session_state.ts";
import { canServe } from "./wait_queue.ts";

/** What bounds a pool. */
export interface AccountPoolLimits {
  /** Connections at most. */
  readonly connectionsMax: number;
  /** Connections kept open. */
  readonly connectionsMin: number;
  /** How long a session waits, in milliseconds. */
  readonly waitTimeoutMs: number;
  /** How long an idle connection is kept, in milliseconds. */
  readonly idleTimeoutMs: number;
  /** How long a connection is used, in milliseconds; 0: for ever. */
  readonly maxAgeMs: number;
  /** How long a server's word about a login is taken for others like it, in milliseconds. */
  readonly loginTrustMs: number;
  /** How long a server may take to answer a COM_PING, in milliseconds. */
  readonly pingTimeoutMs: number;
  /** Statements of different sessions behind each other on one connection; undefined: none. */
  readonly pipeline: PipelineDepth | undefined;
  /** Pools like this one that share the account's limits: one for each worker. */
  readonly workers: number;
}

/** What a pool works with. */
export interface AccountPoolOptions {
  readonly counters: Counters;
  /** A monotonic clock in milliseconds. */
  readonly now: () => number;
  /** Reads what a connection holds of its owner, which keeps it, before the connection is closed. */
  readonly carryOver: (connection: PooledConnection) => Promise<void>;
  /** What a session is told where opening a connection has failed. */
  readonly errorOf: (error: unknown) => SqlError;
  readonly room: ServerRoom;
  /** The server takes no more connections, and this pool has none: another one gives one up. */
  readonly makeRoom: (pool: PoolConnections) => void;
}

/** Connections of one account, without those who want them. */
export abstract class PoolConnections {
  /** The account's name. */
  readonly account: string;
  /** The server's address. */
  readonly server: string;
  limits: AccountPoolLimits;
  readonly tally = new PoolTally();
  readonly census = new ConnectionCensus();
  readonly fresh = new FreshSessions();
  readonly logins: KnownLogins;
  /** Opens a connection like that of the last login; undefined where only clients can. */
  open: (() => Promise<PooledConnection>) | undefined;
  /** Logs in with what the server has accepted last. */
  again: (() => Authenticator) | undefined;
  /** What opens one more of a kind; none where only clients can prove who they are. */
  readonly openers = new Map<string, () => Promise<PooledConnection>>();
  /** Connections: idle, leased and being opened. */
  count = 0;
  /** Another one takes its place where the account is wanted again. */
  isForgotten = false;
  /** The server is to get no connections any more: those that come are for who cannot leave it. */
  isLeaving = false;
  protected readonly options: AccountPoolOptions;
  /** A monotonic clock in milliseconds. */
  readonly now: () => number;
  protected readonly idleOnes = new IdleConnections((connection, isLogin) =>
    this.#isKept(connection, isLogin)
  );
  /** Idle ones that the server is asked for a sign of life on, and since when. */
  protected readonly pinged = new Map<PooledConnection, number>();
  protected readonly gate = new OpenGate();
  /** Connections whose owners are asked before they are closed. */
  #emptying = 0;

  constructor(
    { account, server, limits }: {
      readonly account: string;
      readonly server: string;
      readonly limits: AccountPoolLimits;
    },
    options: AccountPoolOptions,
  ) {
    this.account = account;
    this.server = server;
    this.limits = limits;
    this.options = options;
    this.now = options.now;
    this.logins = new KnownLogins(limits.loginTrustMs);
  }

  /** Sessions that wait. */
  abstract get waiting(): number;

  /** There may be room for another connection. */
  protected abstract onRoom(): void;

  /** Opens one more connection of a kind, unless one is on its way. */
  protected abstract openSpare(kind: string, now: number): void;

  /** Gives a connection to whoever waits for it, or puts it among the idle ones. */
  protected abstract giveOrKeep(connection: PooledConnection, idleSince: number): void;

  /** Connections at most: what is configured, or less if the server allows the account less. */
  get connectionsMax(): number {
    const share = Math.floor(this.fresh.allowed / this.limits.workers);
    return Math.min(this.limits.connectionsMax, Math.max(1, share));
  }

  /** Connections nobody uses. */
  get idle(): number {
    return this.idleOnes.length;
  }

  /** A new connection that is leased already. */
  addLeased(connection: PooledConnection): void {
    this.count++;
    this.tally.opened++;
    this.gate.open();
    this.options.room.settle(this);
    this.census.add(connection);
    connection.openedAt = this.now();
    const { maxAgeMs } = this.limits;
    // Those that were opened together do not end together.
    const jitter = 0.9 + 0.2 * Math.random();
    connection.retireAt = maxAgeMs > 0 ? connection.openedAt + maxAgeMs * jitter : Infinity;
    if (this.isLeaving) connection.retireAt = BY_ORDER;
  }

  /** A connection has ended. */
  lost(connection: PooledConnection): void {
    this.#forget(connection);
    this.idleOnes.take(connection);
    const { owner } = connection;
    connection.owner = undefined;
    owner?.onConnectionLost(connection);
    this.onRoom();
  }

  #forget(connection: PooledConnection): void {
    this.count--;
    this.tally.closed++;
    this.census.remove(connection);
    this.pinged.delete(connection);
    connection.idleHolder = undefined; // another account's pool is told of its end from now on
  }

  /** A leased connection is closed instead of being given back. */
  drop(connection: PooledConnection): void {
    connection.owner = undefined;
    if (!connection.connection.closed) closePolitely(connection.connection);
    this.lost(connection);
  }

  /** Closes a connection that nobody uses, once its owner has what it holds. */
  protected close(connection: PooledConnection): void {
    if (connection.residue === Residue.NONE) {
      this.drop(connection);
      return;
    }
    connection.connection.holder = DISCARDING;
    this.census.remove(connection); // nobody will get it
    this.#emptying++;
    this.options.carryOver(connection).catch(() => {}).finally(() => {
      this.#emptying--;
      this.drop(connection);
    });
  }

  /** It is to be closed now that nobody uses it. */
  protected isDue(connection: PooledConnection): boolean {
    if (
      this.#isOld(connection, this.now()) && this.isSpare(connection) &&
      !this.#needsHeir(connection)
    ) {
      this.tally.retired++;
      return true;
    }
    // COM_CHANGE_USER brings connections that nobody has asked whether there is room for.
    if (this.count - this.#emptying > this.connectionsMax && this.isSpare(connection)) {
      this.tally.evicted++;
      return true;
    }
    const { room } = this.options;
    if (!room.isKeptFrom(this) || this.count < 2 || !this.isSpare(connection)) return false;
    if (!room.claim(this)) return false;
    this.tally.evicted++;
    return true;
  }

  /**
   * For sessions without a schema, where no other connection could be made for them. A login needs
   * one, though, whatever becomes of those sessions.
   */
  #isKept(connection: PooledConnection, isLogin: boolean): boolean {
    if (connection.connection.again !== undefined || !this.census.isLastBare(connection)) {
      return false;
    }
    return !isLogin || this.connectionsMax > 1;
  }

  /**
   * Makes room by closing an idle connection that cannot serve these sessions.
   *
   * @returns There is room now. If not there may be later: whoever waits is then served.
   */
  protected evict(kind: string, state: SessionState | undefined): boolean {
    const cannotServe = (each: PooledConnection) =>
      (each.kind !== kind || !canServe(each, state)) && this.isDispensable(each);
    return this.#evictOne(cannotServe, Math.max(1, this.waiting));
  }

  /** Gives up an idle connection for another account. @returns false if there is none. */
  yieldOne(): boolean {
    const before = this.tally.evicted;
    this.#evictOne((each) => this.isSpare(each), 1);
    return this.tally.evicted > before;
  }

  #evictOne(may: (connection: PooledConnection) => boolean, emptyingMax: number): boolean {
    const empty = this.idleOnes.takeFirst((each) => each.residue === Residue.NONE && may(each));
    const held = empty ||
      (this.#emptying < emptyingMax ? this.idleOnes.takeFirst(may) : undefined);
    if (!held) return false;
    this.tally.evicted++;
    if (held === empty) this.#closeNow(held);
    else this.close(held);
    return held === empty;
  }

  /** Without a word to those who wait: somebody has plans for its place. */
  #closeNow(connection: PooledConnection): void {
    this.#forget(connection);
    closePolitely(connection.connection);
  }

  /** Its kind's sessions have others, can open another, or are none. */
  protected isDispensable({ kind, connection }: PooledConnection): boolean {
    return connection.again !== undefined || this.census.connectionsOf(kind) > 1 ||
      this.census.sessionsOf(kind) === 0;
  }

  /** Nobody will miss it: another one can be opened, or there are more than sessions. */
  isSpare({ kind, connection }: PooledConnection): boolean {
    return connection.again !== undefined ||
      this.census.connectionsOf(kind) > Math.min(this.census.sessionsOf(kind), this.connectionsMax);
  }

  /** Not where no other one could be opened, unless that was ordered. */
  #isOld({ retireAt }: PooledConnection, now: number): boolean {
    return retireAt <= now && (this.gate.lastError === "" || retireAt === BY_ORDER);
  }

  /**
   * Another one is to be there before it goes: whether the server still takes the credential is not
   * known until then.
   */
  #needsHeir({ kind, retireAt }: PooledConnection): boolean {
    return retireAt !== BY_ORDER && this.openers.has(kind) && this.#isLast(kind) &&
      this.count < this.connectionsMax;
  }

  /** There are sessions of a kind, and one connection. */
  #isLast(kind: string): boolean {
    return this.census.connectionsOf(kind) === 1 && this.census.sessionsOf(kind) > 0;
  }

  /** Closes an idle connection whose time has come, or asks it for a sign of life. */
  protected lookAt(connection: PooledConnection, now: number): void {
    const { kind } = connection;
    const isOld = this.#isOld(connection, now);
    // Sessions keep one of their kind: the account may have got another password meanwhile.
    const isMissed = this.count <= this.limits.connectionsMin || this.#isLast(kind);
    const isIdle = now - connection.idleSince > this.limits.idleTimeoutMs && !isMissed;
    if (isOld && this.#needsHeir(connection)) this.openSpare(kind, now);
    else if ((isOld || isIdle) && this.isSpare(connection)) {
      if (!this.idleOnes.take(connection)) return;
      if (isOld) this.tally.retired++;
      this.close(connection);
      return;
    }
    const timeoutMs = this.fresh.waitTimeoutMs(kind, connection.state.variables);
    const silentMs = now - Math.max(connection.idleSince, connection.pingedAt);
    if (silentMs > timeoutMs * KEEP_ALIVE_PART && this.idleOnes.take(connection)) {
      void this.#keepAlive(connection, now);
    }
  }

  /**
   * The connection is nobody's while the server answers: it is the one that was not used for
   * longest, so somebody has to want all of them to wait for this.
   */
  async #keepAlive(connection: PooledConnection, now: number): Promise<void> {
    connection.pingedAt = now;
    this.pinged.set(connection, now);
    const owner = await this.ping(connection);
    if (this.pinged.delete(connection)) {
      if (connection.connection.closed) this.lost(connection);
      else if (this.isDue(connection)) this.close(connection);
      else this.giveOrKeep(connection, connection.idleSince);
    }
    owner?.wasRead();
  }

  /**
   * Waits for a sign of life. Whose values are on the connection has to wait for it, too.
   *
   * @returns Who is to be told with `wasRead`, once the connection can be had again.
   */
  protected async ping(connection: PooledConnection): Promise<Owner | undefined> {
    const owner = connection.residue === Residue.NONE ? undefined : connection.owner;
    owner?.awaitRead();
    connection.rowCountGone = true;
    await pingConnection(connection.connection);
    return owner;
  }

  /** Closes idle connections. */
  closeIdle(): void {
    for (const connection of this.idleOnes.all()) {
      if (this.idleOnes.take(connection)) this.#closeNow(connection);
    }
  }
}

/** In place of the time when a connection is to be closed: it was said to be closed. */
export const BY_ORDER: number = -Infinity;

/** The part of a server's wait_timeout after which it is given a sign of life. */
const KEEP_ALIVE_PART = 0.5;
