// Runs a transaction again whose server was lost, in front of the command that its client sends next
// or had under way. Each answer must be the one that the client has got; then the command runs as if
// nothing had been, otherwise the transaction is rolled back and its client told that it is lost.

import { UNKNOWN } from "../../backend/mod.ts";
import { Effect } from "../../sql/mod.ts";
import { type AnswerFacts, Command, frame, HEADER_LENGTH } from "../../wire/mod.ts";
import { AnswerDigest } from "./answer_digest.ts";
import { commandEffects } from "../command/command_effects.ts";
import { type CommitMark, findMarkStatement } from "./commit_marks.ts";
import type { Waiting } from "./failover_gate.ts";
import { forgetVariables, type Loss, withLost } from "./loss.ts";
import { rollBack } from "../pooled_leaving.ts";
import type { PooledSession } from "../pooled_session.ts";
import type { RoutedFacts } from "../routing/routing.ts";
import type { SessionStatement } from "../prepared/session_statement.ts";
import { type SessionValues, valuesOf } from "../state/session_values.ts";
import type { RecordedStatement, RecordedTransaction } from "./transaction_record.ts";

/** The client's command, which waits until its transaction is where it was. */
export interface HeldCommand {
  readonly command: Buffer;
  readonly statement: SessionStatement | undefined;
  readonly effects: number;
  readonly textEffects: number;
  readonly facts: RoutedFacts | undefined;
  /** It goes out in pieces, and has not begun to. */
  readonly isLong: boolean;
  /** The sequence id of its answer's first packet. */
  readonly sequence: number;
}

/** The command under way. @param isLong As in `HeldCommand`. */
export function heldCommand(session: PooledSession, isLong: boolean): HeldCommand {
  const { command, statement, effects, textEffects, facts } = session;
  const sequence = session.session.answerSequence;
  return { command, statement, effects, textEffects, facts, isLong, sequence };
}

/** No statement runs. */
const NONE = -1;
/** The COMMIT is being looked for. */
const ASKING = -2;

/** Attempts at one transaction: servers may go under it, and others' locks be in its way. */
const ATTEMPTS_MAX = 5;

/** Errors that say nothing of the transaction: locks of others. */
const LOCKED = new Set([1205, 1213]);
/** And those of servers that take no writes, which may go on for as long as a statement waits. */
const REFUSED = new Set([1053, 1290, 1836, 3100]);

/** One transaction of one session. */
export class Replay implements Waiting {
  /** The server is known to be gone, or to be there; undefined: it is being found out. */
  #isGone: boolean | undefined;
  readonly #session: PooledSession;
  readonly #transaction: RecordedTransaction;
  readonly #reason: string;
  #loss: Loss;
  /** By which its COMMIT can be found; undefined: none was under way, or it is known not to be done. */
  #mark: CommitMark | undefined;
  /** Settings and user variables that were set in it, with values that only its server knew. */
  readonly #unknown: readonly string[];
  readonly #atLoss: SessionValues;
  readonly #types: readonly Pick<SessionStatement, "types" | "history">[];
  readonly #digest = new AnswerDigest();
  #held: HeldCommand | undefined;
  /** Statements whose number for a new row was another one when they were run again. */
  readonly #numbered = new Set<RecordedStatement>();
  /** The statement that runs; or `NONE`, or `ASKING`. */
  #at = NONE;
  #attempts = 0;
  /** Of these, that no server's refusal has ended. */
  #failures = 0;
  #sinceMs = 0;

