// The server that a session's next command is to run on. It is counted at one, which takes its
// writes; its last connection may be at another one, with something on it that is to be read before
// a command runs elsewhere.

import {
  type AccountPool,
  ANY_RESIDUE,
  type Baseline,
  LASTING_RESIDUE,
  type Lessee,
  type PooledConnection,
  Residue,
  type Server,
  type SessionState,
} from "../../backend/mod.ts";
import type { SqlError } from "../../wire/mod.ts";
import { CarriedValues } from "../state/carried_values.ts";
import type { ClientSession } from "../client_session.ts";
import type { SessionContext } from "../context.ts";
import type { LaneSeat } from "../lanes/lane_seat.ts";
import { endForInactivity, isClosedForInactivity } from "../state/inactivity.ts";
import { guestState } from "../state/guest_state.ts";
import { poolAt, type SessionBeginning } from "../login/pool_opener.ts";
import { carryOver } from "../state/preparation.ts";
import type { PreparedStatements } from "../prepared/prepared_statements.ts";
import type { SessionRoute } from "./session_route.ts";

/** A session that takes turns on connections of one server or several. */
export abstract class PlacedSession extends CarriedValues implements Lessee {
  readonly session: ClientSession;
  readonly context: SessionContext;
  readonly kind: string;
  /** Where the command under way is to run, or the last one did. */
  server: Server;
  /** The pool of its account there. */
  pool: AccountPool;
  /** What sessions of its kind begin with there. */
  baseline: Baseline;
  /** The connection on which what its statements have left may still lie. */
  last: PooledConnection | undefined;
  /** A command is under way, from its arrival to the end of its answer. */
  busy = false;
  waitingSince = 0;
  /** Where it is counted, and all goes that is not routed elsewhere. */
  #home: Server;
  #homePool: AccountPool;
  /** What sessions begin with where it has begun. */
  #homeBaseline: Baseline;
  /** The pool that `baseline` is of. */
  #baselinePool: AccountPool;
  /** The pool of the connection in `last`. */
  #lastPool: AccountPool;

  constructor(session: ClientSession, options: SessionBeginning) {
    super(options.state);
    this.session = session;
    this.context = session.context;
    this.kind = options.kind;
    this.server = this.#home = options.server;
    this.pool =
      this.#homePool =
      this.#baselinePool =
      this.#lastPool =
        options.pool;
    this.baseline = this.#homeBaseline = options.baseline;
    this.last = options.pooled;
  }

  abstract readonly statements: PreparedStatements;

  /** Chooses among servers; undefined where all commands go to the one that takes writes. */
  abstract readonly route: SessionRoute | undefined;

  /** Where its commands go between those of other sessions. */
  abstract readonly seat: LaneSeat;

  /** The connection it holds now. */
  abstract get pooled(): PooledConnection | undefined;

  /** Has the command under way run on a connection of `pool`. */
  protected abstract use(pooled: PooledConnection): void;

  abstract refused(error: SqlError, forEver: boolean): void;

  /** The server says that its transaction is open. */
  get inTransaction(): boolean {
    return this.pooled !== undefined && this.session.inTransaction;
  }

  /** Opens one more connection; undefined where only a client can prove who it is. */
  get open(): (() => Promise<PooledConnection>) | undefined {
    return this.pool.openers.get(this.kind);
  }

  /** Connections can be opened for it at any server. */
  get canMove(): boolean {
    return this.#homePool.openers.has(this.kind);
  }

  granted(pooled: PooledConnection): void {
    if (this.session.closed || this.seat.isTaken) {
      this.pool.release(pooled);
      return;
    }
    this.seat.leave();
    const unread = this.isGuest ? undefined : this.#unreadBeside(pooled);
    if (this.awaited > 0) {
      // What it would have restored is being read for somebody else.
      this.pool.release(pooled);
      this.placeAgain();
    } else if (unread !== undefined && this.pool.takeIdle(unread)) {
      this.pool.release(pooled);
      this.use(unread);
    } else this.use(pooled);
  }

