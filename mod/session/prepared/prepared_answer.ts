// The answer to a client's COM_STMT_PREPARE: its statement becomes one of the session's.

import type { AnswerSink, PooledConnection } from "../../backend/mod.ts";
import { HEADER_LENGTH } from "../../wire/mod.ts";
import type { PreparedStatements } from "./prepared_statements.ts";
import type { SessionStatement } from "./session_statement.ts";

/** Where the statement id, columns and parameters are in the first packet of the answer. */
const ID_START = HEADER_LENGTH + 1;
const HEAD_END = ID_START + 8;

/** What is known of a statement before it is answered. */
type MadeStatement = Omit<
  SessionStatement,
  | "id"
  | "parameters"
  | "types"
  | "history"
  | "longData"
  | "longDataPassed"
  | "longDataRefused"
  | "record"
>;

/** COM_STMT_PREPARE's answer for its client, with an id of the session's own. */
export class PreparedAnswer implements AnswerSink {
  readonly #statements: PreparedStatements;
  readonly #pooled: PooledConnection;
  readonly #made: MadeStatement;
  readonly #id: number;
  readonly #head = Buffer.alloc(HEAD_END);
  #at = 0;

  constructor(
    statements: PreparedStatements,
    pooled: PooledConnection,
    made: MadeStatement,
  ) {
    this.#statements = statements;
    this.#pooled = pooled;
    this.#made = made;
    this.#id = statements.nextId();
  }

  onAnswerBytes(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length && this.#at < HEAD_END; i++, this.#at++) {
      this.#head[this.#at] = bytes[i];
      if (this.#at >= ID_START && this.#at < ID_START + 4 && this.#head[HEADER_LENGTH] === 0) {
        bytes[i] = (this.#id >>> (8 * (this.#at - ID_START))) & 0xff;
      }
    }
    this.#statements.session.session.onAnswerBytes(bytes);
  }

  onOkPacket(packet: Uint8Array): void {
    this.#statements.session.session.onOkPacket(packet);
  }

  onAnswerEnd(): void {
    const { tracker } = this.#pooled.connection;
    if (tracker.errorCode !== 0) {
      this.#pooled.lastStatement = 0;
      this.#statements.noteRefused();
    } else {
      const parameters = this.#head.readUInt16LE(ID_START + 6);
      this.#pooled.keepStatement(this.#made.key, {
        id: tracker.statementId,
        types: undefined,
        history: "",
      });
      this.#statements.add({
        ...this.#made,
        id: this.#id,
        parameters,
        types: undefined,
        history: parameters > 0 ? this.#statements.historyOf(this.#made.packet) : undefined,
        longData: undefined,
        longDataPassed: false,
        longDataRefused: false,
        record: -1,
      });
    }
    this.#statements.session.session.onAnswerEnd();
  }

  onServerLost(reason: string): void {
    this.#statements.session.session.onServerLost(reason);
  }
}
