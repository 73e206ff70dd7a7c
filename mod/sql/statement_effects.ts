// What each kind of statement does by its first words. Source: "SQL Statements" of the MySQL manual
// and of MariaDB's.

import { readAlter, readCreate, readDrop, readRename } from "./definition_effects.ts";
import { Effect, UNKNOWN } from "./effect.ts";
import { type EffectReader, Stop } from "./effect_reader.ts";
import { Bar, KIND_BARS } from "./replica_bar.ts";
import { Lexeme, Mark } from "./scanner.ts";
import { readSet } from "./set_effects.ts";
import { NOT_READS } from "./word_effects.ts";
import { word, WORDS_LIMIT } from "./words.ts";

/** Reads on behind a statement's first word; true where the scanner is at another statement. */
type Handler = (reader: EffectReader) => boolean;

/** What statements do that need no closer look, besides what their words do. */
const SIMPLE = new Int32Array(WORDS_LIMIT).fill(UNKNOWN | NOT_READS);
for (
  const [effects, names] of [
    [
      NOT_READS,
      `CHANGE CLONE IMPORT INSTALL PURGE RELEASE RESET RESIGNAL SAVEPOINT SIGNAL STOP TRUNCATE
      UNINSTALL`,
    ],
    [NOT_READS | Effect.LEAVES_FOUND_ROWS, "CACHE CHECK CHECKSUM DO HELP OPTIMIZE REPAIR"],
    // Through a view there may be a query in them, whose rows FOUND_ROWS() tells.
    [NOT_READS | Effect.RUNS_TRIGGERS | Effect.LEAVES_FOUND_ROWS, "UPDATE DELETE"],
    [NOT_READS | Effect.CHANGES_SCHEMA, "USE"],
    [NOT_READS | Effect.NAMED_STATEMENT, "PREPARE"],
    [NOT_READS | Effect.ENDS_PIN, "DEALLOCATE START UNLOCK"],
    [NOT_READS | Effect.TABLE_LOCK | Effect.ENDS_PIN, "LOCK"],
    [NOT_READS | Effect.CONCERNS_PROXY, "KILL"],
    [NOT_READS | Effect.ENDS_SESSION, "SHUTDOWN RESTART"],
  ] as const
) for (const name of names.split(/\s+/)) SIMPLE[word(name)] = effects;

/** Statements whose next words decide. */
const HANDLERS = new Array<Handler | undefined>(WORDS_LIMIT).fill(undefined);
for (
  const [name, handler] of Object.entries({
    ALTER: readAlter,
    ANALYZE: readAnalyze,
    BACKUP: readBackup,
    BEGIN: readBegin,
    CALL: readCall,
    COMMIT: readTransactionEnd,
    CREATE: readCreate,
    DESC: readExplain,
    DESCRIBE: readExplain,
    DROP: readDrop,
    EXPLAIN: readExplain,
    FLUSH: readFlush,
    GET: readGet,
    GRANT: readGrant,
    HANDLER: readHandler,
    INSERT: readInsert,
    LOAD: readLoad,
    RENAME: readRename,
    REPLACE: readInsert,
    REVOKE: readGrant,
    ROLLBACK: readTransactionEnd,
    SET: readSet,
    SHOW: readShow,
    XA: readXa,
  })
) HANDLERS[word(name)] = handler;

const ANALYZE = word("ANALYZE");
const CHAIN = word("CHAIN");
const CLOSE = word("CLOSE");
const COMMIT = word("COMMIT");
const COUNT = word("COUNT");
const CREATE = word("CREATE");
const DATA = word("DATA");
const END = word("END");
const ERRORS = word("ERRORS");
const EVENT = word("EVENT");
const EVENTS = word("EVENTS");
const EXPORT = word("EXPORT");
const EXTENDED = word("EXTENDED");
const FOR = word("FOR");
const FORMAT = word("FORMAT");
const FULL = word("FULL");
const GLOBAL = word("GLOBAL");
const INTO = word("INTO");
const LOCAL = word("LOCAL");
const NO = word("NO");
const NO_WRITE_TO_BINLOG = word("NO_WRITE_TO_BINLOG");
const PREPARE = word("PREPARE");
const PRIVILEGES = word("PRIVILEGES");
const PROCESSLIST = word("PROCESSLIST");
const PROFILE = word("PROFILE");
const PROFILES = word("PROFILES");
const READ = word("READ");
const RECOVER = word("RECOVER");
const RELEASE = word("RELEASE");
const ROLLBACK = word("ROLLBACK");
const SESSION = word("SESSION");
const STATUS = word("STATUS");
const TABLE = word("TABLE");
const TABLES = word("TABLES");
const UNLOCK = word("UNLOCK");
const VALUES = word("VALUES");
const VARIABLES = word("VARIABLES");
const WARNINGS = word("WARNINGS");
const WORK = word("WORK");
const XML = word("XML");

