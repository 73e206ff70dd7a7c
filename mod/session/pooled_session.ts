// A session that holds a server connection only while it needs one: for a statement, a transaction,
// or as long as something of it cannot be carried over to another connection.
//
// A command comes (`run`), a connection is leased (`granted`), made ready if another session was on
// it (`Preparation`), the command goes out (`#send`), and when its answer has ended what it left is
// noted (`settle`) and the connection is free again.

import type {
  AccountPool,
  Baseline,
  ConnectionHolder,
  Lessee,
  LoginRequest,
  PooledConnection,
  SessionState,
} from "../backend/mod.ts";
import {
  isMariadb,
  isSameState,
  LASTING_RESIDUE,
  makeFresh,
  resetConnection,
  Residue,
} from "../backend/mod.ts";
import { Effect, effectsOf, UNKNOWN, userVariablesIn } from "../sql/mod.ts";
import {
  Command,
  ERR_HEADER,
  Expect,
  expectedAnswer,
  frame,
  HEADER_LENGTH,
  type PacketAssembler,
  ServerStatus,
  type SqlError,
} from "../wire/mod.ts";
import { type CapturedValues, FOUND_ROWS, INSERT_ID, UNSET } from "./captured_values.ts";
import type { ClientSession } from "./client_session.ts";
import {
  answerShow,
  CLEAR,
  type Conditions,
  isExact,
  raise,
  readConditions,
  rowsOf,
} from "./conditions.ts";
import { replaceCalls } from "./connection_id.ts";
import type { SessionContext } from "./context.ts";
import { endForInactivity, isClosedForInactivity } from "./inactivity.ts";
import { isInterruption } from "./session_errors.ts";
import { noteAnswer, noteStatement } from "./settlement.ts";
import { noteState } from "./told_state.ts";
import { opener } from "./pool_opener.ts";
import { Pins } from "./pins.ts";
import { Preparation } from "./preparation.ts";
import { PreparedStatements } from "./prepared_statements.ts";
import { lexicalModeOf } from "./lexical_mode.ts";
import { RenamedColumns } from "./renamed_columns.ts";
import { type SessionStatement, setStatementId } from "./session_statement.ts";
import { textOf } from "./statement_text.ts";
import { statementStart } from "./statement_start.ts";

const NO_VARIABLES: ReadonlyMap<string, string> = new Map();

/** The pooled part of a client session. */
export class PooledSession implements Lessee {
  readonly session: ClientSession;
  readonly context: SessionContext;
  readonly statements: PreparedStatements;
  pool: AccountPool;
  readonly kind: string;
  baseline: Baseline;
  /** How it has logged in. */
  request: LoginRequest;
  open: (() => Promise<PooledConnection>) | undefined;
  waitingSince = 0;

  /** What the session has set. */
  state: SessionState;
  userVariables: ReadonlyMap<string, string> = NO_VARIABLES;
  insertId = "0";
  foundRows = "0";
  /** ROW_COUNT() of the last statement. */
  rowCount = 0;
  /** Warnings and errors, where they have been taken from the connection they were on. */
  conditions: Conditions | undefined;
  /** The connection used last. */
  last: PooledConnection | undefined;

  /** A command is under way, from its arrival to the end of its answer. */
  busy = false;
  /** What statements have said that holds it. */
  readonly pins = new Pins();
  /** What else does: a set of `OwnPin`. */
  ownPins = 0;
  /** The server has told of a change that the statement under way does not explain. */
  hiddenChange = false;
  /** The command under way, header included; empty where there is none. */
  command: Buffer = NO_COMMAND;
  /** What the command under way may do and ask: a set of `Effect`. */
  effects = 0;
  /** What the text in it may: that of COM_STMT_PREPARE does nothing yet. */
  textEffects = 0;
  /** The prepared statement it is about. */
  statement: SessionStatement | undefined;
  #pooled: PooledConnection | undefined;
  #endsWithConnection = false;
  /** ROW_COUNT() in it is replaced by the session's. */
  #givesRowCount = false;
  /** It goes out in pieces. */
  #isLong = false;
  /** What the next command is told: its server connection has ended while it held it. */
  #pendingError: string | undefined;
  /** The same in the server's own words: the payload of an ERR packet. */
  #lastWords: Uint8Array | undefined;

