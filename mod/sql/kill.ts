// KILL [HARD | SOFT] [CONNECTION | QUERY] id: where the id stands.
// Source: "KILL Statement" of the MySQL manual and of MariaDB's.

import { Token, Tokenizer } from "./tokens.ts";

/** The id in a KILL statement. */
export interface KillTarget {
  readonly id: number;
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
  tokens.next();
  if (!tokens.is("KILL")) return undefined;
  tokens.next();
  if (tokens.is("HARD") || tokens.is("SOFT")) tokens.next();
  if (tokens.is("CONNECTION") || tokens.is("QUERY")) tokens.next();
  if (tokens.kind !== Token.WORD) return undefined;
  const text = tokens.text();
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const target = { id: Number(text), start: tokens.start, end: tokens.end };
  tokens.next();
  if (tokens.isMark(";")) tokens.next();
  return tokens.atEnd ? target : undefined;
}