const QUERIES = new Set(["SELECT", "TABLE", "VALUES", "WITH"].map(word));
const BEFORE_TABLE = new Set(
  ["LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO"].map(word),
);
/** The statements that EXPLAIN takes. */
const EXPLAINABLE = new Set(
  ["SELECT", "WITH", "TABLE", "VALUES", "INSERT", "REPLACE", "UPDATE", "DELETE"].map(word),
);
/** SHOW of what replicas of a server have alike. */
const SHOWN_ALIKE = new Set(
  `CHARACTER CHARSET COLLATION COLUMNS COUNT CREATE DATABASES ERRORS EVENTS FIELDS FUNCTION GRANTS
  INDEX INDEXES KEYS PRIVILEGES PROCEDURE SCHEMAS TABLE TABLES TRIGGERS WARNINGS`
    .split(/\s+/).map(word),
);

/** SHOW that the server runs as a query, so that FOUND_ROWS() tells its rows. */
const SHOWN_AS_QUERY = new Set(
  `COLLATION COLUMNS DATABASES EVENTS FIELDS INDEX INDEXES KEYS SCHEMAS STATUS TABLES TRIGGERS
  VARIABLES`.split(/\s+/).map(word),
);

/** Reads one statement, from its first lexeme to its end or `;`. */
export function readStatement(reader: EffectReader): void {
  const { scanner } = reader;
  for (;;) {
    while (scanner.mark === Mark.OPEN) scanner.next();
    const first = scanner.word;
    if (QUERIES.has(first) && scanner.kind === Lexeme.WORD) {
      reader.isQuery = true;
      if (first === VALUES && reader.server !== "mysql") reader.found |= Effect.LEAVES_FOUND_ROWS;
      break;
    }
    const handler = scanner.kind === Lexeme.WORD ? HANDLERS[first] : undefined;
    reader.bars |= scanner.kind === Lexeme.WORD ? KIND_BARS[first] : Bar.UNKNOWN;
    if (handler === undefined) {
      reader.found |= scanner.kind === Lexeme.WORD ? SIMPLE[first] : UNKNOWN | NOT_READS;
      break;
    }
    scanner.next();
    if (!handler(reader)) break;
  }
  reader.walk(Stop.NONE);
}

function readAnalyze(reader: EffectReader): boolean {
  const { scanner } = reader;
  reader.found |= Effect.LEAVES_FOUND_ROWS;
  const { word } = scanner;
  if (word === TABLE || word === TABLES || word === LOCAL || word === NO_WRITE_TO_BINLOG) {
    reader.found |= NOT_READS;
    reader.bars |= Bar.ADMINISTERS;
    return false;
  }
  passFormat(reader);
  return true;
}

/** FORMAT = x */
function passFormat({ scanner }: EffectReader): void {
  if (scanner.word !== FORMAT || scanner.kind !== Lexeme.WORD) return;
  scanner.next();
  scanner.next();
  scanner.next();
}

function readBackup(reader: EffectReader): boolean {
  const { scanner } = reader;
  const unlocks = scanner.word === UNLOCK;
  scanner.next();
  const ends = unlocks || scanner.word === END;
  reader.found |= NOT_READS | (ends ? Effect.ENDS_PIN : Effect.TABLE_LOCK);
  return false;
}

function readBegin(reader: EffectReader): boolean {
  const { scanner } = reader;
  reader.found |= NOT_READS | Effect.ENDS_PIN; // a transaction's start unlocks tables
  if (scanner.word === WORK) scanner.next();
  if (scanner.kind === Lexeme.END || scanner.mark === Mark.SEMICOLON) return false;
  reader.found |= UNKNOWN; // a compound statement
  return false;
}

function readCall(reader: EffectReader): boolean {
  reader.found |= NOT_READS | Effect.CALLS | Effect.RUNS_TRIGGERS | Effect.LEAVES_FOUND_ROWS |
    Effect.LEAVES_INSERT_ID;
  reader.setsMentioned = true;
  return false;
}

function readTransactionEnd(reader: EffectReader): boolean {
  const { scanner } = reader;
  reader.found |= NOT_READS;
  let before = 0;
  while (scanner.kind === Lexeme.WORD) {
    if (scanner.word === RELEASE && before !== NO) reader.found |= Effect.ENDS_SESSION;
    if (scanner.word === CHAIN && before !== NO) reader.found |= Effect.ENDS_PIN; // as BEGIN
    before = scanner.word;
    scanner.next();
  }
  return false;
}

function readExplain(reader: EffectReader): boolean {
  const { scanner } = reader;
  reader.found |= Effect.LEAVES_FOUND_ROWS;
  let runs = false;
  for (;;) {
    if (scanner.kind === Lexeme.END || scanner.mark === Mark.SEMICOLON) break;
    if (scanner.mark === Mark.OPEN) return true;
    if (scanner.mark === Mark.AT) {
      reader.readVariable();
      continue;
    }
    if (scanner.kind === Lexeme.WORD) {
      const { word } = scanner;
      if (EXPLAINABLE.has(word)) return true;
      if (word === ANALYZE) runs = true;
      if (word === FOR) {
        reader.found |= NOT_READS;
        reader.bars |= Bar.SERVER_FACT;
      }
      if (word === INTO) {
        reader.found |= NOT_READS;
        reader.bars |= Bar.INTO;
        reader.setsMentioned = true;
      }
    }
    scanner.next();
  }
  if (runs) {
    reader.found |= UNKNOWN | NOT_READS;
    reader.bars |= Bar.UNKNOWN;
  }
  return false;
}

