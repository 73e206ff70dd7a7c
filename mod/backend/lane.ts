// A connection on which statements of several sessions are under way at the same time, one behind
// the other. What is sent in one turn of the event loop goes out in one write, and later where the
// server has enough to do until then.

import { Expect } from "../wire/mod.ts";
import { endOfTurn, type TurnEnd } from "./lane_turn.ts";
import type { AnswerSink } from "./outstanding.ts";
import type { PooledConnection, ServerStatement } from "./pooled_connection.ts";
import type { ConnectionHolder, ServerConnection } from "./server_connection.ts";
import { UNKNOWN } from "./session_state.ts";
import type { StatementPace } from "./statement_pace.ts";

/** What is sent in a turn is gathered up to this, in bytes. */
const GATHER_BYTES = 16 * 1024;
/** With so few statements the server may soon have nothing to do. */
const SOON_IDLE = 2;
/** An answer that has taken so long was not that of a quick statement, in milliseconds. */
const SLOW_MS = 20;
/** Unless the proxy itself has been as slow: so many of its turns. */
const SLOW_TURNS = 4;

/** Rooms of lanes that are none any more: with few statements lanes come and go with each turn. */
const rooms: Buffer[] = [];
const ROOMS_MAX = 64;

/** What waits for an answer on a lane. */
export interface LaneSink extends AnswerSink {
  /** The statement at the head takes too long. @param isHead It is this one. */
  onStuck(isHead: boolean): void;
}

/** A statement on its way over a lane. */
export interface LaneRider extends LaneSink {
  readonly pace: StatementPace;
  /** When it began to wait for a lane, by the pool's clock; 0: it has not. Set by the group. */
  waitingSince: number;
  /** Nobody waits for its answer any more. */
  readonly isAbandoned: boolean;
  /** There is room: it sends itself. */
  board(lane: Lane): void;
  /** It has not been sent, and there is no lane for it any more: it waits for any connection. */
  goAlone(): void;
  /** The same, and here is one, which is its alone. */
  goAloneOn(connection: PooledConnection): void;
}

/** Whom a lane belongs to. */
interface LaneKeeper {
  /** A statement has been answered: there is room for another one. */
  onRoom(lane: Lane): void;
  /** So many were answered in the turn, each in so many microseconds. */
  onTurn(answered: number, us: number, now: number): void;
  /** Nothing is under way on it any more. */
  onEmpty(lane: Lane): void;
  /** Its connection is gone. */
  onLost(lane: Lane): void;
}

/** A shared connection, as long as it is one. */
export class Lane implements ConnectionHolder, TurnEnd {
  readonly pooled: PooledConnection;
  readonly connection: ServerConnection;
  /** Statements may be added. */
  open = true;
  /** Something has happened on it that nobody knows: no session may have it any more. */
  spoiled = false;
  /** Since when what is at the head is waited for, by `performance.now()`. */
  since = 0;
  /** It was found waiting since then when it was looked at last. */
  seenSince = -1;
  isDue = false;
  readonly #keeper: LaneKeeper;
  #answered = 0;
  #first: StatementPace | undefined;
  #gathered: Buffer | undefined;
  #length = 0;
  #unsent = 0;
  #preparing: Map<string, LanePreparation> | undefined;

  /** Takes a connection over that holds nothing of anybody. */
  constructor(pooled: PooledConnection, keeper: LaneKeeper) {
    this.pooled = pooled;
    this.connection = pooled.connection;
    this.#keeper = keeper;
    pooled.owner = undefined;
    pooled.foundRows = UNKNOWN;
    pooled.touch();
    this.connection.holder = this;
  }

  get answered(): number {
    return this.#answered;
  }

  /** Statements under way on it. */
  get load(): number {
    return this.connection.outstanding;
  }

  /** Statements among those under way that are gathered and not yet sent. */
  get unsent(): number {
    return this.#unsent;
  }

  /** Sends a statement behind those that are under way. The bytes are copied or written at once. */
  send(packet: Uint8Array, sink: LaneSink): void {
    this.#send(packet, Expect.RESULT, sink);
  }

  #send(packet: Uint8Array, expect: number, sink: LaneSink): void {
    const { connection } = this;
    if (connection.outstanding === 0 && this.#answered === 0) this.since = performance.now();
    connection.expect(expect, sink);
    this.#gather(packet);
  }

