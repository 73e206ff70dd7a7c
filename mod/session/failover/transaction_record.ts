// Keeps the statements of a session's open transaction, and the digests of their answers, so that it
// can be run again where its server is lost (replay.ts). Hot path: without `failover.replay` one
// comparison for each statement; with it, a copy of its bytes and the digest of its answer.

import { ANY_RESIDUE, OFF, type PooledConnection, Residue } from "../../backend/mod.ts";
import { TransactionStart } from "../../sql/mod.ts";
import { ServerStatus } from "../../wire/mod.ts";
import { AnswerDigest } from "./answer_digest.ts";
import { isClosedForInactivity } from "../state/inactivity.ts";
import type { Loss } from "./loss.ts";
import {
  type CommitMark,
  isPlainCommit,
  markStatement,
  returnMark,
  takeMark,
} from "./commit_marks.ts";
import type { PooledSession } from "../pooled_session.ts";
import { repeatabilityOf } from "./repeatability.ts";
import { isInterruption } from "../session_errors.ts";
import type { SessionStatement } from "../prepared/session_statement.ts";
import { type SessionValues, valuesOf } from "../state/session_values.ts";
import { runsText, startsWith, wordsOf } from "../command/statement_text.ts";
import { transactionBegunBy } from "./transaction_opening.ts";

/** A statement that was answered. */
export interface RecordedStatement {
  /** The command as its client has sent it, header included; the id in it may be another one. */
  readonly packet: Buffer;
  /** The prepared statement that it executes, and its types before that. */
  readonly statement: SessionStatement | undefined;
  readonly types: Uint8Array | undefined;
  readonly history: string | undefined;
  /** Of its answer. */
  readonly digest: bigint;
  /** The number that its OK has told for a row; 0: none. */
  readonly insertId: bigint;
}

/** A transaction that can be run again. */
export interface RecordedTransaction {
  /** What the session had set before it. */
  readonly before: SessionValues;
  readonly statements: readonly RecordedStatement[];
}

/** ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK, ER_TRANSACTION_ROLLBACK_DURING_COMMIT. */
export const ROLLED_BACK: ReadonlySet<number> = new Set([1205, 1213, 3101]);

/** What lies on the session's own connection and must be known before its transaction is recorded. */
const UNREAD = ANY_RESIDUE & ~Residue.WARNINGS;

/** Of one session; made with its first transaction. */
export class TransactionRecord {
  /** Takes the answer to the statement under way, while that is recorded. */
  readonly digest = new AnswerDigest();
  /** Why the open transaction cannot be run again; undefined: it can, or none is open. */
  reason: string | undefined;
  readonly #session: PooledSession;
  #before: SessionValues | undefined;
  #statements: RecordedStatement[] = [];
  /** The statement under way, before its answer. */
  #current: Omit<RecordedStatement, "digest" | "insertId"> | undefined;
  #isOpen = false;
  /** It has written something. */
  #writes = false;
  /** The row by which its COMMIT can be found; undefined: it never had one. */
  #mark: CommitMark | undefined;
  #isMarked = false;
  #sinceMs = 0;
  /** Bytes of statements and answers; those of the statements are kept. */
  #bytes = 0;
  #kept = 0;

  constructor(session: PooledSession) {
    this.#session = session;
  }

