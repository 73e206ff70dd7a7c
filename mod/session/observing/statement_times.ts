// How long a session's statements take, and where. Hot path: with nothing to wait for, the time of the
// command's event and that of its answer's are all that is looked at.

import type { ServerConnection } from "../../backend/mod.ts";
import { eventTime } from "../../net/mod.ts";
import { type MeasuredAnswer, Stage } from "../../observe/mod.ts";
import type { LexicalMode } from "../../sql/mod.ts";
import { Command, HEADER_LENGTH } from "../../wire/mod.ts";
import type { ClientSession } from "../client_session.ts";
import { parametersOf } from "../prepared/execution_parameters.ts";
import { lexicalModeOf } from "../command/lexical_mode.ts";
import type { PooledSession } from "../pooled_session.ts";
import {
  logsStatements,
  logStatement,
  type StatementToLog,
  statementToLog,
} from "./statement_logging.ts";
import { statementStart } from "../command/statement_start.ts";
import { runsText, textOf } from "../command/statement_text.ts";

/** The times of the statement under way, in milliseconds; 0: it has not come to that. */
export class StatementTimes {
  startedAt = 0;
  /** Commands since the session began. */
  commands = 0;
  /** One of the times from here to `waitedForData` is set. */
  hasWaited = false;
  /** It got the connection that it had to wait for. */
  grantedAt = 0;
  /** The connection was in the session's state. */
  restoredAt = 0;
  /** What the server has that its data hang on was asked for, since then. */
  askedAt = 0;
  /** How long that took. */
  askedMs = 0;
  /** Its answer was there, and was held until that was known; 0: it was not held. */
  heldAt = 0;
  /** What it was made ready for was data, not the session's state. */
  waitedForData = false;
  /** The first piece of an answer in several has come. */
  firstAt = 0;
  /** A connection that is granted now was not waited for. */
  isLeasing = false;
  /** Only where statements are logged: what its client had been sent before, in bytes. */
  sentBefore = 0;
  /** With session pooling: the digest's record, or -1. */
  record = -1;
  /** With session pooling, and only where statements are logged: the command, and where it is. */
  bytes: Uint8Array | undefined;
  commandAt = 0;
  textAt = 0;
  textEnd = 0;

  /** A command has come. */
  start({ context, transport }: ClientSession): void {
    this.commands++;
    this.startedAt = context.metrics.enabled ? eventTime() : 0;
    if (logsStatements(context)) this.sentBefore = transport.sent;
    this.firstAt = 0;
    if (!this.hasWaited) return;
    this.hasWaited = this.waitedForData = false;
    this.grantedAt =
      this.restoredAt =
      this.askedAt =
      this.askedMs =
      this.heldAt =
        0;
  }

  /** A connection has been granted. */
  granted(): void {
    if (this.isLeasing || this.startedAt === 0) return;
    this.grantedAt = eventTime();
    this.hasWaited = true;
  }

  /** Before a server is chosen a position is asked for. */
  asks(): void {
    if (this.startedAt === 0) return;
    this.askedAt = eventTime();
    this.hasWaited = true;
  }

  /** It is there, or cannot be had. */
  told(): void {
    if (this.askedAt === 0) return;
    this.askedMs += eventTime() - this.askedAt;
    this.askedAt = 0;
  }

  /** All that was done so far was in vain: a position is waited for. */
  startsOver(): void {
    if (this.startedAt === 0) return;
    this.askedAt = this.startedAt;
    this.grantedAt = this.heldAt = 0;
    this.hasWaited = true;
  }

  /** The answer is there before the position. */
  holds(): void {
    if (this.startedAt === 0) return;
    this.heldAt = eventTime();
    this.hasWaited = true;
  }

  /** A piece of the answer has come, and more is to come. */
  goesOn(): void {
    if (this.firstAt === 0 && this.startedAt !== 0) this.firstAt = eventTime();
  }

  /** The command had to wait for the session's state, which is there. */
  restored(): void {
    if (this.startedAt === 0) return;
    this.restoredAt = eventTime();
    this.hasWaited = true;
  }
}

/** An answer that has ended, as its connection tells of it. */
export interface Answered {
  readonly tracker: MeasuredAnswer & { readonly status: number };
  readonly facts: { readonly server: string };
}

