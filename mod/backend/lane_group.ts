// The lanes of sessions that have set the same: what one of them asks may go between what others do.

import { FormTable, type LexicalMode } from "../sql/mod.ts";
import { Flights } from "./flights.ts";
import { Lane, type LaneRider } from "./lane.ts";
import { endOfTurn } from "./lane_turn.ts";
import { LaneLimit } from "./lane_limit.ts";
import { type PooledConnection, Residue } from "./pooled_connection.ts";
import { ServiceTime } from "./service_time.ts";
import type { SqlError } from "../wire/mod.ts";
import { type Lessee } from "./wait_queue.ts";
import { isSameState, OFF, SCHEMA_VARIABLES, type SessionState, UNKNOWN } from "./session_state.ts";
import type { StatementPace } from "./statement_pace.ts";

/** `auto`: as many statements behind each other as their speed allows; else so many, quick or not. */
export type PipelineDepth = number | "auto";

/** Statements behind each other on one connection at most. */
const DEPTH_MAX = 16;
/** As long as nothing is known of their speed. */
const DEPTH_AT_FIRST = 4;
/** The last one in the row waits about so long for those before it, in microseconds. */
const ROW_US = 3000;
/** Fewer statements than this under way together say nothing of how many connections are best. */
const TOGETHER_MIN = 24;
/** With so many statements on each lane it is worth trying whether more lanes answer more. */
const CROWDED = 6;
/** Statements of one turn that go out together before another lane has its share. */
const AT_ONCE = 4;
/** So many where there is something to do on every lane. */
const AT_ONCE_MAX = 8;
/** Statements whose pace is kept, by normal form, and prepared ones. */
const FORMS_MAX = 1024;

/** The pool that lends the connections. */
export interface LanePool {
  readonly connectionsMax: number;
  readonly now: () => number;
  /** An idle connection in a state, with nothing on it; undefined also where others wait for one. */
  takeClean(kind: string, state: SessionState, mariadb: boolean): PooledConnection | undefined;
  /** What opens connections, by kind. */
  readonly openers: ReadonlyMap<string, () => Promise<PooledConnection>>;
  lease(lessee: Lessee, since: number): void;
  cancel(lessee: Lessee): boolean;
  release(connection: PooledConnection): void;
  drop(connection: PooledConnection): void;
  lost(connection: PooledConnection): void;
}

/** What the sessions of a group have in common. */
export interface LaneGroupFacts {
  /** The kind of their connections. */
  readonly kind: string;
  readonly state: SessionState;
  /** How their statements are read. */
  readonly mode: LexicalMode;
  /** The server is a MariaDB. */
  readonly mariadb: boolean;
}

/** Sessions of one kind and state, at one server, of one account. */
export class LaneGroup implements Lessee {
  readonly standsForSeveral = true;
  readonly last = undefined;
  waitingSince = 0;
  /** It waits in the pool's queue, for a first lane. */
  #asks = false;
  readonly facts: LaneGroupFacts;
  /** Sessions in this state may share connections. */
  readonly usable: boolean;
  /** When it was looked for last, by the pool's clock. */
  usedAt = 0;
  /** The pace of statements in text. */
  readonly forms: FormTable<StatementPace> = new FormTable<StatementPace>(FORMS_MAX);
  readonly #prepared = new Map<string, StatementPace>();
  /** The pool that lends its connections. */
  readonly pool: LanePool;
  #depth: PipelineDepth;
  readonly #limit: LaneLimit;
  readonly #lanes: Lane[] = [];
  readonly #waiting: LaneRider[] = [];
  /** Statements under way that others may wait for instead of running. */
  readonly flights: Flights = new Flights();
  readonly #service = new ServiceTime();
  /** The lane that was given a statement last. */
  #last: Lane | undefined;

  readonly #onLane: () => void;

  /** @param options.onLane Told when there is one lane more. */
  constructor(facts: LaneGroupFacts, pool: LanePool, options: {
    readonly depth: PipelineDepth;
    readonly onLane: () => void;
  }) {
    this.facts = facts;
    this.pool = pool;
    this.#depth = options.depth;
    this.#onLane = options.onLane;
    this.#limit = new LaneLimit(pool.connectionsMax);
    this.usable = mayShare(facts.state);
  }

