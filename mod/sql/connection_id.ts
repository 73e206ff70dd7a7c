// CONNECTION_ID() in a statement: where it stands, and whether it may be replaced by a number.

import type { LexicalMode } from "./lexical_mode.ts";
import { Token, Tokenizer } from "./tokens.ts";

/** A call of CONNECTION_ID() in the bytes given. */
export interface Occurrence {
  readonly start: number;
  readonly end: number;
}

/** Statements whose text is run now and kept nowhere, so that a literal may stand for the call. */
const RUN_NOW = [
  "SELECT",
  "INSERT",
  "REPLACE",
  "UPDATE",
  "DELETE",
  "SET",
  "DO",
  "CALL",
  "WITH",
  "VALUES",
] as const;

/** Views of the server's own connections and functions on them, whose ids are the server's. */
const SERVER_VIEWS = [
  "PROCESSLIST",
  "PROCESSLIST_ID",
  "THREADS",
  "METADATA_LOCKS",
  "INNODB_TRX",
  "SESSION_CONNECT_ATTRS",
  "SESSION_ACCOUNT_CONNECT_ATTRS",
  "PS_THREAD_ID",
  "IS_USED_LOCK",
] as const;

/**
 * Finds the calls to replace. None where the statement is stored (CREATE, ALTER) or compares with
 * the server's own views of its connections: there the server's id is the right one.
 *
 * None either where a backslash behind a byte above 0x7f makes it uncertain what is a string: in
 * some charsets (sjis, gbk, big5) that is one character, in others the backslash escapes. To leave
 * the server's id is better than to change a string.
 *
 * @param text Where the statement lies in the bytes, and how the session reads strings.
 */
export function findConnectionId(bytes: Uint8Array, text: StatementText): Occurrence[] {
  return findCalls(bytes, text, "CONNECTION_ID");
}

/**
 * Finds the calls of ROW_COUNT(), under the same conditions: those in the first of several
 * statements, since it is another one's count that the others ask for.
 */
export function findRowCount(bytes: Uint8Array, text: StatementText): Occurrence[] {
  return findCalls(bytes, text, "ROW_COUNT");
}

/** Where a statement lies in bytes, and how they are read. */
export type StatementText = LexicalMode & { readonly start: number; readonly end: number };

function findCalls(bytes: Uint8Array, text: StatementText, name: string): Occurrence[] {
  const found = callsIn(bytes, text, name);
  if (found.length === 0 || !hasUncertainBackslash(bytes, text.start, text.end)) return found;
  const others = callsIn(bytes, { ...text, noBackslashEscapes: !text.noBackslashEscapes }, name);
  const same = found.length === others.length &&
    found.every(({ start }, i) => start === others[i].start);
  return same ? found : [];
}

function hasUncertainBackslash(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = bytes.indexOf(BACKSLASH, start + 1); at >= 0 && at < end;) {
    if (bytes[at - 1] >= 0x80) return true;
    at = bytes.indexOf(BACKSLASH, at + 1);
  }
  return false;
}

const BACKSLASH = 0x5c;

function callsIn(
  bytes: Uint8Array,
  { start, end, ...mode }: StatementText,
  name: string,
): Occurrence[] {
  const tokens = new Tokenizer(bytes, start, end, mode);
  tokens.next();
  while (tokens.isMark("(")) tokens.next();
  if (!RUN_NOW.some((word) => tokens.is(word))) return [];
  const found: Occurrence[] = [];
  let qualified = false; // a schema's name and a point are in front: a stored function
  do {
    if (SERVER_VIEWS.some((word) => tokens.is(word))) return [];
    if (name === "ROW_COUNT" && tokens.isMark(";")) break;
    if (qualified || !isName(tokens, name)) {
      qualified = tokens.isMark(".");
      tokens.next();
      continue;
    }
    const from = tokens.start;
    tokens.next();
    if (!tokens.isMark("(")) continue;
    tokens.next();
    if (!tokens.isMark(")")) continue;
    found.push({ start: from, end: tokens.end });
    tokens.next();
  } while (!tokens.atEnd);
  return found;
}

/** Functions can be called by their name in backquotes too. */
function isName(tokens: Tokenizer, name: string): boolean {
  if (tokens.is(name)) return true;
  return tokens.kind === Token.QUOTED && tokens.end - tokens.start === name.length + 2 &&
    tokens.text().toUpperCase() === `\`${name}\``;
}
