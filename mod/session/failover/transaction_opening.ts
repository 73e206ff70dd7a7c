// A transaction in which nothing has been asked yet but its BEGIN: it may begin on another server as
// well, where the first statement in it was refused.

import type { PooledConnection } from "../../backend/mod.ts";
import type { ConsistencyLevel } from "../../config/mod.ts";
import { Effect, TransactionStart, transactionStart } from "../../sql/mod.ts";
import { Command, HEADER_LENGTH, ServerStatus } from "../../wire/mod.ts";
import { lexicalModeOf } from "../command/lexical_mode.ts";
import type { PooledSession } from "../pooled_session.ts";
import { runsText, startsWith, textOf } from "../command/statement_text.ts";

/** What one session's transaction was begun with. */
export class TransactionOpening {
  #isOpen = false;
  /** A set of `TransactionStart`, as long as nothing else has been asked in it. */
  #begun: number = TransactionStart.NONE;

  /** An answer is complete. Hot path: two comparisons outside of transactions. */
  noteAnswer(session: PooledSession, { connection }: PooledConnection): void {
    const isOpen = (connection.tracker.status & ServerStatus.IN_TRANS) !== 0;
    if (isOpen || this.#isOpen) this.#note(session, isOpen);
  }

  #note(session: PooledSession, isOpen: boolean): void {
    if (!isOpen) this.#begun = TransactionStart.NONE;
    else if (!this.#isOpen) this.#begun = transactionBegunBy(session);
    else if (!CHANGE_NOTHING.has(session.command[HEADER_LENGTH])) {
      this.#begun = TransactionStart.NONE;
    }
    this.#isOpen = isOpen;
  }

  /** It begins on the primary in front of the command under way: nothing else is known of it. */
  beginsAnew(): void {
    this.#isOpen = true;
    this.#begun = TransactionStart.BEGINS;
  }

  /**
   * The text that begins it elsewhere, where the command under way may be the first in it; undefined
   * if it may not. A snapshot that is made later is another one.
   */
  textFor(session: PooledSession): string | undefined {
    if (this.#begun === TransactionStart.NONE || (this.#begun & NOT_LATER) !== 0) return undefined;
    if (session.pinned || (session.effects & (Effect.MULTI | Effect.CALLS)) !== 0) return undefined;
    if (!runsText(session) || !CHANGES_ROWS.some((word) => startsWith(session, word))) {
      return undefined;
    }
    return beginText(this.#begun);
  }
}

/** The statement that begins a transaction. @param begins A set of `TransactionStart`. */
export function beginText(begins: number): string {
  const isWrite = (begins & TransactionStart.READ_WRITE) !== 0;
  return isWrite ? "START TRANSACTION READ WRITE" : "START TRANSACTION";
}

/** What the command under way begins: a set of `TransactionStart`. Reads its text. */
export function transactionBegunBy(session: PooledSession): number {
  if (session.command[HEADER_LENGTH] !== Command.QUERY) return TransactionStart.NONE;
  const { bytes, start } = textOf(session);
  return transactionStart(
    bytes,
    start,
    bytes.length,
    lexicalModeOf(session.state, session.context),
  );
}

/**
 * Whether the reads of the transaction that the command under way begins may run on a replica until it
 * writes. @param level The session's level of consistency, where it has set one.
 */
export function maySplit(
  { context, state, baseline }: PooledSession,
  begins: number,
  level: ConsistencyLevel | undefined,
): boolean {
  const { transactions, consistency } = context.config.route;
  if (transactions !== "split" || begins === 0 || (begins & NOT_LATER) !== 0) return false;
  // Each of its reads would have to ask.
  if (["global", "instance"].includes(level ?? consistency)) return false;
  const isolation = ISOLATION.map((name) =>
    state.variables.get(name) ?? baseline.literals.get(name)
  );
  return isolation.some((literal) => literal === "'READ-COMMITTED'");
}

/** MySQL's name, MariaDB's. */
const ISOLATION = ["transaction_isolation", "tx_isolation"];
const NOT_LATER = TransactionStart.READ_ONLY | TransactionStart.SNAPSHOT;
/** Commands that no transaction notices. */
const CHANGE_NOTHING = new Set<number>([Command.PING, Command.STMT_PREPARE, Command.STATISTICS]);
const CHANGES_ROWS = ["INSERT", "UPDATE", "DELETE", "REPLACE"];