  /** Nobody uses it. */
  get empty(): boolean {
    return this.#lanes.length === 0 && this.#waiting.length === 0 && !this.#asks;
  }

  get lanes(): readonly Lane[] {
    return this.#lanes;
  }

  /** Statements need not be known to be quick. */
  get isForced(): boolean {
    return this.#depth !== "auto";
  }

  /** Applies another depth. */
  setDepth(depth: PipelineDepth): void {
    this.#depth = depth;
    for (const lane of this.#lanes) this.onRoom(lane);
  }

  /** Lanes come to their end with what is on them; what waits for one goes the ordinary way. */
  close(): void {
    for (const lane of this.#lanes) lane.open = false;
    this.dismissOlder(Infinity);
  }

  /** The pace of a prepared statement; undefined where there is none. @param key Text and state. */
  paceOfPrepared(key: string): StatementPace | undefined {
    return this.#prepared.get(key);
  }

  keepPaceOfPrepared(key: string, pace: StatementPace): StatementPace {
    if (this.#prepared.size >= FORMS_MAX) this.#prepared.clear();
    this.#prepared.set(key, pace);
    return pace;
  }

  /** Statements behind each other on one connection. */
  get depth(): number {
    if (this.#depth !== "auto") return this.#depth;
    const { us } = this.#service;
    if (us === 0) return DEPTH_AT_FIRST;
    return Math.max(1, Math.min(DEPTH_MAX, Math.floor(ROW_US / us)));
  }

  get kind(): string {
    return this.facts.kind;
  }

  get state(): SessionState {
    return this.facts.state;
  }

  get open(): (() => Promise<PooledConnection>) | undefined {
    return this.pool.openers.get(this.kind);
  }

  /** Takes a statement: it goes out now or, first come first served, when there is room. */
  take(rider: LaneRider): void {
    const lane = this.#last = this.#begun() ?? this.#roomiest();
    if (lane !== undefined && this.#waiting.length === 0 && lane.load < this.depth) {
      rider.board(lane);
      return;
    }
    rider.waitingSince = this.pool.now();
    this.#waiting.push(rider);
    if (lane === undefined) this.#ask();
  }

  /** Waits in the pool's queue, among those that want a connection of their own. */
  #ask(): void {
    const [first] = this.#waiting;
    if (this.#asks || first === undefined) return;
    this.#asks = true;
    this.pool.lease(this, first.waitingSince);
  }

  /** The pool lends a connection: a lane, or what the first statement uses alone. */
  granted(pooled: PooledConnection): void {
    this.#asks = false;
    const { state, mariadb } = this.facts;
    const isClean = pooled.residue === Residue.NONE && isSameState(pooled.state, state) &&
      !(mariadb && pooled.hasConditions) && pooled.connection.stream.sequence === undefined;
    if (isClean) this.onRoom(this.#addLane(pooled));
    else {
      const rider = this.#nextWaiting();
      if (rider === undefined) this.pool.release(pooled);
      else rider.goAloneOn(pooled);
      this.seat();
    }
  }

  /** There is none to be had: each of them learns it by itself. */
  refused(_error: SqlError, _forEver: boolean): void {
    this.#asks = false;
    for (const rider of this.#waiting.splice(0)) if (!rider.isAbandoned) rider.goAlone();
  }

  onConnectionLost(): void {}

  #nextWaiting(): LaneRider | undefined {
    for (;;) {
      const rider = this.#waiting.shift();
      if (rider === undefined || !rider.isAbandoned) return rider;
    }
  }

  /** Where statements take so long that few may stand behind each other, more connections may. */
  get #lanesMax(): number {
    return Math.max(this.#limit.value, Math.ceil(TOGETHER_MIN / this.depth));
  }

  /** The lane that has statements of this turn to send: with few in a turn they go in one write. */
  #begun(): Lane | undefined {
    const lane = this.#last;
    if (lane === undefined || !lane.open || lane.load >= this.depth) return undefined;
    const { unsent } = lane;
    if (unsent === 0 || unsent >= AT_ONCE_MAX) return undefined;
    return unsent < AT_ONCE || this.#areAllBusy() ? lane : undefined;
  }

  /** The server has something to do on each of them, and there may be no more. */
  #areAllBusy(): boolean {
    for (const lane of this.#lanes) if (lane.open && lane.load === 0) return false;
    return this.#lanes.length >= this.#lanesMax;
  }

  /** The lane with the fewest statements; a further one where there may be more. */
  #roomiest(): Lane | undefined {
    let best: Lane | undefined;
    let open = 0;
    for (const lane of this.#lanes) {
      if (!lane.open) continue;
      open++;
      if (best === undefined || lane.load < best.load) best = lane;
    }
    if (best?.load === 0 || open >= this.#lanesMax) return best;
    const { kind, state, mariadb } = this.facts;
    const pooled = this.pool.takeClean(kind, state, mariadb);
    return pooled === undefined ? best : this.#addLane(pooled);
  }

  #addLane(pooled: PooledConnection): Lane {
    const lane = new Lane(pooled, this);
    this.#lanes.push(lane);
    endOfTurn(lane); // it may turn out that nothing is sent
    this.#onLane();
    return lane;
  }

  onRoom(lane: Lane): void {
    if (this.#waiting.length === 0) return;
    const { depth } = this;
    while (lane.open && lane.load < depth) {
      const rider = this.#nextWaiting();
      if (rider === undefined) return;
      rider.board(lane);
    }
  }

  onTurn(answered: number, us: number, now: number): void {
    let busy = 0;
    let load = 0;
    for (const lane of this.#lanes) {
      load += lane.load;
      if (lane.load > 0) busy++;
    }
    this.#service.note(us / Math.max(1, busy));
    const before = this.#limit.value;
    this.#limit.note(answered, now, this.#waiting.length > 0 || load >= CROWDED * busy);
    if (this.#limit.value < before) this.#closeSurplus();
  }

  /** Lanes that there may be no more come to their end; where all wait for room none would be empty. */
  #closeSurplus(): void {
    const open = this.#lanes.filter((lane) => lane.open).sort((a, b) => b.load - a.load);
    for (const lane of open.slice(this.#lanesMax)) lane.open = false;
  }

  onEmpty(lane: Lane): void {
    if (lane.open) this.onRoom(lane);
    if (lane.load > 0) return;
    this.#remove(lane);
    if (lane.spoiled) this.pool.drop(lane.pooled);
    else this.pool.release(lane.pooled);
  }

  onLost(lane: Lane): void {
    this.#remove(lane);
    this.pool.lost(lane.pooled);
  }

  #remove(lane: Lane): void {
    const at = this.#lanes.indexOf(lane);
    if (at >= 0) this.#lanes.splice(at, 1);
    lane.open = false;
    this.seat();
  }

  /** Those that wait ask for a lane, if none is open any more. */
  seat(): void {
    if (this.#waiting.length > 0 && !this.#lanes.some(({ open }) => open)) this.#ask();
  }

  /** Those that have waited since before a time go the ordinary way. */
  dismissOlder(than: number): void {
    const waiting = this.#waiting;
    while (waiting.length > 0 && waiting[0].waitingSince < than) {
      this.#nextWaiting()?.goAlone();
    }
  }
}

/**
 * Sessions that are always in a transaction share nothing; nor those whose settings are not known
 * for certain. With sql_auto_is_null `id IS NULL` asks for the last insert id.
 */
function mayShare({ variables }: SessionState): boolean {
  for (const [name, literal] of variables) {
    // What follows from the schema is the same for all whose schema is: see schemaAfterReset.
    if (literal === UNKNOWN && !SCHEMA_VARIABLES.includes(name)) return false;
  }
  const asksInsertId = variables.get("sql_auto_is_null");
  if (asksInsertId !== undefined && !OFF.has(asksInsertId)) return false;
  return !OFF.has(variables.get("autocommit") ?? "");
}
