// A client's connection: cuts its bytes into commands, sends them on, and brings the answers back.
// Hot path: a command that lies whole in a chunk is forwarded as the bytes that came.

import type { AnswerSink, ConnectionHolder, ServerConnection } from "../backend/mod.ts";
import { closePolitely } from "../backend/mod.ts";
import type { ByteStream, Stream, StreamOwner } from "../net/mod.ts";
import {
  Capability,
  Command,
  encodeErr,
  expectedAnswer,
  frame,
  HEADER_LENGTH,
  PAYLOAD_MAX,
  payloadLength,
  ServerStatus,
  type SqlError,
} from "../wire/mod.ts";
import type { SessionContext } from "./context.ts";
import { LocalFileUpload } from "./local_file.ts";
import { login } from "./login.ts";
import { LongCommand } from "./long_command.ts";
import { OversizedCommand } from "./oversized_command.ts";
import { Mode } from "./mode.ts";
import { PartialCommand } from "./partial_command.ts";
import type { PooledSession } from "./pooled_session.ts";
import { RenumberedAnswer } from "./renumbered_answer.ts";
import { asServerError, lostConnection, PACKET_TOO_LARGE } from "./session_errors.ts";
import { FORWARD, HOLD, TAKEN } from "./stage.ts";
import { stageOf } from "./stages.ts";