  constructor(session: ClientSession, options: {
    readonly pool: AccountPool;
    readonly pooled: PooledConnection;
    readonly baseline: Baseline;
    readonly request: LoginRequest;
  }) {
    this.session = session;
    this.context = session.context;
    this.pool = options.pool;
    this.kind = options.pooled.kind;
    this.baseline = options.baseline;
    this.request = options.request;
    this.open = opener(this.context, options);
    this.state = options.pooled.state;
    this.last = options.pooled;
    this.statements = new PreparedStatements(this);
    options.pooled.owner = this;
  }

  /** The connection it holds now. */
  get pooled(): PooledConnection | undefined {
    return this.#pooled;
  }

  /** It holds a connection beyond the command under way. */
  get pinned(): boolean {
    return this.ownPins !== 0 || this.pins.any || this.#endsWithConnection ||
      (this.#pooled?.connection.kills ?? 0) > 0;
  }

  // A command's way.

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
        this.statements.keepLongData(packet);
        return;
      default:
        break;
    }
    if (expectedAnswer(command) === Expect.UNKNOWN) {
      this.session.answerError(UNKNOWN_COMMAND, 1);
      return;
    }
    if (this.#pendingError !== undefined) {
      const reason = this.#pendingError;
      this.#pendingError = undefined;
      this.#tellLost(reason, 1);
      return;
    }
    this.#start(packet, false);
  }

  /** Takes the start of a command of 16 MiB and more. */
  runLong(start: Buffer): void {
    if (this.#pendingError !== undefined) this.session.endLost();
    else this.#start(start, true);
  }

  #start(packet: Buffer, isLong: boolean): void {
    const command = packet.length > HEADER_LENGTH ? packet[HEADER_LENGTH] : Command.SLEEP;
    this.busy = true;
    this.command = packet;
    this.#isLong = isLong;
    this.statement = this.statements.of(command, packet);
    this.textEffects = this.#effectsOf(command, packet);
    this.effects = command === Command.STMT_PREPARE ? 0 : this.textEffects;
    if (this.#pooled) this.#begin(this.#pooled);
    else this.pool.lease(this);
  }

  #effectsOf(command: number, packet: Buffer): number {
    switch (command) {
      case Command.QUERY:
      case Command.STMT_PREPARE: {
        // Of a long one only the start is known: it may do anything.
        if (this.#isLong) return UNKNOWN;
        const { session } = this;
        const start = command === Command.QUERY && session.hasQueryAttributes
          ? statementStart(packet, HEADER_LENGTH, packet.length)
          : HEADER_LENGTH + 1;
        return effectsOf(packet, start, packet.length, lexicalModeOf(this.state, this.context));
      }
      case Command.STMT_EXECUTE:
      case Command.STMT_BULK_EXECUTE:
        return this.statement?.effects ?? 0;
      case Command.INIT_DB: // its OK tells the number of warnings there are
        return Effect.CHANGES_SCHEMA | Effect.ASKS_WARNINGS;
      case Command.PING:
      case Command.SET_OPTION:
      case Command.STMT_RESET:
      case Command.DEBUG:
        return Effect.ASKS_WARNINGS;
      default:
        return 0;
    }
  }

  granted(pooled: PooledConnection): void {
    if (this.session.closed) {
      this.pool.release(pooled);
      return;
    }
    this.#pooled = pooled;
    this.session.server = pooled.connection;
    pooled.connection.holder = this.session;
    this.#begin(pooled);
  }

  refused(error: SqlError): void {
    const isLong = this.#isLong;
    this.#idle();
    this.session.answerError(error, 1);
    // What comes of a command of many packets cannot be told from commands any more.
    if (isLong) this.session.endLost();
    else this.session.release();
  }

  #begin(pooled: PooledConnection): void {
    const isForeign = pooled.owner !== this || pooled.touched;
    this.#givesRowCount = isForeign && (this.effects & Effect.ASKS_ROW_COUNT) !== 0;
    if (this.statement && this.#givesRowCount) {
      this.statement = this.statements.withRowCount(this.statement, pooled, this.rowCount);
    }
    if (isForeign && this.#answersShow()) return;
    const { statement } = this;
    const reset = !this.pinned && !this.inTransaction && this.#meetsGhost(pooled);
    const missing = statement !== undefined && pooled.statement(statement.key) === undefined;
    const needsInsertId = (this.effects & NEEDS_INSERT_ID) !== 0 &&
      pooled.insertId !== this.insertId &&
      !(pooled.owner === this && pooled.insertId === undefined);
    const diagnostics = this.#diagnosticsFor(pooled, isForeign);
    const isOwn = pooled.owner === this ||
      (pooled.residue === Residue.NONE && isSameState(pooled.state, this.state) &&
        pooled.userVariables === this.userVariables);
    if (isOwn && !missing && !reset && !needsInsertId && diagnostics.length === 0) {
      this.prepared();
      return;
    }
    new Preparation(this, pooled, this.context.counters).take(this, {
      reset,
      insertId: needsInsertId,
      statement: missing || reset ? statement : undefined,
      diagnostics,
    });
  }

  /**
   * The statement names a user variable that the session has not set and another one had: NULL, but
   * of another type than one that was never set. Only a reset takes it away.
   */
  #meetsGhost(pooled: PooledConnection): boolean {
    const asks = (this.textEffects & Effect.ASKS_USER_VARIABLE) !== 0;
    if (pooled.knownVariables === undefined || !asks) {
      return false;
    }
    const { bytes, start } = textOf(this);
    const mode = lexicalModeOf(this.state, this.context);
    const isOwner = pooled.owner === this;
    return userVariablesIn(bytes, start, bytes.length, mode).some((name) =>
      pooled.knownVariables!.has(name) && !this.userVariables.has(name) &&
      !(isOwner && pooled.dirty?.has(name))
    );
  }

  /**
   * Statements that give the connection the session's FOUND_ROWS(), warnings and errors. MySQL
   * clears the conditions with each statement, so that it has to be done only for one that asks;
   * MariaDB keeps them until a statement uses a table.
   */
  #diagnosticsFor(pooled: PooledConnection, isForeign: boolean): readonly string[] {
    const { effects } = this;
    const mariadb = isMariadb(this.context.server.identity!);
    const needsConditions = isForeign &&
      ((effects & Effect.ASKS_WARNINGS) !== 0 ||
        (mariadb && (pooled.hasConditions || this.conditions !== undefined)));
    const needsFoundRows = (effects & Effect.ASKS_FOUND_ROWS) !== 0 &&
      pooled.foundRows !== this.foundRows &&
      !(pooled.owner === this && pooled.foundRows === undefined);
    if (!needsConditions && !needsFoundRows) return NOTHING;
    const texts: string[] = [];
    if (needsFoundRows) {
      texts.push(`SELECT 1 FROM ${rowsOf(Number(this.foundRows))}`);
      pooled.foundRows = this.foundRows;
    }
    if (needsConditions) {
      if (this.conditions) texts.push(raise(this.conditions, mariadb));
      else if (!needsFoundRows && (pooled.hasConditions || pooled.residue & Residue.WARNINGS)) {
        texts.push(CLEAR); // asking for rows has cleared them, too
      }
      pooled.hasConditions = this.conditions !== undefined;
    }
    return texts;
  }

  /** SHOW WARNINGS and SHOW ERRORS of conditions that no statement can bring back. */
  #answersShow(): boolean {
    const { conditions } = this;
    if (!conditions || (this.effects & Effect.ASKS_WARNINGS) === 0) return false;
    if (this.command[HEADER_LENGTH] !== Command.QUERY) return false;
    if (isExact(conditions, isMariadb(this.context.server.identity!))) return false;
    const start = this.session.hasQueryAttributes
      ? statementStart(this.command, HEADER_LENGTH, this.command.length)
      : HEADER_LENGTH + 1;
    const packets = answerShow(this.command.toString("latin1", start), conditions);
    if (!packets) return false;
    for (const packet of packets) this.session.onAnswerBytes(packet);
    this.#finish();
    return true;
  }

  /** The connection is in the session's state: the command may go out. */
  prepared(): void {
    const pooled = this.#pooled!;
    if (this.session.closed) return;
    if (pooled.owner !== this) {
      pooled.owner = this;
      pooled.touched = true;
    }
    this.last = pooled;
    noteStatement(this, pooled);
    if (this.#isLong) {
      const known = this.statement && pooled.statement(this.statement.key);
      if (known) setStatementId(this.command, known.id);
      this.session.sendLong(this.command);
    } else if (!this.statements.send(pooled, this.statement, this.command)) this.#sendText(pooled);
  }

  #sendText({ connection }: PooledConnection): void {
    const { command, session } = this;
    const rewritten = this.#givesRowCount && command[HEADER_LENGTH] === Command.QUERY
      ? replaceCalls(session, command.subarray(HEADER_LENGTH), connection, this.rowCount)
      : undefined;
    if (!rewritten) {
      session.sendCommand(command);
      return;
    }
    const { payload, replacements } = rewritten;
    const sink = new RenamedColumns(session, { replacements, prepared: false });
    connection.request(frame(payload, 0), Expect.RESULT, sink);
  }

  /** The connection could not be given the session's state: the client gets the server's error. */
  notPrepared(error: Uint8Array, spoiled: boolean): void {
    const pooled = this.#pooled!;
    this.session.answerPayload(error, 1);
    if (spoiled) {
      this.#detach();
      this.pool.drop(pooled);
    }
    this.#finish();
  }

  // The answer.

  /** Takes the session state out of an OK packet; gives the packet for the client. */
  noteState(packet: Uint8Array): Uint8Array {
    return noteState(this, packet);
  }

  /** Called when nothing is outstanding on the connection any more. */
  answered(): void {
    const pooled = this.#pooled;
    if (!pooled || !this.busy) return;
    const { tracker } = pooled.connection;
    if (isInterruption(tracker.errorCode)) pooled.connection.mayBeInterrupted = true;
    this.statements.noteCursor(this.statement, this.command, tracker.status);
    const command = this.command[HEADER_LENGTH];
    if (command === Command.RESET_CONNECTION && tracker.errorCode === 0) {
      void this.refresh(pooled);
    } else if (!noteAnswer(this, pooled)) this.#finish();
  }

  /** The command got an answer of the proxy's own. */
  answeredLocally(): void {
    this.#finish();
  }

  /** What was asked behind the answer is known. */
  afterwardsDone(): void {
    this.#finish();
  }

  /** What held the connection may have ended while no command was under way. */
  freeIfIdle(): void {
    if (!this.busy) this.#finish();
  }

  /** The command is dealt with: the connection is free unless something holds it. */
  #finish(): void {
    const pooled = this.#pooled;
    this.#idle();
    if (
      pooled && !this.pinned && !this.inTransaction && this.session.mayDetach &&
      pooled.connection.outstanding === 0
    ) {
      this.#detach();
      this.pool.release(pooled);
    }
    this.session.release();
  }

  #idle(): void {
    this.busy = false;
    this.command = NO_COMMAND;
    this.statement = undefined;
    this.effects = 0;
  }

  get inTransaction(): boolean {
    const pooled = this.#pooled;
    return pooled !== undefined &&
      (pooled.connection.tracker.status & ServerStatus.IN_TRANS) !== 0;
  }

  #detach(): void {
    this.#pooled = undefined;
    this.session.server = undefined;
  }

  // What happens to the connection.

  onConnectionLost(pooled: PooledConnection): void {
    if (this.last === pooled) this.last = undefined;
    const lost = pooled.residue & LASTING_RESIDUE;
    // What it held of the session's settings is gone with it, as the session itself would be.
    if (lost !== 0 && !this.session.closed) this.#end();
  }

  #end(): void {
    if (isClosedForInactivity(this.session)) endForInactivity(this.session);
    else this.session.endLost();
  }

  /** The server says something before it closes the connection. */
  onUnasked(bytes: Uint8Array): void {
    if (bytes[HEADER_LENGTH] === ERR_HEADER) this.#lastWords = bytes.slice(HEADER_LENGTH);
  }

  #tellLost(reason: string, sequence: number): void {
    const words = this.#lastWords;
    this.#lastWords = undefined;
    if (words) this.session.answerPayload(words, sequence);
    else this.session.answerLost(reason, sequence);
  }

  /** The server connection has ended while the session held it. */
  onServerLost(reason: string): void {
    const pooled = this.#pooled;
    if (!pooled) return;
    pooled.owner = undefined;
    const sequence = pooled.connection.tracker.sequence + 1;
    this.#detach();
    this.pool.lost(pooled);
    this.last = undefined;
    this.pins.clear();
    this.ownPins = 0;
    this.statements.forgetCursors();
    if (!this.busy) {
      if (this.#endsWithConnection || isClosedForInactivity(this.session)) this.#end();
      else this.#pendingError = reason;
      return;
    }
    this.#idle();
    if (this.#endsWithConnection) {
      this.session.endLost();
      return;
    }
    this.session.answerLost(reason, sequence);
    this.session.release();
  }

  /** The client has gone. @param wasIdle No command was under way. */
  leave(wasIdle: boolean): void {
    const pooled = this.#pooled;
    this.pool.countSession(this.kind, -1);
    if (this.last?.owner === this) this.last.disown();
    if (!pooled) {
      this.pool.cancel(this);
      return;
    }
    const { server } = this.context;
    this.#detach();
    if (pooled.connection.closed) this.pool.lost(pooled);
    else if (!wasIdle || pooled.connection.outstanding > 0) {
      server.discard(pooled.connection);
      this.pool.lost(pooled);
    } else if (!pooled.connection.reusable) this.pool.drop(pooled);
    else void this.#reset(pooled);
  }

  /** Ends a transaction and frees locks, for the next session. */
  async #reset(pooled: PooledConnection): Promise<void> {
    const { pool, baseline, context } = this;
    pooled.connection.holder = new ResettingHolder(pool, pooled);
    if (await resetConnection(pooled.connection)) {
      try {
        const { states } = context.server.pools!;
        pooled.becomeFresh(await makeFresh(pooled.connection, { baseline, states }));
        pool.release(pooled);
        return;
      } catch {
        // It is of no use any more.
      }
    }
    if (!pooled.connection.closed) pool.drop(pooled);
  }

  /** After COM_RESET_CONNECTION or COM_CHANGE_USER: learns what the session has set now. */
  async refresh(pooled: PooledConnection): Promise<void> {
    try {
      const { states } = this.context.server.pools!;
      const state = await makeFresh(pooled.connection, { baseline: this.baseline, states });
      if (this.session.closed) return;
      this.becomeFresh(state);
      this.#finish();
    } catch {
      this.session.endLost();
    }
  }

  // What another session's preparation has found of this one's.

  keep(values: CapturedValues): void {
    let variables: Map<string, string> | undefined;
    const settings: [string, string][] = [];
    for (const [name, literal] of values) {
      if (name === INSERT_ID) this.insertId = literal;
      else if (name === FOUND_ROWS) this.foundRows = literal;
      else if (name.startsWith("@")) {
        variables ??= new Map(this.userVariables);
        if (literal === UNSET) variables.delete(name);
        else variables.set(name, literal);
      } else settings.push([name, literal]);
    }
    if (variables) this.userVariables = variables;
    if (settings.length === 0) return;
    const before = this.state;
    this.state = this.context.server.pools!.states.with(before, settings);
    this.statements.stateKnown(before, this.state);
  }

  keepWarnings(packets: PacketAssembler, capabilities: number): void {
    const found = readConditions(packets, capabilities);
    if (found) this.conditions = found.list.length > 0 ? found : undefined;
  }

  /** Sets what the session has set. */
  setState(state: SessionState): void {
    this.state = state;
    if (this.#pooled) this.#pooled.state = state;
  }

  /** After COM_CHANGE_USER: session and connection are another account's. */
  moveTo(pool: AccountPool, options: {
    readonly baseline: Baseline;
    readonly state: SessionState;
    readonly request: LoginRequest;
  }): void {
    const pooled = this.#pooled!;
    this.pool.countSession(this.kind, -1);
    pooled.owner = undefined;
    this.pool.lost(pooled);
    this.pool = pool;
    pool.countSession(this.kind, 1);
    pool.addLeased(pooled);
    this.baseline = options.baseline;
    this.request = options.request;
    this.open = opener(this.context, options);
    this.becomeFresh(options.state);
  }

  /** The server is about to close the connection, and the session is over then. */
  endWithConnection(why: number): void {
    this.#endsWithConnection = true;
    this.ownPins |= why;
  }

  /** As after COM_RESET_CONNECTION and COM_CHANGE_USER. */
  becomeFresh(state: SessionState): void {
    const pooled = this.#pooled!;
    pooled.becomeFresh(state);
    pooled.owner = this;
    this.state = state;
    this.userVariables = pooled.userVariables;
    this.insertId = "0";
    this.foundRows = "0";
    this.rowCount = 0;
    this.conditions = undefined;
    this.pins.clear();
    this.ownPins = 0;
    this.statements.clear();
  }
}

const NO_COMMAND = Buffer.alloc(0);
const NOTHING: readonly string[] = [];

const NEEDS_INSERT_ID = Effect.ASKS_LAST_INSERT_ID | Effect.LEAVES_INSERT_ID | Effect.CALLS;

/** A connection that is being reset: its end is the pool's to know. */
class ResettingHolder implements ConnectionHolder {
  readonly #pool: AccountPool;
  readonly #pooled: PooledConnection;

  constructor(pool: AccountPool, pooled: PooledConnection) {
    this.#pool = pool;
    this.#pooled = pooled;
  }

  onUnasked(): void {
    this.#pooled.connection.abandon();
    this.onServerClosed();
  }

  onServerDrained(): void {}

  onServerClosed(): void {
    this.#pool.lost(this.#pooled);
  }
}

const UNKNOWN_COMMAND: SqlError = { code: 1047, sqlState: "08S01", message: "Unknown command" };
