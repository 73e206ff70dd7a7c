// A session's prepared statements. The server's own are shared by all sessions of a connection and
// made anew where they are missing; the ids that the client sees are the session's.

import {
  type AnswerSink,
  isMariadb,
  keyOf,
  type PooledConnection,
  type PreparedTexts,
} from "../../backend/mod.ts";
import { Effect } from "../../sql/mod.ts";
import {
  Command,
  Expect,
  expectedAnswer,
  frame,
  HEADER_LENGTH,
  ServerStatus,
  writeHeader,
} from "../../wire/mod.ts";
import { LAST_PREPARED, replaceCalls } from "../stages/connection_id.ts";
import { lacksTypesOfLast } from "./last_prepared.ts";
import { inPackets } from "../command/long_command.ts";
import { OwnPin } from "../pins/own_pin.ts";
import type { PooledSession } from "../pooled_session.ts";
import { PreparedAnswer } from "./prepared_answer.ts";
import { RenamedColumns } from "../stages/renamed_columns.ts";
import {
  bringsTypes,
  isForNoParameter,
  isStatementCommand,
  nextHistory,
  type SessionStatement,
  setStatementId,
  statementIdOf,
  wantsCursor,
  withTypes,
} from "./session_statement.ts";
import { StatementList } from "./statement_list.ts";
import { showsParameters, type TypeHistory } from "./type_history.ts";

/** The statements of one session. */
export class PreparedStatements {
  readonly #session: PooledSession;
  readonly #statements = new StatementList();
  #lastId = 0;
  /** The last COM_STMT_PREPARE was refused: there is none that was prepared last. */
  #lastFailed = false;
  /** Long data kept for all statements, in bytes. */
  #longDataBytes = 0;
  #passed = 0; // statements whose long data is at the server
  /** Types as the session and the server knew them before the execution under way. */
  #typesBefore: Uint8Array | undefined;
  #historyBefore: TypeHistory | undefined;
  #knownTypes: Uint8Array | undefined;
  #knownHistory: TypeHistory = "";
  /** Statements with an open cursor. */
  #cursors: Set<SessionStatement> | undefined;

  constructor(session: PooledSession) {
    this.#session = session;
  }

  /** All of them. */
  all(): readonly SessionStatement[] {
    return this.#statements.all();
  }

  /** How many there are. */
  get count(): number {
    return this.#statements.all().length;
  }

  /** The statement that a command is about; undefined for other commands and unknown ids. */
  of(command: number, packet: Buffer): SessionStatement | undefined {
    switch (command) {
      case Command.STMT_EXECUTE:
      case Command.STMT_BULK_EXECUTE:
      case Command.STMT_FETCH:
      case Command.STMT_RESET:
      case Command.STMT_SEND_LONG_DATA:
        return this.#find(packet);
      default:
        return undefined;
    }
  }

