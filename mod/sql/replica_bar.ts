// Why a statement may not run on a replica: the vocabulary, and what words say of it. A statement is
// a replica read where nothing bars it, and only if that is provably right: see docs/consistency.md.

import { word, WORDS_LIMIT } from "./words.ts";

/**
 * What bars a statement from replicas: bits of one number, those that say most first. 0 is a promise:
 * on a replica with the same data and the session's own settings the answer is the one that the
 * primary gives, and nothing is changed by asking.
 */
export const Bar = {
  NONE: 0,
  /** No statement at all. */
  EMPTY: 1 << 0,
  /** What is a string and what is not cannot be told. */
  UNCERTAIN: 1 << 1,
  /** Changes rows. */
  WRITES: 1 << 2,
  /** Changes definitions or accounts. */
  DEFINES: 1 << 3,
  /** Begins, ends or divides a transaction, XA included. */
  TRANSACTION: 1 << 4,
  /** Changes the session: SET, USE, PREPARE, LOCK TABLES, HANDLER, ... */
  SESSION: 1 << 5,
  /** Looks after the server: FLUSH, KILL, CHECK TABLE, ... */
  ADMINISTERS: 1 << 6,
  /** Runs code that is not in the text: CALL, DO, a compound statement. */
  CALLS: 1 << 7,
  /** A statement of a kind that is not known. */
  UNKNOWN: 1 << 8,
  /** FOR UPDATE, FOR SHARE, LOCK IN SHARE MODE. */
  LOCKS_ROWS: 1 << 9,
  /** INTO a variable or a file. */
  INTO: 1 << 10,
  /** Assigns to a user variable. */
  ASSIGNS: 1 << 11,
  /** GET_LOCK() and its family. */
  USER_LOCK: 1 << 12,
  /** Sequences: NEXTVAL(), NEXT VALUE FOR, LASTVAL(), ..., and DEFAULT(), which may be any of them. */
  SEQUENCE: 1 << 13,
  /** Calls a function that is no built-in, and not known to be harmless. */
  STORED_FUNCTION: 1 << 14,
  /** SELECT ... PROCEDURE. */
  PROCEDURE: 1 << 15,
  /** Names a view, or whatever else the caller has said not to read on replicas. */
  UNSAFE_NAME: 1 << 16,
  /** LAST_INSERT_ID(). */
  INSERT_ID: 1 << 17,
  /** FOUND_ROWS(), ROW_COUNT(), warnings and errors of the statement before. */
  DIAGNOSTICS: 1 << 18,
  /** SQL_CALC_FOUND_ROWS: FOUND_ROWS() is about to be asked. */
  KEEPS_FOUND_ROWS: 1 << 19,
  /** CONNECTION_ID() and what else names the connection. */
  CONNECTION: 1 << 20,
  /** A system variable, of the session or of the server. */
  SYSTEM_VARIABLE: 1 << 21,
  /** performance_schema, mysql, sys. */
  SERVER_SCHEMA: 1 << 22,
  /** information_schema. */
  INFORMATION_SCHEMA: 1 << 23,
  /** What differs from server to server: SHOW STATUS, VERSION(), LOAD_FILE(), ... */
  SERVER_FACT: 1 << 24,
} as const;

/** Not a bar: it may see the rows of tables. Stays in this folder. */
export const SEES_TABLES = 1 << 30;

/** What may see the rows of tables without naming one behind FROM. */
export const SEEING_BARS: number = Bar.UNCERTAIN | Bar.WRITES | Bar.DEFINES | Bar.CALLS |
  Bar.UNKNOWN | Bar.STORED_FUNCTION | Bar.SEQUENCE;

/**
 * Bars that only keep a statement where its facts are: a hint may send it elsewhere. With any other
 * one it might change something on a replica that refuses nothing.
 */
export const HINTABLE_BARS: number = Bar.DIAGNOSTICS | Bar.KEEPS_FOUND_ROWS | Bar.CONNECTION |
  Bar.SYSTEM_VARIABLE | Bar.SERVER_SCHEMA | Bar.INFORMATION_SCHEMA | Bar.SERVER_FACT |
  Bar.INSERT_ID;

/** The bars in words, by their bits' numbers. */
const WORDS = [
  "no statement",
  "what is a string cannot be told in this charset or SQL mode",
  "changes rows",
  "changes definitions or accounts",
  "belongs to a transaction",
  "changes the session",
  "administers the server",
  "runs code that is not in the text",
  "a kind of statement that is not known",
  "locks rows",
  "INTO a variable or a file",
  "assigns to a user variable",
  "uses a user lock",
  "uses a sequence",
  "calls a function that is not known to be harmless",
  "PROCEDURE",
  "names a view that is not known to be harmless",
  "asks for the last insert id",
  "asks about the statement before",
  "SQL_CALC_FOUND_ROWS is for a question to follow",
  "asks for the connection",
  "reads a system variable",
  "reads a schema of the server's own",
  "reads information_schema",
  "differs from server to server",
];

