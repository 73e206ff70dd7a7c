// What comes from a client: cut into commands, which go on whole or, where they are too long for
// that, in the pieces that came. Hot path: whole commands are forwarded as the bytes that came.

import type { AnswerSink, ServerConnection } from "../../backend/mod.ts";
import {
  Command,
  expectedAnswer,
  HEADER_LENGTH,
  PAYLOAD_MAX,
  payloadLength,
} from "../../wire/mod.ts";
import type { ClientSession } from "../client_session.ts";
import { LocalFileUpload } from "./local_file.ts";
import { inPackets, LongCommand, WholeCommand } from "./long_command.ts";
import { Mode } from "./mode.ts";
import { OversizedCommand } from "./oversized_command.ts";
import { PartialCommand } from "./partial_command.ts";
import type { PooledSession } from "../pooled_session.ts";
import { RenumberedAnswer } from "./renumbered_answer.ts";
import { PACKET_TOO_LARGE } from "../session_errors.ts";
import { FORWARD, HOLD, TAKEN } from "../stages/stage.ts";
import { stageOf } from "../stages/stages.ts";
import { noteSent } from "../observing/statement_times.ts";

/** Statements up to this length are looked at whole; longer ones pass as they come. */
const INSPECTED_MAX = 1024 * 1024;

/** Of a command that goes out in pieces this much is looked at, in bytes: parameter types are in it. */
const LONG_START = 256 * 1024;

const EMPTY = Buffer.alloc(0);

/** The client's bytes of one session. */
export class CommandIntake {
  /** What the bytes are: a value of `Mode`. */
  mode: number = Mode.LOGIN;
  readonly #session: ClientSession;
  /** BODY, PASSED_OVER, WHOLE, REFUSED: where in the command the client is. */
  #long: LongCommand | undefined;
  #whole: WholeCommand | undefined;
  #oversized: OversizedCommand | undefined;
  /** PASSED_OVER: the answer, the payload of an ERR packet. */
  #answer: Uint8Array | undefined;
  /** Bytes of a command that has not come whole, or that must wait for outstanding answers. */
  #held: Buffer | undefined;
  #holding = false;
  /** A command of known length of which more must come. */
  #partial: PartialCommand | undefined;
  /** LOCAL_FILE: where in the file the client is. */
  #localFile: LocalFileUpload | undefined;

  constructor(session: ClientSession) {
    this.#session = session;
  }

  /** Between two commands, and nothing of the next one has come. */
  get idle(): boolean {
    return this.mode === Mode.COMMANDS && this.#held === undefined && this.#partial === undefined;
  }

  /** Bytes wait for an answer. */
  get holding(): boolean {
    return this.#holding;
  }

  /** No part of a command is under way to the server. */
  get atBoundary(): boolean {
    return this.mode === Mode.COMMANDS && this.#long === undefined;
  }

