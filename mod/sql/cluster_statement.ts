// Statements about the proxy's servers, by their first two words. Of SHOW EVENTS nothing is said
// here: servers know it, and dumps ask it.

import { Tokenizer } from "./tokens.ts";

/**
 * Where a statement about the cluster begins, behind blanks and comments: SHOW CLUSTER, RW, RO or
 * TOPOLOGY, DRAIN SERVER, ENABLE SERVER, SET SERVER. -1 where it is another one; whether what follows
 * makes sense is not looked at.
 */
export function clusterStatementStart(bytes: Uint8Array, start: number, end: number): number {
  const tokens = new Tokenizer(bytes, start, end);
  tokens.next();
  const { start: from } = tokens;
  const shows = tokens.is("SHOW");
  if (!shows && !tokens.is("DRAIN") && !tokens.is("ENABLE") && !tokens.is("SET")) return -1;
  tokens.next();
  const isOurs = shows
    ? tokens.is("CLUSTER") || tokens.is("RW") || tokens.is("RO") || tokens.is("TOPOLOGY")
    : tokens.is("SERVER");
  return isOurs ? from : -1;
}
