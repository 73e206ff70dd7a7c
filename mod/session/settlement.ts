// What a statement leaves of its session on the server connection: noted from the statement before
// it is sent, from the tracker's facts and the OK packets' session state when its answer has come.

import {
  type AnswerSink,
  isMariadb,
  type PooledConnection,
  queryPacket,
  Residue,
  ROLE,
  type ServerConnection,
  UNKNOWN as UNKNOWN_VALUE,
} from "../backend/mod.ts";
import { Effect, PINS, userVariablesIn } from "../sql/mod.ts";
import { Capability, Command, Expect, HEADER_LENGTH, ServerStatus } from "../wire/mod.ts";
import { Afterwards, isHeld } from "./diagnostics/afterwards.ts";
import { diagnosedRowCount } from "./diagnostics/diagnosed_row_count.ts";
import { failsInList } from "./diagnostics/failed_list.ts";
import { noteFoundRows } from "./diagnostics/found_rows.ts";
import { countedBehind, movesCounters } from "./pins/hidden_pins.ts";
import { noteKnownAssignments, noteKnownRole } from "./state/known_assignments.ts";
import { lexicalModeOf } from "./command/lexical_mode.ts";
import { noteChangedVariables } from "./state/changed_variables.ts";
import { NO_VARIABLES_NAMED } from "./state/observed_changes.ts";
import { OwnPin } from "./pins/own_pin.ts";
import { hasOptimizerHint, isSetStatement } from "./state/passing_settings.ts";
import { isStatementCommand } from "./prepared/session_statement.ts";
import { runsText, startsWith, textOf } from "./command/statement_text.ts";
import { setsForItself, setsTrackedVariables } from "./state/told_state.ts";
import { TransactionRecord } from "./failover/transaction_record.ts";
import { untoldAssignments } from "./state/untold_assignments.ts";
import type { PooledSession } from "./pooled_session.ts";

/** Effects after which an error does not tell what has changed nevertheless. */
const CHANGES_DESPITE_ERROR = Effect.CALLS | Effect.RUNS_TRIGGERS | Effect.MULTI |
  Effect.SETS_VARIABLE |
  Effect.CHANGES_SCHEMA | Effect.SETS_USER_VARIABLE | Effect.SETS_ROLE;

/** A statement is about to be sent: what it may change is noted, so that nothing can be missed. */
export function noteStatement(session: PooledSession, pooled: PooledConnection): void {
  if (session.records) (session.record ??= new TransactionRecord(session)).noteSent();
  const { effects } = session;
  if (showsTrackers(session)) {
    const { connection } = pooled;
    connection.request(
      queryPacket(connection, session.baseline.untrack),
      Expect.RESULT,
      IGNORED,
    );
    pooled.touch();
  }
  session.setsTrackers = showsTrackers(session) && (effects & Effect.SETS_VARIABLE) !== 0;
  if (session.setsTrackers) session.ownPins |= OwnPin.TRACKERS;
  pooled.pinsCounted = countedBehind(session, pooled);
  const { textEffects } = session;
  const prepares = session.command[HEADER_LENGTH] === Command.STMT_PREPARE;
  if (prepares) session.namedVariables = NO_VARIABLES_NAMED;
  const names = textEffects & Effect.SETS_USER_VARIABLE ||
      (prepares && textEffects & Effect.ASKS_USER_VARIABLE)
    ? namesIn(session, pooled)
    : undefined;
  if (names && prepares) {
    const missing = names.filter((name) => !isMade(session, pooled, name));
    session.namedVariables = { all: names, missing };
  }
  // To prepare a text with := in it is enough for the variable to be there.
  if (names && textEffects & Effect.SETS_USER_VARIABLE) {
    noteChangedVariables(session, pooled, names);
  }
  if (effects & Effect.SETS_ROLE) {
    const { states } = session.context.tables;
    session.setState(states.with(session.state, [[ROLE, UNKNOWN_VALUE]]));
    pooled.residue |= Residue.ROLE;
  }
}

