// What a connection lacks before a session's command may go out on it.

import {
  FILLED,
  isMariadb,
  isSameState,
  LASTING_RESIDUE,
  OFF,
  type PooledConnection,
  Residue,
} from "../../backend/mod.ts";
import { Effect, PINS, userVariablesIn } from "../../sql/mod.ts";
import { Command, HEADER_LENGTH } from "../../wire/mod.ts";
import { needsCounters } from "../pins/hidden_pins.ts";
import { lacksTypesOfLast } from "../prepared/last_prepared.ts";
import { lexicalModeOf } from "../command/lexical_mode.ts";
import type { PooledSession } from "../pooled_session.ts";
import {
  bindsNull,
  bringsTypes,
  hasHistory,
  type SessionStatement,
  wantsCursor,
} from "../prepared/session_statement.ts";
import { runsText, textOf } from "../command/statement_text.ts";
import { needsReading } from "../failover/transaction_record.ts";

const FOUND_ROWS = Effect.ASKS_FOUND_ROWS | Effect.LEAVES_FOUND_ROWS | Effect.MULTI | PINS;
const DIAGNOSTICS = Residue.WARNINGS | Residue.FOUND_ROWS;
const RUNS_CODE = Effect.CALLS | Effect.RUNS_TRIGGERS;
/** What a statement by name asks for is there from the beginning: see `isForAnExecution`. */
const NEEDS_INSERT_ID = Effect.ASKS_LAST_INSERT_ID | Effect.ASKS_VARIABLES |
  Effect.LEAVES_INSERT_ID | Effect.CALLS | Effect.NAMED_STATEMENT;

/** What the command to come needs. */
export interface Needs {
  /** Something must be taken away that only COM_RESET_CONNECTION takes. */
  readonly reset: boolean;
  /** LAST_INSERT_ID() must be the session's. */
  readonly insertId: boolean;
  /** A prepared statement that the connection does not have. */
  readonly statement: SessionStatement | undefined;
  /** FOUND_ROWS() must be the session's. */
  readonly foundRows: boolean;
  /** Warnings and errors must be the session's. */
  readonly conditions: boolean;
  /** What code may leave that is not in the command's text must be counted before. */
  readonly counts: boolean;
}

/** Nothing at all. */
export const NO_NEEDS: Needs = {
  reset: false,
  insertId: false,
  statement: undefined,
  foundRows: false,
  conditions: false,
  counts: false,
};

/**
 * Undefined where nothing is lacking. Hot path: then nothing is allocated.
 *
 * @param isForeign Other statements than the session's own have run on the connection last.
 */
export function needsOf(
  session: PooledSession,
  pooled: PooledConnection,
  isForeign: boolean,
): Needs | undefined {
  const { statement, effects } = session;
  const missing = statement !== undefined && !isReady(session, statement, pooled);
  const reset = !session.pinned && !session.inTransaction &&
    (meetsGhost(session, pooled) || mayMeetGhosts(session, pooled) ||
      meetsTransaction(session, pooled) ||
      (missing && hasMadeVariables(statement, pooled)));
  // A reset takes both away, also where they are the session's own.
  const insertId = (effects & NEEDS_INSERT_ID) !== 0 &&
    (reset ? session.insertId !== "0" : pooled.insertId !== session.insertId &&
      !(pooled.owner === session && pooled.insertId === undefined));
  const counts = needsCounters(session, pooled);
  const foundRows = needsFoundRows(session, pooled, { reset, counts });
  const isOwn = pooled.owner === session ||
    (pooled.residue === Residue.NONE && isSameState(pooled.state, session.here(session.state)) &&
      pooled.userVariables === session.userVariables);
  const restores = !isOwn || missing || reset || insertId;
  const conditions = (isForeign || pooled.hasOnlyOwnWarnings) && needsConditions(session, pooled) &&
    (session.conditions !== undefined || pooled.hasConditions || restores ||
      (pooled.residue & Residue.WARNINGS) !== 0);
  if (isOwn && !missing && !reset && !insertId && !foundRows && !conditions && !counts) {
    return undefined;
  }
  return {
    reset,
    insertId,
    statement: missing || reset ? statement : undefined,
    foundRows,
    conditions,
    counts,
  };
}

/**
 * The connection has the statement, and has not been told types for it that the session never gave:
 * those of another session would stand for them.
 */
function isReady(
  session: PooledSession,
  statement: SessionStatement,
  pooled: PooledConnection,
): boolean {
  const known = pooled.statement(statement.key);
  if (known === undefined) return false;
  if (known.id !== pooled.lastStatement && lacksTypesOfLast(session)) return false;
  if (statement.history !== undefined && runsText(session)) {
    const { command, session: { hasQueryAttributes } } = session;
    return hasHistory(known.history, statement, command, hasQueryAttributes);
  }
  if (known.types === undefined || statement.types !== undefined) return true;
  return statement.parameters === 0 || !runsText(session) ||
    bringsTypes(session.command, statement, session.session.hasQueryAttributes);
}

/**
 * The statement names a user variable that the session has not set and another one had: NULL, but
 * of another type than one that was never set. Only a reset takes it away.
 */
