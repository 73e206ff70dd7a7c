// How long a session's statements take, and where. Hot path: with nothing to wait for, the clock is
// read twice a statement.

import type { PooledConnection, ServerConnection } from "../backend/mod.ts";
import { Stage, type StatementMetrics } from "../observe/mod.ts";
import type { LexicalMode } from "../sql/mod.ts";
import { Command } from "../wire/mod.ts";
import type { ClientSession } from "./client_session.ts";
import { lexicalModeOf } from "./lexical_mode.ts";
import type { PooledSession } from "./pooled_session.ts";
import { statementStart } from "./statement_start.ts";
import { runsText, textOf } from "./statement_text.ts";

/** The times of the statement under way, in milliseconds; 0: it has not come to that. */
export class StatementTimes {
  startedAt = 0;
  /** Commands since the session began. */
  commands = 0;
  /** It got the connection that it had to wait for. */
  grantedAt = 0;
  /** The connection was in the session's state. */
  restoredAt = 0;
  /** A connection that is granted now was not waited for. */
  isLeasing = false;
  /** With session pooling: the digest's record, or -1. */
  record = -1;

  /** A command has come. */
  start(metrics: StatementMetrics): void {
    this.commands++;
    this.startedAt = metrics.enabled ? performance.now() : 0;
    this.grantedAt = this.restoredAt = 0;
  }

  /** A connection has been granted. */
  granted(): void {
    if (!this.isLeasing && this.startedAt !== 0) this.grantedAt = performance.now();
  }

  /** The command had to wait for the session's state, which is there. */
  restored(): void {
    if (this.startedAt !== 0) this.restoredAt = performance.now();
  }
}

/** A pooled session's command has been answered. */
export function noteTimes(session: PooledSession, pooled: PooledConnection): void {
  const { times } = session.session;
  const { startedAt } = times;
  times.startedAt = 0;
  if (startedAt === 0 || !runsText(session)) return;
  const { metrics } = session.context;
  const { tracker, facts } = pooled.connection;
  const server = metrics.server(facts.server);
  const now = performance.now();
  const grantedAt = times.grantedAt || startedAt;
  const sentAt = times.restoredAt || grantedAt;
  if (grantedAt > startedAt) metrics.addStage(Stage.QUEUE, server, us(startedAt, grantedAt));
  if (sentAt > grantedAt) metrics.addStage(Stage.RESTORE, server, us(grantedAt, sentAt));
  metrics.addStage(Stage.EXECUTE, server, us(sentAt, now));
  metrics.addStage(Stage.TOTAL, server, us(startedAt, now));
  if (tracker.errorCode !== 0) metrics.addError(tracker.errorCode, server);
  const { bytes, start } = textOf(session);
  const mode = lexicalModeOf(session.state, session.context);
  const record = metrics.find(bytes, start, bytes.length, mode, server);
  if (metrics.isNew) metrics.describe(record, nameOf(session.session), session.state.schema);
  metrics.addStatement(record, us(startedAt, now), tracker);
}

/** With session pooling: a command goes out, and nothing is outstanding in front of it. */
export function noteSent(
  session: ClientSession,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const { times, context: { metrics }, server } = session;
  times.startedAt = 0;
  const command = bytes[start];
  const isQuery = command === Command.QUERY;
  if (!metrics.enabled || !(isQuery || command === Command.STMT_EXECUTE)) return;
  times.startedAt = performance.now();
  const number = metrics.server(server!.facts.server);
  if (!isQuery) {
    times.record = metrics.others(number);
    return;
  }
  const from = session.hasQueryAttributes ? statementStart(bytes, start, end) : start + 1;
  times.record = metrics.find(bytes, from, end, PLAIN, number);
  if (metrics.isNew) metrics.describe(times.record, nameOf(session), "");
}

/** With session pooling: its answer has ended. */
export function noteAnswered(session: ClientSession, { tracker, facts }: ServerConnection): void {
  const { times, context: { metrics } } = session;
  const { startedAt } = times;
  if (startedAt === 0) return;
  times.startedAt = 0;
  const server = metrics.server(facts.server);
  const time = us(startedAt, performance.now());
  metrics.addStage(Stage.EXECUTE, server, time);
  metrics.addStage(Stage.TOTAL, server, time);
  if (tracker.errorCode !== 0) metrics.addError(tracker.errorCode, server);
  metrics.addStatement(times.record, time, tracker);
}

/** Of sessions whose settings nobody knows. */
const PLAIN: LexicalMode = { noBackslashEscapes: false, ansiQuotes: false };

function us(from: number, to: number): number {
  return (to - from) * 1000;
}

function nameOf({ user }: ClientSession): string {
  return Buffer.from(user, "latin1").toString();
}
