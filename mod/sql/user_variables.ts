// The user variables that a statement names. Source: "User-Defined Variables" of the MySQL manual.

import type { LexicalMode } from "./lexical_mode.ts";
import { readOtherWays } from "./readings.ts";
import { Lexeme, Mark, Scanner } from "./scanner.ts";

const scanner = new Scanner();

/**
 * Every user variable in the text, each once, with its `@` and in lower case, one character a byte.
 * Those in comments that only some servers run are among them.
 *
 * @param spellings Gets the names, without their `@`, that are written with capital letters first.
 */
export function userVariablesIn(
  bytes: Uint8Array,
  start: number,
  end: number,
  mode: LexicalMode = { noBackslashEscapes: false },
  spellings?: Map<string, string>,
): string[] {
  scanner.reset(bytes, start, end, mode);
  const found = new Set<string>();
  const read = () => collect(found, spellings);
  read();
  if (scanner.versionsCount > 0) readOtherWays(scanner, { start, mode, read });
  return [...found];
}

function collect(found: Set<string>, spellings: Map<string, string> | undefined): void {
  while (scanner.next() !== Lexeme.END) {
    if (scanner.mark !== Mark.AT) continue;
    const { bytes, end, limit } = scanner;
    if (end < limit && bytes[end] === Mark.AT) { // a system variable
      scanner.next();
      scanner.next();
      continue;
    }
    scanner.passUserVariable();
    const spelled = nameOf(scanner);
    const name = `@${spelled.toLowerCase()}`;
    if (spellings && !found.has(name) && name.slice(1) !== spelled) spellings.set(name, spelled);
    found.add(name);
  }
}

function nameOf({ bytes, start, end }: Scanner): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
  const quote = text[0];
  if (quote !== "`" && quote !== '"' && quote !== "'") return text;
  return text.slice(1, -1).replaceAll(quote + quote, quote);
}