/** The session has set the variable, or may have. */
function isMade(session: PooledSession, pooled: PooledConnection, name: string): boolean {
  return session.userVariables.has(name) || pooled.dirty?.has(name) === true;
}

function namesIn(session: PooledSession, pooled: PooledConnection): readonly string[] {
  if (session.statement) return session.statement.userVariables;
  const { bytes, start } = textOf(session);
  const mode = lexicalModeOf(session.state, session.context);
  const spellings = new Map<string, string>();
  const names = userVariablesIn(bytes, start, bytes.length, mode, spellings);
  for (const [name, spelled] of spellings) {
    // A variable has the name it was made with.
    if (!isMade(session, pooled, name)) (session.spellings ??= new Map()).set(name, spelled);
  }
  return names;
}

/**
 * The client's answer is complete.
 *
 * @returns Something must be asked first: `session.afterwards` is told when all is known.
 */
export function noteAnswer(session: PooledSession, pooled: PooledConnection): boolean {
  session.opening.noteAnswer(session, pooled);
  const { connection } = pooled;
  const { tracker } = connection;
  const { effects } = session;
  const failed = tracker.errorCode !== 0;
  pooled.touched = false;
  noteConditions(session, pooled, failed);
  if (
    tracker.hasInsertId || (effects & Effect.LEAVES_INSERT_ID && !insertedNothing(session, failed))
  ) {
    pooled.residue |= Residue.INSERT_ID;
    pooled.insertId = undefined;
  }
  noteFoundRows(session, pooled, failed);
  if (tracker.errorCode === WRONG_ARGUMENTS && session.statement) {
    session.statements.noteRefusedTypes(pooled, session.statement);
  }
  if (failed && movesCounters(session)) pooled.pinsCounted = undefined;
  if (failed) session.lastError = { code: tracker.errorCode, state: tracker.sqlState };
  if (failed ? !failsInList(session, tracker.errorCode) : !leavesRowCount(session)) {
    const isNone = failed || tracker.sawRows || LISTS.has(session.command[HEADER_LENGTH]);
    session.rowCount = isNone ? -1 : tracker.affectedRows;
    pooled.rowCountGone = false;
  }
  if (session.setsTrackers && !failed && setsTrackedVariables(session)) session.owed = undefined;
  // Refused whole, so that the proxy's own trackers are turned on again.
  if (session.setsTrackers && failed && !(effects & Effect.MULTI)) {
    session.ownPins &= ~OwnPin.TRACKERS;
  }
  if (!failed) noteKnownAssignments(session, pooled);
  if (!failed && effects & Effect.SETS_ROLE) {
    session.ownPins &= ~OwnPin.ROLE_LEFT;
    if (runsText(session)) noteKnownRole(session, pooled);
  }
  notePins(session, failed);
  return askAfterwards(session, pooled, failed);
}

/** `ER_WRONG_ARGUMENTS`: of long data for a parameter that there is not, say. */
const WRONG_ARGUMENTS = 1210;

/** Commands whose answers end as rows do. */
const LISTS = new Set<number>([Command.STMT_FETCH, Command.FIELD_LIST]);

/** Commands and statements that leave ROW_COUNT() what it was, unless they fail. */
function leavesRowCount(session: PooledSession): boolean {
  const { command, effects } = session;
  switch (command[HEADER_LENGTH]) {
    case Command.STMT_PREPARE:
    case Command.STATISTICS:
      return true;
    case Command.QUERY:
    case Command.STMT_EXECUTE: {
      const asks = Effect.ASKS_WARNINGS | Effect.SETS_USER_VARIABLE;
      return (effects & asks) === asks && startsWith(session, "GET"); // GET DIAGNOSTICS
    }
    default:
      return false;
  }
}

/** A write whose OK has no insert id: LAST_INSERT_ID() is what it was. */
function insertedNothing({ effects, pooled }: PooledSession, failed: boolean): boolean {
  const other = Effect.ASKS_LAST_INSERT_ID | Effect.CALLS | Effect.MULTI;
  return !failed && (effects & Effect.RUNS_TRIGGERS) !== 0 && (effects & other) === 0 &&
    !pooled!.connection.tracker.sawRows;
}

