// Answers to the statements that give a connection the state of a session.

import { type AnswerSink, textRows } from "../../backend/mod.ts";
import type { WaitStatement } from "../../cluster/mod.ts";
import { refusalOf } from "../../route/mod.ts";
import { PacketAssembler } from "../../wire/mod.ts";
import { type CaptureQuery, INSERT_ID } from "./captured_values.ts";
import { judgeCounters } from "../pins/hidden_pins.ts";
import type { PooledSession } from "../pooled_session.ts";
import type { Preparation } from "./preparation.ts";
import type { SessionStatement } from "../prepared/session_statement.ts";
import { ROLLED_BACK } from "../failover/transaction_record.ts";

/** Answers of the proxy's own statements are not longer. */
const ANSWER_MAX = 16 * 1024 * 1024;

/** What all answers to the proxy's own statements have in common. */
export abstract class OwnAnswer implements AnswerSink {
  protected readonly preparation: Preparation;
  protected readonly packets = new PacketAssembler(ANSWER_MAX);

  constructor(preparation: Preparation) {
    this.preparation = preparation;
  }

  onAnswerBytes(bytes: Uint8Array): void {
    this.packets.push(bytes);
  }

  onAnswerEnd(): void {
    const { preparation } = this;
    if (preparation.pooled.connection.tracker.errorCode === 0) this.read();
    else {
      let last = new Uint8Array(0) as Uint8Array;
      for (let next = this.packets.next(); next; next = this.packets.next()) last = next;
      this.refused(last);
    }
    preparation.done();
  }

  onServerLost(reason: string): void {
    this.preparation.lost(reason);
  }

  protected abstract read(): void;

  protected refused(error: Uint8Array): void {
    this.preparation.fail(error, true);
  }
}

/** Of a statement that sets what a session has set. */
export class RestoreAnswer extends OwnAnswer {
  // Changes of state are those the proxy has asked for: nobody is told.
  onOkPacket(): void {}

  protected override read(): void {
    const { preparation } = this;
    if (preparation.pooled.connection.tracker.warnings > 0) preparation.warned();
  }
}

/** Of a statement that waits until the server has what a read must see. */
export class WaitAnswer extends OwnAnswer {
  readonly #wait: WaitStatement;

  constructor(preparation: Preparation, wait: WaitStatement) {
    super(preparation);
    this.#wait = wait;
  }

  onOkPacket(packet: Uint8Array): void {
    this.packets.push(packet);
  }

  protected override read(): void {
    const { rows } = textRows(this.preparation.pooled.connection, this.packets);
    if (!this.#wait.reached(rows[0]?.[0])) this.preparation.notReached();
  }

  protected override refused(): void {
    this.preparation.notReached();
  }
}

/** Of a statement whose errors and warnings are its purpose. */
export class RaiseAnswer extends OwnAnswer {
  override onAnswerBytes(): void {}

  onOkPacket(): void {}

  protected override read(): void {}

  protected override refused(): void {}
}

/** Of the mark that a transaction leaves in front of its COMMIT. */
export class MarkAnswer extends OwnAnswer {
  readonly #session: PooledSession;

  constructor(preparation: Preparation, session: PooledSession) {
    super(preparation);
    this.#session = session;
  }

  onOkPacket(): void {}

  protected override read(): void {
    this.#session.record?.noteMarked();
  }

  /** It goes without, unless it has been rolled back for that. */
  protected override refused(error: Uint8Array): void {
    const { connection } = this.preparation.pooled;
    const { context, record } = this.#session;
    const { errorCode } = connection.tracker;
    if (ROLLED_BACK.has(errorCode)) {
      record?.end();
      this.preparation.fail(error, true);
    } else if (refusalOf(errorCode, Buffer.from(error).toString("latin1")) === undefined) {
      const { server } = connection.facts;
      context.log.warn("a COMMIT could not be marked", { server, error: errorCode });
    }
  }
}

/** Of COM_STMT_PREPARE. */
export class PrepareAnswer extends OwnAnswer {
  readonly #statement: SessionStatement;
  readonly #session: PooledSession;

  constructor(preparation: Preparation, statement: SessionStatement, session: PooledSession) {
    super(preparation);
    this.#statement = statement;
    this.#session = session;
  }

  override onAnswerBytes(bytes: Uint8Array): void {
    // The definitions are of no interest, an error is.
    if (this.preparation.pooled.connection.tracker.errorCode !== 0) super.onAnswerBytes(bytes);
  }

  protected override read(): void {
    const { pooled } = this.preparation;
    const { statementId: id, warnings } = pooled.connection.tracker;
    if (warnings > 0) this.preparation.warned();
    const statement = this.#statement;
    const history = this.preparation.giveTypes(id, { statement, session: this.#session });
    pooled.keepStatement(statement.key, { id, types: undefined, history });
  }

  protected override refused(error: Uint8Array): void {
    this.preparation.fail(error, false);
  }
}

/** Of the SELECT of all that is to be read. */
export class CaptureAnswer extends OwnAnswer {
  readonly #owner: PooledSession;
  readonly #query: CaptureQuery;
  /** A limit that the owner has set counts for it. */
  readonly #withoutLimit: boolean;

  constructor(preparation: Preparation, owner: PooledSession, { query, withoutLimit }: {
    readonly query: CaptureQuery;
    readonly withoutLimit: boolean;
  }) {
    super(preparation);
    this.#owner = owner;
    this.#query = query;
    this.#withoutLimit = withoutLimit;
  }

  override onAnswerEnd(): void {
    super.onAnswerEnd();
    this.#owner.wasRead();
  }

  override onServerLost(reason: string): void {
    super.onServerLost(reason);
    this.#owner.onValuesLost(reason, this.#query.settings);
    this.#owner.wasRead();
  }

  protected override refused(error: Uint8Array): void {
    super.refused(error);
    this.#owner.onStateLost();
  }

  protected override read(): void {
    const { pooled } = this.preparation;
    const values = this.#query.read(this.packets, {
      capabilities: pooled.connection.facts.capabilities,
      collations: this.#owner.baseline.collations,
    });
    if (values.size === 0 && this.#withoutLimit) {
      this.preparation.readValues(this.#owner, this.#query, false);
      return;
    }
    const insertId = values.get(INSERT_ID);
    // Unless the new session's has been set behind it already.
    if (insertId !== undefined && pooled.insertId === undefined) pooled.insertId = insertId;
    this.#owner.keep(values);
  }
}

/** Of SHOW WARNINGS. */
export class WarningsAnswer extends OwnAnswer {
  readonly #owner: PooledSession;

  constructor(preparation: Preparation, owner: PooledSession) {
    super(preparation);
    this.#owner = owner;
  }

  override onAnswerEnd(): void {
    super.onAnswerEnd();
    this.#owner.wasRead();
  }

  override onServerLost(reason: string): void {
    super.onServerLost(reason);
    this.#owner.wasRead();
  }

  protected override read(): void {
    const { facts } = this.preparation.pooled.connection;
    this.#owner.keepWarnings(this.packets, facts.capabilities);
  }
}

/** Of the counters of what code that is not in a statement's text may leave. */
export class CountAnswer extends OwnAnswer {
  readonly #session: PooledSession;

  constructor(preparation: Preparation, session: PooledSession) {
    super(preparation);
    this.#session = session;
  }

  onOkPacket(packet: Uint8Array): void {
    this.packets.push(packet);
  }

  protected override read(): void {
    const { pooled } = this.preparation;
    judgeCounters(this.#session, pooled, textRows(pooled.connection, this.packets).rows);
  }

  protected override refused(): void {}
}