  /** Another connection, on which the session has left what nobody has read. */
  #unreadBeside(pooled: PooledConnection): PooledConnection | undefined {
    const { last } = this;
    if (last === undefined || last === pooled || last.owner !== this) return undefined;
    return last.residue === Residue.NONE ? undefined : last;
  }

  /** Runs the command under way on a connection of its own. */
  runAlone(): void {
    this.seat.alone = true;
    this.lease();
  }

  /** Looks anew for a server, if the command still waits for one. */
  placeAgain(): void {
    if (!this.busy || this.pooled !== undefined || this.session.closed) return;
    if (this.awaited === 0) this.place();
    else this.whenRead(() => this.placeAgain());
  }

  /** Chooses the server of the command under way. */
  protected place(): void {
    if (this.route === undefined) this.leaseAt(this.context.server);
    else this.route.place();
  }

  /**
   * Wants a connection at a server. What lies unread at another one is read first.
   *
   * @param unread What the command would disturb or may need: a set of `Residue`.
   */
  leaseAt(server: Server, unread = ANY_RESIDUE): void {
    // A guest's pool is forgotten where nobody else was using it.
    if (server !== this.server || this.pool.isForgotten) this.#enter(server);
    const { last } = this;
    const isElsewhere = this.#lastPool !== this.pool && last !== undefined &&
      last.owner === this && (last.residue & unread) !== 0;
    if (isElsewhere) this.#readLast(last);
    else this.lease();
  }

  /**
   * Sends the command under way to a server on a connection that sessions share, or lets it wait for one.
   *
   * @returns False where it is to have one of its own.
   */
  shareAt(server: Server): boolean {
    if (server !== this.server || this.pool.isForgotten) this.#enter(server);
    if (server !== this.server) return false;
    const { times } = this.session;
    times.isLeasing = true;
    const shares = this.seat.share();
    times.isLeasing = false;
    return shares;
  }

  /** Wants a connection of the pool, or a place on one that sessions share. */
  protected lease(): void {
    const { session: { times }, seat } = this;
    times.isLeasing = true;
    if (!seat.share()) this.pool.lease(this, seat.since);
    times.isLeasing = false;
  }

  #enter(server: Server): void {
    const isHome = server === this.#home;
    // Where only its client can prove who it is it stays where it has logged in.
    if (!isHome && !this.canMove) return;
    const pool = isHome ? this.#homePool : poolAt(server, this.context, {
      kind: this.kind,
      user: this.session.user,
      known: this.#homePool,
    });
    if (server === this.context.server) this.settle(server, pool);
    else {
      this.server = server;
      this.pool = pool;
    }
  }

  /** Where it is counted. */
  get home(): Server {
    return this.#home;
  }

  /** From now on it is counted there. */
  settle(server: Server, pool: AccountPool): void {
    this.server = this.#home = server;
    this.pool = pool;
    if (pool === this.#homePool) return;
    this.#leaveCount();
    this.#homePool = pool;
    pool.census.countSession(this.kind, 1);
  }

  #leaveCount(): void {
    const { census } = this.#homePool;
    census.countSession(this.kind, -1);
    census.noteSchema(this, undefined);
  }

  /** It is gone. */
  unsettle(): void {
    this.#leaveCount();
    this.seat.quit();
    if (this.last?.owner === this) this.last.disown();
  }

  /** A connection of `pool` was granted. */
  protected noteGranted(): void {
    if (this.#baselinePool === this.pool) return;
    this.#baselinePool = this.pool;
    this.baseline = this.pool.fresh.known(this.kind) ?? this.baseline;
  }

  /** It runs on another server than the one where it is counted: it leaves nothing there. */
  protected get isGuest(): boolean {
    return this.pool !== this.#homePool;
  }

  /** A connection of `pool` is about to be used. */
  protected noteUsed(pooled: PooledConnection): void {
    if (!this.isGuest) {
      // What was read of it is the session's; what is set on it is that no more.
      if (this.last !== pooled && this.last?.owner === this) this.last.disown();
      this.last = pooled;
      this.#lastPool = this.pool;
    } else if (this.last?.owner === this) this.last.supersede();
  }

  /** Gives a connection back; of a guest's what is left on it is read before. */
  giveBack(pooled: PooledConnection): void {
    const { pool } = this;
    if (!this.isGuest) pool.release(pooled);
    else if (pooled.residue === Residue.NONE) {
      pooled.owner = undefined;
      pool.release(pooled);
    } else {
      carryOver(pooled, this.context.counters).catch(() => {}).finally(() => pool.release(pooled));
    }
  }

  protected override onSettingsRead(settings: readonly (readonly [string, string])[]): void {
    this.state = this.context.tables.states.with(this.state, settings);
  }

  /** As after a login where it is now. */
  override startAnew(state: SessionState): void {
    super.startAnew(state);
    this.#homeBaseline = this.baseline;
    this.route?.startAnew();
  }

  /** Sets what the session has set. */
  setState(state: SessionState): void {
    this.state = state;
    if (this.pooled) this.pooled.state = this.here(state);
  }

  /** What is to be set where the command under way runs, for the session to have a state there. */
  here(state: SessionState): SessionState {
    const host = this.baseline;
    if (this.#homeBaseline === host) return state;
    return guestState(state, {
      home: this.#homeBaseline,
      host,
      states: this.context.tables.states,
    });
  }

  onConnectionLost(pooled: PooledConnection): void {
    if (this.last === pooled) this.last = undefined;
    if (pooled.residue & LASTING_RESIDUE) this.onStateLost();
  }

  /** Something of the session's settings is gone with a connection: so is the session. */
  onStateLost(): void {
    if (!this.session.closed) this.endWithState();
  }

  /** Ends the session with its connection. */
  endWithState(): void {
    if (isClosedForInactivity(this.session)) endForInactivity(this.session);
    else this.session.endLost();
  }

  /** Reads what the session has left on its last connection, which nobody has taken since. */
  #readLast(last: PooledConnection): void {
    const pool = this.#lastPool;
    if (pool.takeIdle(last)) {
      carryOver(last, this.context.counters).catch(() => {}).finally(() => {
        pool.release(last);
        this.placeAgain();
      });
    } else setTimeout(() => this.placeAgain(), SIGN_OF_LIFE_MS); // a ping is on its way there
  }
}

/** When a connection is looked for again that is being asked for a sign of life, in milliseconds. */
const SIGN_OF_LIFE_MS = 5;
