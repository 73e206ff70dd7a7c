// A session's prepared statements. The server's own are shared by all sessions of a connection and
// made anew where they are missing; the ids that the client sees are the session's.

import {
  type AnswerSink,
  isMariadb,
  isSameState,
  type PooledConnection,
  type SessionState,
} from "../backend/mod.ts";
import { Effect, userVariablesIn } from "../sql/mod.ts";
import {
  Command,
  Expect,
  expectedAnswer,
  frame,
  HEADER_LENGTH,
  ServerStatus,
} from "../wire/mod.ts";
import { LAST_PREPARED, replaceCalls } from "./connection_id.ts";
import { lexicalModeOf } from "./lexical_mode.ts";
import { OwnPin } from "./own_pin.ts";
import type { PooledSession } from "./pooled_session.ts";
import { RenamedColumns } from "./renamed_columns.ts";
import {
  type SessionStatement,
  setStatementId,
  statementIdOf,
  wantsCursor,
  withTypes,
} from "./session_statement.ts";

/** The statements of one session. */
export class PreparedStatements {
  readonly #session: PooledSession;
  #statements: Map<number, SessionStatement> | undefined;
  #lastId = 0;
  /** Statements with an open cursor. */
  #cursors: Set<SessionStatement> | undefined;

  constructor(session: PooledSession) {
    this.#session = session;
  }

  /** The statement that a command is about; undefined for other commands and unknown ids. */
  of(command: number, packet: Buffer): SessionStatement | undefined {
    switch (command) {
      case Command.STMT_EXECUTE:
      case Command.STMT_BULK_EXECUTE:
      case Command.STMT_FETCH:
      case Command.STMT_RESET:
        return this.#find(packet);
      default:
        return undefined;
    }
  }

