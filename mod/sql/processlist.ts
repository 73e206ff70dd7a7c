// SHOW [FULL] PROCESSLIST: its rows name connections by the server's ids.

import { Tokenizer } from "./tokens.ts";

/** Tells whether a statement is SHOW PROCESSLIST, alone. */
export function isShowProcesslist(bytes: Uint8Array, start: number, end: number): boolean {
  const tokens = new Tokenizer(bytes, start, end);
  tokens.next();
  if (!tokens.is("SHOW")) return false;
  tokens.next();
  if (tokens.is("FULL")) tokens.next();
  if (!tokens.is("PROCESSLIST")) return false;
  tokens.next();
  if (tokens.isMark(";")) tokens.next();
  return tokens.atEnd;
}

/** Whether such a statement asks for statements as long as they are. */
export function asksForFullList(bytes: Uint8Array, start: number, end: number): boolean {
  const tokens = new Tokenizer(bytes, start, end);
  tokens.next();
  tokens.next();
  return tokens.is("FULL");
}
