// A session's part in lanes, the connections on which statements of several sessions are under way at
// the same time: whether the command under way may go there, and what is learned where it may not.
// It may if it only reads, asks nothing of its session and leaves nothing, and is known to be quick.

import {
  type Flight,
  flightHash,
  type FlightKey,
  isMariadb,
  type LaneGroup,
  type PooledConnection,
  Residue,
  StatementPace,
} from "../../backend/mod.ts";
import { Attention, attention, Bar, Effect, NormalForm, readFacts } from "../../sql/mod.ts";
import { Command, HEADER_LENGTH } from "../../wire/mod.ts";
import { lexicalModeOf } from "../command/lexical_mode.ts";
import { FlightPassenger } from "./flight_passenger.ts";
import { hasOptimizerHint } from "../state/passing_settings.ts";
import { isOutside, PipelinedStatement } from "./pipelined_statement.ts";
import type { PooledSession } from "../pooled_session.ts";
import { type SessionStatement, wantsCursor, withTypes } from "../prepared/session_statement.ts";
import { statementStart } from "../command/statement_start.ts";
import { owesAtOnce } from "../state/told_state.ts";

/** Where in an execution's packet its flags begin, behind the statement's id. */
const EXECUTION_FLAGS = HEADER_LENGTH + 5;

/** Longer commands do not share, in bytes. */
const COMMAND_MAX = 8 * 1024;

/** Servers whose lanes a session remembers. */
const GROUPS_MAX = 8;

const form = new NormalForm();
const facts = { effects: 0, bars: 0, hint: undefined, seesTables: false };

/** One session's seat. */
export class LaneSeat {
  /** It waits for another connection as well: the statement before it takes too long. */
  seeksOther = false;
  /** The command under way is to have a connection of its own. */
  alone = false;
  /** Of the text under way, where it was looked up; undefined: it was not. */
  pace: StatementPace | undefined;
  /** When it began to wait, by the pool's clock, if it has waited for a lane before. */
  since: number | undefined;
  readonly #session: PooledSession;
  /** The command under way runs for others too that have asked the same. */
  flight: Flight | undefined;
  /** The command under way waits for the answer of another session's, which is the same. */
  passenger: FlightPassenger | undefined;
  /** The lanes of the session's kind and state at each server, as last looked up. */
  readonly #groups: LaneGroup[] = [];
  /** The statement on a lane, or what the next one there is to use. */
  #statement: PipelinedStatement | undefined;
  /** What the command under way, alone, is to be measured for, and when it was sent. */
  #measured: StatementPace | undefined;
  #sentAt = 0;

  constructor(session: PooledSession) {
    this.#session = session;
  }

