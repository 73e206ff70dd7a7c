// Whether a statement has one of some names in it. Off the hot path.

import { nameIn } from "./known_routines.ts";
import type { LexicalMode } from "./lexical_mode.ts";
import { readOtherWays } from "./readings.ts";
import { Lexeme, Scanner } from "./scanner.ts";

const scanner = new Scanner();
const NOT_ASCII = /[\u0080-\uffff]/;

/**
 * Whether the text mentions one of `names`, as a table or anything else, quoted or not, in any case.
 * Where a name has other letters than ASCII's, every word with such letters counts as one.
 *
 * @param names In lower case.
 */
export function mentionsAny(
  bytes: Uint8Array,
  { start, end, mode }: {
    readonly start: number;
    readonly end: number;
    readonly mode: LexicalMode;
  },
  names: ReadonlySet<string>,
): boolean {
  scanner.reset(bytes, start, end, mode);
  const isAscii = ![...names].some((name) => NOT_ASCII.test(name));
  let found = search(names, isAscii);
  const read = () => {
    found ||= search(names, isAscii);
  };
  if (!found && scanner.versionsCount > 0) readOtherWays(scanner, { start, mode, read });
  return found || scanner.uncertain;
}

function search(names: ReadonlySet<string>, isAscii: boolean): boolean {
  while (scanner.next() !== Lexeme.END) {
    const { kind } = scanner;
    // In double quotes there may be a name, if it is not known whether there is.
    if (kind !== Lexeme.WORD && kind !== Lexeme.NAME) continue;
    const name = nameIn(scanner.bytes, scanner.start, scanner.end).toLowerCase();
    if (names.has(name) || (!isAscii && NOT_ASCII.test(name))) return true;
    if (scanner.glued && !isAscii) return true;
  }
  return false;
}