/** MySQL forgets conditions with the next statement, MariaDB with the next one that uses a table. */
function noteConditions(session: PooledSession, pooled: PooledConnection, failed: boolean): void {
  const { effects, command } = session;
  const { warnings } = pooled.connection.tracker;
  const mariadb = isMariadb(session.context.server.identity!);
  const listsFields = command[HEADER_LENGTH] === Command.FIELD_LIST && !mariadb;
  if (listsFields || (failed && runsNothing(session))) session.counted = failed ? "last" : "none";
  else if (runsText(session)) {
    const asks = (effects & Effect.ASKS_WARNINGS) !== 0;
    if (asks && !failed && warnings === 0) session.counted = "none";
    // It leaves the older ones where they are.
    else if (asks && startsWith(session, "GET")) session.counted = "last";
    else session.counted = "all";
  } else if (failed && session.counted === "none") session.counted = "last";
  // MySQL warns of a command that is deprecated, and does not count that.
  const has = failed || warnings > 0 || (effects & Effect.CALLS) !== 0 || listsFields;
  if (has) {
    pooled.hasOnlyOwnWarnings = false;
    noteKept(session, failed ? Math.max(warnings, 1) : warnings);
  }
  const hasOlder = pooled.hasConditions && !pooled.hasOnlyOwnWarnings;
  if (has || (hasOlder && effects & Effect.ASKS_WARNINGS)) {
    pooled.hasConditions = true;
    pooled.residue |= Residue.WARNINGS;
    // What stands in for the session's may still be there beside the new ones: that is seen when
    // they are read.
    if (has && !pooled.hasStandIns) session.conditions = undefined;
  } else if (mariadb) {
    if (hasOlder) pooled.residue |= Residue.WARNINGS;
  } else if (!(effects & Effect.ASKS_WARNINGS)) {
    pooled.hasConditions = pooled.hasStandIns = false;
    pooled.residue &= ~Residue.WARNINGS;
    session.conditions = undefined;
    session.ownPins &= ~OwnPin.CONDITIONS;
  }
}

/** Where the session has set how many conditions are kept, and they are more, no other server can tell. */
function noteKept(session: PooledSession, conditions: number): void {
  const limit = session.state.variables.get("max_error_count");
  const areKept = limit === undefined || conditions <= Number(limit); // not where that is not known
  if (areKept) session.ownPins &= ~OwnPin.CONDITIONS;
  else session.ownPins |= OwnPin.CONDITIONS;
}

/** A command about a prepared statement that there is not, or that does not run one. */
function runsNothing(session: PooledSession): boolean {
  return isStatementCommand(session.command[HEADER_LENGTH]) &&
    (session.statement === undefined || !runsText(session));
}

function notePins(session: PooledSession, failed: boolean): void {
  const { effects, state } = session;
  if (runsText(session) && (effects & PINS || session.pins.any)) {
    session.pins.note(effects, {
      ...textOf(session),
      mode: lexicalModeOf(state, session.context),
      schema: state.schema,
      failed,
    });
  }
}

/**
 * The statement's own text may show or set the trackers, which the proxy has set for itself: to
 * prepare it is enough, since their length is a column's. Code behind CALL or EXECUTE is not
 * suspected of it: every EXECUTE would pay.
 */
function showsTrackers({ effects, textEffects, command, ownPins }: PooledSession): boolean {
  if ((ownPins & OwnPin.TRACKERS) !== 0) return false;
  return mayShowTrackers(command[HEADER_LENGTH] === Command.STMT_PREPARE ? textEffects : effects);
}

/** A statement with these effects may show the trackers. */
export function mayShowTrackers(effects: number): boolean {
  return (effects & Effect.ASKS_VARIABLES) !== 0 && (effects & Effect.CALLS) === 0;
}

