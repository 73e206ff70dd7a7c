// The vocabulary of what a statement may do to its session and what it asks of it.

/**
 * What a statement may do, may leave behind, or asks of its session: bits of one number.
 *
 * All but `READS` say "may": a bit that is not set is a promise, a bit that is set is a warning.
 */
export const Effect = {
  NONE: 0,
  /**
   * A promise, unlike the rest: every part of the text only reads. It changes nothing in data or
   * session, takes no locks, waits for nothing, calls nothing but built-in functions, and does not
   * show one server's own state (SHOW STATUS, SHOW BINARY LOGS). It may still ask something of the
   * session: see the `ASKS_` bits. What lies behind the names of tables is not in the text: a view
   * may call a stored function.
   */
  READS: 1 << 0,
  /** More than one statement. */
  MULTI: 1 << 1,
  /**
   * Runs code that is not in the text: CALL, EXECUTE, a function that is no built-in, a compound
   * statement, a statement of an unknown kind. Such code may do all that the `SETS_` bits and the
   * pins stand for. What it may leave behind is in the `LEAVES_` bits: functions and triggers can't
   * change LAST_INSERT_ID() nor FOUND_ROWS(), procedures can.
   */
  CALLS: 1 << 2,
  /**
   * Changes rows of tables, which may have triggers: code out of the text, which may set user
   * variables and do whatever else stored functions can do.
   */
  RUNS_TRIGGERS: 1 << 3,
  /** Session variables of the system: SET in any of its forms but SET STATEMENT. */
  SETS_VARIABLE: 1 << 4,
  /** User variables: SET @x, `:=`, INTO @x, LOAD DATA ... (@x), GET DIAGNOSTICS @x, CALL p(@x). */
  SETS_USER_VARIABLE: 1 << 5,
  /** Global variables: SET GLOBAL, PERSIST, PERSIST_ONLY. New sessions start with other values. */
  SETS_GLOBAL: 1 << 6,
  /** SET ROLE. */
  SETS_ROLE: 1 << 7,
  /** The default schema, or its character set: USE, DROP DATABASE, ALTER DATABASE. */
  CHANGES_SCHEMA: 1 << 8,
  /** LAST_INSERT_ID() in any form, @@last_insert_id, @@identity, LASTVAL(), PREVIOUS VALUE FOR. */
  ASKS_LAST_INSERT_ID: 1 << 9,
  /** ROW_COUNT(). */
  ASKS_ROW_COUNT: 1 << 10,
  /** FOUND_ROWS(). */
  ASKS_FOUND_ROWS: 1 << 11,
  /** SHOW WARNINGS, SHOW ERRORS, SHOW COUNT(*) ..., GET DIAGNOSTICS, @@warning_count, ... */
  ASKS_WARNINGS: 1 << 12,
  /** May show session variables that a proxy has changed for itself: SHOW VARIABLES and the like. */
  ASKS_VARIABLES: 1 << 13,
  /** Mentions a user variable, other than as the target of SET. */
  ASKS_USER_VARIABLE: 1 << 14,
  /** CONNECTION_ID(), @@pseudo_thread_id and the like. */
  ASKS_CONNECTION_ID: 1 << 15,
  /**
   * FOUND_ROWS() afterwards may be something else than the number of rows sent or, where the answer
   * has no rows, than it was before. After an error it may be anything, whatever this bit says.
   */
  LEAVES_FOUND_ROWS: 1 << 16,
  /**
   * LAST_INSERT_ID() may have another value afterwards; without this bit it has the one it had. The
   * OK packet does not tell the value: after INSERT it may hold an id that was given, not generated.
   * It does tell, by an insert id of 0, that a statement with `RUNS_TRIGGERS`, without `CALLS` and
   * `ASKS_LAST_INSERT_ID`, has changed nothing. An error packet tells nothing.
   */
  LEAVES_INSERT_ID: 1 << 17,
  /** CREATE TEMPORARY TABLE or SEQUENCE. */
  TEMPORARY_TABLE: 1 << 18,
  /** LOCK TABLES, FLUSH TABLES ... WITH READ LOCK, FOR EXPORT, LOCK INSTANCE, BACKUP STAGE, ... */
  TABLE_LOCK: 1 << 19,
  /** GET_LOCK(). */
  USER_LOCK: 1 << 20,
  /** HANDLER, but for HANDLER ... CLOSE. */
  HANDLER: 1 << 21,
  /** XA, but for XA RECOVER. */
  XA: 1 << 22,
  /** PREPARE ... FROM. */
  NAMED_STATEMENT: 1 << 23,
  /** SET TRANSACTION and SET @@transaction_isolation: for the next transaction only. */
  NEXT_TRANSACTION: 1 << 24,
  /** A variable that is used up, or that belongs to statements which follow: insert_id, gtid_next. */
  ONE_SHOT: 1 << 25,
  /** NEXT VALUE FOR, NEXTVAL(), SETVAL(), LASTVAL(), ... of MariaDB's sequences. */
  SEQUENCE: 1 << 26,
  /** SET profiling, SET optimizer_trace, SHOW PROFILES. */
  PROFILING: 1 << 27,
  /**
   * May end the reason for one of the pins: UNLOCK, DROP TABLE, RELEASE_LOCK(), BEGIN, ...; or begin
   * one, by its value: SET sql_auto_is_null, SET resultset_metadata.
   */
  ENDS_PIN: 1 << 28,
  /** KILL, SHOW PROCESSLIST, or a change of accounts: see `attention()` for which. */
  CONCERNS_PROXY: 1 << 29,
  /** The server ends the connection afterwards: COMMIT RELEASE, ROLLBACK RELEASE, SHUTDOWN. */
  ENDS_SESSION: 1 << 30,
} as const;

/** What keeps a session on its server connection until something ends it. */
export const PINS = Effect.TEMPORARY_TABLE | Effect.TABLE_LOCK | Effect.USER_LOCK |
  Effect.HANDLER | Effect.XA | Effect.NAMED_STATEMENT | Effect.NEXT_TRANSACTION |
  Effect.ONE_SHOT | Effect.SEQUENCE | Effect.PROFILING;

/** What a statement may ask of its session. */
export const ASKS = Effect.ASKS_LAST_INSERT_ID | Effect.ASKS_ROW_COUNT | Effect.ASKS_FOUND_ROWS |
  Effect.ASKS_WARNINGS | Effect.ASKS_VARIABLES | Effect.ASKS_USER_VARIABLE |
  Effect.ASKS_CONNECTION_ID;

/** What is assumed of code that nobody has read. The pins are not in it: `CALLS` stands for them. */
export const UNKNOWN = Effect.CALLS | Effect.RUNS_TRIGGERS | Effect.SETS_VARIABLE |
  Effect.SETS_USER_VARIABLE | Effect.SETS_ROLE | Effect.CHANGES_SCHEMA | Effect.LEAVES_FOUND_ROWS |
  Effect.LEAVES_INSERT_ID | Effect.ENDS_PIN | ASKS;

/** The names of the bits that are set, for logs and for EXPLAIN. */
export function effectNames(effects: number): string[] {
  return Object.entries(Effect).filter(([, bit]) => (effects & bit) !== 0).map(([name]) => name);
}
