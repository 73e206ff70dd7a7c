// CONNECTION_ID() in a statement: where it stands, and whether it may be replaced by a number.

import { Tokenizer } from "./tokens.ts";

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
 */
export function findConnectionId(bytes: Uint8Array, start: number, end: number): Occurrence[] {
  const tokens = new Tokenizer(bytes, start, end);
  tokens.next();
  while (tokens.isMark("(")) tokens.next();
  if (!RUN_NOW.some((word) => tokens.is(word))) return [];
  const found: Occurrence[] = [];
  do {
    if (SERVER_VIEWS.some((word) => tokens.is(word))) return [];
    if (!tokens.is("CONNECTION_ID")) {
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
