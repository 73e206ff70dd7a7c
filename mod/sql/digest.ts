// The text of a statement without its values: statements that differ in values alone have one digest.

import type { LexicalMode } from "./lexical_mode.ts";
import { Lexeme, Mark, Scanner } from "./scanner.ts";

/** Digests are cut off behind this, in characters. */
const LENGTH_MAX = 4096;
const scanner = new Scanner();

/**
 * Words in lower case, values as `?`, lists of values as one, and so lists of such lists in
 * parentheses, one blank between the parts; without comments, hints and a `;` at the end. One character a byte. Off the hot path: once for a text.
 */
export function digestOf(
  bytes: Uint8Array,
  start: number,
  end: number,
  mode: LexicalMode,
): string {
  scanner.reset(bytes, start, end, mode);
  const parts: string[] = [];
  let length = 0;
  let isBehindPoint = false;
  while (scanner.next() !== Lexeme.END && length < LENGTH_MAX) {
    const part = isBehindPoint ? nameOf(scanner) : partOf(scanner);
    isBehindPoint = scanner.mark === Mark.POINT;
    length += part.length + 1;
    parts.push(part);
    if (part === "?") joinValues(parts);
    else if (part === ")") joinRows(parts);
  }
  while (parts.at(-1) === ";") parts.pop();
  return parts.join(" ").slice(0, LENGTH_MAX);
}

function partOf(lexeme: Scanner): string {
  if (lexeme.kind === Lexeme.STRING) return "?";
  const first = lexeme.bytes[lexeme.start];
  const isNumber = lexeme.kind === Lexeme.WORD && first >= 0x30 && first <= 0x39;
  return isNumber ? "?" : nameOf(lexeme);
}

function nameOf({ bytes, start, end, kind }: Scanner): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
  return kind === Lexeme.NAME ? text.slice(1, -1).toLowerCase() : text.toLowerCase();
}

/** `? , ?` is one value. */
function joinValues(parts: string[]): void {
  const { length } = parts;
  if (parts[length - 2] === "," && parts[length - 3] === "?") parts.length -= 2;
}

/** `( ? ) , ( ? )` is one row. */
function joinRows(parts: string[]): void {
  const { length } = parts;
  if (length < 7 || parts[length - 4] !== ",") return;
  for (const at of [length - 3, length - 7]) {
    if (parts[at] !== "(" || parts[at + 1] !== "?" || parts[at + 2] !== ")") return;
  }
  parts.length -= 4;
}
