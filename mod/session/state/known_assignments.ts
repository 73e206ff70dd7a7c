// What a SET tells by itself: user variables, as in `SET @shop = 7, @name = 'x'`, and a role. It need
// not be read from the connection, neither before another session uses it, nor before it is lost.

import {
  compact,
  isMariadb,
  type PooledConnection,
  Residue,
  ROLE,
  roleLiteral,
} from "../../backend/mod.ts";
import { Effect, parseSet } from "../../sql/mod.ts";
import { Command, HEADER_LENGTH } from "../../wire/mod.ts";
import { lexicalModeOf } from "../command/lexical_mode.ts";
import type { PooledSession } from "../pooled_session.ts";
import { textOf } from "../command/statement_text.ts";

const SETS = Effect.SETS_USER_VARIABLE | Effect.SETS_VARIABLE;

/** The statement under way has succeeded: what it has set to literals is known. */
export function noteKnownAssignments(session: PooledSession, pooled: PooledConnection): void {
  const { dirty } = pooled;
  if ((session.effects & Effect.SETS_USER_VARIABLE) === 0 || dirty === undefined) return;
  if ((session.effects & ~SETS) !== 0) return;
  if (session.command[HEADER_LENGTH] !== Command.QUERY || pooled.owner !== session) return;
  const known = knownAssignments(session);
  if (known === undefined) return;
  const isSame = pooled.userVariables === session.userVariables;
  session.userVariables = compact(new Map([...session.userVariables, ...known]));
  pooled.userVariables = isSame
    ? session.userVariables
    : compact(new Map([...pooled.userVariables, ...known]));
  for (const name of known.keys()) dirty.delete(name);
  if (dirty.size > 0) return;
  pooled.dirty = undefined;
  pooled.residue &= ~Residue.VARIABLES;
}

/** A SET ROLE has succeeded: which one it has chosen is known where the text names just one. */
export function noteKnownRole(session: PooledSession, pooled: PooledConnection): void {
  const { bytes, start } = textOf(session);
  const text = Buffer.from(bytes.subarray(start)).toString("latin1");
  const { bare, quoted } = SET_ROLE.exec(text)?.groups ?? {};
  const name = bare?.toUpperCase() === "NONE" ? "NONE" : quoted ?? bare;
  if (name === undefined || /^(?:ALL|DEFAULT)$/i.test(bare ?? "")) return;
  const literal = roleLiteral(name);
  const isNamed = literal !== "NONE" && !isMariadb(session.context.server.identity!);
  const { states } = session.context.tables;
  session.setState(states.with(session.state, [[ROLE, isNamed ? `${literal}@\`%\`` : literal]]));
  pooled.residue &= ~Residue.ROLE;
}

/** Of ASCII only, so that it is the same in every character set. */
const SET_ROLE = /^SET\s+ROLE\s+(?:(?<bare>[A-Z_]\w*)|`(?<quoted>[ -_a-~]+)`)\s*;?\s*$/i;

/** Literals by name, each with its `@`; undefined where the text does not tell all of them. */
function knownAssignments(session: PooledSession): Map<string, string> | undefined {
  const { bytes, start } = textOf(session);
  const mode = lexicalModeOf(session.state, session.context);
  const assignments = parseSet(bytes, start, bytes.length, mode);
  if (assignments === undefined) return undefined;
  const known = new Map<string, string>();
  // What a string is hangs on settings, which may change in front of it.
  const collation = assignments.every(({ scope }) => scope === "user")
    ? session.state.variables.get("collation_connection")
    : undefined;
  for (const { scope, name, start: from, end } of assignments) {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from).toString("latin1");
    if (scope === "user") {
      const literal = literalOf(text, collation);
      if (literal === undefined) return undefined;
      known.set(`@${name.toLowerCase()}`, literal);
    } else if (!SETTING.test(text)) return undefined;
  }
  return known;
}

/** A SET of literals for its session alone: it has no effect but there, and may be said twice. */
export function setsOwnLiterals(session: PooledSession): boolean {
  if (session.command[HEADER_LENGTH] !== Command.QUERY) return false;
  const { bytes, start } = textOf(session);
  const mode = lexicalModeOf(session.state, session.context);
  const assignments = parseSet(bytes, start, bytes.length, mode);
  return assignments !== undefined && assignments.every(({ scope, start: from, end }) => {
    if (scope === "names" || scope === "charset") return true;
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from).toString("latin1");
    return (scope === "user" || scope === "session") && SETTING.test(text);
  });
}

const INTEGER = /^-?(?:0|[1-9]\d{0,17})$/;
const DECIMAL = /^-?(?:0|[1-9]\d{0,17})\.\d{1,9}$/;
/** ASCII that is the same in every character set, without quotes and backslashes. */
const PLAIN = /^'([ !#-&(-[\]-}]*)'$/;
const COLLATION = /^'((utf8mb4|utf8mb3|latin1)_\w+)'$/;

/** What no variable is set in. */
const SETTING = /^(?:[\w.+-]+|'[^'\\]*')$/;

/** As it would be read from the server. @param collation Of the session's strings, if it is known. */
function literalOf(text: string, collation: string | undefined): string | undefined {
  if (INTEGER.test(text)) return text === "-0" ? "0" : text;
  if (DECIMAL.test(text)) return text;
  if (/^true$/i.test(text)) return "1";
  if (/^false$/i.test(text)) return "0";
  const [, content] = PLAIN.exec(text) ?? [];
  const [, name, charset] = COLLATION.exec(collation ?? "") ?? [];
  if (content === undefined || name === undefined) return undefined;
  const hex = Buffer.from(content, "latin1").toString("hex").toUpperCase();
  return `_${charset} X'${hex}' COLLATE ${name}`;
}