/** A pooled session's command has been answered. */
export function noteTimes(session: PooledSession, { tracker, facts }: Answered): void {
  const { times } = session.session;
  const { startedAt } = times;
  times.startedAt = 0;
  if (startedAt === 0 || !runsText(session)) return;
  const { metrics } = session.context;
  const server = metrics.server(facts.server);
  const now = eventTime();
  const totalUs = us(startedAt, now);
  const record = recordOf(session, server);
  const streamUs = times.firstAt === 0 ? 0 : us(times.firstAt, now);
  if (times.firstAt !== 0) metrics.addStage(Stage.STREAM, server, streamUs);
  if (tracker.errorCode !== 0) metrics.addError(tracker.errorCode, server);
  findWaits(startedAt, times, now);
  const { queueUs, consistencyUs, restoreUs } = waits;
  if (times.hasWaited) {
    if (queueUs > 0) metrics.addStage(Stage.QUEUE, server, queueUs);
    if (consistencyUs > 0) metrics.addStage(Stage.CONSISTENCY, server, consistencyUs);
    if (restoreUs > 0) metrics.addStage(Stage.RESTORE, server, restoreUs);
    metrics.addStage(Stage.EXECUTE, server, waits.executeUs);
    metrics.addWaited(record, server, totalUs, tracker);
  } else metrics.addStatement(record, server, totalUs, tracker);
  if (!logsStatements(session.context)) return;
  const logged = statementToLog(session.command[HEADER_LENGTH], facts.server);
  const { bytes, start } = textOf(session);
  logged.db = session.state.schema;
  logged.bytes = bytes;
  logged.start = start;
  logged.end = bytes.length;
  if (session.statement !== undefined) {
    const { hasQueryAttributes } = session.session;
    logged.parameters = parametersOf(session.command, session.statement, hasQueryAttributes);
  }
  logged.digestText = metrics.textOf(record);
  logged.totalUs = totalUs;
  logged.queueUs = queueUs;
  logged.restoreUs = restoreUs;
  logged.consistencyUs = consistencyUs;
  if (times.hasWaited) logged.executeUs = waits.executeUs;
  logged.streamUs = streamUs;
  logged.retries = session.retry?.attempts ?? 0;
  logAnswered(session.session, logged, tracker);
}

/** What a statement has waited for, and how long it ran then, in microseconds. One for all of them. */
const waits = { queueUs: 0, restoreUs: 0, consistencyUs: 0, executeUs: 0 };

function findWaits(startedAt: number, times: StatementTimes, now: number): void {
  if (!times.hasWaited) {
    waits.queueUs = waits.restoreUs = waits.consistencyUs = 0;
    return;
  }
  const { askedMs, waitedForData } = times;
  const wantedAt = startedAt + askedMs;
  const grantedAt = times.grantedAt || wantedAt;
  const sentAt = times.restoredAt || grantedAt;
  const answeredAt = times.heldAt || now;
  const readyUs = us(grantedAt, sentAt);
  waits.queueUs = us(wantedAt, grantedAt);
  waits.restoreUs = waitedForData ? 0 : readyUs;
  waits.consistencyUs = askedMs * 1000 + (waitedForData ? readyUs : 0) + us(answeredAt, now);
  waits.executeUs = us(sentAt, answeredAt);
}

/**
 * The digest's record of the statement under way. What was prepared is read but once, and so is what is
 * looked up by its normal form before it is sent.
 */
function recordOf(session: PooledSession, server: number): number {
  const { statement, context, state, seat: { pace } } = session;
  const { metrics } = context;
  const known = statement ?? pace;
  if (known !== undefined && metrics.isOf(known.record, server)) return known.record;
  const { bytes, start } = textOf(session);
  const mode = lexicalModeOf(state, context);
  const record = metrics.find(bytes, start, bytes.length, mode, server);
  if (metrics.isNew) metrics.describe(record, nameOf(session.session), state.schema);
  if (known !== undefined) known.record = record;
  return record;
}

/** The statement to be logged has been answered. */
function logAnswered(
  session: ClientSession,
  logged: StatementToLog,
  { rows, affectedRows, errorCode }: MeasuredAnswer,
): void {
  logged.rowsSent = rows;
  logged.rowsAffected = affectedRows;
  logged.errorCode = errorCode;
  logged.bytesSent = session.transport.sent - session.times.sentBefore;
  logged.outcome = "answered";
  logStatement(session);
}

