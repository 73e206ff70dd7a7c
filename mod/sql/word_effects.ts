// What a word by itself tells of a statement, by the word's number: where it stands in the text,
// where it is called as a function, and where it is a system variable.

import {
  AGGREGATES,
  BEFORE_PARENTHESES,
  FUNCTIONS,
  MARIADB_FUNCTIONS,
  MYSQL_FUNCTIONS,
  SPACELESS,
} from "./builtin_functions.ts";
import { Effect } from "./effect.ts";
import type { LexicalMode } from "./lexical_mode.ts";
import { word, WORDS_LIMIT } from "./words.ts";

/** Of a part of a statement: it is more than a read. Stays in this folder. */
export const NOT_READS = 1 << 31;

/** What calls of functions tell that are no built-ins. */
export const CALLS = Effect.CALLS | NOT_READS;

/** What it tells that a word stands in a statement, neither quoted nor behind a point. */
export const SIGHT = table({
  SQL_CALC_FOUND_ROWS: Effect.LEAVES_FOUND_ROWS,
  OFFSET: Effect.LEAVES_FOUND_ROWS,
  EXAMINED: Effect.LEAVES_FOUND_ROWS,
  FETCH: Effect.LEAVES_FOUND_ROWS,
  ROWNUM: Effect.LEAVES_FOUND_ROWS,
  RETURNING: Effect.LEAVES_FOUND_ROWS,
  PROCEDURE: Effect.LEAVES_FOUND_ROWS | NOT_READS,
  INTO: Effect.LEAVES_FOUND_ROWS | NOT_READS,
  LOCK: NOT_READS,
  ...shownAsNames(),
});

/** What it tells that a word stands in a statement as a name, in quotes. */
export const NAME_SIGHT = table(shownAsNames());

let callsBoth: Int32Array | undefined;
let callsMysql: Int32Array | undefined;
let callsMariadb: Int32Array | undefined;

/**
 * What it tells that a word stands in front of `(`, by the kind of the server. Made with the first
 * statement: hundreds of words would keep the proxy from its ports.
 */
export function callsOf(server: LexicalMode["server"]): Int32Array {
  if (server === "mysql") return callsMysql ??= callTable(MYSQL_FUNCTIONS);
  if (server === "mariadb") return callsMariadb ??= callTable(MARIADB_FUNCTIONS);
  return callsBoth ??= callTable(
    MYSQL_FUNCTIONS.filter((name) => MARIADB_FUNCTIONS.includes(name)),
  );
}

/** 1 for functions that are built-in only where `(` follows at once. */
export const IS_SPACELESS = table(Object.fromEntries(SPACELESS.map((name) => [name, 1])));

/** What it tells that a system variable is read. */
export const VARIABLE_READ = table({
  LAST_INSERT_ID: Effect.ASKS_LAST_INSERT_ID,
  IDENTITY: Effect.ASKS_LAST_INSERT_ID,
  WARNING_COUNT: Effect.ASKS_WARNINGS,
  ERROR_COUNT: Effect.ASKS_WARNINGS,
  PSEUDO_THREAD_ID: Effect.ASKS_CONNECTION_ID,
});

/** What it tells that a session's system variable is set, besides that it is. */
export const VARIABLE_SET = table({
  LAST_INSERT_ID: Effect.LEAVES_INSERT_ID,
  IDENTITY: Effect.LEAVES_INSERT_ID,
  INSERT_ID: Effect.ONE_SHOT,
  TIMESTAMP: Effect.ONE_SHOT,
  RAND_SEED1: Effect.ONE_SHOT,
  RAND_SEED2: Effect.ONE_SHOT,
  GTID_NEXT: Effect.ONE_SHOT,
  GTID_NEXT_LIST: Effect.ONE_SHOT,
  GTID_SEQ_NO: Effect.ONE_SHOT,
  SERVER_ID: Effect.ONE_SHOT,
  PSEUDO_THREAD_ID: Effect.ONE_SHOT,
  PSEUDO_SLAVE_MODE: Effect.ONE_SHOT,
  PSEUDO_REPLICA_MODE: Effect.ONE_SHOT,
  SKIP_REPLICATION: Effect.ONE_SHOT,
  ORIGINAL_COMMIT_TIMESTAMP: Effect.ONE_SHOT,
  ORIGINAL_SERVER_VERSION: Effect.ONE_SHOT,
  IMMEDIATE_SERVER_VERSION: Effect.ONE_SHOT,
  SQL_AUTO_IS_NULL: Effect.ENDS_PIN,
  RESULTSET_METADATA: Effect.ENDS_PIN,
  PROFILING: Effect.PROFILING,
  PROFILING_HISTORY_SIZE: Effect.PROFILING,
  OPTIMIZER_TRACE: Effect.PROFILING,
  OPTIMIZER_TRACE_FEATURES: Effect.PROFILING,
  OPTIMIZER_TRACE_LIMIT: Effect.PROFILING,
  OPTIMIZER_TRACE_MAX_MEM_SIZE: Effect.PROFILING,
  OPTIMIZER_TRACE_OFFSET: Effect.PROFILING,
});