  constructor(session: PooledSession, { transaction, reason, loss, unknown, mark }: {
    readonly transaction: RecordedTransaction;
    /** Why its server is lost. */
    readonly reason: string;
    readonly loss: Loss;
    readonly unknown: readonly string[];
    /** The COMMIT was under way, and can be found by it. */
    readonly mark?: CommitMark | undefined;
  }) {
    this.#session = session;
    this.#transaction = transaction;
    this.#reason = reason;
    this.#loss = loss;
    this.#unknown = unknown;
    this.#mark = mark;
    this.#atLoss = valuesOf(session);
    this.#types = transaction.statements.map(({ statement }) => ({
      types: statement?.types,
      history: statement?.history,
    }));
    this.#digest.isMuted = true;
  }

  /** Statements of the transaction are being run. */
  get isRunning(): boolean {
    return this.#at !== NONE;
  }

  /**
   * Finds out whether the server is gone: a connection may have been killed on purpose, and whoever
   * did that does not want to see its transaction again.
   */
  doubt(server: string): void {
    const { context } = this.#session;
    if (context.cluster === undefined) this.settle(false); // nobody would find out
    else context.gate.doubt(this, server);
  }

  settle(isGone: boolean): void {
    this.#isGone = isGone;
    if (this.#held !== undefined) this.#decide();
  }

  /** The client's next command, or the one that was under way. */
  hold(held: HeldCommand): void {
    this.#held = held;
    this.#sinceMs = performance.now();
    if (this.#isGone !== undefined) this.#decide();
  }

  #decide(): void {
    if (this.#isGone) this.#begin(this.#reason);
    else this.fail();
  }

  #begin(reason: string): void {
    const session = this.#session;
    Object.assign(session, this.#transaction.before);
    if (this.#mark === undefined) this.#run(0);
    else this.#ask(this.#mark);
    const { retries } = session;
    retries.attempts = this.#attempts;
    retries.sinceMs = this.#sinceMs;
    retries.again(reason);
  }

  /** Looks for the COMMIT. */
  #ask(mark: CommitMark): void {
    const session = this.#session;
    this.#at = ASKING;
    this.#digest.clear();
    session.session.digest = this.#digest;
    const attributes = session.session.hasQueryAttributes ? [0, 1] : [];
    const text = findMarkStatement(session.context.config.failover.commitMarks, mark);
    const payload = [...[Command.QUERY, ...attributes], ...Buffer.from(text)];
    const command = Buffer.from(frame(Uint8Array.from(payload), 0));
    session.takeUp({ command, statement: undefined, isLong: false, sequence: 1 });
    session.textEffects = session.effects = Effect.READS;
    session.facts = undefined;
    session.seat.alone = true;
    session.goOn();
  }

  /** The answer to that. */
  #told({ errorCode, rows }: AnswerFacts): void {
    const session = this.#session;
    if (errorCode !== 0) {
      if (REFUSED.has(errorCode)) this.#retry(`error ${errorCode}`);
      else this.fail(`error ${errorCode}`);
    } else if (rows === 0) {
      // It has not been done, and never will be.
      this.#mark = undefined;
      this.#loss = { ...this.#loss, outcome: "lost" };
      this.#leave();
      this.#begin(this.#reason);
    } else {
      session.context.counters.commitsFound++;
      this.#loss = { ...this.#loss, outcome: "lost", transaction: false };
      this.#leave();
      this.#endWith(this.#atLoss);
      // Only its server knew LAST_INSERT_ID(): what was told of the last row is what clients ask for.
      const numbered = this.#transaction.statements.findLast(({ insertId }) => insertId !== 0n);
      if (numbered !== undefined) session.insertId = `${numbered.insertId}`;
      const lost = forgetVariables(session, this.#unknown);
      if (lost !== "") this.#tell(lost, `${this.#reason}; it has been committed`);
      else {
        // Where nothing is open it does nothing, and its answer is that of one that has done it.
        this.#takeUpHeld();
        session.placeAgain();
      }
    }
  }

  #run(at: number): void {
    const session = this.#session;
    const recorded = this.#transaction.statements[at]!;
    this.#at = at;
    this.#digest.clear();
    session.session.digest = this.#digest;
    // It is used up by the next row that is numbered, and only by one: a statement that is known to
    // number one.
    session.begin = this.#numbered.has(recorded)
      ? `SET @@SESSION.insert_id=${recorded.insertId}`
      : undefined;
    const { packet, statement: prepared, types, history } = recorded;
    if (prepared !== undefined) Object.assign(prepared, { types, history });
    session.takeUp({ command: packet, statement: prepared, isLong: false, sequence: 1 });
    session.textEffects = session.effects = commandEffects(session, packet, false);
    session.facts = undefined; // it is for the primary, whatever it is
    session.seat.alone = true;
    session.goOn();
  }

  /**
   * A statement's answer is complete.
   *
   * @returns Whether it is the one that the client has got; otherwise all is seen to.
   */
  isSame(facts: AnswerFacts): boolean {
    if (this.#at === ASKING) {
      this.#told(facts);
      return false;
    }
    const { errorCode, insertId } = facts;
    const statement = this.#transaction.statements[this.#at]!;
    if (this.#digest.end() === statement.digest) return true;
    const isNumber = errorCode === 0 && statement.insertId !== 0n &&
      statement.insertId !== insertId && !this.#numbered.has(statement);
    if (isNumber) {
      // Others have been numbered since: its row is to have the number that its client was told.
      this.#numbered.add(statement);
      this.#leave();
      this.#begin("a row was numbered anew");
    } else if (REFUSED.has(errorCode)) this.#retry(`error ${errorCode}`);
    else if (LOCKED.has(errorCode)) this.again(`error ${errorCode}`);
    else this.fail("an answer was another one");
    return false;
  }

  /** A statement is dealt with: the next one, or the client's command. */
  next(): void {
    const session = this.#session;
    if (this.#at + 1 < this.#transaction.statements.length) {
      this.#run(this.#at + 1);
      return;
    }
    session.context.counters.replays++;
    this.end();
    this.#takeUpHeld();
    session.goOn();
  }

  #takeUpHeld(): void {
    const { effects, textEffects, facts } = this.#held!;
    this.#session.takeUp(this.#held!);
    Object.assign(this.#session, { effects, textEffects, facts });
  }

  /** The attempt has failed, and another one may not. @param reason Why. */
  again(reason: string): void {
    if (++this.#failures < ATTEMPTS_MAX) this.#retry(reason);
    else this.fail(reason);
  }

  #retry(reason: string): void {
    this.#attempts++;
    this.#leave();
    this.#begin(reason);
  }

  /** The transaction is lost. @param reason Why it could not be run again. */
  fail(reason = ""): void {
    const session = this.#session;
    this.#leave();
    if (this.#loss.outcome === "lost") session.context.counters.replaysFailed++;
    this.#endWith(this.#atLoss);
    this.#transaction.statements.forEach(({ statement }, at) => {
      if (statement !== undefined) Object.assign(statement, this.#types[at]);
    });
    const lost = forgetVariables(session, this.#unknown);
    this.#tell(lost, reason === "" ? this.#reason : `${this.#reason}; not run again: ${reason}`);
  }

  #endWith(values: SessionValues): void {
    this.end();
    this.#session.record?.end();
    Object.assign(this.#session, values);
  }

  /** The client's command is answered with an error. @param lost As `forgetVariables` gives it. */
  #tell(lost: string | undefined, reason: string): void {
    const session = this.#session;
    session.takeUp(this.#held!);
    if (lost === undefined) {
      session.session.endLost();
      return;
    }
    const loss = withLost(this.#loss, lost);
    // It has no answer: the command behind it is told.
    if (session.command[HEADER_LENGTH] === Command.STMT_SEND_LONG_DATA) {
      session.lost.note(reason, loss);
    }
    session.refuseWith(session.session.lostError(reason, loss));
  }

  /** Leaves the connection on which it was run again in vain. */
  #leave(): void {
    const session = this.#session;
    const pooled = session.leaveConnection();
    if (pooled === undefined) return;
    pooled.disown();
    pooled.foundRows = UNKNOWN;
    if (pooled.connection.outstanding > 0) session.pool.drop(pooled);
    else rollBack(pooled, session);
  }

  /** It is over, or its client is gone. */
  end(): void {
    const session = this.#session;
    this.#at = NONE;
    session.replay = session.begin = undefined;
    session.session.digest = undefined;
    session.context.gate.leave(this);
  }

  // It waits for nothing but to know of its server: its statements wait as those of clients do.

  get waitingBytes(): number {
    return 0;
  }

  goOn(): void {}

  giveUp(): void {}
}