function meetsGhost(session: PooledSession, pooled: PooledConnection): boolean {
  const { knownVariables } = pooled;
  const { textEffects, effects } = session;
  // To prepare what would set them makes them.
  if (knownVariables === undefined || (textEffects & NAMES_VARIABLES) === 0) return false;
  const prepares = session.command[HEADER_LENGTH] === Command.STMT_PREPARE;
  const { bytes, start } = textOf(session);
  if (!prepares && effects === Effect.SETS_USER_VARIABLE && setsLiterals(bytes, start)) {
    // NULL has the type of what was there.
    const { statement, command, session: { hasQueryAttributes } } = session;
    if (!statement || !bindsNull(command, statement, hasQueryAttributes)) return false;
  }
  const mode = lexicalModeOf(session.state, session.context);
  return userVariablesIn(bytes, start, bytes.length, mode).some((name) => {
    return knownVariables.has(name) && isOther(session, pooled, name);
  });
}

/** The variable is not the session's as it was on a connection of its own. */
function isOther(session: PooledSession, pooled: PooledConnection, name: string): boolean {
  const isOwner = pooled.owner === session;
  if (isOwner && pooled.dirty?.has(name)) return false;
  const literal = session.userVariables.get(name);
  if (literal === undefined) return true;
  // NULL without a type would have that of another session's value.
  return literal === "NULL" && (!isOwner || pooled.otherNulls?.has(name) === true);
}

const NAMES_VARIABLES = Effect.ASKS_USER_VARIABLE | Effect.SETS_USER_VARIABLE;

/** It cannot fail: what fails has made some of its variables, or none, and nobody can tell which. */
function setsLiterals(bytes: Uint8Array, start: number): boolean {
  return LITERALS.test(Buffer.from(bytes.subarray(start)).toString("latin1"));
}

const ASSIGNMENT = /@[\w$]+\s*:?=\s*(?:-?\d+(?:\.\d+)?|'[^'\\]*'|"[^"\\]*"|TRUE|FALSE|\?)/.source;
const LITERALS = new RegExp(`^\\s*SET\\s+${ASSIGNMENT}(?:\\s*,\\s*${ASSIGNMENT})*[\\s;]*$`, "i");

/** What was not there when the statement was prepared is there now: it would have another type. */
function hasMadeVariables(
  { missingVariables }: SessionStatement,
  { knownVariables }: PooledConnection,
): boolean {
  return knownVariables !== undefined && missingVariables.some((name) => knownVariables.has(name));
}

/**
 * The statement may begin to hold the connection, where there can be no reset any more, or shows the
 * list of user variables, or runs code that may name some.
 */
function mayMeetGhosts(session: PooledSession, pooled: PooledConnection): boolean {
  const { knownVariables } = pooled;
  if (knownVariables === undefined) return false;
  const { effects, command } = session;
  const holds = (effects & (PINS | Effect.ENDS_PIN | RUNS_CODE)) !== 0 ||
    (effects & ASKS_LIST) === ASKS_LIST ||
    (effects & SETS_TRACKERS) === SETS_TRACKERS || HOLDING_COMMANDS.has(command[HEADER_LENGTH]) ||
    wantsCursor(command) || mayBeginUnsaid(session);
  if (!holds) return false;
  for (const name of knownVariables) if (isOther(session, pooled, name)) return true;
  return false;
}

/**
 * MySQL tells whose tracker of transactions is turned on of the last one that was begun with an access
 * mode: another session's.
 */
function meetsTransaction(session: PooledSession, pooled: PooledConnection): boolean {
  if ((session.effects & SETS_TRACKERS) !== SETS_TRACKERS || pooled.owner === session) return false;
  if (isMariadb(session.context.server.identity!)) return false;
  const { bytes, start } = textOf(session);
  const text = Buffer.from(bytes.subarray(start)).toString("latin1");
  return /session_track_transaction_info/i.test(text);
}

/** A transaction begins in front of it, or by settings that have statements begin one. */
function mayBeginUnsaid({ begin, state: { variables } }: PooledSession): boolean {
  return begin !== undefined || OFF.has(variables.get("autocommit") ?? "") ||
    variables.has("completion_type");
}

const ASKS_LIST = Effect.ASKS_VARIABLES | Effect.ASKS_USER_VARIABLE;
const SETS_TRACKERS = Effect.ASKS_VARIABLES | Effect.SETS_VARIABLE;
const HOLDING_COMMANDS = new Set<number>([Command.SET_OPTION, Command.STMT_SEND_LONG_DATA]);

/**
 * The statement asks for FOUND_ROWS(), or may leave it alone and nobody could tell afterwards, or
 * begins to hold the connection; and it is another session's on the connection.
 *
 * @param prepared What takes it away.
 */
