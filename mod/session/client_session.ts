// A client and what it has: its connection, its server connection, what answers do to either.
// Its commands are the intake's (command_intake.ts).

import type { AnswerSink, ConnectionHolder, Flight, ServerConnection } from "../backend/mod.ts";
import { closePolitely } from "../backend/mod.ts";
import { type ByteStream, eventTime, type Stream, type StreamOwner } from "../net/mod.ts";
import type { LoggedSession } from "../observe/mod.ts";
import {
  Capability,
  encodeErr,
  frame,
  HEADER_LENGTH,
  PAYLOAD_MAX,
  ServerStatus,
  type SqlError,
} from "../wire/mod.ts";
import type { AnswerDigest } from "./failover/answer_digest.ts";
import { CommandIntake } from "./command/command_intake.ts";
import type { SessionContext } from "./context.ts";
import { login } from "./login/login.ts";
import type { LoginAttempts } from "./login/login_attempts.ts";
import { Mode } from "./command/mode.ts";
import { okWithoutState } from "./login/pooled_login.ts";
import type { PooledSession } from "./pooled_session.ts";
import { RenumberedAnswer } from "./command/renumbered_answer.ts";
import { type Loss, lossError } from "./failover/loss.ts";
import { asServerError, lostConnection } from "./session_errors.ts";
import { logSession } from "./observing/statement_logging.ts";
import { noteAnswered, noteLost, StatementTimes } from "./observing/statement_times.ts";
import { noteState } from "./state/told_state.ts";

/** A chunk of rows of this length is part of a large result: it may wait for more of it. */
const BULK_BYTES = 16 * 1024;

/** One client and, once it is logged in, its server connection. */
export class ClientSession implements StreamOwner, AnswerSink, ConnectionHolder {
  readonly id: number;
  readonly context: SessionContext;
  /** The client's address, as the PROXY header says where there is one; empty for unix sockets. */
  address: string;
  port: number;
  /** The client's end. */
  stream: ByteStream;
  /** The socket behind it: the same unless the client compresses. */
  readonly transport: Stream;
  /** Its capability flags. */
  capabilities = 0;
  /** It understands a client library's error number in a packet. */
  takesClientErrors = true;
  #server: ServerConnection | undefined;
  /** What shares server connections with other sessions; undefined where it has one of its own. */
  pooled: PooledSession | undefined;
  /** Its login, while that is under way. */
  attempts: LoginAttempts | undefined;
  /** The account's name, one character a byte; empty before the login. */
  user = "";
  /** When the last command or login came, by the context's clock. */
  activeAt: number;
  /** When it connected, by the same clock. */
  readonly connectedAt: number;
  /** The sequence id of the first packet of an answer of the proxy's own. */
  answerSequence = 1;
  /** Rows that wait for the OK packet behind them. */
  #ahead: Uint8Array | undefined;
  /** Prepared statements whose text was changed, by id. Made when there is one. */
  rewritten: Map<number, unknown> | undefined;

  /** Takes the answer under way as well, and keeps it from the client where it is muted. */
  digest: AnswerDigest | undefined;
  /** Whose answer is others' too that have asked the same; undefined: nobody's. */
  flight: Flight | undefined;

  /** How long its statement under way takes. */
  readonly times = new StatementTimes();
  /** What logs of its statements say of it; undefined: it has to be made. */
  logged: LoggedSession | undefined;
  /** Bytes of its client that have been counted. */
  #received = 0;
  #sent = 0;

  readonly #intake = new CommandIntake(this);
  #countedUser: string | undefined;

  constructor(stream: Stream, context: SessionContext) {
    this.id = context.directory.nextId();
    this.context = context;
    this.address = context.server.shared(stream.remoteAddress);
    this.port = stream.remotePort;
    this.stream = stream;
    this.transport = stream;
    this.activeAt = context.now;
    this.connectedAt = eventTime();
  }

