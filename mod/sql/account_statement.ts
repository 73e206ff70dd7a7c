// Statements that change accounts, after which passwords and rules must be read again.
// Source: "Account Management Statements" of the MySQL manual.

import { Tokenizer } from "./tokens.ts";

/** Tells whether a statement may change accounts or their passwords. */
export function changesAccounts(bytes: Uint8Array, start: number, end: number): boolean {
  const tokens = new Tokenizer(bytes, start, end);
  tokens.next();
  if (tokens.is("GRANT") || tokens.is("REVOKE")) return true;
  const set = tokens.is("SET");
  const flush = tokens.is("FLUSH");
  const create = tokens.is("CREATE");
  const other = tokens.is("ALTER") || tokens.is("DROP") || tokens.is("RENAME");
  if (!set && !flush && !create && !other) return false;
  tokens.next();
  if (create && tokens.is("OR")) { // MariaDB's CREATE OR REPLACE USER
    tokens.next();
    tokens.next();
  }
  if (set) return tokens.is("PASSWORD") || tokens.is("DEFAULT");
  if (flush) { // FLUSH LOGS, PRIVILEGES
    while (!tokens.atEnd && !tokens.isMark(";") && !tokens.is("PRIVILEGES")) tokens.next();
    return tokens.is("PRIVILEGES");
  }
  return tokens.is("USER") || tokens.is("ROLE");
}
