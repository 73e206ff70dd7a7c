// A statement on its way over a connection that other sessions use at the same time. Its answer goes
// to the client when all of it has come and it leaves nothing behind; any other answer is given up
// and the statement, which only reads, runs again on a connection of its own: so nobody ever has to
// ask a shared connection what a statement has left there.

import type { Lane, LaneRider, PooledConnection, StatementPace } from "../../backend/mod.ts";
import { EXCLUSIVE, isMariadb } from "../../backend/mod.ts";
import { decodeErr, HEADER_LENGTH, ServerStatus } from "../../wire/mod.ts";
import type { PooledSession } from "../pooled_session.ts";
import { isInterruption } from "../session_errors.ts";
import { HeldAnswer } from "./held_answer.ts";
import { type SessionStatement, setStatementId, withTypes } from "../prepared/session_statement.ts";
import type { LaneSeat } from "./lane_seat.ts";
import type { Answered } from "../observing/statement_times.ts";
import { notePlainAnswer, noteWholeAnswer, writeWholeAnswer } from "./whole_answer.ts";

/** Longer answers are not kept until all of them has come, in bytes. */
const ANSWER_MAX = 256 * 1024;

/** What tells of transactions. */
const TRANSACTION_FLAGS = ServerStatus.IN_TRANS | ServerStatus.AUTOCOMMIT;

const NOTHING: readonly Uint8Array[] = [];

/** One session's statement on a lane; used again for its next one. */
export class PipelinedStatement implements LaneRider {
  pace: StatementPace = EXCLUSIVE;
  waitingSince = 0;
  /** Waits for a lane, or for its answer. */
  active = false;
  /** Who gets the answer; undefined: nobody any more. */
  #session: PooledSession | undefined;
  #statement: SessionStatement | undefined;
  #lane: Lane | undefined;
  #answer: Uint8Array | undefined;
  #more: readonly Uint8Array[] = NOTHING;
  #length = 0;
  #changesState = false;
  /** It is the one that takes too long. */
  #isSlow = false;
  /** The answer is complete, and may not be passed on yet. */
  #isHeld = false;
  #held: HeldAnswer | undefined;

  constructor(session: PooledSession) {
    this.#session = session;
  }

  /** The server of its lane; undefined: it waits for one, or there is no statement. */
  get server(): string | undefined {
    return this.#lane?.connection.facts.server;
  }

  get isAbandoned(): boolean {
    return this.#session === undefined;
  }

  /** Begins with the session's command. @param statement The one that it executes. */
  begin(pace: StatementPace, statement: SessionStatement | undefined): void {
    this.pace = pace;
    this.waitingSince = 0;
    this.#statement = statement;
    this.active = true;
  }

