// SET statements taken apart into what they set and where the values stand.

import type { LexicalMode } from "./lexical_mode.ts";
import { Lexeme, Mark, Scanner } from "./scanner.ts";
import { type SetScope, SetTarget } from "./set_target.ts";
import { word } from "./words.ts";

/** One assignment of a SET statement. */
export interface Assignment {
  readonly scope: SetScope;
  /**
   * The variable's name without quotes, one character a byte; of system variables in lower case.
   * "transaction" for SET TRANSACTION with a scope or without; "" where the scope says it all.
   */
  readonly name: string;
  /** Where the value stands in the bytes given, without blanks around it; for SET NAMES and the
   * like all that follows the words. Empty where there is none. */
  readonly start: number;
  readonly end: number;
}

const SET = word("SET");
const STATEMENT = word("STATEMENT");

const scanner = new Scanner();
const target = new SetTarget();

/**
 * Takes a SET statement apart.
 *
 * @returns Undefined for other statements, for several statements, and for forms that are not known
 * (SET STATEMENT, SET RESOURCE GROUP, version comments that not every server runs, ...).
 */
export function parseSet(
  bytes: Uint8Array,
  start: number,
  end: number,
  mode: LexicalMode,
): readonly Assignment[] | undefined {
  scanner.reset(bytes, start, end, mode);
  scanner.next();
  if (scanner.kind !== Lexeme.WORD || scanner.word !== SET) return undefined;
  scanner.next();
  if (scanner.word === STATEMENT) return undefined;
  target.reset();
  const assignments: Assignment[] = [];
  for (;;) {
    if (!target.read(scanner)) return undefined;
    const { scope } = target;
    const name = scope === "next" && target.nameStart === target.nameEnd
      ? "transaction"
      : nameOf(bytes, target);
    const value = passValue(target.isWhole);
    if (value === undefined) return undefined;
    assignments.push({ scope, name, ...value });
    if (scanner.mark !== Mark.COMMA) break;
    scanner.next();
  }
  while (scanner.mark === Mark.SEMICOLON) scanner.next();
  const isAlone = atEnd(scanner) && !scanner.uncertain && scanner.versionsCount === 0;
  return isAlone ? assignments : undefined;
}

/** Goes to the end of the value at hand. Undefined where a version comment starts or ends in it. */
function passValue(
  isWhole: boolean,
): { readonly start: number; readonly end: number } | undefined {
  const { start, inComment } = scanner;
  let end = start;
  for (let depth = 0; !atEnd(scanner) && scanner.mark !== Mark.SEMICOLON; scanner.next()) {
    if (scanner.mark === Mark.COMMA && depth === 0 && !isWhole) break;
    if (scanner.mark === Mark.OPEN) depth++;
    if (scanner.mark === Mark.CLOSE) depth--;
    if (scanner.inComment !== inComment) return undefined;
    end = scanner.end;
  }
  return { start, end };
}

function nameOf(
  bytes: Uint8Array,
  { scope, nameStart, nameEnd }: SetTarget,
): string {
  if (scope === "password" || scope === "role" || scope === "default_role") return "";
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + nameStart, nameEnd - nameStart)
    .toString("latin1");
  const quote = text[0];
  if (scope !== "user") return text.replaceAll(/[`"\s]/g, "").toLowerCase();
  if (quote !== "`" && quote !== '"' && quote !== "'") return text;
  return text.slice(1, -1).replaceAll(quote + quote, quote);
}

function atEnd({ kind }: Scanner): boolean {
  return kind === Lexeme.END;
}