/** Statements up to this length are looked at whole; longer ones pass as they come. */
const INSPECTED_MAX = 1024 * 1024;

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
  /** Its server connection; undefined before the login and after the end, or while it needs none. */
  server: ServerConnection | undefined;
  /** What shares server connections with other sessions; undefined where it has one of its own. */
  pooled: PooledSession | undefined;
  /** The account's name, one character a byte; empty before the login. */
  user = "";
  /** When the last command or login came, by the context's clock. */
  activeAt: number;
  /** Prepared statements whose text was changed, by id. Made when there is one. */
  rewritten: Map<number, unknown> | undefined;

  #mode: number = Mode.LOGIN;
  /** BODY, REFUSED: where in the command the client is. */
  #long: LongCommand | undefined;
  #oversized: OversizedCommand | undefined;
  /** Bytes of a command that has not come whole, or that must wait for outstanding answers. */
  #held: Buffer | undefined;
  #holding = false;
  /** A command of known length of which more must come. */
  #partial: PartialCommand | undefined;
  /** LOCAL_FILE: where in the file the client is. */
  #localFile: LocalFileUpload | undefined;
  #countedUser: string | undefined;

  constructor(stream: Stream, context: SessionContext) {
    this.id = context.directory.nextId();
    this.context = context;
    this.address = stream.remoteAddress;
    this.port = stream.remotePort;
    this.stream = stream;
    this.transport = stream;
    this.activeAt = context.now;
  }

  get closed(): boolean {
    return this.#mode === Mode.CLOSED;
  }

  get loggedIn(): boolean {
    return this.#mode !== Mode.LOGIN && this.#mode !== Mode.CLOSED;
  }

  /** No command is under way. */
  get idle(): boolean {
    return this.#mode === Mode.COMMANDS && this.#held === undefined &&
      this.#partial === undefined && this.pooled?.busy !== true &&
      (this.server === undefined || this.server.outstanding === 0);
  }

  /** The server says that a transaction is open. */
  get inTransaction(): boolean {
    return ((this.server?.tracker.status ?? 0) & ServerStatus.IN_TRANS) !== 0;
  }

  /** Lets the client in, then serves it until it leaves. */
  async start(): Promise<void> {
    const result = await login(this, this.transport, this.context);
    if (!result || this.closed) return;
    this.context.counters.loginsSucceeded++;
    this.context.counters.clientsUnauthenticated--;
    this.stream = result.stream;
    this.stream.owner = this;
    this.#mode = Mode.COMMANDS;
    this.activeAt = this.context.now;
    if (result.rest.length > 0) this.onBytes(Buffer.from(result.rest));
  }

  /** Counts the session for its account, and no more for the one it had. */
  countUser(user: string | undefined): void {
    this.context.usersConnected.move(this.#countedUser, user);
    this.#countedUser = user;
    if (user !== undefined) this.user = user;
  }

  // The client's side.

  onBytes(bytes: Buffer): void {
    const { server } = this;
    if (server === undefined && this.pooled === undefined) return;
    this.activeAt = this.context.now;
    if (this.#partial !== undefined) {
      const taken = this.#partial.add(bytes);
      if (!this.#partial.whole) return;
      const command = this.#partial.bytes;
      this.#partial = undefined;
      this.#take(command, server);
      if (taken < bytes.length) this.onBytes(bytes.subarray(taken));
    } else if (this.#held !== undefined) {
      this.#held = Buffer.concat([this.#held, bytes]);
      if (this.#holding) {
        if (this.#held.length > this.context.config.limits.bufferMaxBytes) this.stream.pause();
        return;
      }
      const held = this.#held;
      this.#held = undefined;
      this.#take(held, server);
    } else this.#take(bytes, server);
    if (server !== undefined && server.stream.pending > this.context.config.limits.bufferMaxBytes) {
      this.stream.pause();
    }
  }

  #take(bytes: Buffer, server: ServerConnection | undefined): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.pooled !== undefined && this.#mode === Mode.COMMANDS) {
        at = this.#takePooled(bytes, at, this.pooled);
        continue;
      }
      if (this.#mode === Mode.REFUSED) {
        at = this.#passOver(bytes, at, server);
        continue;
      }
      if (server === undefined) return;
      switch (this.#mode) {
        case Mode.COMMANDS:
          at = this.#takeCommands(bytes, at, server);
          break;
        case Mode.BODY:
          at = this.#takeBody(bytes, at, server);
          break;
        case Mode.LOCAL_FILE:
          at = this.#takeLocalFile(bytes, at, server);
          break;
        case Mode.SPLICE:
          server.stream.write(at === 0 ? bytes : bytes.subarray(at));
          return;
        default:
          return;
      }
    }
  }

  /** Forwards whole commands, as many as there are in one write. */
  #takeCommands(bytes: Buffer, start: number, server: ServerConnection): number {
    const end = bytes.length;
    const { packetMaxBytes } = this.context.config.limits;
    let at = start;
    let from = start; // bytes from here on can be written as they are
    while (at < end) {
      const available = end - at - HEADER_LENGTH;
      const length = available < 0 ? 0 : payloadLength(bytes, at);
      if (available < 1 && (available < 0 || length > 0)) break;
      if (length > packetMaxBytes) {
        if (at > from) this.#forward(bytes, from, at, server);
        return this.#refuse(at, 0);
      }
      const command = length === 0 ? Command.SLEEP : bytes[at + HEADER_LENGTH];
      if (available < length || length === PAYLOAD_MAX) {
        if (length <= INSPECTED_MAX) break;
        if (at > from) this.#forward(bytes, from, at, server);
        this.#startLong(command, server);
        return at;
      }
      const next = at + HEADER_LENGTH + length;
      const stage = stageOf(this, bytes, at + HEADER_LENGTH, next);
      this.context.counters.commands++;
      if (stage === undefined) {
        server.expect(expectedAnswer(command), this);
        at = next;
        continue;
      }
      if (at > from) this.#forward(bytes, from, at, server);
      const result = stage(this, bytes.subarray(at + HEADER_LENGTH, next), server);
      if (result === HOLD) {
        this.#hold(bytes.subarray(at));
        return end;
      }
      if (result === FORWARD) {
        server.expect(expectedAnswer(command), this);
        from = at;
        at = next;
        if (this.#mode === Mode.COMMANDS) continue;
        this.#forward(bytes, from, at, server);
        return at;
      }
      at = next;
      from = next;
      if (this.#holding) {
        this.#held = bytes.subarray(at);
        return end;
      }
      if (this.#mode !== Mode.COMMANDS) return at;
    }
    if (at > from) this.#forward(bytes, from, at, server);
    if (at < end) this.#keepStart(at === 0 ? bytes : bytes.subarray(at));
    return end;
  }

  /** Gives one whole command to the pooled session; what is behind it waits for its answer. */
  #takePooled(bytes: Buffer, at: number, pooled: PooledSession): number {
    if (pooled.busy) {
      this.#hold(at === 0 ? bytes : bytes.subarray(at));
      return bytes.length;
    }
    const available = bytes.length - at - HEADER_LENGTH;
    const length = available < 0 ? 0 : payloadLength(bytes, at);
    if (length > this.context.config.limits.packetMaxBytes) return this.#refuse(at, 0);
    if (available < length || available < 0 || length === PAYLOAD_MAX) {
      if (length < PAYLOAD_MAX) this.#keepStart(bytes.subarray(at));
      else pooled.runLong(bytes.subarray(at));
      return bytes.length;
    }
    const next = at + HEADER_LENGTH + length;
    pooled.run(bytes.subarray(at, next));
    return next;
  }

  /** Sends a whole command on the connection the session has leased. */
  sendCommand(packet: Buffer): void {
    const server = this.server!;
    const stage = stageOf(this, packet, HEADER_LENGTH, packet.length);
    if (stage?.(this, packet.subarray(HEADER_LENGTH), server) === TAKEN) return;
    server.expect(expectedAnswer(packet[HEADER_LENGTH]), this);
    this.#forward(packet, 0, packet.length, server);
  }

  /** Starts a command that goes out in pieces as they come. */
  sendLong(start: Buffer): void {
    const held = this.#held;
    this.#held = undefined;
    this.#holding = false;
    this.#startLong(start[HEADER_LENGTH], this.server!);
    this.onBytes(start);
    if (held && held.length > 0) this.onBytes(held);
    this.stream.resume();
  }

  /** Keeps the start of a command that has not come whole. */
  #keepStart(bytes: Buffer): void {
    if (bytes.length <= HEADER_LENGTH) this.#held = bytes;
    else this.#partial = new PartialCommand(bytes, payloadLength(bytes, 0));
  }

  #forward(bytes: Buffer, from: number, to: number, server: ServerConnection): void {
    server.stream.startCommand();
    server.stream.write(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to));
  }

  #startLong(command: number, server: ServerConnection): void {
    const long = new LongCommand(this.context.config.limits.packetMaxBytes);
    const compressed = this.stream.sequence !== undefined || server.stream.sequence !== undefined;
    const sink = compressed
      ? new RenumberedAnswer(this, () => this.stream.sequence ?? long.sequence + 1)
      : this;
    this.context.counters.commands++;
    server.stream.startCommand();
    server.expect(expectedAnswer(command), sink);
    this.#long = long;
    this.#mode = Mode.BODY;
  }

  /** Passes a command on that is too long to be looked at whole. */
  #takeBody(bytes: Buffer, start: number, server: ServerConnection): number {
    const command = this.#long!;
    const end = command.pass(bytes, start);
    if (end > start) {
      server.stream.write(
        start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end),
      );
    }
    if (command.tooLong) return this.#refuse(end, 1);
    if (command.ended) {
      this.#long = undefined;
      this.#mode = Mode.COMMANDS;
      return end;
    }
    if (end < bytes.length) this.#held = bytes.subarray(end);
    return bytes.length;
  }

  /** The command at `at`, or its part, is too long: from here on nothing goes to the server. */
  #refuse(at: number, unanswered: 0 | 1): number {
    this.#mode = Mode.REFUSED;
    this.#oversized = new OversizedCommand(unanswered);
    return at;
  }

  #passOver(bytes: Buffer, start: number, server: ServerConnection | undefined): number {
    const command = this.#oversized!;
    const end = command.pass(bytes, start);
    if (end < bytes.length) this.#held = bytes.subarray(end);
    if (!command.isDue(server?.outstanding ?? 0)) return bytes.length;
    this.context.counters.commandsTooLarge++;
    this.fail(PACKET_TOO_LARGE, command.sequence + 1);
    return bytes.length;
  }

  /** Relays the client's file up to the packet that ends it. */
  #takeLocalFile(bytes: Buffer, start: number, server: ServerConnection): number {
    const file = this.#localFile!;
    const end = file.pass(bytes, start);
    if (end > start) {
      server.stream.write(
        start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end),
      );
    }
    if (file.ended) {
      server.tracker.localFileSent();
      this.#localFile = undefined;
      this.#mode = Mode.COMMANDS;
      return end;
    }
    if (end < bytes.length) this.#held = bytes.subarray(end);
    return bytes.length;
  }

  /** Keeps bytes until all outstanding answers have come. */
  #hold(bytes: Buffer): void {
    this.#held = bytes;
    this.#holding = true;
  }

  /** Goes on with what was held back. Called when nothing is outstanding, or a stage is done. */
  release(): void {
    if (!this.#holding || this.pooled?.busy) return;
    this.#holding = false;
    const held = this.#held;
    this.#held = undefined;
    const { server } = this;
    if ((!server && !this.pooled) || this.closed) return;
    this.stream.resume();
    if (held && held.length > 0) this.#take(held, server);
  }

  /** Keeps all further commands back until `release` is called. */
  holdFurther(): void {
    this.#held ??= EMPTY;
    this.#holding = true;
  }

  /** From now on bytes pass both ways as they are. */
  splice(): void {
    this.#mode = Mode.SPLICE;
  }

  onDrained(): void {
    this.server?.stream.resume();
  }

  onClosed(_reason: string): void {
    this.#end();
  }

  // The server's side.

  onAnswerBytes(bytes: Uint8Array): void {
    const { server } = this;
    if (bytes.length >= BULK_BYTES && server?.tracker.inRows) this.stream.writeBulk(bytes);
    else this.stream.write(bytes);
    if (server === undefined) return;
    if (this.stream.pending > this.context.config.limits.bufferMaxBytes) server.stream.pause();
    if (this.#mode === Mode.COMMANDS && server.tracker.wantsLocalFile) {
      this.#localFile = new LocalFileUpload();
      this.#mode = Mode.LOCAL_FILE;
    }
  }

  /** An OK packet with session state: only on connections that are shared. */
  onOkPacket(packet: Uint8Array): void {
    this.onAnswerBytes(this.pooled === undefined ? packet : this.pooled.noteState(packet));
  }

  onAnswerEnd(): void {
    if (this.pooled !== undefined && this.#mode !== Mode.REFUSED) {
      if (this.server?.outstanding === 0) this.pooled.answered();
    } else if (this.#holding && this.server?.outstanding === 0) this.release();
    else if (this.#mode === Mode.REFUSED && this.server) this.#passOver(EMPTY, 0, this.server);
  }

  onServerLost(reason: string): void {
    const { server } = this;
    if (server === undefined || this.closed) return;
    if (this.pooled !== undefined && this.#mode !== Mode.SPLICE && server.tracker.atBoundary) {
      this.pooled.onServerLost(reason);
      return;
    }
    this.server = undefined; // further outstanding requests get no error of their own
    // A client that finds out by itself is told best by the end of the connection.
    if (this.takesClientErrors && this.#mode !== Mode.SPLICE && server.tracker.atBoundary) {
      this.fail(lostConnection(reason), server.tracker.sequence + 1);
    } else this.stream.end();
  }

  onUnasked(bytes: Uint8Array): void {
    if (this.pooled === undefined || this.#mode === Mode.SPLICE) this.stream.write(bytes);
    else this.pooled.onUnasked(bytes);
  }

  onServerDrained(): void {
    if (!this.#holding) this.stream.resume();
  }

  onServerClosed(reason: string): void {
    this.context.counters.serverConnectionsLost++;
    if (this.pooled !== undefined && this.#mode === Mode.COMMANDS) {
      this.pooled.onServerLost(reason);
      return;
    }
    this.server = undefined;
    this.stream.end();
  }

  /** Answers with a server's ERR packet. */
  answerPayload(payload: Uint8Array, sequence: number): void {
    this.stream.write(frame(payload, sequence));
  }

  /** Answers that the server connection has gone, and goes on. */
  answerLost(reason: string, sequence: number): void {
    const error = lostConnection(reason);
    this.answerError(this.takesClientErrors ? error : asServerError(error), sequence);
  }

  /** What the session had set is lost: as if its connection had been. */
  endLost(): void {
    this.stream.end();
    this.#end();
  }

  /** It may do without a server connection: no part of a command is under way. */
  get mayDetach(): boolean {
    return this.#mode === Mode.COMMANDS && this.#long === undefined;
  }

  /** Answers a command with an error of the proxy's own. */
  answerError(error: SqlError, sequence: number): void {
    this.stream.write(frame(encodeErr(error), sequence));
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
    if (this.#mode === Mode.LOGIN) context.counters.clientsUnauthenticated--;
    this.#mode = Mode.CLOSED;
    this.#held = undefined;
    this.server = undefined;
    context.counters.clients--;
    context.directory.remove(this);
    this.countUser(undefined);
    if (this.pooled !== undefined) {
      this.pooled.leave(wasIdle);
      return;
    }
    if (!server || server.closed) return;
    if (wasIdle) context.server.pool.giveBack(server);
    else context.server.discard(server);
  }

  /** Closes the session from the proxy's side, telling the client why where it can be told. */
  shutDown(error: SqlError): void {
    if (this.closed) return;
    const { server } = this;
    if (this.idle) this.answerError(error, 0);
    this.stream.end();
    if (server && this.idle && this.pooled === undefined) {
      this.server = undefined;
      closePolitely(server);
    }
    this.#end();
  }

  /** Query attributes stand before a statement's text. */
  get hasQueryAttributes(): boolean {
    return (this.capabilities & Capability.QUERY_ATTRIBUTES) !== 0;
  }
}

const EMPTY = Buffer.alloc(0);