  get closed(): boolean {
    return this.#intake.mode === Mode.CLOSED;
  }

  get loggedIn(): boolean {
    return this.#intake.mode !== Mode.LOGIN && this.#intake.mode !== Mode.CLOSED;
  }

  /** No command is under way. */
  get idle(): boolean {
    return this.#intake.idle && this.pooled?.busy !== true &&
      (this.server === undefined || this.server.outstanding === 0);
  }

  /** Its server connection; undefined before the login and after the end, or while it needs none. */
  get server(): ServerConnection | undefined {
    return this.#server;
  }

  set server(server: ServerConnection | undefined) {
    const before = this.#server;
    if (server === before) return;
    this.#server = server;
    before?.giveBack();
    server?.lend();
  }

  /** The server says that a transaction is open. */
  get inTransaction(): boolean {
    return ((this.server?.tracker.status ?? 0) & ServerStatus.IN_TRANS) !== 0;
  }

  /** The same, or its client has begun one that no server has been told of yet. */
  get hasBegun(): boolean {
    return this.inTransaction || this.pooled?.begin !== undefined;
  }

  /** Lets the client in, then serves it until it leaves. */
  async start(): Promise<void> {
    const result = await login(this, this.transport, this.context);
    if (!result || this.closed) return;
    this.context.counters.loginsSucceeded++;
    this.context.counters.clientsUnauthenticated--;
    this.stream = result.stream;
    this.stream.owner = this;
    this.#intake.mode = Mode.COMMANDS;
    this.activeAt = this.context.now;
    if (this.context.audit !== undefined) logSession(this, "login");
    if (result.rest.length > 0) this.onBytes(Buffer.from(result.rest));
  }

  /** There is another server that takes writes, or none. */
  reconsider(): void {
    this.attempts?.reconsider();
    this.pooled?.reconsider();
  }

  /** Counts the session for its account, and no more for the one it had. */
  countUser(user: string | undefined): void {
    const name = user === undefined ? undefined : this.context.server.shared(user);
    this.context.usersConnected.move(this.#countedUser, name);
    this.#countedUser = name;
    if (name !== undefined) this.user = name;
    this.logged = undefined;
  }

  /** Adds to the counters what has come and gone since the last time. */
  countBytes(): void {
    const { transport, context: { counters } } = this;
    counters.bytesFromClients += transport.received - this.#received;
    counters.bytesToClients += transport.sent - this.#sent;
    this.#received = transport.received;
    this.#sent = transport.sent;
  }

  // The client's side.

  onBytes(bytes: Buffer): void {
    this.#intake.onBytes(bytes);
  }

  /** Sends a whole command on the connection the session has leased. */
  sendCommand(packet: Buffer): void {
    this.#intake.sendCommand(packet);
  }

  /** Starts a command that goes out in pieces as they come. */
  sendLong(start: Buffer, sink: AnswerSink): void {
    this.#intake.sendLong(start, sink);
  }

  /** Answers a command when the rest of it has come; no server gets it. */
  passOver(start: Buffer, answer: Uint8Array): void {
    this.#intake.passOver(start, answer);
  }

  /** Who gets the answer to a whole command: the client may have numbered its packets otherwise. */
  sinkFor(packet: Uint8Array, sink: AnswerSink): AnswerSink {
    if (packet.length < HEADER_LENGTH + PAYLOAD_MAX) return sink;
    const sequence = this.answerSequence;
    return new RenumberedAnswer(sink, () => sequence);
  }

  /** Goes on with what was held back. Called when nothing is outstanding, or a stage is done. */
  release(): void {
    this.#intake.release();
  }

  /** Keeps all further commands back until `release` is called. */
  holdFurther(): void {
    this.#intake.holdFurther();
  }

  /** From now on bytes pass both ways as they are. */
  splice(): void {
    this.#intake.splice();
  }

  onDrained(): void {
    this.server?.stream.resume();
    if (this.pooled !== undefined) this.release(); // what waited until the answers were taken
  }

  onClosed(_reason: string): void {
    this.#end();
  }

  // The server's side.

  onAnswerBytes(bytes: Uint8Array): void {
    const { server } = this;
    if (server !== undefined && server.tracker.errorCode !== 0 && this.pooled?.holdsBack(bytes)) {
      return;
    }
    const { digest } = this;
    if (digest !== undefined) {
      digest.add(bytes);
      if (digest.isMuted) return;
    }
    this.#pass(bytes, server);
  }

  /** Rows whose OK packet is there too: most answers are one piece, and go out as one. */
  onBytesBeforeOk(bytes: Uint8Array): void {
    if (bytes.length >= BULK_BYTES) {
      this.onAnswerBytes(bytes);
      return;
    }
    const { digest } = this;
    digest?.add(bytes);
    if (digest?.isMuted !== true) this.#ahead = bytes;
  }

  /** Gives the client bytes of an answer. */
  #pass(bytes: Uint8Array, server: ServerConnection | undefined): void {
    if (bytes.length >= BULK_BYTES && server?.tracker.inRows) this.stream.writeBulk(bytes);
    else this.stream.write(bytes);
    if (this.flight !== undefined) this.flight.add(bytes);
    if (server === undefined) return;
    if (!server.tracker.done) this.times.goesOn();
    if (this.stream.pending > this.context.config.limits.bufferMaxBytes) server.stream.pause();
    if (this.#intake.mode === Mode.COMMANDS && server.tracker.wantsLocalFile) {
      this.#intake.expectLocalFile();
    }
  }

