// EXPLAIN ROUTE <statement> and SHOW ROUTES: whether a statement is one of them.

import { type LexicalMode, Token, Tokenizer } from "../sql/mod.ts";

/** A statement about routing. */
export type RouteStatement =
  /** The statement to explain begins at `start`. */
  | { readonly kind: "explain"; readonly start: number }
  | { readonly kind: "show" };

/** Reads one; undefined for all other statements. Off the hot path: for EXPLAIN and SHOW. */
export function routeStatement(
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
  mode: LexicalMode,
): RouteStatement | undefined {
  const words = new Tokenizer(bytes, start, end, mode);
  words.next();
  if (words.is("EXPLAIN")) {
    words.next();
    if (!words.is("ROUTE")) return undefined;
    const behind = words.end;
    // EXPLAIN route is the description of a table of that name.
    words.next();
    const isMore = words.kind === Token.WORD || words.isMark("(");
    return isMore ? { kind: "explain", start: behind } : undefined;
  }
  if (!words.is("SHOW")) return undefined;
  words.next();
  if (!words.is("ROUTES")) return undefined;
  words.next();
  while (words.isMark(";")) words.next();
  return words.atEnd ? { kind: "show" } : undefined;
}
