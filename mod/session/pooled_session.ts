// A session that holds a server connection only while it needs one: for a statement, a transaction,
// or as long as something of it cannot be carried over to another connection.
//
// A command comes (`run`), a connection is leased (`granted`), made ready if another session was on
// it (`Preparation`), the command goes out, and when its answer has ended what it left is noted.

import type { PooledConnection, SessionState } from "../backend/mod.ts";
import { isToldGtids, pingConnection } from "../backend/mod.ts";
import { Effect } from "../sql/mod.ts";
import {
  Command,
  encodeErr,
  Expect,
  expectedAnswer,
  HEADER_LENGTH,
  type SqlError,
} from "../wire/mod.ts";
import type { ClientSession } from "./client_session.ts";
import { commandEffects } from "./command/command_effects.ts";
import { CommandRetry } from "./failover/command_retry.ts";
import { asServerError, isInterruption, UNKNOWN_COMMAND } from "./session_errors.ts";
import { noteAnswer, noteStatement } from "./settlement.ts";
import { owesAtOnce } from "./state/told_state.ts";
import { showConditions } from "./diagnostics/diagnostics.ts";
import { disturbsItself, needsOf, NO_NEEDS } from "./state/needs.ts";
import { CHANGES_LOGINS, noteLoginChanges } from "./login/login_changes.ts";
import { dropAnswer, leaveBehind, leaveForGood, leaveTransaction } from "./pooled_leaving.ts";
import type { SessionBeginning } from "./login/pool_opener.ts";
import { followsAtOnce } from "./state/follows_at_once.ts";
import { answersItself } from "./stages/local_answers.ts";
import { lacksTypesOfLast } from "./prepared/last_prepared.ts";
import { LaneSeat } from "./lanes/lane_seat.ts";
import { Preparation, readOwn } from "./state/preparation.ts";
import { PreparedStatements } from "./prepared/prepared_statements.ts";
import { refresh } from "./state/refresh.ts";
import { NO_COMMAND, RetryingSession } from "./failover/retrying_session.ts";
import { answerAboutRoutes } from "./routing/route_answers.ts";
import type { RoutedFacts } from "./routing/routing.ts";
import { sendCommand } from "./command/send_command.ts";
import type { Progress } from "./failover/loss.ts";
import { type HeldCommand, heldCommand } from "./failover/replay.ts";
import { type Interruption, loseServer } from "./failover/server_loss.ts";
import { SessionRoute } from "./routing/session_route.ts";
import { noteOwnAnswer } from "./lanes/whole_answer.ts";

/** The pooled part of a client session. */
export class PooledSession extends RetryingSession {
  readonly statements: PreparedStatements;
  /** What it has begun with. */
  loginState = this.state;
  /** What routing goes by; undefined where nothing is known, or nothing is routed. */
  facts: RoutedFacts | undefined;
  readonly route: SessionRoute | undefined;
  readonly seat: LaneSeat = new LaneSeat(this);
  #pooled: PooledConnection | undefined;
  /** A connection is being given the session's state, and the command is on its way behind that. */
  #preparing = false;
  #isAhead = false;
  /** The connection was leased for the command under way. */
  #isPlaced = false;
  /** ROW_COUNT() in it is replaced by the session's. */
  #givesRowCount = false;
  #isAnswered = false; // its client has the answer: what is asked yet is the proxy's own
  /** It goes out in pieces, and has not begun to; or has, and is not here to be sent again. */
  #isLong = false;
  /** What was set before the statement that has gone out, and what the connection held. */
  #before: SessionState | undefined;
  #unread = 0;
  #inPieces = false;

  constructor(session: ClientSession, options: SessionBeginning) {
    super(session, options);
    const { routing } = this.context;
    if (routing?.isOn && isToldGtids(options.kind)) this.route = new SessionRoute(this, routing);
    this.statements = new PreparedStatements(this);
    if (options.pooled) options.pooled.owner = this;
    if (!this.open) this.pool.census.noteSchema(this, this.state.schema);
  }

  get pooled(): PooledConnection | undefined {
    return this.#pooled;
  }

  get preparing(): boolean {
    return this.#preparing;
  }

