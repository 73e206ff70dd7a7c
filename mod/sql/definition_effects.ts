// What statements do that define, change or drop things: CREATE, ALTER, DROP, RENAME.

import { Effect, UNKNOWN } from "./effect.ts";
import { type EffectReader } from "./effect_reader.ts";
import { Lexeme, Mark } from "./scanner.ts";
import { NOT_READS } from "./word_effects.ts";
import { NO_WORD, word } from "./words.ts";

const BEGIN = word("BEGIN");
const CASE = word("CASE");
const DATABASE = word("DATABASE");
const END = word("END");
const OR = word("OR");
const ROLE = word("ROLE");
const SCHEMA = word("SCHEMA");
const TEMPORARY = word("TEMPORARY");
const USER = word("USER");
const VIEW = word("VIEW");

/** What is stored with statements inside, which run later. */
const ROUTINES = new Set(
  ["PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE", "LIBRARY"].map(word),
);
/** All that can be defined: the words before its name are over. */
const KINDS = new Set([
  ...ROUTINES,
  ...`CATALOG DATABASE GROUP INDEX LOGFILE RESOURCE ROLE SCHEMA SEQUENCE SERVER TABLE TABLESPACE USER
  VIEW`.split(/\s+/).map(word),
]);
const ENDS_SEARCH: ReadonlySet<number> = new Set([Mark.SEMICOLON, Mark.OPEN]);
/** END IF and the like end what has not been counted. */
const BEHIND_END = new Set(["IF", "LOOP", "REPEAT", "WHILE", "FOR"].map(word));

const DOLLAR = 0x24;

/** CREATE: reads on behind the word. */
export function readCreate(reader: EffectReader): boolean {
  const { scanner } = reader;
  reader.found |= NOT_READS;
  reader.defines = true;
  const replaces = scanner.word === OR;
  if (replaces) {
    scanner.next();
    scanner.next();
  }
  switch (scanner.word) {
    case TEMPORARY:
      reader.found |= Effect.TEMPORARY_TABLE;
      return false;
    case DATABASE:
    case SCHEMA:
      if (replaces) reader.found |= Effect.CHANGES_SCHEMA;
      return false;
    case USER:
    case ROLE:
      reader.found |= Effect.CONCERNS_PROXY;
      reader.pass();
      return false;
    default:
      return readRoutine(reader);
  }
}

/** ALTER: reads on behind the word. */
export function readAlter(reader: EffectReader): boolean {
  const { scanner } = reader;
  // Some answer with rows: ALTER TABLE ... CHECK PARTITION
  reader.found |= NOT_READS | Effect.LEAVES_FOUND_ROWS;
  reader.defines = true;
  switch (scanner.word) {
    case DATABASE:
    case SCHEMA:
      reader.found |= Effect.CHANGES_SCHEMA;
      return false;
    case USER:
    case ROLE:
      reader.found |= Effect.CONCERNS_PROXY;
      reader.pass();
      return false;
    default:
      return readRoutine(reader);
  }
}

/** DROP: reads on behind the word. */
export function readDrop(reader: EffectReader): boolean {
  const { word } = reader.scanner;
  reader.found |= NOT_READS | Effect.ENDS_PIN;
  reader.defines = true;
  if (word === DATABASE || word === SCHEMA) reader.found |= Effect.CHANGES_SCHEMA;
  if (word === USER || word === ROLE) reader.found |= Effect.CONCERNS_PROXY;
  return false;
}

/** RENAME: reads on behind the word. */
export function readRename(reader: EffectReader): boolean {
  reader.found |= NOT_READS;
  reader.defines = true;
  if (reader.scanner.word === USER) reader.found |= Effect.CONCERNS_PROXY;
  return false;
}

/**
 * Passes the definition of a procedure, a view and the like up to its end: what it holds runs later.
 * Other definitions are left to be walked over.
 */
function readRoutine(reader: EffectReader): boolean {
  const kind = passToKind(reader);
  if (kind === VIEW) reader.pass();
  else if (ROUTINES.has(kind)) passBody(reader);
  return false;
}

/** Goes to the word that says what is defined, and gives it; `NO_WORD` where there is none. */
function passToKind({ scanner }: EffectReader): number {
  while (scanner.kind !== Lexeme.END && !ENDS_SEARCH.has(scanner.mark)) {
    if (scanner.kind === Lexeme.WORD && KINDS.has(scanner.word)) return scanner.word;
    scanner.next();
  }
  return NO_WORD;
}

function passBody(reader: EffectReader): void {
  const { scanner } = reader;
  let depth = 0; // of BEGIN and CASE
  let before: number = NO_WORD;
  while (scanner.kind !== Lexeme.END && (scanner.mark !== Mark.SEMICOLON || depth > 0)) {
    const word = scanner.kind === Lexeme.WORD ? scanner.word : NO_WORD;
    if (word === BEGIN || (word === CASE && before !== END)) depth++;
    else if (word === END) depth = Math.max(0, depth - 1);
    else if (before === END && BEHIND_END.has(word)) depth++;
    // In MySQL a body may stand in $$, with quotes that are none of SQL's.
    if (scanner.kind === Lexeme.WORD && scanner.bytes[scanner.start] === DOLLAR) depth = Infinity;
    before = word;
    scanner.next();
  }
  // If the end has not been found, other statements may be in what was passed.
  if (depth > 0) reader.found |= UNKNOWN | Effect.MULTI;
}