  #find(packet: Buffer): SessionStatement | undefined {
    const id = statementIdOf(packet);
    if (id === undefined) return undefined;
    if (id !== LAST_PREPARED) return this.#statements.get(id);
    const isNone = this.#lastFailed || !isMariadb(this.#session.context.server.identity!);
    return isNone ? undefined : this.#statements.get(this.#lastId);
  }

  /** The statement with a number in place of ROW_COUNT(): a statement of its own to servers. */
  withRowCount(
    statement: SessionStatement,
    pooled: PooledConnection,
    rowCount: number,
  ): SessionStatement {
    const { session } = this.#session;
    if (statement.longDataPassed || statement.givesRowCount) return statement;
    const payload = Buffer.from(statement.packet).subarray(HEADER_LENGTH);
    const rewritten = replaceCalls(session, payload, pooled.connection, rowCount);
    if (!rewritten) return statement;
    const text = this.#texts.of(behindHeader(rewritten.payload));
    const replacements = [...statement.replacements ?? [], ...rewritten.replacements];
    const { longData } = statement;
    if (!statement.longDataRefused) statement.longData = undefined; // it goes with this execution
    const key = keyOf(text, statement.state);
    const { packet } = text;
    return { ...statement, packet, key, replacements, longData, givesRowCount: true };
  }

  /** COM_STMT_CLOSE: has no answer. */
  close(packet: Buffer): void {
    const statement = this.#find(packet);
    if (!statement) return;
    this.#statements.delete(statement);
    this.#dropLongData(statement);
    if (!this.#cursors?.has(statement) && !statement.longDataPassed) return;
    this.#resetAtServer(statement);
  }

  /** The server's statement stays, its cursor and long data must not. */
  #resetAtServer(statement: SessionStatement): void {
    this.#cursors?.delete(statement);
    this.#notePassed(statement, false);
    const { pooled } = this.#session;
    const known = pooled?.statement(statement.key);
    if (pooled && known) {
      const reset = Buffer.alloc(5);
      reset[0] = Command.STMT_RESET;
      reset.writeUInt32LE(known.id, 1);
      pooled.rowCountGone = true;
      pooled.connection.request(frame(reset, 0), Expect.OK, new ClosedStatement(this.#session));
    }
    this.#pinCursors();
  }

  #pinCursors(): void {
    const session = this.#session;
    if (this.#cursors !== undefined && this.#cursors.size > 0) session.ownPins |= OwnPin.CURSOR;
    else session.ownPins &= ~OwnPin.CURSOR;
  }

  /**
   * COM_STMT_SEND_LONG_DATA: has no answer; kept until the execution.
   *
   * @returns false where it is too much to be kept: the server must get it now.
   */
  keepLongData(packet: Buffer): boolean {
    const statement = this.#find(packet);
    if (!statement) return true;
    const bytes = this.#longDataBytes + packet.length;
    if (statement.longDataPassed || bytes > LONG_DATA_MAX) return false;
    this.#longDataBytes = bytes;
    statement.longDataRefused ||= isForNoParameter(packet, statement);
    (statement.longData ??= []).push(Buffer.from(packet));
    return true;
  }

  /** Gives the server long data that is not kept: the session stays there until the execution. */
  passLongData(pooled: PooledConnection, statement: SessionStatement, packet: Buffer): void {
    const { id } = pooled.statement(statement.key)!;
    this.#sendLongData(pooled, statement, id);
    this.#notePassed(statement, true);
    setStatementId(packet, id);
    pooled.connection.stream.startCommand();
    pooled.connection.stream.write(inPackets(packet));
  }

  #notePassed(statement: SessionStatement, isPassed: boolean): void {
    if (statement.longDataPassed === isPassed) return;
    statement.longDataPassed = isPassed;
    this.#passed += isPassed ? 1 : -1;
    const session = this.#session;
    if (this.#passed > 0) session.ownPins |= OwnPin.LONG_DATA;
    else session.ownPins &= ~OwnPin.LONG_DATA;
  }

  #dropLongData(statement: SessionStatement): void {
    for (const { length } of statement.longData ?? []) this.#longDataBytes -= length;
    statement.longData = undefined;
    statement.longDataRefused = false;
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
      const id = statementIdOf(packet) ?? 0;
      if (id === LAST_PREPARED ? pooled.lastStatement === 0 : !pooled.hasStatement(id)) {
        return false;
      }
      this.#askForUnknown(pooled, packet);
      return true;
    }
    const known = pooled.statement(statement.key)!;
    const { connection } = pooled;
    // MariaDB is stricter with the one that a client calls "the last one".
    const isLast = statementIdOf(packet) === LAST_PREPARED && pooled.lastStatement === known.id;
    if (!isLast) setStatementId(packet, known.id);
    let out = packet;
    if (isLast && lacksTypesOfLast(this.#session)) {
      // As it came: it is refused.
    } else if (command === Command.STMT_EXECUTE || command === Command.STMT_BULK_EXECUTE) {
      out = this.#execution(pooled, statement, packet);
    } else if (command === Command.STMT_RESET) {
      this.#dropLongData(statement);
      this.#notePassed(statement, false);
    }
    const sink = this.session.session.sinkFor(out, this.#sinkOf(statement));
    connection.request(inPackets(out), expectedAnswer(command), sink);
    return true;
  }

  /** What goes before an execution, and the execution with the types that the server needs. */
  #execution(
    pooled: PooledConnection,
    statement: SessionStatement,
    packet: Buffer,
  ): Buffer {
    const known = pooled.statement(statement.key)!;
    const { hasQueryAttributes } = this.#session.session;
    this.#typesBefore = statement.types;
    this.#historyBefore = statement.history;
    this.#knownTypes = known.types;
    this.#knownHistory = known.history;
    const typed = withTypes(packet, statement, {
      hasAttributes: hasQueryAttributes,
      known: known.types,
    });
    known.types = typed.types;
    if (statement.history !== undefined) {
      known.history = statement.history = nextHistory(packet, statement, hasQueryAttributes);
    }
    if (statement.replacements) {
      const { types, history } = statement;
      Object.assign(this.#statements.get(statement.id)!, { types, history });
    }
    this.#sendLongData(pooled, statement, known.id);
    this.#notePassed(statement, false);
    return typed.packet;
  }

  #sinkOf({ replacements }: SessionStatement): AnswerSink {
    const { session } = this.#session;
    return replacements ? new RenamedColumns(session, { replacements, prepared: false }) : session;
  }

  /** A long execution whose start says all that is to be known of it. */
  takeInPieces(start: Buffer): boolean {
    const command = start[HEADER_LENGTH];
    if (command !== Command.STMT_EXECUTE && command !== Command.STMT_BULK_EXECUTE) return false;
    const statement = this.#find(start);
    return statement !== undefined &&
      bringsTypes(start, statement, this.#session.session.hasQueryAttributes);
  }

  /**
   * A long execution is about to go out in pieces.
   *
   * @param start Its start, which is changed in place.
   * @returns Who gets its answer.
   */
  startLong(pooled: PooledConnection, statement: SessionStatement, start: Buffer): AnswerSink {
    setStatementId(start, pooled.statement(statement.key)!.id);
    this.#execution(pooled, statement, start);
    return this.#sinkOf(statement);
  }

  #sendLongData(pooled: PooledConnection, statement: SessionStatement, id: number): void {
    const { longData } = statement;
    if (!longData) return;
    if (!statement.longDataRefused) this.#dropLongData(statement);
    for (const packet of longData) {
      setStatementId(packet, id);
      pooled.connection.stream.startCommand();
      pooled.connection.stream.write(inPackets(packet));
    }
  }

  /** The server is asked for one that nobody has, and its error names the one that was asked for. */
  #askForUnknown(pooled: PooledConnection, packet: Buffer): void {
    const replacements = [{
      literal: `(${UNKNOWN_STATEMENT})`,
      original: `(${statementIdOf(packet) ?? 0})`,
    }];
    setStatementId(packet, UNKNOWN_STATEMENT);
    const renamed = new RenamedColumns(this.#session.session, { replacements, prepared: false });
    const sink = this.#session.session.sinkFor(packet, renamed);
    pooled.connection.request(inPackets(packet), expectedAnswer(packet[HEADER_LENGTH]), sink);
  }

  #prepare(pooled: PooledConnection, packet: Buffer): void {
    const { session, state } = this.#session;
    const effects = this.#session.textEffects;
    const rewritten = effects & Effect.ASKS_CONNECTION_ID
      ? replaceCalls(session, packet.subarray(HEADER_LENGTH), pooled.connection)
      : undefined;
    const shared = this.#texts.of(rewritten ? behindHeader(rewritten.payload) : packet);
    const text = shared.packet;
    const key = keyOf(shared, state);
    const { namedVariables } = this.#session;
    const sink = new PreparedAnswer(this, pooled, {
      packet: text,
      state,
      key,
      effects,
      userVariables: effects & Effect.SETS_USER_VARIABLE ? namedVariables.all : NO_NAMES,
      missingVariables: namedVariables.missing,
      replacements: rewritten?.replacements,
    });
    const shown = rewritten
      ? new RenamedColumns(sink, { replacements: rewritten.replacements, prepared: true })
      : sink;
    pooled.connection.request(
      inPackets(text),
      Expect.PREPARE,
      session.sinkFor(text, shown),
    );
  }

  /** The next id of the session's own. */
  nextId(): number {
    return this.#lastId + 1;
  }

  /** Undefined where it makes no difference what a statement's parameters were first. */
  historyOf(packet: Uint8Array): TypeHistory | undefined {
    if (isMariadb(this.#session.context.server.identity!)) return undefined;
    return showsParameters(packet, HEADER_LENGTH + 1) ? "" : undefined;
  }

  add(statement: SessionStatement): void {
    this.#lastId = statement.id;
    this.#lastFailed = false;
    this.#statements.add(statement);
  }

  /** A statement could not be prepared. */
  noteRefused(): void {
    this.#lastFailed = true;
  }

  get #texts(): PreparedTexts {
    return this.#session.context.tables.texts;
  }

  get session(): PooledSession {
    return this.#session;
  }

  /** An execution was refused before the server has looked at its types: it does not know them. */
  noteRefusedTypes(pooled: PooledConnection, { id, key, longDataRefused }: SessionStatement): void {
    const own = this.#statements.get(id);
    // The server would refuse it to everybody now. MySQL has looked at the types.
    if (longDataRefused) pooled.dropStatement(key);
    const isSeen = longDataRefused && !isMariadb(this.#session.context.server.identity!);
    const known = pooled.statement(key);
    if (known) {
      known.types = this.#knownTypes;
      known.history = this.#knownHistory;
    }
    if (own) {
      if (!isSeen) own.types = this.#typesBefore;
      own.history = this.#historyBefore;
    }
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

  /** Cursors and long data: their connection is gone. */
  forgetAtServer(): void {
    this.#cursors = undefined;
    if (this.#passed === 0) return;
    for (const statement of this.#statements.all()) statement.longDataPassed = false;
    this.#passed = 0;
  }

  clear(): void {
    this.#statements.clear();
    this.#cursors = undefined;
    this.#lastId = 0;
    this.#longDataBytes = 0;
    this.#passed = 0;
  }
}

/** Most statements set no user variable. */
const NO_NAMES: readonly string[] = [];

/** Long data kept for one session, in bytes; what is more is passed on at once. */
const LONG_DATA_MAX = 1024 * 1024;

/** A payload behind one header, whatever its length. */
function behindHeader(payload: Uint8Array): Buffer {
  const packet = Buffer.allocUnsafe(HEADER_LENGTH + payload.length);
  writeHeader(packet, 0, { length: payload.length, sequence: 0 });
  packet.set(payload, HEADER_LENGTH);
  return packet;
}

/** No server counts so far. */
const UNKNOWN_STATEMENT = 0x7ffffff0;

class ClosedStatement implements AnswerSink {
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