  /** Takes what the client has sent. */
  onBytes(bytes: Buffer): void {
    const { server } = this.#session;
    if (server === undefined && this.#session.pooled === undefined) return;
    this.#session.activeAt = this.#session.context.now;
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
        if (this.#held.length > this.#session.context.config.limits.bufferMaxBytes) {
          this.#session.stream.pause();
        }
        return;
      }
      const held = this.#held;
      this.#held = undefined;
      this.#take(held, server);
    } else this.#take(bytes, server);
    if (
      server !== undefined &&
      server.stream.pending > this.#session.context.config.limits.bufferMaxBytes
    ) {
      this.#session.stream.pause();
    }
  }

  #take(bytes: Buffer, server: ServerConnection | undefined): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#session.pooled !== undefined && this.mode === Mode.COMMANDS) {
        at = this.#takePooled(bytes, at, this.#session.pooled);
        continue;
      }
      if (this.mode === Mode.REFUSED) {
        at = this.#refuseRest(bytes, at, server);
        continue;
      }
      if (this.mode === Mode.WHOLE) {
        at = this.#takeWhole(bytes, at);
        continue;
      }
      if (this.mode === Mode.PASSED_OVER) {
        at = this.#passToAnswer(bytes, at);
        continue;
      }
      if (server === undefined) return;
      switch (this.mode) {
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
    const { packetMaxBytes } = this.#session.context.config.limits;
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
        this.#startLong(command, server, this.#session);
        return at;
      }
      const next = at + HEADER_LENGTH + length;
      const stage = stageOf(this.#session, bytes, at + HEADER_LENGTH, next);
      this.#session.context.counters.commands++;
      this.#session.times.commands++;
      noteSent(this.#session, bytes, at + HEADER_LENGTH, next);
      if (stage === undefined) {
        server.expect(expectedAnswer(command), this.#session);
        at = next;
        continue;
      }
      if (at > from) this.#forward(bytes, from, at, server);
      const result = stage(this.#session, bytes.subarray(at + HEADER_LENGTH, next), server);
      if (result === HOLD) {
        this.#hold(bytes.subarray(at));
        return end;
      }
      if (result === FORWARD) {
        server.expect(expectedAnswer(command), this.#session);
        from = at;
        at = next;
        if (this.mode === Mode.COMMANDS) continue;
        this.#forward(bytes, from, at, server);
        return at;
      }
      at = next;
      from = next;
      if (this.#holding) {
        this.#held = bytes.subarray(at);
        return end;
      }
      if (this.mode !== Mode.COMMANDS) return at;
    }
    if (at > from) this.#forward(bytes, from, at, server);
    if (at < end) {
      this.#keepStart(at === 0 ? bytes : bytes.subarray(at), payloadLength(bytes, at));
    }
    return end;
  }

  /** Gives one whole command to the pooled session; what is behind it waits for its answer. */
  #takePooled(bytes: Buffer, at: number, pooled: PooledSession): number {
    const { context, stream } = this.#session;
    const { bufferMaxBytes, packetMaxBytes } = context.config.limits;
    if (pooled.busy || stream.pending > bufferMaxBytes) {
      this.#hold(at === 0 ? bytes : bytes.subarray(at));
      return bytes.length;
    }
    const available = bytes.length - at - HEADER_LENGTH;
    const length = available < 0 ? 0 : payloadLength(bytes, at);
    if (length > packetMaxBytes) return this.#refuse(at, 0);
    if (length === PAYLOAD_MAX) return this.#takeLong(bytes, at, pooled);
    if (available < length || available < 0) {
      this.#keepStart(bytes.subarray(at), length);
      return bytes.length;
    }
    const next = at + HEADER_LENGTH + length;
    pooled.run(at === 0 && next === bytes.length ? bytes : bytes.subarray(at, next));
    return next;
  }

  /** The pooled session gets a command of many packets, or its start. */
  #takeLong(bytes: Buffer, at: number, pooled: PooledSession): number {
    const start = bytes.subarray(at);
    if (start.length < LONG_START) {
      this.#keepStart(start, LONG_START - HEADER_LENGTH);
      return bytes.length;
    }
    if (pooled.takesInPieces(start)) {
      pooled.runLong(start);
      return bytes.length;
    }
    this.#whole = new WholeCommand(this.#session.context.config.limits.packetMaxBytes);
    this.mode = Mode.WHOLE;
    return at;
  }

  #takeWhole(bytes: Buffer, start: number): number {
    const command = this.#whole!;
    const end = command.add(bytes, start);
    if (command.tooLong) return this.#refuse(end, 0);
    if (!command.ended) {
      if (end < bytes.length) this.#held = bytes.subarray(end);
      return bytes.length;
    }
    this.#whole = undefined;
    this.mode = Mode.COMMANDS;
    this.#session.answerSequence = this.#sequenceBehind(command);
    this.#session.pooled!.run(command.take());
    return end;
  }

  /** The sequence id that the client expects of the answer to a command of many packets. */
  #sequenceBehind({ sequence }: { readonly sequence: number }): number {
    return this.#session.stream.sequence ?? (sequence + 1) & 0xff;
  }

  /** Sends a whole command on the connection the session has leased. */
  sendCommand(packet: Buffer): void {
    const server = this.#session.server!;
    const stage = stageOf(this.#session, packet, HEADER_LENGTH, packet.length);
    if (stage?.(this.#session, packet.subarray(HEADER_LENGTH), server) === TAKEN) return;
    const sink = this.#session.sinkFor(packet, this.#session);
    server.request(inPackets(packet), expectedAnswer(packet[HEADER_LENGTH]), sink);
  }

  /** Starts a command that goes out in pieces as they come. */
  sendLong(start: Buffer, sink: AnswerSink): void {
    this.#startLong(start[HEADER_LENGTH], this.#session.server!, sink);
    this.#goOnFrom(start);
  }

  /** Answers a command when the rest of it has come; no server gets it. */
  passOver(start: Buffer, answer: Uint8Array): void {
    this.#long = new LongCommand(this.#session.context.config.limits.packetMaxBytes);
    this.passOverRest(answer);
    this.#goOnFrom(start);
  }

  /** The same for a command that was going out. */
  passOverRest(answer: Uint8Array): void {
    this.#answer = answer;
    this.mode = Mode.PASSED_OVER;
  }

  #goOnFrom(start: Buffer): void {
    const held = this.#held;
    this.#held = undefined;
    this.#holding = false;
    this.onBytes(start);
    if (held && held.length > 0) this.onBytes(held);
    this.#session.stream.resume();
  }

  #passToAnswer(bytes: Buffer, start: number): number {
    const command = this.#long!;
    const end = command.pass(bytes, start);
    if (command.tooLong) return this.#refuse(end, 0);
    if (!command.ended) {
      if (end < bytes.length) this.#held = bytes.subarray(end);
      return bytes.length;
    }
    const answer = this.#answer!;
    this.#long = this.#answer = undefined;
    this.mode = Mode.COMMANDS;
    this.#session.answerPayload(answer, this.#sequenceBehind(command));
    this.#session.pooled!.answeredLocally();
    return end;
  }

  /** Keeps the start of what is wanted whole. @param length How much that is, without the header. */
  #keepStart(bytes: Buffer, length: number): void {
    if (bytes.length <= HEADER_LENGTH) this.#held = bytes;
    else this.#partial = new PartialCommand(bytes, length);
  }

  #forward(bytes: Buffer, from: number, to: number, server: ServerConnection): void {
    server.stream.startCommand();
    server.stream.write(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to));
  }

  #startLong(command: number, server: ServerConnection, sink: AnswerSink): void {
    const { context, stream } = this.#session;
    const long = new LongCommand(context.config.limits.packetMaxBytes);
    const compressed = stream.sequence !== undefined || server.stream.sequence !== undefined;
    const renumbered = compressed
      ? new RenumberedAnswer(sink, () => stream.sequence ?? long.sequence + 1)
      : sink;
    context.counters.commands++;
    server.stream.startCommand();
    server.expect(expectedAnswer(command), renumbered);
    this.#long = long;
    this.mode = Mode.BODY;
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
      this.mode = Mode.COMMANDS;
      this.#session.pooled?.freeIfIdle(); // servers may answer before they have got all of it
      return end;
    }
    if (end < bytes.length) this.#held = bytes.subarray(end);
    return bytes.length;
  }

  /** The command at `at`, or its part, is too long: from here on nothing goes to the server. */
  #refuse(at: number, unanswered: 0 | 1): number {
    this.mode = Mode.REFUSED;
    this.#oversized = new OversizedCommand(unanswered);
    return at;
  }

  #refuseRest(bytes: Buffer, start: number, server: ServerConnection | undefined): number {
    const command = this.#oversized!;
    const end = command.pass(bytes, start);
    if (end < bytes.length) this.#held = bytes.subarray(end);
    if (!command.isDue(server?.outstanding ?? 0)) return bytes.length;
    this.#session.context.counters.commandsTooLarge++;
    this.#session.fail(PACKET_TOO_LARGE, command.sequence + 1);
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
      this.mode = Mode.COMMANDS;
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
    if (!this.#holding || this.#session.pooled?.busy) return;
    this.#holding = false;
    const held = this.#held;
    this.#held = undefined;
    const { server } = this.#session;
    if ((!server && !this.#session.pooled) || this.#session.closed) return;
    this.#session.stream.resume();
    if (held && held.length > 0) this.#take(held, server);
  }

  /** Keeps all further commands back until `release` is called. */
  holdFurther(): void {
    this.#held ??= EMPTY;
    this.#holding = true;
  }

  /** From now on bytes pass both ways as they are. */
  splice(): void {
    this.mode = Mode.SPLICE;
  }

  /** The server asks for a local file: what comes next is its content. */
  expectLocalFile(): void {
    this.#localFile = new LocalFileUpload();
    this.mode = Mode.LOCAL_FILE;
  }

  /** An answer has ended that a refused command may have waited for. */
  goOnRefusing(): void {
    if (this.mode === Mode.REFUSED) this.#refuseRest(EMPTY, 0, this.#session.server);
  }

  /** The session has ended. */
  close(): void {
    this.mode = Mode.CLOSED;
    this.#held = undefined;
  }
}
