// KILL [HARD | SOFT] [CONNECTION | QUERY] id: what it is for and where the id stands.
// Source: "KILL Statement" of the MySQL manual and of MariaDB's.

import { Token, Tokenizer } from "./tokens.ts";

/** The id in a KILL statement. */
export interface KillTarget {
  readonly id: number;
  /** Only the statement that runs is to end. */
  readonly queryOnly: boolean;
  /** Where the digits start and end in the bytes given. */
  readonly start: number;
  readonly end: number;
}

/** Finds the literal id of a KILL statement; undefined for any other statement or form. */
export function parseKill(
  bytes: Uint8Array,
  start: number,
  end: number,
): KillTarget | undefined {
  const tokens = new Tokenizer(bytes, start, end);
  if (!skipKill(tokens)) return undefined;
  const queryOnly = tokens.is("QUERY");
  if (queryOnly || tokens.is("CONNECTION")) tokens.next();
  if (tokens.kind !== Token.WORD) return undefined;
  const text = tokens.text();
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const target = { id: Number(text), queryOnly, start: tokens.start, end: tokens.end };
  tokens.next();
  if (tokens.isMark(";")) tokens.next();
  return tokens.atEnd ? target : undefined;
}

/** Tells whether a statement is, or begins with, a KILL of whole connections, whatever names them. */
export function killsConnection(bytes: Uint8Array, start: number, end: number): boolean {
  const tokens = new Tokenizer(bytes, start, end);
  return skipKill(tokens) && !tokens.is("QUERY");
}

/** Goes to the first word that is not part of how it is killed. */
function skipKill(tokens: Tokenizer): boolean {
  tokens.next();
  if (!tokens.is("KILL")) return false;
  tokens.next();
  if (tokens.is("HARD") || tokens.is("SOFT")) tokens.next();
  return true;
}