function readFlush(reader: EffectReader): boolean {
  const { scanner } = reader;
  reader.found |= NOT_READS;
  while (scanner.kind !== Lexeme.END && scanner.mark !== Mark.SEMICOLON) {
    const { word } = scanner;
    if (word === READ || word === EXPORT) reader.found |= Effect.TABLE_LOCK;
    if (word === PRIVILEGES) reader.found |= Effect.CONCERNS_PROXY;
    scanner.next();
  }
  return false;
}

function readGet(reader: EffectReader): boolean {
  reader.found |= NOT_READS | Effect.ASKS_WARNINGS;
  reader.setsMentioned = true;
  return false;
}

function readGrant(reader: EffectReader): boolean {
  reader.found |= NOT_READS | Effect.CONCERNS_PROXY;
  reader.pass();
  return false;
}

function readHandler(reader: EffectReader): boolean {
  const { scanner } = reader;
  reader.found |= NOT_READS;
  passTable(reader);
  if (scanner.word === CLOSE) reader.found |= Effect.ENDS_PIN;
  else reader.found |= scanner.word === READ ? Effect.LEAVES_FOUND_ROWS : Effect.HANDLER;
  return false;
}

function readInsert(reader: EffectReader): boolean {
  const { scanner } = reader;
  reader.found |= NOT_READS | Effect.RUNS_TRIGGERS | Effect.LEAVES_INSERT_ID;
  reader.inserts = true;
  while (scanner.kind === Lexeme.WORD && BEFORE_TABLE.has(scanner.word)) scanner.next();
  passTable(reader);
  if (scanner.mark === Mark.OPEN) scanner.next();
  return false;
}

/** Passes a table's name, which may be qualified. */
function passTable({ scanner }: EffectReader): void {
  for (;;) {
    let end: number;
    do {
      if (scanner.kind !== Lexeme.WORD && scanner.kind !== Lexeme.NAME) return;
      end = scanner.end;
      scanner.next();
      // Bytes above 0x7f make lexemes of their own.
    } while (scanner.glued && scanner.start === end);
    if (scanner.mark !== Mark.POINT) return;
    scanner.next();
  }
}

function readLoad(reader: EffectReader): boolean {
  const { word } = reader.scanner;
  reader.found |= NOT_READS;
  if (word === DATA || word === XML) {
    reader.found |= Effect.RUNS_TRIGGERS | Effect.LEAVES_INSERT_ID;
    reader.setsMentioned = true;
  } else reader.found |= Effect.LEAVES_FOUND_ROWS; // LOAD INDEX answers with rows
  return false;
}

function readShow(reader: EffectReader): boolean {
  const { scanner } = reader;
  let global = false;
  for (;;) {
    const { word } = scanner;
    if (word === GLOBAL) global = true;
    else if (word !== FULL && word !== EXTENDED && word !== SESSION && word !== LOCAL) break;
    scanner.next();
  }
  if (scanner.kind !== Lexeme.WORD || !SHOWN_ALIKE.has(scanner.word)) {
    reader.found |= NOT_READS;
    reader.bars |= Bar.SERVER_FACT;
  }
  if (!SHOWN_AS_QUERY.has(scanner.word)) reader.found |= Effect.LEAVES_FOUND_ROWS;
  switch (scanner.word) {
    case WARNINGS:
    case ERRORS:
    case COUNT:
      reader.found |= Effect.ASKS_WARNINGS;
      reader.bars |= Bar.DIAGNOSTICS;
      break;
    case EVENTS: // replicas have them disabled
      reader.bars |= Bar.SERVER_FACT;
      break;
    case VARIABLES:
      if (!global) reader.found |= Effect.ASKS_VARIABLES;
      break;
    case PROFILE:
    case PROFILES:
      reader.found |= Effect.PROFILING;
      break;
    case PROCESSLIST:
      reader.found |= Effect.CONCERNS_PROXY;
      break;
    default:
  }
  // SHOW PROCEDURE STATUS has a word that means something else elsewhere.
  const shown = scanner.word;
  scanner.next();
  // Counts of rows and times of changes; what an event does on this server.
  const isOwn = shown === TABLE
    ? scanner.word === STATUS
    : shown === CREATE && scanner.word === EVENT;
  if (isOwn) reader.bars |= Bar.SERVER_FACT;
  return false;
}

function readXa(reader: EffectReader): boolean {
  const { word } = reader.scanner;
  reader.found |= NOT_READS;
  if (word === COMMIT || word === ROLLBACK || word === PREPARE) reader.found |= Effect.ENDS_PIN;
  else if (word === RECOVER) reader.found |= Effect.LEAVES_FOUND_ROWS;
  else if (word !== END) reader.found |= Effect.XA;
  return false;
}