  /** The command under way is on a lane, or waits for one or for another's answer, and for nothing else. */
  get isTaken(): boolean {
    return (this.#statement?.active === true || this.passenger !== undefined) && !this.seeksOther;
  }

  /** An answer to the command under way could be held back, if it comes from a lane. */
  get mayHold(): boolean {
    return !this.alone && !this.#session.context.config.pool.consolidate;
  }

  /** The answer may be passed on: it is, or will be when it has come. */
  pass(): void {
    this.#statement?.pass();
  }

  /** The server at which the command under way is on a lane; undefined: it is on none. */
  get server(): string | undefined {
    return this.passenger === undefined ? this.#statement?.server : this.#session.server.name;
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
    if (session.begin !== undefined) return false;
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
      : this.pace = paceOfText(session, group);
    if (pace === undefined || !pace.mayShare) return false;
    const isQuick = pace.quick || group.isForced;
    if (!isQuick) this.#measured = pace;
    const { consolidate } = session.context.config.pool;
    if ((!isQuick && !consolidate) || pool.paused || !isUnencumbered(session, group)) return false;
    if (consolidate && this.#joins(group, statement)) return true;
    if (!isQuick) return false;
    const pipelined = this.#statement ??= new PipelinedStatement(session);
    pipelined.begin(pace, statement);
    group.take(pipelined);
    return true;
  }

  /** @returns It waits for another session's answer; else it leads from now on, or has done so. */
  #joins(group: LaneGroup, statement: SessionStatement | undefined): boolean {
    if (this.flight !== undefined) {
      if (!this.flight.isSent) return false;
      this.failFlight();
    }
    const session = this.#session;
    const key = flightKey(session, statement);
    const hash = flightHash(key);
    const flight = group.flights.find(key, hash);
    if (flight === undefined) {
      this.leads(group.flights.open(key, hash));
      return false;
    }
    this.#measured = undefined;
    this.passenger = new FlightPassenger(session);
    flight.join(this.passenger, session.route?.isEventual === true);
    return true;
  }

  /** Its command runs for those of a flight. */
  leads(flight: Flight): void {
    this.flight = this.#session.session.flight = flight;
  }

  /** Its answer has come. @param isPlain It is everybody's. */
  land(pooled: PooledConnection, isPlain: boolean): void {
    const { flight } = this;
    this.flight = this.#session.session.flight = undefined;
    flight!.land(pooled, isPlain);
  }

  /** Nobody else is to wait for its answer: it runs once more, who knows where, or has none. */
  failFlight(): void {
    const { flight } = this;
    if (flight === undefined) return;
    this.flight = this.#session.session.flight = undefined;
    flight.fail();
  }

  /** The group of the session's kind and state; kept for each pool until the state is another one. */
  #groupNow(): LaneGroup | undefined {
    const { state, kind, context, pool, server } = this.#session;
    const groups = this.#groups;
    for (const known of groups) {
      if (known.pool !== pool) continue;
      if (known.state === state) return known;
      groups.length = 0; // those of other servers are of a state that is over as well
      break;
    }
    const group = pool.lanes.groupOf(kind, state, () => ({
      kind,
      state,
      mode: lexicalModeOf(state, context),
      mariadb: isMariadb(server.identity!),
    }));
    if (groups.length >= GROUPS_MAX) groups.length = 0;
    if (group !== undefined) groups.push(group);
    return group;
  }

  /** Whatever is on a lane is not waited for any more. */
  leave(): void {
    this.seeksOther = false;
    this.passenger?.abandon();
    this.passenger = undefined;
    if (this.#statement?.active !== true) return;
    this.#statement.abandon();
    this.#statement = undefined;
  }

  /** The session has ended. */
  quit(): void {
    this.leave();
    this.failFlight();
  }

  /** The statement on a lane stands behind a slow one: whichever connection is first may answer. */
  seekOther(): void {
    this.seeksOther = true;
    this.#session.runAlone();
  }

  /** The command under way goes out on a connection of its own. */
  noteSent(): void {
    if (this.#measured !== undefined) this.#sentAt = performance.now();
    if (this.flight !== undefined) this.flight.isSent = true;
  }

  /** It was answered there. */
  noteAnswered(pooled: PooledConnection): void {
    const pace = this.#measured;
    if (pace === undefined && this.flight === undefined) return;
    const session = this.#session;
    const { tracker } = pooled.connection;
    const isQuiet = !session.untoldState && !session.hiddenChange && !session.passingState;
    const clean = tracker.errorCode === 0 && tracker.warnings === 0 && isQuiet &&
      isOutside(tracker.status);
    pace?.noteSolo({
      us: (performance.now() - this.#sentAt) * 1000,
      beside: session.pool.running,
      rows: tracker.rows,
      clean,
    });
    if (this.flight !== undefined) this.land(pooled, clean);
  }

  /** No command is under way any more. */
  reset(): void {
    this.#measured = this.pace = undefined;
    this.alone = false;
    this.since = undefined;
    this.failFlight(); // it has ended in another way
  }
}

/** What makes a statement the same as another session's. */
function flightKey(
  { command, session: { hasQueryAttributes } }: PooledSession,
  statement: SessionStatement | undefined,
): FlightKey {
  if (statement === undefined) {
    return { command, from: HEADER_LENGTH, prepared: undefined, types: undefined };
  }
  // The types that come with it are the session's from now on, wherever it runs.
  withTypes(command, statement, { hasAttributes: hasQueryAttributes, known: statement.types });
  return { command, from: EXECUTION_FLAGS, prepared: statement.key, types: statement.types };
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
