// The user variables that a statement names. Source: "User-Defined Variables" of the MySQL manual.

import type { LexicalMode } from "./lexical_mode.ts";
import { Token, Tokenizer } from "./tokens.ts";

/**
 * Every user variable in the text, each once, with its `@` and in lower case, one character a byte.
 * Names are not told from those in a part that does not run.
 */
export function userVariablesIn(
  bytes: Uint8Array,
  start: number,
  end: number,
  mode?: LexicalMode,
): string[] {
  const found = new Set<string>();
  const tokens = new Tokenizer(bytes, start, end, mode);
  tokens.next();
  while (!tokens.atEnd) {
    if (!tokens.isMark("@")) {
      tokens.next();
      continue;
    }
    const at = tokens.end;
    const kind = tokens.next();
    if (tokens.isMark("@")) { // a system variable
      tokens.next();
      continue;
    }
    if (tokens.start !== at) continue;
    if (kind === Token.QUOTED) {
      const quoted = tokens.text();
      const quote = quoted[0];
      found.add(`@${quoted.slice(1, -1).replaceAll(quote + quote, quote).toLowerCase()}`);
      tokens.next();
    } else found.add(`@${name(tokens, at).toLowerCase()}`);
  }
  return [...found];
}

/** Unquoted names may have dots in them. */
function name(tokens: Tokenizer, from: number): string {
  let end = from;
  while (
    tokens.start === end && !tokens.atEnd && (tokens.kind === Token.WORD || tokens.isMark("."))
  ) {
    end = tokens.end;
    tokens.next();
  }
  return Buffer.from(tokens.bytes.subarray(from, end)).toString("latin1");
}