  /** An OK packet with session state: on connections that are shared or could have been. */
  onOkPacket(packet: Uint8Array): void {
    const { pooled } = this;
    const told = pooled ? noteState(pooled, packet) : okWithoutState(packet, this.capabilities);
    const { digest } = this;
    if (digest !== undefined) {
      digest.addOk(packet);
      if (digest.isMuted) return;
    }
    const ahead = this.#ahead;
    this.#ahead = undefined;
    this.#pass(ahead === undefined ? told : Buffer.concat([ahead, told]), this.server);
  }

  onAnswerEnd(): void {
    const { mode, holding } = this.#intake;
    if (this.server !== undefined && this.server.tracker.errorCode !== 0) {
      this.context.cluster?.report(this.server.facts.server, this.server.tracker.errorCode);
    }
    if (this.pooled !== undefined && mode !== Mode.REFUSED) {
      if (this.server?.outstanding === 0) this.pooled.answered();
      return;
    }
    if (this.server !== undefined) noteAnswered(this, this.server);
    if (holding && this.server?.outstanding === 0) this.release();
    else if (this.server) this.#intake.goOnRefusing();
  }

  onServerLost(reason: string): void {
    const { server } = this;
    if (!server?.closed || this.closed) return; // it may have gone on on another one
    this.context.cluster?.report(server.facts.server, 0);
    const { mode } = this.#intake;
    const goesOn = mode === Mode.COMMANDS || mode === Mode.BODY;
    if (this.pooled !== undefined && goesOn && server.tracker.atBoundary) {
      this.pooled.onServerLost(reason);
      return;
    }
    this.server = undefined; // further outstanding requests get no error of their own
    // A client that finds out by itself is told best by the end of the connection.
    if (this.takesClientErrors && mode !== Mode.SPLICE && server.tracker.atBoundary) {
      this.fail(lostConnection(reason), server.tracker.sequence + 1);
    } else this.stream.end();
  }

