// What a connection lacks before a session's command may go out on it.

import { isMariadb, isSameState, type PooledConnection, Residue } from "../backend/mod.ts";
import { Effect, userVariablesIn } from "../sql/mod.ts";
import { Command, HEADER_LENGTH } from "../wire/mod.ts";
import { answerShow, CLEAR, isExact, raise, rowsOf } from "./conditions.ts";
import { lexicalModeOf } from "./lexical_mode.ts";
import type { PooledSession } from "./pooled_session.ts";
import type { Needs } from "./preparation.ts";
import { textOf } from "./statement_text.ts";

const NEEDS_INSERT_ID = Effect.ASKS_LAST_INSERT_ID | Effect.LEAVES_INSERT_ID | Effect.CALLS;
const NOTHING: readonly string[] = [];

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
  const { statement } = session;
  const reset = !session.pinned && !session.inTransaction && meetsGhost(session, pooled);
  const missing = statement !== undefined && pooled.statement(statement.key) === undefined;
  const insertId = (session.effects & NEEDS_INSERT_ID) !== 0 &&
    pooled.insertId !== session.insertId &&
    !(pooled.owner === session && pooled.insertId === undefined);
  const diagnostics = diagnosticsFor(session, pooled, isForeign);
  const isOwn = pooled.owner === session ||
    (pooled.residue === Residue.NONE && isSameState(pooled.state, session.state) &&
      pooled.userVariables === session.userVariables);
  if (isOwn && !missing && !reset && !insertId && diagnostics.length === 0) return undefined;
  return { reset, insertId, statement: missing || reset ? statement : undefined, diagnostics };
}

/**
 * The statement names a user variable that the session has not set and another one had: NULL, but
 * of another type than one that was never set. Only a reset takes it away.
 */
function meetsGhost(session: PooledSession, pooled: PooledConnection): boolean {
  const { knownVariables, dirty } = pooled;
  const asks = (session.textEffects & Effect.ASKS_USER_VARIABLE) !== 0;
  if (knownVariables === undefined || !asks) return false;
  const { bytes, start } = textOf(session);
  const mode = lexicalModeOf(session.state, session.context);
  const isOwner = pooled.owner === session;
  return userVariablesIn(bytes, start, bytes.length, mode).some((name) =>
    knownVariables.has(name) && !session.userVariables.has(name) &&
    !(isOwner && dirty?.has(name))
  );
}

/**
 * Statements that give the connection the session's FOUND_ROWS(), warnings and errors. MySQL
 * clears the conditions with each statement, so that it has to be done only for one that asks;
 * MariaDB keeps them until a statement uses a table.
 */
function diagnosticsFor(
  session: PooledSession,
  pooled: PooledConnection,
  isForeign: boolean,
): readonly string[] {
  const { effects, conditions } = session;
  const mariadb = isMariadb(session.context.server.identity!);
  const needsConditions = isForeign &&
    ((effects & Effect.ASKS_WARNINGS) !== 0 ||
      (mariadb && (pooled.hasConditions || conditions !== undefined)));
  const needsFoundRows = (effects & Effect.ASKS_FOUND_ROWS) !== 0 &&
    pooled.foundRows !== session.foundRows &&
    !(pooled.owner === session && pooled.foundRows === undefined);
  if (!needsConditions && !needsFoundRows) return NOTHING;
  const texts: string[] = [];
  if (needsFoundRows) {
    texts.push(`SELECT 1 FROM ${rowsOf(Number(session.foundRows))}`);
    pooled.foundRows = session.foundRows;
  }
  if (needsConditions) {
    if (conditions) texts.push(raise(conditions, mariadb));
    else if (!needsFoundRows && (pooled.hasConditions || pooled.residue & Residue.WARNINGS)) {
      texts.push(CLEAR); // asking for rows has cleared them, too
    }
    pooled.hasConditions = conditions !== undefined;
  }
  return texts;
}

/**
 * The answer to SHOW WARNINGS and SHOW ERRORS where the session's are such that no statement can
 * bring them back; undefined for other commands.
 */
export function showConditions(session: PooledSession): Uint8Array[] | undefined {
  const { conditions, effects, command } = session;
  if (!conditions || (effects & Effect.ASKS_WARNINGS) === 0) return undefined;
  if (command[HEADER_LENGTH] !== Command.QUERY) return undefined;
  if (isExact(conditions, isMariadb(session.context.server.identity!))) return undefined;
  const { bytes, start } = textOf(session);
  return answerShow(Buffer.from(bytes.subarray(start)).toString("latin1"), conditions);
}