  /** Takes a whole command, header included. */
  run(packet: Buffer): void {
    const command = packet.length > HEADER_LENGTH ? packet[HEADER_LENGTH] : Command.SLEEP;
    this.context.counters.commands++;
    switch (command) {
      case Command.QUIT:
        this.session.quit();
        return;
      case Command.STMT_CLOSE:
        this.statements.close(packet);
        return;
      case Command.STMT_SEND_LONG_DATA:
        // It has no answer: that something was lost is told to the command behind it.
        if (this.lost.reason !== undefined || this.statements.keepLongData(packet)) return;
        break;
    }
    if (expectedAnswer(command) === Expect.UNKNOWN) {
      this.#answerItself(encodeErr(UNKNOWN_COMMAND));
    } else if (this.lost.reason !== undefined) {
      this.#answerItself(this.lost.tell(this.session));
    } else this.#start(packet, false);
  }

  /** A command of 16 MiB and more can go out in the pieces that come: its start says enough. */
  takesInPieces(start: Buffer): boolean {
    return start[HEADER_LENGTH] === Command.QUERY ||
      (this.lost.reason === undefined && this.statements.takeInPieces(start));
  }

  /** Takes the start of a command of 16 MiB and more. */
  runLong(start: Buffer): void {
    if (this.lost.reason === undefined) this.#start(start, true);
    else this.session.passOver(start, this.lost.tell(this.session));
  }