  /** Until the turn ends: a server that got the first one by itself would be woken twice. */
  #gather(packet: Uint8Array): void {
    const { length } = packet;
    if (length > GATHER_BYTES - this.#length) this.flush();
    if (length > GATHER_BYTES) {
      this.connection.stream.write(packet);
      return;
    }
    const gathered = this.#gathered ??= rooms.pop() ?? Buffer.allocUnsafeSlow(GATHER_BYTES);
    gathered.set(packet, this.#length);
    this.#length += length;
    this.#unsent++;
    if (!this.isDue) endOfTurn(this);
  }

  /**
   * The server has more to do than what is gathered: with its answers comes the time to write. So a
   * lane is filled up in halves, and the server never waits.
   */
  get #canWait(): boolean {
    return this.load - this.#unsent > Math.max(SOON_IDLE, this.#unsent);
  }

  /** Writes what was gathered. */
  flush(): void {
    if (this.#length === 0) return;
    const { stream } = this.connection;
    stream.write(this.#gathered!.subarray(0, this.#length));
    this.#length = this.#unsent = 0;
    if (stream.pending > 0) this.#gathered = undefined; // the stream keeps what was not taken
  }

  /** Nothing is gathered; if something is again there will be another one. */
  #giveRoomBack(): void {
    if (this.#gathered !== undefined && rooms.length < ROOMS_MAX) rooms.push(this.#gathered);
    this.#gathered = undefined;
  }

  /** Prepares a statement for whoever waits for it. @param packet COM_STMT_PREPARE. */
  prepare(key: string, packet: Uint8Array, rider: LaneRider): void {
    const preparing = this.#preparing ??= new Map();
    const begun = preparing.get(key);
    if (begun !== undefined) {
      begun.riders.push(rider);
      return;
    }
    const preparation = new LanePreparation(this, key, rider);
    preparing.set(key, preparation);
    this.#send(packet, Expect.PREPARE, preparation);
  }

  /** The server has a statement now; undefined: it has refused it. */
  prepared(key: string, statement: ServerStatement | undefined): void {
    this.#preparing!.delete(key);
    if (statement === undefined) return;
    this.flush(); // what is executed in there may have to make room
    this.pooled.keepStatement(key, statement);
  }

  /** A statement has been answered; the next thing is to make use of its place. Hot path. */
  noteAnswer(pace: StatementPace): void {
    if (this.#answered++ === 0) this.#first = pace;
    if (!this.isDue) endOfTurn(this);
  }

  /** What was to be done behind an answer is done. Hot path. */
  left(): void {
    this.#keeper.onRoom(this);
  }

  /** The event loop's turn is over. */
  onTurnEnd(now: number, turnMs: number): number {
    if (!this.#canWait) this.flush();
    if (this.#answered > 0) {
      const elapsed = now - this.since;
      if (elapsed > SLOW_MS && elapsed > SLOW_TURNS * turnMs) this.#first!.noteSlow();
      this.#keeper.onTurn(this.#answered, elapsed * 1000 / this.#answered, now);
      this.#answered = 0;
      this.since = now;
    }
    if (this.load === 0 && !this.connection.closed) {
      this.#keeper.onEmpty(this);
      if (this.load === 0) this.#giveRoomBack();
    }
    return this.load - this.#unsent;
  }

  onUnasked(): void {
    this.open = false; // the server is about to close it
  }

  onServerDrained(): void {}

  onServerClosed(): void {
    this.open = false;
    this.#keeper.onLost(this);
  }
}

/** The answer to a lane's own COM_STMT_PREPARE, and the executions that wait for it. */
class LanePreparation implements LaneSink {
  readonly riders: LaneRider[];
  readonly #lane: Lane;
  readonly #key: string;

  constructor(lane: Lane, key: string, rider: LaneRider) {
    this.#lane = lane;
    this.#key = key;
    this.riders = [rider];
  }

  onAnswerBytes(): void {}

  onOkPacket(): void {}

  onAnswerEnd(): void {
    const { errorCode, statementId, warnings } = this.#lane.connection.tracker;
    const hasIt = errorCode === 0;
    if (!hasIt || warnings > 0) this.#lane.pooled.hasConditions = true;
    const made = hasIt ? { id: statementId, types: undefined, history: "" } : undefined;
    this.#lane.prepared(this.#key, made);
    for (const rider of this.riders) {
      if (rider.isAbandoned) continue;
      if (hasIt) rider.board(this.#lane);
      else rider.goAlone();
    }
    endOfTurn(this.#lane);
    this.#lane.left();
  }

  onServerLost(): void {
    this.#dismiss();
  }

  onStuck(): void {
    this.#dismiss();
  }

  #dismiss(): void {
    const riders = this.riders.splice(0);
    for (const rider of riders) if (!rider.isAbandoned) rider.goAlone();
  }
}
