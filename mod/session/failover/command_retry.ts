// What a session does about a command that a server has refused before it ran, or that was under way
// when the server was lost: it runs elsewhere, waits until it can, or its client is told.

import type { PooledConnection } from "../../backend/mod.ts";
import { mayRunAfterRefusal, type Refusal, refusalOf } from "../../route/mod.ts";
import { TransactionStart } from "../../sql/mod.ts";
import { ERR_HEADER, HEADER_LENGTH, payloadLength, type SqlError } from "../../wire/mod.ts";
import type { Waiting } from "./failover_gate.ts";
import { type Loss, lossError } from "./loss.ts";
import { leaveTransaction } from "../pooled_leaving.ts";
import type { PooledSession } from "../pooled_session.ts";
import { commandFacts, isClusterStatement, isRead } from "./repeatable.ts";
import { replayRefused } from "./server_loss.ts";
import { startsWith } from "../command/statement_text.ts";
import { endsTransaction } from "./repeatable.ts";
import { transactionBegunBy } from "./transaction_opening.ts";

/** ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION: of the transaction, not of its server. */
const READ_ONLY_TRANSACTION = 1792;

/** Of one session; made when it is needed first. Nothing here is on the hot path. */
export class CommandRetry implements Waiting {
  /** Since when the command under way is tried; 0: it is not. */
  sinceMs = 0;
  attempts = 0;
  reason = "";
  /** The server's refusal, which the client has not got. */
  held: Uint8Array | undefined;
  /** Its transaction is to be run again for that. */
  replays = false;
  readonly #session: PooledSession;
  /** What the server has said is that. */
  #takesNoWrites = false;
  #doubt: { readonly reason: string; readonly loss: Loss } | undefined;

  constructor(session: PooledSession) {
    this.#session = session;
  }

  get waitingBytes(): number {
    return this.#session.command.length;
  }

  goOn(): void {
    this.#session.placeAgain();
  }

  giveUp(error: SqlError): void {
    this.#session.refuse(error);
  }

  /** It cannot do without the primary: what only reads can where the old one still takes reads. */
  get mustWait(): boolean {
    const { gate } = this.#session.context;
    if (this.#session.replay !== undefined) return true;
    // What opens the gate again must get through it.
    if (isClusterStatement(this.#session)) return false;
    if (!gate.readsGoOn) return true;
    // KILL may be about one that waits.
    if (startsWith(this.#session, "KILL")) return false;
    // What begins there would have to end there.
    const begins = transactionBegunBy(this.#session);
    if (begins !== TransactionStart.NONE) return (begins & TransactionStart.READ_ONLY) === 0;
    return !isRead(this.#session);
  }

  /** Waits for a server that takes writes; the command has gone nowhere yet. */
  waitForPrimary(): void {
    const { gate } = this.#session.context;
    this.sinceMs ||= performance.now();
    gate.park(this, this);
  }

  /** Tries once more, at once or later. @param reason Why the last attempt has failed. */
  again(reason: string): void {
    const { context } = this.#session;
    this.reason = reason;
    this.sinceMs ||= performance.now();
    context.counters.retries++;
    if (this.attempts === 0 && !context.gate.holds && context.config.failover.maxWaitMs > 0) {
      this.attempts++;
      this.#session.placeAgain();
    } else {
      context.gate.park(this, this);
      this.attempts++;
    }
  }

  /**
   * The connection has ended under the command. A KILL ends it as well, and whoever says that does
   * not want to see the statement again: it is tried once more if the server is found to be gone.
   */
  ifServerIsGone(server: string, { reason, loss }: {
    readonly reason: string;
    readonly loss: Loss;
  }): void {
    const session = this.#session;
    this.sinceMs ||= performance.now();
    this.#doubt = { reason, loss };
    if (session.context.cluster === undefined) this.settle(false); // nobody would find out
    else session.context.gate.doubt(this, server);
  }

  settle(isGone: boolean): void {
    const { reason, loss } = this.#doubt!;
    this.#doubt = undefined;
    if (isGone) this.again(reason);
    else this.#session.refuse(lossError(reason, { ...loss, outcome: "lost" }));
  }

  /** The command is dealt with. */
  end(): void {
    if (this.sinceMs !== 0) this.#session.context.gate.leave(this);
    this.sinceMs = this.attempts = 0;
    this.reason = "";
    this.held = undefined;
    this.replays = false;
  }

  /**
   * Keeps a server's refusal from the client if the command may run elsewhere.
   *
   * @param bytes What has come of the answer.
   */
  holdsBack(bytes: Uint8Array): boolean {
    const session = this.#session;
    const { command, pooled, context: { gate } } = session;
    // Without a primary for so long its own error tells more than another wait.
    if (gate.isShut && !gate.holds) return false;
    const first = session.session.answerSequence;
    const isWhole = bytes.length === HEADER_LENGTH + payloadLength(bytes, 0) &&
      bytes[HEADER_LENGTH] === ERR_HEADER && bytes[HEADER_LENGTH - 1] === first;
    if (!isWhole || pooled === undefined || command.length === 0) return false;
    const { errorCode } = pooled.connection.tracker;
    const refusal = refusalOf(errorCode, Buffer.from(bytes).toString("latin1"));
    if (refusal === undefined) return false;
    const facts = commandFacts(session);
    // A transaction in which nothing else was asked begins anew where the command runs.
    const begin = refusal !== "ending" && errorCode !== READ_ONLY_TRANSACTION
      ? session.opening.textFor(session)
      : undefined;
    const isHeld = facts.isHeld && begin === undefined;
    this.replays = isHeld && this.#mayReplay(errorCode, refusal);
    if (!this.replays && !mayRunAfterRefusal(errorCode, refusal, { ...facts, isHeld })) {
      return false;
    }
    if (session.inTransaction) session.begin = begin;
    this.held = bytes;
    this.#takesNoWrites = refusal === "read-only";
    return true;
  }

  /** The transaction that the refused command is in can be run again elsewhere, and the command then. */
  #mayReplay(errorCode: number, refusal: Refusal): boolean {
    const session = this.#session;
    if (session.record?.transaction === undefined || session.pinned) return false;
    if (errorCode === READ_ONLY_TRANSACTION) return false;
    // One that was killed by the shutdown may have run.
    return refusal !== "ending" || !endsTransaction(session);
  }

  /** The refusal is complete: the command goes elsewhere, or its transaction and then it. */
  leave(pooled: PooledConnection): void {
    const session = this.#session;
    this.#noteRefusal(pooled);
    if (this.#takesNoWrites) session.route?.refused();
    if (this.replays) {
      this.replays = false;
      replayRefused(session, pooled, this.reason);
      return;
    }
    if (session.begin === undefined) session.giveBack(pooled);
    else leaveTransaction(pooled, session);
    this.again(this.reason);
  }

  /** The connection counts as touched by a statement of the proxy's own. */
  #noteRefusal(pooled: PooledConnection): void {
    const { held } = this;
    this.held = undefined;
    pooled.noteForeignError();
    const message = Buffer.from(held!.subarray(HEADER_LENGTH + 9)).toString();
    this.reason = `${pooled.connection.facts.server}: ${message}`;
  }
}