/** Tables that show session variables, connections or diagnostics, by their names. */
function shownAsNames(): Record<string, number> {
  return {
    SESSION_VARIABLES: Effect.ASKS_VARIABLES,
    SYSTEM_VARIABLES: Effect.ASKS_VARIABLES,
    VARIABLES_BY_THREAD: Effect.ASKS_VARIABLES,
    VARIABLES_INFO: Effect.ASKS_VARIABLES,
    USER_VARIABLES: Effect.ASKS_VARIABLES | Effect.ASKS_USER_VARIABLE,
    USER_VARIABLES_BY_THREAD: Effect.ASKS_VARIABLES | Effect.ASKS_USER_VARIABLE,
    PROFILING: Effect.PROFILING,
    OPTIMIZER_TRACE: Effect.PROFILING,
  };
}

function table(meanings: Record<string, number>): Int32Array {
  const filled = new Int32Array(WORDS_LIMIT);
  for (const [name, meaning] of Object.entries(meanings)) filled[word(name)] = meaning;
  return filled;
}

function callTable(ownFunctions: readonly string[]): Int32Array {
  const calls = new Int32Array(WORDS_LIMIT).fill(CALLS);
  for (const name of [...FUNCTIONS, ...ownFunctions, ...BEFORE_PARENTHESES]) calls[word(name)] = 0;
  if (ownFunctions !== MYSQL_FUNCTIONS) {
    // MariaDB's answer to them may be one row that FOUND_ROWS() does not know of.
    for (const name of AGGREGATES) calls[word(name)] = Effect.LEAVES_FOUND_ROWS;
  }
  const special: Record<string, number> = {
    LAST_INSERT_ID: Effect.ASKS_LAST_INSERT_ID,
    ROW_COUNT: Effect.ASKS_ROW_COUNT,
    FOUND_ROWS: Effect.ASKS_FOUND_ROWS,
    CONNECTION_ID: Effect.ASKS_CONNECTION_ID,
    GET_LOCK: Effect.USER_LOCK | NOT_READS,
    RELEASE_LOCK: Effect.ENDS_PIN | NOT_READS,
    RELEASE_ALL_LOCKS: Effect.ENDS_PIN | NOT_READS,
    IS_FREE_LOCK: NOT_READS,
    IS_USED_LOCK: NOT_READS,
    SLEEP: NOT_READS,
    BENCHMARK: NOT_READS,
    MASTER_POS_WAIT: NOT_READS,
  };
  const mysql: Record<string, number> = {
    SOURCE_POS_WAIT: NOT_READS,
    WAIT_FOR_EXECUTED_GTID_SET: NOT_READS,
    PS_CURRENT_THREAD_ID: Effect.ASKS_CONNECTION_ID | NOT_READS,
    PS_THREAD_ID: Effect.ASKS_CONNECTION_ID | NOT_READS,
  };
  const mariadb: Record<string, number> = {
    MASTER_GTID_WAIT: NOT_READS,
    BINLOG_GTID_POS: NOT_READS,
    WSREP_LAST_SEEN_GTID: NOT_READS,
    WSREP_LAST_WRITTEN_GTID: NOT_READS,
    WSREP_SYNC_WAIT_UPTO_GTID: NOT_READS,
    NEXTVAL: Effect.SEQUENCE | NOT_READS,
    SETVAL: Effect.SEQUENCE | NOT_READS,
    LASTVAL: Effect.SEQUENCE | Effect.ASKS_LAST_INSERT_ID | NOT_READS,
  };
  const add = (from: Record<string, number>, more: number) => {
    for (const [name, effects] of Object.entries(from)) calls[word(name)] = effects | more;
  };
  add(special, 0);
  // Where the server is not known, another server's function may be a stored one of this.
  add(mysql, ownFunctions === MYSQL_FUNCTIONS ? 0 : CALLS);
  add(mariadb, ownFunctions === MARIADB_FUNCTIONS ? 0 : CALLS);
  return calls;
}