  #find(packet: Buffer): SessionStatement | undefined {
    const id = statementIdOf(packet);
    if (id === undefined) return undefined;
    return this.#statements?.get(id === LAST_PREPARED ? this.#lastId : id);
  }

  /** The statement with a number in place of ROW_COUNT(): a statement of its own to servers. */
  withRowCount(
    statement: SessionStatement,
    pooled: PooledConnection,
    rowCount: number,
  ): SessionStatement {
    const { session } = this.#session;
    const payload = Buffer.from(statement.packet).subarray(HEADER_LENGTH);
    const rewritten = replaceCalls(session, payload, pooled.connection, rowCount);
    if (!rewritten) return statement;
    const packet = frame(rewritten.payload, 0);
    const replacements = [...statement.replacements ?? [], ...rewritten.replacements];
    return { ...statement, packet, key: keyOf(packet, statement.state), replacements };
  }

  /** COM_STMT_CLOSE: has no answer. */
  close(packet: Buffer): void {
    const statement = this.#find(packet);
    if (!statement) return;
    this.#statements!.delete(statement.id);
    if (!this.#cursors?.has(statement)) return;
    this.#closeCursor(statement);
  }

  /** The server's statement stays, its cursor must not. */
  #closeCursor(statement: SessionStatement): void {
    this.#cursors!.delete(statement);
    const { pooled } = this.#session;
    const known = pooled?.statement(statement.key);
    if (pooled && known) {
      const reset = Buffer.alloc(5);
      reset[0] = Command.STMT_RESET;
      reset.writeUInt32LE(known.id, 1);
      pooled.connection.request(frame(reset, 0), Expect.OK, new CursorClosed(this.#session));
    }
    this.#pinCursors();
  }

  #pinCursors(): void {
    const session = this.#session;
    if (this.#cursors !== undefined && this.#cursors.size > 0) session.ownPins |= OwnPin.CURSOR;
    else session.ownPins &= ~OwnPin.CURSOR;
  }

  /** COM_STMT_SEND_LONG_DATA: has no answer; kept until the execution. */
  keepLongData(packet: Buffer): void {
    const statement = this.#find(packet);
    if (!statement) return;
    (statement.longData ??= []).push(Buffer.from(packet));
  }

  /** The connection has to prepare the statement before the command can be sent. */
  missingOn(pooled: PooledConnection, statement: SessionStatement | undefined): boolean {
    return statement !== undefined && pooled.statement(statement.key) === undefined;
  }

  /**
   * Sends a command about statements.
   *
   * @returns false where it is none.
   */
  send(pooled: PooledConnection, statement: SessionStatement | undefined, packet: Buffer): boolean {
    const command = packet[HEADER_LENGTH];
    if (command === Command.STMT_PREPARE) {
      this.#prepare(pooled, packet);
      return true;
    }
    if (!isStatementCommand(command)) return false;
    if (statement === undefined) {
      // The server's own error, unless another session's statement has that id there.
      if (!pooled.hasStatement(statementIdOf(packet) ?? 0)) return false;
      this.#answerUnknown(packet);
      return true;
    }
    const known = pooled.statement(statement.key)!;
    const { connection } = pooled;
    setStatementId(packet, known.id);
    let out = packet;
    if (command === Command.STMT_EXECUTE || command === Command.STMT_BULK_EXECUTE) {
      const { hasQueryAttributes } = this.#session.session;
      const typed = withTypes(packet, statement, {
        hasAttributes: hasQueryAttributes,
        known: known.types,
      });
      out = typed.packet;
      known.types = typed.types;
      this.#sendLongData(pooled, statement, known.id);
    } else if (command === Command.STMT_RESET) statement.longData = undefined;
    const { session } = this.#session;
    const sink = statement.replacements
      ? new RenamedColumns(session, { replacements: statement.replacements, prepared: false })
      : session;
    connection.request(out, expectedAnswer(command), sink);
    return true;
  }

  #sendLongData(pooled: PooledConnection, statement: SessionStatement, id: number): void {
    const { longData } = statement;
    if (!longData) return;
    statement.longData = undefined;
    for (const packet of longData) {
      setStatementId(packet, id);
      pooled.connection.stream.startCommand();
      pooled.connection.stream.write(packet);
    }
  }

  #answerUnknown(packet: Buffer): void {
    const id = statementIdOf(packet) ?? 0;
    const { server } = this.#session.context;
    this.#session.session.answerError({
      code: 1243,
      sqlState: "HY000",
      message: `Unknown prepared statement handler (${id}) given to ${
        isMariadb(server.identity!) ? NAMES.get(packet[HEADER_LENGTH]) : "mysql_stmt_precheck"
      }`,
    }, 1);
    this.#session.answeredLocally();
  }

  #prepare(pooled: PooledConnection, packet: Buffer): void {
    const { session, state } = this.#session;
    const effects = this.#session.textEffects;
    const rewritten = effects & Effect.ASKS_CONNECTION_ID
      ? replaceCalls(session, packet.subarray(HEADER_LENGTH), pooled.connection)
      : undefined;
    const text = rewritten ? Buffer.from(frame(rewritten.payload, 0)) : Buffer.from(packet);
    const key = keyOf(text, state);
    const sink = new PreparedAnswer(this, pooled, {
      packet: text,
      state,
      key,
      effects,
      userVariables: effects & Effect.SETS_USER_VARIABLE
        ? userVariablesIn(
          text,
          HEADER_LENGTH + 1,
          text.length,
          lexicalModeOf(state, this.#session.context),
        )
        : [],
      replacements: rewritten?.replacements,
    });
    const shown = rewritten
      ? new RenamedColumns(sink, { replacements: rewritten.replacements, prepared: true })
      : sink;
    pooled.connection.request(text, Expect.PREPARE, shown);
  }

  /** The next id of the session's own. */
  nextId(): number {
    return this.#lastId + 1;
  }

  add(statement: SessionStatement): void {
    this.#lastId = statement.id;
    (this.#statements ??= new Map()).set(statement.id, statement);
  }

  get session(): PooledSession {
    return this.#session;
  }

  /** After an answer: a cursor is open, or has come to its end. */
  noteCursor(statement: SessionStatement | undefined, packet: Buffer, status: number): void {
    if (!statement) return;
    const command = packet[HEADER_LENGTH];
    if (wantsCursor(packet)) {
      if (status & ServerStatus.CURSOR_EXISTS) (this.#cursors ??= new Set()).add(statement);
      else this.#cursors?.delete(statement);
    } else if (command === Command.STMT_FETCH) {
      if (status & ServerStatus.LAST_ROW_SENT) this.#cursors?.delete(statement);
    } else this.#cursors?.delete(statement);
    if (this.#cursors !== undefined) this.#pinCursors();
  }

  /** Their connection is gone. */
  forgetCursors(): void {
    this.#cursors = undefined;
  }

  clear(): void {
    this.#statements = undefined;
    this.#cursors = undefined;
    this.#lastId = 0;
  }

  /** Values of a state were unknown when statements were prepared in it, and are known now. */
  stateKnown(before: SessionState, after: SessionState): void {
    for (const statement of this.#statements?.values() ?? []) {
      if (!isSameState(statement.state, before)) continue;
      statement.state = after;
      statement.key = keyOf(statement.packet, after);
    }
  }
}

function isStatementCommand(command: number): boolean {
  return command === Command.STMT_EXECUTE || command === Command.STMT_BULK_EXECUTE ||
    command === Command.STMT_FETCH || command === Command.STMT_RESET;
}

/** The names that MariaDB gives these commands in error 1243; MySQL has one for all. */
const NAMES = new Map<number, string>([
  [Command.STMT_EXECUTE, "mysqld_stmt_execute"],
  [Command.STMT_BULK_EXECUTE, "mysqld_stmt_bulk_execute"],
  [Command.STMT_FETCH, "mysqld_stmt_fetch"],
  [Command.STMT_RESET, "mysqld_stmt_reset"],
]);

function keyOf(packet: Uint8Array, state: SessionState): string {
  const text = Buffer.from(packet.buffer, packet.byteOffset, packet.length);
  return `${text.toString("latin1", HEADER_LENGTH + 1)}\n${state.key}`;
}

class CursorClosed implements AnswerSink {
  readonly #session: PooledSession;

  constructor(session: PooledSession) {
    this.#session = session;
  }

  onAnswerBytes(): void {}

  onOkPacket(): void {}

  onAnswerEnd(): void {
    this.#session.freeIfIdle();
  }

  onServerLost(): void {}
}

/** Where the statement id, columns and parameters are in the first packet of the answer. */
const ID_START = HEADER_LENGTH + 1;
const HEAD_END = ID_START + 8;

/** COM_STMT_PREPARE's answer, with an id of the session's own. */
class PreparedAnswer implements AnswerSink {
  readonly #statements: PreparedStatements;
  readonly #pooled: PooledConnection;
  readonly #made: Omit<SessionStatement, "id" | "parameters" | "types" | "longData">;
  readonly #id: number;
  readonly #head = Buffer.alloc(HEAD_END);
  #at = 0;

  constructor(
    statements: PreparedStatements,
    pooled: PooledConnection,
    made: Omit<SessionStatement, "id" | "parameters" | "types" | "longData">,
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
    if (tracker.errorCode === 0) {
      this.#pooled.keepStatement(this.#made.key, { id: tracker.statementId, types: undefined });
      this.#statements.add({
        ...this.#made,
        id: this.#id,
        parameters: this.#head.readUInt16LE(ID_START + 6),
        types: undefined,
        longData: undefined,
      });
    }
    this.#statements.session.session.onAnswerEnd();
  }

  onServerLost(reason: string): void {
    this.#statements.session.session.onServerLost(reason);
  }
}