/** Hot path: nothing is made where there is nothing to ask. */
function askAfterwards(session: PooledSession, pooled: PooledConnection, failed: boolean): boolean {
  const { connection } = pooled;
  const { tracker } = connection;
  const { effects } = session;
  const mayHaveBegun = (tracker.status & ServerStatus.AUTOCOMMIT) === 0 &&
    (tracker.status & ServerStatus.IN_TRANS) === 0;
  // As long as the connection is the session's, the next OK packet tells the same.
  const held = isHeld(session);
  const mayBeTold = isUntold(session, connection) ||
    (failed && (effects & CHANGES_DESPITE_ERROR) !== 0);
  const mayHaveChanged = mayBeTold || (failed && mayHaveBegun);
  // Behind rows that end with an EOF packet all of it is still to be told.
  const passingState = session.passingState || (session.untoldState && setsForItself(session)) ||
    (!held && preparesSetStatement(session, failed));
  session.untoldState = session.passingState = false;
  if (effects & Effect.CALLS || failedInTrigger(session, failed)) session.hasCalled = true;
  const pings = mayHaveChanged && !held && !passingState;
  const owes = !held && !pings && owesHint(session, connection, failed);
  const showed = showsTrackers(session);
  const untold = untoldAssignments(session);
  const rowCount = failed ? undefined : diagnosedRowCount(session, pooled);
  const diagnosed = !failed && tracker.warnings > 0 && leavesRowCount(session) && runsText(session);
  const hides = !held && (session.hiddenChange || session.hasCalled);
  const changes = passingState || showed || diagnosed || untold !== undefined ||
    rowCount !== undefined;
  if (!pings && !owes && !changes && !hides) return false;
  const requests = new Afterwards(session, pooled);
  if (pings) requests.ping(mayBeTold);
  if (owes) requests.flush();
  if (changes) requests.captureDiagnostics(diagnosed);
  if (passingState) requests.flush();
  if (showed) requests.set(session.baseline.track);
  if (untold !== undefined) requests.tell(untold);
  if (rowCount !== undefined) requests.set(rowCount);
  if (hides) requests.findHidden();
  return true;
}

/** MariaDB sets what the statement is to be prepared with, and tells of it with the next setting. */
function preparesSetStatement(session: PooledSession, failed: boolean): boolean {
  if (session.command[HEADER_LENGTH] !== Command.STMT_PREPARE || failed) return false;
  const { bytes, start } = textOf(session);
  return isMariadb(session.context.server.identity!) && isSetStatement(bytes, start);
}

/** MariaDB does not tell of what triggers have changed where their statement fails. */
function failedInTrigger({ effects, context }: PooledSession, failed: boolean): boolean {
  return failed && (effects & Effect.RUNS_TRIGGERS) !== 0 && isMariadb(context.server.identity!);
}

/** Rows that end with an EOF packet say at most that something has changed; MySQL says not even that. */
function isUntold(session: PooledSession, { tracker, facts }: ServerConnection): boolean {
  if (session.untoldState) return true;
  if (!tracker.sawRows || (facts.capabilities & Capability.DEPRECATE_EOF) !== 0) return false;
  return (session.effects & RUNS_CODE) !== 0;
}

/** What a hint has set and set back is told with the next OK packet: the answer had none. */
function owesHint(
  session: PooledSession,
  { tracker, facts }: ServerConnection,
  failed: boolean,
): boolean {
  const prepares = session.command[HEADER_LENGTH] === Command.STMT_PREPARE;
  const isTold = !failed && !prepares &&
    (!tracker.sawRows || (facts.capabilities & Capability.DEPRECATE_EOF) !== 0);
  if (isTold || (!prepares && !runsText(session))) return false;
  if (isMariadb(session.context.server.identity!)) return false;
  const { bytes, start } = textOf(session);
  return hasOptimizerHint(bytes, start);
}

const RUNS_CODE = Effect.CALLS | Effect.RUNS_TRIGGERS | Effect.MULTI;

/** For answers that nobody needs. */
const IGNORED: AnswerSink = {
  onAnswerBytes() {},
  onOkPacket() {},
  onAnswerEnd() {},
  onServerLost() {},
};