/** The names of the bits that are set, the one that says most first. */
export function barNames(bars: number): string[] {
  return Object.entries(Bar).filter(([, bit]) => (bars & bit) !== 0).map(([name]) => name);
}

/** The bar that says most, in words; empty where nothing bars. */
export function barInWords(bars: number): string {
  return bars === 0 ? "" : WORDS[31 - Math.clz32(bars & -bars)];
}

/** By a statement's first word; of those that are not in it nothing is known. */
export const KIND_BARS = new Int32Array(WORDS_LIMIT).fill(Bar.UNKNOWN);
/** By a word that stands in a statement, neither quoted nor behind a point. */
export const SIGHT_BARS = new Int32Array(WORDS_LIMIT);
/** By a name in quotes or behind a point. */
export const NAME_BARS = new Int32Array(WORDS_LIMIT);
/** By a name in front of `(`. */
export const CALL_BARS = new Int32Array(WORDS_LIMIT);

for (
  const [bar, names] of [
    // Their further words decide.
    [Bar.NONE, "ANALYZE DESC DESCRIBE EXPLAIN SELECT SHOW TABLE VALUES WITH"],
    [Bar.WRITES, "DELETE INSERT LOAD REPLACE UPDATE"],
    [Bar.DEFINES, "ALTER CREATE DROP GRANT IMPORT INSTALL RENAME REVOKE TRUNCATE UNINSTALL"],
    [Bar.TRANSACTION, "BEGIN COMMIT RELEASE ROLLBACK SAVEPOINT START XA"],
    [Bar.SESSION, "DEALLOCATE EXECUTE GET HANDLER LOCK PREPARE RESIGNAL SET SIGNAL UNLOCK USE"],
    [
      Bar.ADMINISTERS,
      `BACKUP BINLOG CACHE CHANGE CHECK CHECKSUM CLONE FLUSH HELP KILL OPTIMIZE PURGE REPAIR RESET
      RESTART SHUTDOWN STOP`,
    ],
    [Bar.CALLS, "CALL DO"],
  ] as const
) fill(KIND_BARS, bar, names);

const SCHEMAS = "MYSQL PERFORMANCE_SCHEMA SYS";
fill(NAME_BARS, Bar.SERVER_SCHEMA, SCHEMAS);
fill(NAME_BARS, Bar.INFORMATION_SCHEMA, "INFORMATION_SCHEMA");

fill(SIGHT_BARS, Bar.SERVER_SCHEMA, SCHEMAS);
fill(SIGHT_BARS, Bar.INFORMATION_SCHEMA, "INFORMATION_SCHEMA");
fill(SIGHT_BARS, SEES_TABLES, "FROM HANDLER TABLE TABLES");
fill(SIGHT_BARS, Bar.INTO, "INTO");
fill(SIGHT_BARS, Bar.LOCKS_ROWS, "LOCK");
fill(SIGHT_BARS, Bar.PROCEDURE, "PROCEDURE");
fill(SIGHT_BARS, Bar.KEEPS_FOUND_ROWS, "SQL_CALC_FOUND_ROWS");

fill(
  CALL_BARS,
  Bar.USER_LOCK,
  "GET_LOCK IS_FREE_LOCK IS_USED_LOCK RELEASE_ALL_LOCKS RELEASE_LOCK",
);
// MariaDB: a column's default may take the next value of a sequence.
fill(CALL_BARS, Bar.SEQUENCE, "DEFAULT LASTVAL NEXTVAL SETVAL");
fill(CALL_BARS, Bar.INSERT_ID, "LAST_INSERT_ID");
fill(CALL_BARS, Bar.DIAGNOSTICS, "FOUND_ROWS ROW_COUNT");
fill(CALL_BARS, Bar.CONNECTION, "CONNECTION_ID PS_CURRENT_THREAD_ID PS_THREAD_ID");
fill(
  CALL_BARS,
  Bar.SERVER_FACT,
  `BINLOG_GTID_POS ICU_VERSION LOAD_FILE MASTER_GTID_WAIT MASTER_POS_WAIT SOURCE_POS_WAIT VERSION
  WAIT_FOR_EXECUTED_GTID_SET WSREP_LAST_SEEN_GTID WSREP_LAST_WRITTEN_GTID
  WSREP_SYNC_WAIT_UPTO_GTID`,
);

function fill(table: Int32Array, bar: number, names: string): void {
  for (const name of names.trim().split(/\s+/)) table[word(name)] = bar;
}
