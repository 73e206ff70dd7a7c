// A session whose commands may run on another server than the one they were meant for: they wait
// while no server takes writes, and are tried again where one has not run.

import type { PooledConnection, SessionState } from "../../backend/mod.ts";
import { decodeErr, type SqlError } from "../../wire/mod.ts";
import type { CommandRetry } from "./command_retry.ts";
import { ConnectionEnd } from "./connection_end.ts";
import { isClosedForInactivity } from "../state/inactivity.ts";
import { forgetVariables, type Loss, lossError, unknownSettings } from "./loss.ts";
import { PinnedSession } from "../pins/pinned_session.ts";
import type { Replay } from "./replay.ts";
import type { SessionStatement } from "../prepared/session_statement.ts";
import { TransactionOpening } from "./transaction_opening.ts";
import type { TransactionRecord } from "./transaction_record.ts";

/** There is no command under way. */
export const NO_COMMAND: Buffer = Buffer.alloc(0);

/** Between a session's place and its commands. */
export abstract class RetryingSession extends PinnedSession {
  /** The command under way, header included; empty where there is none. */
  command: Buffer = NO_COMMAND;
  /** What the command under way may do and ask: a set of `Effect`. */
  effects = 0;
  /** What the text in it may: that of COM_STMT_PREPARE does nothing yet. */
  textEffects = 0;
  /** The prepared statement it is about. */
  statement: SessionStatement | undefined;
  /** What is tried again; undefined where nothing ever was. */
  retry: CommandRetry | undefined;
  /** Of the open transaction. */
  readonly opening = new TransactionOpening();
  /** What there is of the open transaction, to be run again; undefined where that never was. */
  record: TransactionRecord | undefined;
  /** A lost transaction that is to be run again before the next command. */
  replay: Replay | undefined;
  /** What begins a transaction on the primary in front of the command under way. */
  begin: string | undefined;
  /** What its transaction is to write in front of its COMMIT. */
  mark: string | undefined;
  /** What the next command is told: its server connection has ended while it held it. */
  readonly lost = new ConnectionEnd();

  /** Its connection is being given the session's state. */
  abstract readonly preparing: boolean;

  protected abstract makeRetry(): CommandRetry;

  /** The command does not run: its client is told. @param forEver Nor will any other. */
  abstract refuse(error: SqlError, forEver?: boolean): void;

  /** The same, made where there is none. */
  get retries(): CommandRetry {
    return this.retry ??= this.makeRetry();
  }

  /** Hot path: what is sent is noted, for a transaction to be run again. */
  get records(): boolean {
    return (this.record !== undefined || this.context.config.failover.replay) &&
      this.replay === undefined;
  }

  /** Something goes out in front of the command under way. */
  protected get sendsMore(): boolean {
    this.mark = this.records ? this.record?.markToWrite : undefined;
    return this.begin !== undefined || this.mark !== undefined || this.route?.wait !== undefined;
  }

  /** What goes out in front of it has succeeded. */
  protected noteRestored(): void {
    this.begin = undefined;
    this.route?.prepared();
  }

  /** The command fails with what was to prepare it: its error is all that is to be told of it. */
  protected noteFailed(payload: Uint8Array): void {
    const error = decodeErr(payload);
    this.pooled?.noteForeignError();
    this.conditions = undefined;
    this.noteError(error);
    this.lastError = { code: error.code, state: error.sqlState };
  }

  /** The connection has ended: what was to begin there is over, unless the command runs elsewhere. */
  noteLoss({ outcome }: Loss): void {
    if (outcome !== "again") this.begin = undefined;
    this.route?.lost();
  }

  override startAnew(state: SessionState): void {
    super.startAnew(state);
    this.record?.end();
    this.begin = undefined;
  }

  /** Hot path: one comparison while all is well. */
  protected override lease(): void {
    const { gate, server } = this.context;
    if (gate.holds && this.server === server && this.retries.mustWait) {
      this.retries.waitForPrimary();
    } else super.lease();
  }

  refused(error: SqlError, forEver: boolean): void {
    this.seat.leave();
    if (this.isGuest && this.route !== undefined) {
      this.route.giveUp(true);
      this.place();
    } else if (!forEver && CONNECT_ERRORS.has(error.code)) this.retries.again(error.message);
    else this.refuse(error, forEver);
  }

  /** A connection that sessions share has ended under the command, which had taken long. */
  lostOnLane(server: string, reason: string): void {
    const loss: Loss = { outcome: "again", transaction: false, held: "" };
    this.retries.ifServerIsGone(server, { reason, loss });
  }

  /** What it must see only a primary can tell, and there is none. */
  waitForPrimary(): void {
    this.retries.waitForPrimary();
  }

  /** The command has gone nowhere, and has to look anew. @param reason Why. */
  tryAgain(reason: string): void {
    this.retries.again(reason);
  }

  /** Servers are not what they were: who waits for a connection may find one elsewhere. */
  reconsider(): void {
    if (this.busy && this.pooled === undefined && this.pool.cancel(this)) this.place();
  }

  /** An error comes: whether its client does not get it, since the command may run elsewhere. */
  holdsBack(bytes: Uint8Array): boolean {
    return this.busy && !this.preparing && this.replay === undefined &&
      this.retries.holdsBack(bytes);
  }

  override onConnectionLost(pooled: PooledConnection): void {
    if (this.last === pooled) this.last = undefined;
    this.onValuesLost("its server connection has ended", unknownSettings(pooled));
  }

  /**
   * Settings and user variables are lost, and its client must know: with the command that waits, or
   * with the next one.
   */
  onValuesLost(reason: string, names: readonly string[]): void {
    if (names.length === 0 || this.session.closed) return;
    const held = isClosedForInactivity(this.session) ? undefined : forgetVariables(this, names);
    if (held === undefined) {
      this.onStateLost();
      return;
    }
    const loss: Loss = { outcome: "lost", transaction: false, held };
    if (this.busy && this.pooled === undefined) {
      this.pool.cancel(this);
      this.refuse(lossError(reason, loss));
    } else this.lost.note(reason, loss);
  }

  /** The server says something before it closes the connection. */
  onUnasked(bytes: Uint8Array): void {
    this.lost.hear(bytes);
  }
}

/** A connection could not be had: the server cannot be reached, or is about to end. */
const CONNECT_ERRORS = new Set([2013, 1053]);