  #start(packet: Buffer, isLong: boolean): void {
    const command = packet.length > HEADER_LENGTH ? packet[HEADER_LENGTH] : Command.SLEEP;
    this.busy = true;
    this.session.times.start(this.session);
    this.command = packet;
    this.#isLong = isLong;
    this.statement = this.statements.of(command, packet);
    this.seat.alone = lacksTypesOfLast(this);
    this.facts = undefined;
    this.textEffects = commandEffects(this, packet, isLong);
    if (command === Command.RESET_CONNECTION) this.owed = undefined; // its own server forgets it
    if (command === Command.STMT_PREPARE) this.facts = undefined;
    this.effects = command === Command.STMT_PREPARE ? 0 : this.textEffects;
    if (this.facts !== undefined && answerAboutRoutes(this, this.facts)) return;
    if (this.replay !== undefined) {
      this.replay.hold(heldCommand(this, this.#isLong));
      return;
    }
    const pooled = this.#pooled;
    if (pooled === undefined) answersItself(this) || this.placeAgain();
    else if (this.route?.leavesReplica !== true) this.#begin(pooled);
    else {
      this.#detach();
      leaveTransaction(pooled, this);
      this.placeAgain();
    }
  }

  protected makeRetry(): CommandRetry {
    return new CommandRetry(this);
  }

  protected use(pooled: PooledConnection): void {
    this.#pooled = pooled;
    this.session.times.granted();
    this.#isPlaced = true;
    this.noteGranted();
    this.session.server = pooled.connection;
    pooled.connection.holder = this.session;
    this.#begin(pooled);
  }

  refuse(error: SqlError, forEver = false): void {
    this.seat.leave();
    if (this.replay !== undefined) {
      this.replay.fail(error.message);
      return;
    }
    const told = this.session.takesClientErrors ? error : asServerError(error);
    if (forEver) {
      if (!this.#isLong) this.session.answerError(told, this.session.answerSequence);
      this.session.endLost();
    } else if (this.command[HEADER_LENGTH] === Command.STMT_SEND_LONG_DATA) {
      this.lost.reason = error.message;
      this.#finish();
    } else this.#answerItself(encodeErr(told));
  }

  /** Answers the command with an error; one that goes out in pieces has not begun to. */
  #answerItself(error: Uint8Array): void {
    if (this.#isLong) this.session.passOver(this.command, error);
    else {
      this.session.answerPayload(error, this.session.answerSequence);
      this.#finish();
    }
  }

  #begin(pooled: PooledConnection): void {
    this.#preparing = false;
    const { sendsMore } = this;
    if (sendsMore) pooled.touch();
    const isForeign = pooled.owner !== this || pooled.touched;
    this.#givesRowCount = (pooled.owner !== this || pooled.rowCountGone) &&
      (this.effects & Effect.ASKS_ROW_COUNT) !== 0;
    if (this.statement && this.#givesRowCount) {
      this.statement = this.statements.withRowCount(this.statement, pooled, this.rowCount);
    }
    const answer = isForeign && !this.#isLong ? showConditions(this) : undefined;
    if (answer) {
      for (const packet of answer) this.session.onAnswerBytes(packet);
      this.noteShown();
      this.#finish();
      return;
    }
    const needs = needsOf(this, pooled, isForeign);
    if (disturbsItself(this, pooled, needs)) {
      this.#preparing = true;
      readOwn(this, pooled, () => this.session.closed ? this.prepared() : this.#begin(pooled));
    } else if (needs === undefined && !sendsMore) this.prepared();
    else {
      this.#preparing = true;
      this.#isAhead = !this.#isLong && followsAtOnce(this, needs ?? NO_NEEDS);
      const go = this.#isAhead ? () => this.#go(pooled) : undefined;
      new Preparation(this, pooled, this.context.counters).take(this, needs ?? NO_NEEDS, go);
    }
  }

  /** The replica did not get as far as the read must see: it goes to the primary. */
  late(): void {
    const pooled = this.#pooled!;
    this.#leave(pooled);
    this.route!.giveUp(false);
    if (!this.session.closed) this.place();
  }

  /** Leaves a connection on which the command may be on its way already: nobody gets its answer. */
  #leave(pooled: PooledConnection): void {
    const { pool } = this;
    const isAhead = this.#isAhead;
    this.leaveConnection();
    pooled.owner = undefined;
    if (isAhead) dropAnswer(pooled, pool);
    else pool.release(pooled);
  }

  /** The connection is in the session's state: the command may go out. */
  prepared(): void {
    const pooled = this.#pooled!;
    if (this.#preparing && !this.#isAhead) this.session.times.restored();
    this.#preparing = false;
    this.noteRestored();
    if (this.session.closed) {
      this.#detach();
      leaveBehind(pooled, this, !this.#isAhead);
    } else if (!this.#isAhead) this.#go(pooled);
  }

  #go(pooled: PooledConnection): void {
    if (pooled.owner !== this) {
      pooled.owner = this;
      pooled.touch();
    }
    this.noteUsed(pooled);
    this.#before = this.state;
    this.#unread = pooled.residue;
    noteStatement(this, pooled);
    // Alone: an answer in between would disturb the numbers of compressed packets.
    if (this.#isLong && pooled.connection.outstanding > 0) {
      void pingConnection(pooled.connection).then(() => this.#send(pooled));
    } else this.#send(pooled);
  }

  #send(pooled: PooledConnection): void {
    if (this.#pooled !== pooled || !this.busy) return;
    pooled.connection.tracker.stopAtOk = this.session.digest !== undefined ||
      owesAtOnce(this, pooled);
    const isLong = this.#isLong;
    this.#isLong = false;
    this.#inPieces = isLong;
    if (!sendCommand(this, pooled, { isLong, givesRowCount: this.#givesRowCount })) this.#finish();
  }

  /** The connection could not be given the session's state: the client gets the server's error. */
  notPrepared(error: Uint8Array, spoiled: boolean): void {
    const pooled = this.#pooled!;
    this.#preparing = false;
    if (spoiled || this.session.closed) {
      this.#detach();
      if (this.#isAhead) leaveBehind(pooled, this, false);
      else this.pool.drop(pooled);
    }
    if (this.session.closed) return;
    if (this.replay !== undefined) {
      this.replay.fail("its session could not be restored");
      return;
    }
    // Something of it is not on the replica yet.
    if (this.isGuest && this.route !== undefined && this.#isPlaced) {
      if (this.#pooled) this.#leave(pooled);
      this.route.giveUp(true);
      this.place();
      return;
    }
    this.noteFailed(error);
    this.refuseWith(error);
  }

  /** Called when nothing is outstanding on the connection any more. */
  answered(): void {
    const pooled = this.#pooled;
    if (!pooled || !this.busy) return;
    if (this.retry?.held !== undefined) {
      this.#takeBack(pooled, this.retry);
      return;
    }
    const { tracker } = pooled.connection;
    if (this.replay === undefined) {
      noteOwnAnswer(this, pooled);
      this.record?.noteAnswer(pooled);
    } else if (!this.replay.isSame(tracker)) return;
    this.#isAnswered = true;
    this.route?.noteAnswer(tracker);
    if (this.effects & CHANGES_LOGINS) noteLoginChanges(this);
    if (isInterruption(tracker.errorCode)) pooled.connection.mayBeInterrupted = true;
    this.statements.noteCursor(this.statement, this.command, tracker.status);
    const command = this.command[HEADER_LENGTH];
    if (command === Command.RESET_CONNECTION && tracker.errorCode === 0) {
      void refresh(this, pooled, true).then(() => this.answeredLocally());
    } else if (!noteAnswer(this, pooled)) this.#finish();
  }

  /** The server has refused to run the command, and its client does not know. */
  #takeBack(pooled: PooledConnection, retry: CommandRetry): void {
    this.state = this.#before ?? this.state;
    this.record?.noteUnanswered();
    this.route?.end();
    this.leaveConnection();
    retry.leave(pooled);
  }

  /** The command got an answer of the proxy's own. */
  answeredLocally(): void {
    if (!this.session.closed) this.#finish();
  }

  afterwardsDone(): void {
    this.#finish();
  }

  /** What held the connection may have ended while no command was under way. */
  freeIfIdle(): void {
    if (!this.busy) this.#finish();
  }

  /** The command is dealt with: the connection is free unless something holds it. */
  #finish(): void {
    if (this.replay?.isRunning) {
      this.replay.next();
      return;
    }
    const pooled = this.#pooled;
    this.idle();
    if (
      pooled && !this.pinned && !this.inTransaction && this.session.mayDetach &&
      pooled.connection.outstanding === 0
    ) {
      this.#detach();
      this.giveBack(pooled);
    }
    this.session.release();
  }

  /** No command is under way any more. */
  idle(): void {
    this.busy = this.#isAnswered = false;
    this.seat.reset();
    this.#isPlaced = this.#isAhead = this.#isLong = false;
    this.session.answerSequence = 1;
    this.command = NO_COMMAND;
    this.#before = undefined;
    this.statement = undefined;
    this.effects = 0;
    this.route?.end();
    this.retry?.end();
  }

  #detach(): void {
    // Its answers are complete, whether the client has taken them or not: it reads the next one's.
    this.#pooled?.connection.stream.resume();
    this.#pooled = undefined;
    this.session.server = undefined;
  }

  /** How far the command under way has got on its connection. */
  progress({ connection: { tracker } }: PooledConnection): Progress {
    const wasSent = this.#isAhead || this.#before !== undefined;
    const hasForwarded = wasSent && !this.#preparing && (tracker.sequence > 0 || this.#inPieces);
    return { wasSent, hasForwarded };
  }

  /** The server connection has ended while the session held it. */
  onServerLost(reason: string): void {
    const pooled = this.#pooled;
    // Told for each request: it may have gone on elsewhere after the first one.
    if (pooled?.connection.closed) loseServer(this, pooled, reason);
  }

  /** How far the command under way was when its server was lost; what it has set is taken back. */
  interrupt(pooled: PooledConnection): Interruption {
    const wasAnswered = this.#isAnswered;
    if (wasAnswered) this.idle();
    if (this.#before) this.state = this.#before;
    return {
      ...this.progress(pooled),
      wasAnswered,
      isLong: this.#isLong,
      // A statement that has had no answer has changed nothing; what others have is to be read yet.
      unread: this.#before ? this.#unread : pooled.residue,
    };
  }

  /** Takes a command in place of the one under way: see replay.ts. */
  takeUp(given: Pick<HeldCommand, "command" | "statement" | "isLong" | "sequence">): void {
    this.idle();
    this.busy = true;
    this.command = given.command;
    this.statement = given.statement;
    this.#isLong = given.isLong;
    this.session.answerSequence = given.sequence;
  }

  /** Runs it on the connection that the session has; without one it has to be placed. */
  goOn(): void {
    if (this.#pooled) this.#begin(this.#pooled);
  }

  /** Gives up the connection that the session has: nothing of the command is under way any more. */
  leaveConnection(): PooledConnection | undefined {
    const pooled = this.#pooled;
    this.#preparing = this.#isAhead = false;
    this.#before = undefined;
    if (pooled) this.#detach();
    return pooled;
  }

  /** It is answered with an error. @param error The payload of an ERR packet. */
  refuseWith(error: Uint8Array): void {
    // Without an answer: the one behind it is told.
    if (this.command[HEADER_LENGTH] === Command.STMT_SEND_LONG_DATA) this.#finish();
    else this.#answerItself(error);
  }

  /** The client has gone. @param wasIdle No command was under way. */
  leave(wasIdle: boolean): void {
    leaveForGood(this, wasIdle);
  }
}
