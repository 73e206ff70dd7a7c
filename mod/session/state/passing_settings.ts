// Settings for one statement: what they have set and set back, be it only to prepare the statement,
// the server tells with one of its next OK packets, whoever's statement that is.

import { Tokenizer } from "../../sql/mod.ts";

/** The text may have an optimizer hint, as SET_VAR of MySQL is one. */
export function hasOptimizerHint(bytes: Uint8Array, start: number): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf("/*+", start) >= 0;
}

/** The text is MariaDB's SET STATEMENT x = 1 FOR ... */
export function isSetStatement(bytes: Uint8Array, start: number): boolean {
  const tokens = new Tokenizer(bytes, start, bytes.length);
  tokens.next();
  if (!tokens.is("SET")) return false;
  tokens.next();
  return tokens.is("STATEMENT");
}