/** The statement under way will have no answer: its connection has ended, or its client has gone. */
export function noteLost(session: ClientSession): void {
  const { times, pooled, context } = session;
  const { startedAt } = times;
  times.startedAt = 0;
  if (startedAt === 0 || !logsStatements(context)) return;
  const server = session.server?.facts.server ?? "";
  const totalUs = us(startedAt, eventTime());
  if (pooled !== undefined) {
    if (!pooled.busy || !runsText(pooled)) return;
    const { bytes, start } = textOf(pooled);
    const logged = statementToLog(pooled.command[HEADER_LENGTH], server);
    logged.db = pooled.state.schema;
    logged.bytes = bytes;
    logged.start = start;
    logged.end = bytes.length;
    logged.totalUs = totalUs;
    logStatement(session);
    return;
  }
  const logged = keptToLog(session, server);
  if (logged === undefined) return;
  logged.totalUs = totalUs;
  logStatement(session);
}

/** With session pooling: the command that was kept to be logged; undefined: none was. */
function keptToLog({ times }: ClientSession, server: string): StatementToLog | undefined {
  const { bytes, commandAt, textAt, textEnd } = times;
  times.bytes = undefined;
  if (bytes === undefined) return undefined;
  const logged = statementToLog(bytes[commandAt], server);
  logged.bytes = bytes;
  logged.start = textAt;
  logged.end = textEnd;
  return logged;
}

/** With session pooling: a command goes out. Timed is what has nothing outstanding in front of it. */
export function noteSent(
  session: ClientSession,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const { times, context, server } = session;
  const { metrics } = context;
  const command = bytes[start];
  const isQuery = command === Command.QUERY;
  const isStatement = isQuery || command === Command.STMT_EXECUTE;
  if (server!.outstanding > 0) {
    if (isStatement && logsStatements(context)) logPipelined(session, bytes, start, end);
    return;
  }
  times.startedAt = 0;
  if (!metrics.enabled || !isStatement) return;
  times.startedAt = eventTime();
  times.firstAt = 0;
  const number = metrics.server(server!.facts.server);
  const from = isQuery ? textStart(session, bytes, start, end) : end;
  if (logsStatements(context)) {
    times.sentBefore = session.transport.sent;
    times.bytes = bytes;
    times.commandAt = start;
    times.textAt = from;
    times.textEnd = end;
  }
  if (!isQuery) {
    times.record = metrics.others(number);
    return;
  }
  times.record = metrics.find(bytes, from, end, PLAIN, number);
  if (metrics.isNew) metrics.describe(times.record, nameOf(session), "");
}

function textStart(session: ClientSession, bytes: Uint8Array, start: number, end: number): number {
  return session.hasQueryAttributes ? statementStart(bytes, start, end) : start + 1;
}

/** Nobody waits for the end of its answer: it is logged as it goes. */
function logPipelined(session: ClientSession, bytes: Uint8Array, start: number, end: number): void {
  const isQuery = bytes[start] === Command.QUERY;
  const logged = statementToLog(bytes[start], session.server!.facts.server);
  logged.outcome = "pipelined";
  logged.bytes = bytes;
  logged.start = isQuery ? textStart(session, bytes, start, end) : end;
  logged.end = end;
  logStatement(session);
}

/** With session pooling: its answer has ended. */
export function noteAnswered(session: ClientSession, { tracker, facts }: ServerConnection): void {
  const { times, context: { metrics } } = session;
  const { startedAt } = times;
  if (startedAt === 0) return;
  times.startedAt = 0;
  const server = metrics.server(facts.server);
  const now = eventTime();
  const time = us(startedAt, now);
  const streamUs = times.firstAt === 0 ? 0 : us(times.firstAt, now);
  if (times.firstAt !== 0) metrics.addStage(Stage.STREAM, server, streamUs);
  if (tracker.errorCode !== 0) metrics.addError(tracker.errorCode, server);
  metrics.addStatement(times.record, server, time, tracker);
  const logged = keptToLog(session, facts.server);
  if (logged === undefined) return;
  logged.digestText = metrics.textOf(times.record);
  logged.totalUs = time;
  logged.streamUs = streamUs;
  logAnswered(session, logged, tracker);
}

/** Of sessions whose settings nobody knows. */
const PLAIN: LexicalMode = { noBackslashEscapes: false, ansiQuotes: false };

function us(from: number, to: number): number {
  return (to - from) * 1000;
}

function nameOf({ user }: ClientSession): string {
  return Buffer.from(user, "latin1").toString();
}