  onUnasked(bytes: Uint8Array): void {
    if (this.pooled === undefined || this.#intake.mode === Mode.SPLICE) this.stream.write(bytes);
    else this.pooled.onUnasked(bytes);
  }

  onServerDrained(): void {
    if (!this.#intake.holding) this.stream.resume();
  }

  onServerClosed(reason: string): void {
    this.context.counters.serverConnectionsLost++;
    if (this.server !== undefined) this.context.cluster?.report(this.server.facts.server, 0);
    if (this.server?.closed === false) return;
    const { mode } = this.#intake;
    if (mode === Mode.LOGIN && this.server === undefined) return; // the login finds out, and goes on
    if (this.pooled !== undefined && (mode === Mode.COMMANDS || mode === Mode.PASSED_OVER)) {
      this.pooled.onServerLost(reason);
      return;
    }
    this.server = undefined;
    this.stream.end();
  }

  /** Answers with a server's ERR packet. */
  answerPayload(payload: Uint8Array, sequence: number): void {
    // A client says all of a command before it reads.
    if (this.pooled !== undefined && this.#intake.mode === Mode.BODY) {
      this.#intake.passOverRest(payload);
    } else this.stream.write(frame(payload, sequence));
  }

  /** The ERR packet's payload that says that the server connection has gone. */
  lostError(reason: string, loss?: Loss): Uint8Array {
    const error = loss === undefined ? lostConnection(reason) : lossError(reason, loss);
    return encodeErr(this.takesClientErrors ? error : asServerError(error));
  }

  /** What the session had set is lost: as if its connection had been. */
  endLost(): void {
    this.stream.end();
    this.#end();
  }

  /** It may do without a server connection: no part of a command is under way. */
  get mayDetach(): boolean {
    return this.#intake.atBoundary;
  }

  /** Answers a command with an error of the proxy's own. */
  answerError(error: SqlError, sequence: number): void {
    this.answerPayload(encodeErr(error), sequence);
  }

  /** Tells the client an error and closes its connection. */
  fail(error: SqlError, sequence: number): void {
    this.answerError(error, sequence);
    this.stream.end();
  }

  /** The client has said COM_QUIT. */
  quit(): void {
    this.stream.end();
    this.#end();
  }

  /** Ends the session: the server connection goes back if it is in a known state. */
  #end(): void {
    if (this.closed) return;
    const wasIdle = this.idle;
    const { context, server } = this;
    if (context.audit !== undefined && this.loggedIn) {
      noteLost(this);
      logSession(this, "logout");
    }
    if (this.#intake.mode === Mode.LOGIN) context.counters.clientsUnauthenticated--;
    this.#intake.close();
    this.server = undefined;
    context.counters.clients--;
    context.directory.remove(this);
    this.countUser(undefined);
    this.countBytes();
    if (this.pooled !== undefined) {
      this.pooled.leave(wasIdle);
      return;
    }
    if (!server || server.closed) return;
    const { pool } = context.servers.of(server);
    if (wasIdle) pool.giveBack(server);
    else context.servers.of(server).discard(server);
  }

  /** Closes the session from the proxy's side, telling the client why where it can be told. */
  shutDown(error: SqlError): void {
    if (this.closed) return;
    const { server } = this;
    if (this.idle) this.answerError(error, 0);
    else if (this.#canBeTold) this.answerError(error, this.#nextSequence);
    this.stream.end();
    if (server && this.idle && this.pooled === undefined) {
      this.server = undefined;
      closePolitely(server);
    }
    this.#end();
  }

  /** A command is under way, and an error may stand here in its answer. */
  get #canBeTold(): boolean {
    return this.#intake.mode === Mode.COMMANDS && (this.server?.tracker.atBoundary ?? true);
  }

  /** The number of the next packet in the answer to the command under way. */
  get #nextSequence(): number {
    const { server, pooled, answerSequence } = this;
    if (server === undefined || pooled?.preparing) return answerSequence;
    return Math.max(answerSequence, server.tracker.sequence + 1);
  }

  /** Query attributes stand before a statement's text. */
  get hasQueryAttributes(): boolean {
    return (this.capabilities & Capability.QUERY_ATTRIBUTES) !== 0;
  }
}
