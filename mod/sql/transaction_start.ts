// BEGIN and START TRANSACTION: whether a statement begins a transaction, and which kind.
// Source: "START TRANSACTION, COMMIT, and ROLLBACK Statements" of the MySQL manual.

import type { LexicalMode } from "./lexical_mode.ts";
import { Lexeme, Mark, Scanner } from "./scanner.ts";
import { word } from "./words.ts";

/** What a statement begins: bits of one number. */
export const TransactionStart = {
  NONE: 0,
  BEGINS: 1,
  READ_ONLY: 2,
  READ_WRITE: 4,
  /** WITH CONSISTENT SNAPSHOT: it takes effect at once, so that it can't be sent late. */
  SNAPSHOT: 8,
} as const;

const BEGIN = word("BEGIN");
const CONSISTENT = word("CONSISTENT");
const ONLY = word("ONLY");
const READ = word("READ");
const SNAPSHOT = word("SNAPSHOT");
const START = word("START");
const TRANSACTION = word("TRANSACTION");
const WITH = word("WITH");
const WORK = word("WORK");
const WRITE = word("WRITE");

const scanner = new Scanner();

/**
 * What the text begins, if it is one statement that begins a transaction and nothing else; 0 for all
 * others, and where comments only some servers run are in it.
 */
export function transactionStart(
  bytes: Uint8Array,
  start: number,
  end: number,
  mode: LexicalMode,
): number {
  scanner.reset(bytes, start, end, mode);
  scanner.next();
  const begins = readStart();
  while (scanner.mark === Mark.SEMICOLON) scanner.next();
  const isAlone = scanner.kind === Lexeme.END && scanner.versionsCount === 0 && !scanner.uncertain;
  return isAlone ? begins : TransactionStart.NONE;
}

function readStart(): number {
  if (take(BEGIN)) {
    take(WORK);
    return TransactionStart.BEGINS;
  }
  if (!take(START) || !take(TRANSACTION)) return TransactionStart.NONE;
  let begins: number = TransactionStart.BEGINS;
  if (scanner.kind !== Lexeme.WORD) return begins;
  for (;;) {
    if (take(WITH)) {
      if (!take(CONSISTENT) || !take(SNAPSHOT)) return TransactionStart.NONE;
      begins |= TransactionStart.SNAPSHOT;
    } else if (take(READ)) {
      if (take(ONLY)) begins |= TransactionStart.READ_ONLY;
      else if (take(WRITE)) begins |= TransactionStart.READ_WRITE;
      else return TransactionStart.NONE;
    } else return TransactionStart.NONE;
    if (scanner.mark !== Mark.COMMA) return begins;
    scanner.next();
  }
}

/** Goes on behind a word, if it is the one at hand. */
function take(wanted: number): boolean {
  if (scanner.kind !== Lexeme.WORD || scanner.word !== wanted) return false;
  scanner.next();
  return true;
}