  /** The server has said that a transaction is open. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** What the transaction is to write in front of the command under way, its COMMIT. */
  get markToWrite(): string | undefined {
    const session = this.#session;
    const { commitMarks, replay } = session.context.config.failover;
    if (commitMarks === "" || !replay || !this.#writes || this.#isMarked) return undefined;
    if (this.transaction === undefined || session.pinned || !runsText(session)) return undefined;
    if (!startsWith(session, "COMMIT") || !isPlainCommit(session)) return undefined;
    const mark = this.#mark ??= takeMark();
    mark.number++;
    return markStatement(commitMarks, mark);
  }

  /** That is written. */
  noteMarked(): void {
    this.#isMarked = true;
  }

  /** The mark of the transaction whose COMMIT has been sent. */
  get mark(): CommitMark | undefined {
    return this.#isMarked && this.#mark ? { ...this.#mark } : undefined;
  }

  /** The session is over. */
  close(): void {
    this.end();
    if (this.#mark) returnMark(this.#mark);
    this.#mark = undefined;
  }

  /** The command under way is about to be sent. */
  noteSent(): void {
    const session = this.#session;
    const { config } = session.context;
    this.#endAnswer();
    if (!config.failover.replay) {
      this.#ruleOut("failover.replay is off");
      return;
    }
    const begins = mayBegin(session);
    if (begins || !this.#isOpen) {
      this.#forget();
      if (!begins || session.pinned) return;
      this.#before = valuesOf(session);
      this.#sinceMs = performance.now();
      if ((transactionBegunBy(session) & TransactionStart.SNAPSHOT) !== 0) {
        this.#ruleOut("consistent snapshot");
      }
    }
    if (this.#before === undefined) return;
    const { command, statement } = session;
    const kind = repeatabilityOf(session);
    if (kind === "beside") return;
    this.#bytes += command.length;
    if (kind !== "again") this.#ruleOut(kind.reason);
    else if (this.#statements.length >= config.failover.replayStatementsMax) {
      this.#ruleOut("too many statements");
    } else if (this.#isTooLarge) this.#ruleOut("too large");
    else if (performance.now() - this.#sinceMs > config.failover.replayTimeMaxMs) {
      this.#ruleOut("too old");
    } else {
      this.#kept += command.length;
      session.context.counters.replayBytes += command.length;
      const { types, history } = statement ?? NO_STATEMENT;
      this.#current = { packet: Buffer.from(command), statement, types, history };
      this.digest.clear();
      session.session.digest = this.digest;
    }
  }

  get #isTooLarge(): boolean {
    const { config: { failover }, counters } = this.#session.context;
    return this.#bytes > failover.replayBytesMaxBytes ||
      counters.replayBytes > failover.replayMemoryMaxBytes;
  }

  /** The answer to the command under way is complete. */
  noteAnswer({ connection: { tracker } }: PooledConnection): void {
    const { errorCode } = tracker;
    const current = this.#current;
    this.#endAnswer();
    const wasOpen = this.#isOpen;
    // An error does not tell.
    if (errorCode === 0) this.#isOpen = (tracker.status & ServerStatus.IN_TRANS) !== 0;
    if (current === undefined) {
      if (!this.#isOpen) this.#forget();
      return;
    }
    this.#isMarked = false;
    this.#writes ||= !tracker.sawRows && tracker.affectedRows > 0;
    this.#bytes += this.digest.length;
    const digest = this.digest.end();
    if (ROLLED_BACK.has(errorCode)) this.#ruleOut("it was rolled back");
    else if (isInterruption(errorCode)) this.#ruleOut("interrupted statement");
    else if (!this.#isOpen && errorCode === 0) this.#forget();
    else if (wasOpen && this.#endsIt) this.#ruleOut("chained transaction");
    else if (this.#isTooLarge) this.#ruleOut("too large");
    else this.#statements.push({ ...current, digest, insertId: tracker.insertId });
  }

  /** COMMIT AND CHAIN and the like: another transaction is open now. */
  get #endsIt(): boolean {
    const session = this.#session;
    if (startsWith(session, "COMMIT")) return true;
    return startsWith(session, "ROLLBACK") && !/\bTO\b/.test(wordsOf(session));
  }

  /** The command under way goes elsewhere, or its connection has gone. */
  noteUnanswered(): void {
    this.#isMarked = false;
    this.#endAnswer();
  }

  #endAnswer(): void {
    this.#current = undefined;
    this.#session.session.digest = undefined;
  }

  /** The open transaction, whose server is lost; undefined if it cannot be run again. */
  get transaction(): RecordedTransaction | undefined {
    const before = this.#before;
    const statements = this.#statements;
    const { replayTimeMaxMs } = this.#session.context.config.failover;
    if (performance.now() - this.#sinceMs > replayTimeMaxMs) this.#ruleOut("too old");
    const isWhole = before !== undefined && this.reason === undefined && statements.length > 0;
    return isWhole ? { before, statements } : undefined;
  }

  /** It is over, or its session is. */
  end(): void {
    this.#endAnswer();
    this.#forget();
    this.#isOpen = false;
  }

  #ruleOut(reason: string): void {
    if (this.#before === undefined) return;
    this.#session.context.counters.replaysRuledOut++;
    this.#forget();
    this.reason = reason;
  }

  #forget(): void {
    this.#session.context.counters.replayBytes -= this.#kept;
    this.#bytes = this.#kept = 0;
    this.#before = undefined;
    this.#writes = this.#isMarked = false;
    this.reason = undefined;
    if (this.#statements.length > 0) this.#statements = [];
  }
}

/**
 * The server of a session is lost: its transaction, if that can be run again, and what its client is
 * told otherwise.
 */
export function lostTransaction(session: PooledSession, { why, loss, hasForwarded }: {
  readonly why: string;
  readonly loss: Loss;
  readonly hasForwarded: boolean;
}): {
  readonly reason: string;
  readonly transaction?: RecordedTransaction;
  /** By which its COMMIT can be found, which was under way. */
  readonly mark?: CommitMark | undefined;
} {
  const { record } = session;
  if (record === undefined || !loss.transaction) {
    record?.end();
    return { reason: why };
  }
  const { mark } = record;
  record.noteUnanswered();
  const { transaction } = record;
  const isUnknown = loss.outcome === "unknown";
  const isWhole = (!isUnknown || mark !== undefined) && !hasForwarded && !session.pinned;
  if (isWhole && transaction !== undefined && !isClosedForInactivity(session.session)) {
    return { reason: why, transaction, mark: isUnknown ? mark : undefined };
  }
  if (!isUnknown) session.context.counters.replaysFailed++;
  const { reason } = record;
  record.end();
  return { reason: reason === undefined ? why : `${why}; not run again: ${reason}` };
}

/** What the session has left on its own connection is to be read, for a record to begin. */
export function needsReading(session: PooledSession, { residue }: PooledConnection): boolean {
  return (residue & UNREAD) !== 0 && mayBegin(session);
}

/**
 * The command under way may begin a transaction, whether or not one is open. Other statements that
 * begin with these words end the one that is open, too.
 */
function mayBegin(session: PooledSession): boolean {
  if (!runsText(session)) return false;
  if (startsWith(session, "BEGIN") || startsWith(session, "START")) return true;
  if (session.record?.isOpen === true) return false;
  const { variables } = session.state;
  const autocommit = variables.get("autocommit") ?? session.baseline.literals.get("autocommit");
  return autocommit !== undefined && OFF.has(autocommit);
}

const NO_STATEMENT = { types: undefined, history: undefined };
