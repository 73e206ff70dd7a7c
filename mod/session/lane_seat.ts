// A session's part in lanes, the connections on which statements of several sessions are under way at
// the same time: whether the command under way may go there, and what is learned where it may not.
// It may if it only reads, asks nothing of its session and leaves nothing, and is known to be quick.

import {
  isMariadb,
  type LaneGroup,
  type PooledConnection,
  Residue,
  StatementPace,
} from "../backend/mod.ts";
import { Attention, attention, Bar, Effect, NormalForm, readFacts } from "../sql/mod.ts";
import { Command, HEADER_LENGTH } from "../wire/mod.ts";
import { lexicalModeOf } from "./lexical_mode.ts";
import { hasOptimizerHint } from "./passing_settings.ts";
import { isOutside, PipelinedStatement } from "./pipelined_statement.ts";
import type { PooledSession } from "./pooled_session.ts";
import { type SessionStatement, wantsCursor } from "./session_statement.ts";
import { statementStart } from "./statement_start.ts";
import { owesAtOnce } from "./told_state.ts";

/** Longer commands do not share, in bytes. */
const COMMAND_MAX = 8 * 1024;

const form = new NormalForm();
const facts = { effects: 0, bars: 0, hint: undefined, seesTables: false };

/** One session's seat. */
export class LaneSeat {
  /** It waits for another connection as well: the statement before it takes too long. */
  seeksOther = false;
  /** The command under way is to have a connection of its own. */
  alone = false;
  /** When it began to wait, by the pool's clock, if it has waited for a lane before. */
  since: number | undefined;
  readonly #session: PooledSession;
  /** The lanes of the session's kind and state, as last looked up. */
  #group: LaneGroup | undefined;
  /** The statement on a lane, or what the next one there is to use. */
  #statement: PipelinedStatement | undefined;
  /** What the command under way, alone, is to be measured for, and when it was sent. */
  #measured: StatementPace | undefined;
  #sentAt = 0;

  constructor(session: PooledSession) {
    this.#session = session;
  }

  /** The command under way is on a lane or waits for one, and for nothing else. */
  get isTaken(): boolean {
    return this.#statement?.active === true && !this.seeksOther;
  }

  /** The server at which the command under way is on a lane; undefined: it is on none. */
  get server(): string | undefined {
    return this.#statement?.server;
  }

  /**
   * Sends the command under way on a lane, or lets it wait for one. Hot path: nothing is allocated.
   *
   * @returns false where it is to have a connection of its own.
   */
  share(): boolean {
    this.#measured = undefined;
    const session = this.#session;
    const { pool, command } = session;
    if (this.alone || !pool.lanes.isOn || session.effects !== Effect.READS) return false;
    // A position is to be waited for in front of it; or more is known of it than its text tells.
    if (session.route?.wait !== undefined || (session.facts?.bars ?? 0) !== 0) return false;
    const code = command[HEADER_LENGTH];
    const isExecution = code === Command.STMT_EXECUTE;
    if ((!isExecution && code !== Command.QUERY) || command.length > COMMAND_MAX) return false;
    const group = this.#groupNow();
    if (group === undefined || !group.usable) return false;
    const statement = isExecution ? session.statement : undefined;
    // What its parameters are depends on what the session has given it before; without any types it
    // is for the server to judge, which looks at what was prepared last.
    if (statement !== undefined && (statement.history !== undefined || lacksTypes(statement))) {
      return false;
    }
    const pace = isExecution
      ? statement && paceOfExecution(statement, { command, group })
      : paceOfText(session, group);
    if (pace === undefined || !pace.mayShare) return false;
    if (!pace.quick && !group.isForced) {
      this.#measured = pace;
      return false;
    }
    if (pool.paused || !isUnencumbered(session, group)) return false;
    const pipelined = this.#statement ??= new PipelinedStatement(session);
    pipelined.begin(pace, statement);
    group.take(pipelined);
    return true;
  }