  /**
   * Nobody waits for the answer any more: it is passed over when it comes. The command is as it came,
   * to be sent once more.
   */
  abandon(): void {
    if (this.#session !== undefined) this.#takeBack(this.#session);
    this.#session = undefined;
    this.#answer = undefined;
    this.#more = NOTHING;
  }

  board(lane: Lane): void {
    const session = this.#session!;
    const statement = this.#statement;
    this.#lane = lane;
    session.session.times.granted();
    if (session.seat.flight !== undefined) session.seat.flight.isSent = true;
    if (statement === undefined) lane.send(session.command, this);
    else if (!this.#execute(session, { lane, statement })) return;
    session.context.counters.poolPipelined++;
  }

  /** @returns false where it waits for the lane, or goes alone. */
  #execute(
    session: PooledSession,
    { lane, statement }: { readonly lane: Lane; readonly statement: SessionStatement },
  ): boolean {
    const known = lane.pooled.statement(statement.key);
    if (known === undefined) {
      lane.prepare(statement.key, statement.packet, this);
      return false;
    }
    const { hasQueryAttributes } = session.session;
    const types = known.types;
    const typed = withTypes(session.command, statement, {
      hasAttributes: hasQueryAttributes,
      known: types,
    });
    known.types = typed.types;
    setStatementId(typed.packet, known.id);
    lane.send(typed.packet, this);
    return true;
  }

  /** The command as it came, to be sent once more: the lane's stream may still have what was sent. */
  #takeBack(session: PooledSession): void {
    if (this.#statement === undefined) return;
    session.command = Buffer.from(session.command);
    setStatementId(session.command, this.#statement.id);
  }

  onAnswerBytes(bytes: Uint8Array): void {
    if (this.#session === undefined) return;
    this.#length += bytes.length;
    if (this.#length > ANSWER_MAX) {
      this.#answer = undefined;
      this.#more = NOTHING;
    } else if (this.#answer === undefined) this.#answer = bytes;
    else this.#more = [...this.#more, bytes];
  }

  /** The server says that the session's state has changed: it was no plain read. */
  onOkPacket(packet: Uint8Array): void {
    this.#changesState = true;
    this.onAnswerBytes(packet);
  }

  onAnswerEnd(): void {
    const lane = this.#lane!;
    const { tracker } = lane.connection;
    const isPlain = tracker.errorCode === 0 && tracker.warnings === 0 && !this.#changesState &&
      isOutside(tracker.status) && this.#length <= ANSWER_MAX;
    if (isPlain) this.pace.noteShared();
    else this.#noteOdd(lane);
    lane.noteAnswer(this.pace);
    const session = this.#session;
    if (session !== undefined) {
      if (isPlain && session.route?.guesses === true) this.#hold(session, lane);
      else if (isPlain) this.#give(session, lane.pooled);
      else if (isInterruption(tracker.errorCode)) this.#giveError(session);
      else this.#again(session);
    }
    lane.left();
  }

  /** What the statement has left on the connection is nobody's there. */
  #noteOdd(lane: Lane): void {
    const { errorCode, warnings, status } = lane.connection.tracker;
    this.pace.distrust();
    if (isInterruption(errorCode)) lane.connection.mayBeInterrupted = true;
    if (this.#changesState || !isOutside(status)) lane.spoiled = true;
    if (errorCode !== 0 || warnings > 0) lane.pooled.hasConditions = true;
    // Only on MySQL the next statement takes them away, whatever it is.
    const { session } = this;
    const lasts = lane.pooled.hasConditions &&
      (session === undefined || isMariadb(session.server.identity!));
    if (lane.spoiled || lane.connection.mayBeInterrupted || lasts) lane.open = false;
  }

  get session(): PooledSession | undefined {
    return this.#session;
  }

  #give(session: PooledSession, pooled: PooledConnection): void {
    notePlainAnswer(session, pooled.connection.tracker);
    if (session.seat.flight !== undefined) this.#landFlight(session.seat, pooled);
    this.#deliver(session, pooled.connection);
  }

  /** It may turn out that the answer is too old. */
  #hold(session: PooledSession, { connection }: Lane): void {
    this.#isHeld = true;
    this.#lane = undefined;
    const held = this.#held ??= new HeldAnswer();
    held.take(connection);
    session.route!.noteHeld();
  }

  /** It is not: the answer that is held is passed on. */
  pass(): void {
    const session = this.#session;
    if (!this.#isHeld || session === undefined) return;
    notePlainAnswer(session, this.#held!);
    this.#deliver(session, this.#held!);
  }

  /** It was interrupted, by whomever: that is not to be undone. */
  #giveError(session: PooledSession): void {
    const packet = Buffer.concat([this.#answer!, ...this.#more]);
    session.noteError(decodeErr(packet.subarray(HEADER_LENGTH)));
    this.#deliver(session, this.#lane!.connection);
  }

  #deliver(session: PooledSession, answered: Answered): void {
    noteWholeAnswer(session, answered);
    const answer = this.#answer;
    const more = this.#more;
    this.#end(session);
    writeWholeAnswer(session, answer, more);
  }

  /** Those that wait for the same have it too. */
  #landFlight(seat: LaneSeat, pooled: PooledConnection): void {
    const { flight } = seat;
    if (this.#answer !== undefined) flight!.add(this.#answer);
    for (const bytes of this.#more) flight!.add(bytes);
    seat.land(pooled, true);
  }

  #end(session: PooledSession): void {
    if (session.seat.seeksOther) {
      session.seat.seeksOther = false;
      session.pool.cancel(session);
    }
    this.active = false;
    this.#lane = undefined;
    this.#answer = undefined;
    this.#more = NOTHING;
    this.#length = 0;
    this.#changesState = this.#isSlow = this.#isHeld = false;
  }

  /** Runs it anew, on a connection of its own. */
  #again(session: PooledSession): void {
    session.context.counters.poolPipelinedAgain++;
    if (this.#leavesGuess()) return;
    const isWaiting = session.seat.seeksOther; // for another connection already
    this.abandon();
    session.seat.leave();
    session.seat.failFlight();
    if (!isWaiting) session.runAlone();
  }

  /** What runs on a guess runs here or nowhere: it waits for its position as others do. */
  #leavesGuess(failed = false): boolean {
    const session = this.#session!;
    if (session.route?.guesses !== true) return false;
    session.seat.leave();
    session.route.leaveGuess(failed);
    return true;
  }

  goAlone(): void {
    if (this.#leavesGuess()) return;
    const session = this.#session!;
    this.#takeBack(session);
    this.#end(session);
    session.seat.since = this.waitingSince || undefined;
    session.runAlone();
  }

  goAloneOn(connection: PooledConnection): void {
    const session = this.#session!;
    if (this.#leavesGuess()) {
      session.pool.release(connection);
      return;
    }
    this.#end(session);
    session.seat.alone = true;
    session.granted(connection);
  }

  onStuck(isHead: boolean): void {
    if (isHead) {
      this.#isSlow = true;
      this.pace.noteSlow();
    } else if (this.#session !== undefined && !this.#session.seat.seeksOther) {
      if (this.#leavesGuess()) return;
      this.#takeBack(this.#session);
      this.#session.seat.seekOther();
    }
  }

  onServerLost(reason: string): void {
    const session = this.#session;
    if (session === undefined) return;
    if (this.#leavesGuess(true)) return;
    // Nothing of an answer has been passed on, and it only reads.
    if (!this.#isSlow) {
      session.route?.giveUp(true);
      this.#again(session);
      return;
    }
    const { server } = this;
    this.#end(session);
    session.lostOnLane(server!, reason);
  }
}

/** In no transaction: a server may begin its sessions without autocommit. */
export function isOutside(status: number): boolean {
  return (status & TRANSACTION_FLAGS) === ServerStatus.AUTOCOMMIT;
}