function needsFoundRows(
  session: PooledSession,
  pooled: PooledConnection,
  { reset, counts }: Pick<Needs, "reset" | "counts">,
): boolean {
  const { effects } = session;
  const { pinned } = session;
  // An EXECUTE to come may ask for it: nothing may be run in front of that.
  if (pinned && fillsElsewhere(session, pooled)) return true;
  const isForLater = pinned && (counts || isForAnExecution(session));
  if (!isAboutFoundRows(effects) && !isForLater) return false;
  // What another one has left is read first, by a statement that finds a row.
  const isRead = pooled.owner !== undefined && pooled.owner !== session &&
    (pooled.residue & ~Residue.WARNINGS) !== 0;
  if (!reset && !counts) {
    if ((isRead ? "1" : pooled.foundRows) === session.foundRows) return false;
    if (pooled.owner === session && pooled.foundRows === undefined) return false;
    // The server will tell them by itself.
    if (pooled.owner === session && pooled.foundRows === FILLED) return false;
  }
  // To restore it takes conditions away, which cannot be given back in all their parts.
  return (effects & (Effect.ASKS_FOUND_ROWS | Effect.ASKS_WARNINGS)) !== Effect.ASKS_WARNINGS &&
    (keepsFoundRows(session) || (isForLater && isFoundQuickly(session)));
}

/**
 * An EXECUTE to come may ask for it and for what this statement leaves in ROW_COUNT(), which what is
 * run in front of the EXECUTE would take away.
 */
function isForAnExecution(session: PooledSession): boolean {
  return (session.effects & Effect.READS) === 0 && runsText(session) &&
    session.pins.mayHold("named statement");
}

/** Behind this write the server would tell the rows of a new table, which was made elsewhere. */
function fillsElsewhere(
  { filledRows, effects }: PooledSession,
  { foundRows }: PooledConnection,
): boolean {
  if (filledRows === undefined || (effects & Effect.RUNS_TRIGGERS) === 0) return false;
  return foundRows !== FILLED && foundRows !== `${filledRows}` && filledRows <= FOUND_ROWS_UNASKED;
}

/** FOUND_ROWS() is worth the server's time for that many rows: not for what nobody may ever ask. */
export function keepsFoundRows(session: PooledSession): boolean {
  const { effects } = session;
  if (effects & Effect.ASKS_FOUND_ROWS) return true;
  return isAboutFoundRows(effects) && isFoundQuickly(session);
}

function isAboutFoundRows(effects: number): boolean {
  return (effects & FOUND_ROWS) !== 0 || (effects & SETS_TRACKERS) === SETS_TRACKERS;
}

function isFoundQuickly({ foundRows }: PooledSession): boolean {
  return Number(foundRows) <= FOUND_ROWS_UNASKED;
}

/** So many rows are found once more for a statement that does not ask for their number. */
const FOUND_ROWS_UNASKED = 1000;

/**
 * MySQL clears the conditions with each statement, so that they are needed only by one that asks;
 * MariaDB keeps them until a statement uses a table.
 */
function needsConditions(session: PooledSession, pooled: PooledConnection): boolean {
  if (session.effects & Effect.ASKS_WARNINGS) return true;
  return isMariadb(session.context.server.identity!) &&
    (pooled.hasConditions || session.conditions !== undefined);
}

/**
 * On the session's own connection: what is to be prepared takes away what the statement asks for, or
 * needs what is not known, so that it must be read first.
 */
export function disturbsItself(
  session: PooledSession,
  pooled: PooledConnection,
  needs: Needs | undefined,
): boolean {
  if (pooled.owner !== session) return false;
  if (session.records && needsReading(session, pooled)) return true;
  const { effects, command } = session;
  const code = command[HEADER_LENGTH];
  // FOUND_ROWS() is the one thing that outlives them.
  if (code === Command.RESET_CONNECTION || code === Command.CHANGE_USER) {
    return (pooled.residue & Residue.FOUND_ROWS) !== 0;
  }
  // The state a statement is prepared in is part of it: all of it must be known.
  if (code === Command.STMT_PREPARE && hasUnreadSettings(pooled)) return true;
  // What is read is no help to code out of the text: the stand-ins would be there again.
  const asksItself = (effects & (Effect.ASKS_WARNINGS | Effect.CALLS)) === Effect.ASKS_WARNINGS;
  if (!pooled.touched && pooled.hasStandIns && asksItself) return true;
  const asks = Effect.ASKS_ROW_COUNT | Effect.ASKS_WARNINGS | Effect.ASKS_FOUND_ROWS;
  const isUnread = !pooled.touched || (pooled.residue & DIAGNOSTICS) !== 0;
  if (needs && effects & asks && isUnread) return true;
  // MariaDB keeps them over statements that do not ask for them, but not over what is prepared.
  if (needs && pooled.residue & Residue.WARNINGS) return true;
  if (needs?.counts && (pooled.residue & DIAGNOSTICS) !== 0) return true;
  if (needs?.reset && pooled.residue !== Residue.NONE) return true;
  return needs?.statement !== undefined && (pooled.residue & LASTING_RESIDUE) !== 0;
}

/** The owner has set something whose value only the server knows. */
function hasUnreadSettings({ residue, dirty }: PooledConnection): boolean {
  if ((residue & LASTING_RESIDUE) === 0) return false;
  if (residue & Residue.ROLE) return true;
  for (const name of dirty ?? []) if (!name.startsWith("@")) return true;
  return false;
}