  /** The group of the session's kind and state; kept until the pool or the state is another one. */
  #groupNow(): LaneGroup | undefined {
    const { state, kind, context, pool, server } = this.#session;
    const known = this.#group;
    if (known !== undefined && known.state === state && known.pool === pool) return known;
    return this.#group = pool.lanes.groupOf(kind, state, () => ({
      kind,
      state,
      mode: lexicalModeOf(state, context),
      mariadb: isMariadb(server.identity!),
    }));
  }

  /** Whatever is on a lane is not waited for any more. */
  leave(): void {
    this.seeksOther = false;
    if (this.#statement?.active !== true) return;
    this.#statement.abandon();
    this.#statement = undefined;
  }

  /** The statement on a lane stands behind a slow one: whichever connection is first may answer. */
  seekOther(): void {
    this.seeksOther = true;
    this.#session.runAlone();
  }

  /** The command under way goes out on a connection of its own. */
  noteSent(): void {
    if (this.#measured !== undefined) this.#sentAt = performance.now();
  }

  /** It was answered there. */
  noteAnswered(pooled: PooledConnection): void {
    const pace = this.#measured;
    if (pace === undefined) return;
    const session = this.#session;
    const { tracker } = pooled.connection;
    const isQuiet = !session.untoldState && !session.hiddenChange && !session.passingState;
    pace.noteSolo({
      us: (performance.now() - this.#sentAt) * 1000,
      beside: session.pool.running,
      rows: tracker.rows,
      clean: tracker.errorCode === 0 && tracker.warnings === 0 && isQuiet &&
        isOutside(tracker.status),
    });
  }

  /** No command is under way any more. */
  reset(): void {
    this.#measured = undefined;
    this.alone = false;
    this.since = undefined;
  }
}

/** By the text's normal form; undefined where it has none. */
function paceOfText(session: PooledSession, group: LaneGroup): StatementPace | undefined {
  const { command } = session;
  const start = session.session.hasQueryAttributes
    ? statementStart(command, HEADER_LENGTH, command.length)
    : HEADER_LENGTH + 1;
  if (!form.read(command, start, command.length, group.facts.mode)) return undefined;
  const known = group.forms.find(form);
  if (known !== undefined) return known;
  const pace = new StatementPace(mayShare(command, start, group));
  group.forms.keep(form, pace);
  return pace;
}

function paceOfExecution(
  statement: SessionStatement,
  { command, group }: { readonly command: Buffer; readonly group: LaneGroup },
): StatementPace | undefined {
  if (statement.state !== group.state || statement.replacements !== undefined) return undefined;
  if (wantsCursor(command)) return undefined;
  if (statement.longData !== undefined || statement.longDataPassed) return undefined;
  return group.paceOfPrepared(statement.key) ?? group.keepPaceOfPrepared(
    statement.key,
    new StatementPace(mayShare(statement.packet, HEADER_LENGTH + 1, group)),
  );
}

/** The text promises that it only reads, is the same on any connection, and is no stage's. */
function mayShare(bytes: Uint8Array, start: number, { facts: { mode } }: LaneGroup): boolean {
  const end = bytes.length;
  readFacts(bytes, { start, end }, { mode }, facts);
  return facts.effects === Effect.READS && facts.bars === Bar.NONE &&
    attention(bytes, start, end) === Attention.NONE && !hasOptimizerHint(bytes, start);
}

/**
 * Nothing of the session's is anywhere that the statement would change, and that somebody has still
 * to read: LAST_INSERT_ID() it leaves alone.
 */
function isUnencumbered(session: PooledSession, { facts: { mariadb } }: LaneGroup): boolean {
  if (session.pinned || session.awaited > 0 || session.hasCalled || session.hiddenChange) {
    return false;
  }
  if (owesAtOnce(session, undefined)) return false;
  const { last } = session;
  if (last?.owner === session && (last.residue & ~Residue.INSERT_ID) !== 0) return false;
  // There a statement without a table leaves them as they are.
  return !mariadb || session.conditions === undefined;
}

/** It was never executed with types, which its parameters need. */
function lacksTypes({ parameters, types }: SessionStatement): boolean {
  return parameters > 0 && types === undefined;
}
