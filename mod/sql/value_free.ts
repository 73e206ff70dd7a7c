// A statement with other values in place of its own: fit to be shown to its server, and to nobody's
// harm.

import { Token, Tokenizer } from "./tokens.ts";

/** Literals that are read by the parser itself, by the word in front of them. */
const TIMES: Readonly<Record<string, string | undefined>> = {
  DATE: "'2000-01-01'",
  TIME: "'00:00:00'",
  TIMESTAMP: "'2000-01-01 00:00:00'",
};

/**
 * Strings become `'?'`, numbers `1`, lists of values two of them; names, words and parameters stay.
 * Comments go, but for hints. One character a byte. Off the hot path: once for a digest.
 */
export function withoutValues(bytes: Uint8Array, ansiQuotes: boolean): string {
  const tokens = new Tokenizer(bytes, 0, bytes.length);
  const parts: string[] = [];
  let end = 0;
  let word = "";
  for (tokens.next(); !tokens.atEnd; tokens.next()) {
    const text = tokens.text();
    const isGlued = tokens.start === end && end > 0;
    const value = valueFor(text, { kind: tokens.kind, ansiQuotes, word, isGlued });
    const hint = between(bytes, end, tokens.start);
    if (hint !== "") parts.push(" ", hint);
    if (!isGlued) parts.push(" ");
    parts.push(value ?? text);
    if (value !== undefined) joinThree(parts, value);
    end = tokens.end;
    word = tokens.kind === Token.WORD ? text.toUpperCase() : "";
  }
  return parts.join("").trim();
}

/** What stands in a literal's place; undefined: it is none. */
function valueFor(text: string, { kind, ansiQuotes, word, isGlued }: {
  readonly kind: number;
  readonly ansiQuotes: boolean;
  readonly word: string;
  readonly isGlued: boolean;
}): string | undefined {
  if (kind === Token.WORD) return /^\d/.test(text) ? "1" : undefined;
  if (kind !== Token.QUOTED) return undefined;
  if (text[0] === "`" || (ansiQuotes && text[0] === '"')) return undefined;
  if (isGlued && (word === "X" || word === "B")) return "''";
  return TIMES[word] ?? "'?'";
}

/** The hint in what the tokenizer has passed over. */
function between(bytes: Uint8Array, from: number, to: number): string {
  if (to - from < 5) return "";
  const passed = Buffer.from(bytes.subarray(from, to)).toString("latin1");
  return /\/\*\+.*?\*\//s.exec(passed)?.[0] ?? "";
}

/** `1, 1, 1` and more are `1, 1`: a list. */
function joinThree(parts: string[], value: string): void {
  const plain = parts.slice(-12).filter((part) => part !== " ");
  const last = plain.slice(-5);
  if (last.length < 5 || last.some((part, at) => part !== (at % 2 === 0 ? value : ","))) return;
  let left = 2;
  while (left > 0) if (parts.pop() !== " ") left--;
  while (parts.at(-1) === " ") parts.pop();
}
