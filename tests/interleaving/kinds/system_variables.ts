// Session system variables: each is a kind of its own, set in every form, looked at, and felt in a
// statement that it changes the result of.

import type { ServerKind } from "../../servers/mod.ts";
import type { Scribe } from "../scribe.ts";
import { Topic } from "./kind.ts";

interface Variable {
  readonly name: string;
  /** Values as they stand in SQL; some are errors. */
  readonly values: readonly string[];
  /** Statements whose result depends on it. */
  readonly effects?: readonly string[];
  readonly on?: ServerKind;
  readonly weight?: number;
}

const SWITCH = ["0", "1", "ON", "OFF"];
const SIZES = ["1", "16384", "65536", "1048576", "-1", "'x'"];

const VARIABLES: readonly Variable[] = [
  {
    name: "sql_mode",
    weight: 6,
    values: [
      "''",
      "'ANSI_QUOTES'",
      "'NO_BACKSLASH_ESCAPES'",
      "'PIPES_AS_CONCAT'",
      "'ANSI'",
      "'TRADITIONAL'",
      "'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE'",
      "'ONLY_FULL_GROUP_BY'",
      "'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'",
      "'HIGH_NOT_PRECEDENCE,NO_UNSIGNED_SUBTRACTION,REAL_AS_FLOAT'",
      "'IGNORE_SPACE'",
      "'NO_AUTO_VALUE_ON_ZERO'",
      "'PAD_CHAR_TO_FULL_LENGTH'",
      "CONCAT(@@sql_mode, ',ANSI_QUOTES')",
      "REPLACE(@@sql_mode, 'STRICT_TRANS_TABLES', '')",
      "'NONSENSE'",
      "4",
    ],
    effects: [
      `SELECT "id", 'a\\n' AS escaped FROM T1 ORDER BY id`,
      "SELECT 'a' || 'b', 1 || 0",
      "INSERT INTO T1 (n) VALUES ('12abc')",
      "INSERT INTO T1 (t) VALUES ('0000-00-00')",
      "INSERT INTO T1 (id) VALUES (0)",
      "SELECT NOT 1 BETWEEN -5 AND 5",
      "SELECT CAST(1 AS UNSIGNED) - 2",
      "SELECT COUNT (*) FROM T1",
      "SELECT 'C:\\\\new', '\\\\'",
      "SELECT e, n FROM T1 GROUP BY e ORDER BY e",
      "SELECT CAST('2024-00-00' AS DATE), 1/0",
      "SELECT LENGTH(CAST('a' AS CHAR(5)))",
      `SELECT "quoted" AS "it's"`,
    ],
  },
  {
    name: "time_zone",
    weight: 3,
    values: ["'+00:00'", "'-08:00'", "'SYSTEM'", "'+13:00'", "'Nowhere/City'", "'+05:30'"],
    effects: [
      "SELECT FROM_UNIXTIME(86400)",
      "SELECT UNIX_TIMESTAMP('2024-01-01 00:00:00')",
      "SELECT IF(@@timestamp = 1700000000.25, NOW(3), 'now')",
    ],
  },
  {
    name: "lc_time_names",
    weight: 2,
    values: ["'de_DE'", "'ja_JP'", "'fr_FR'", "'xx_XX'", "0"],
    effects: ["SELECT DATE_FORMAT('2024-03-01', '%W %M %a %b')", "SELECT DAYNAME('2024-03-02')"],
  },
  { name: "lc_messages", values: ["'en_US'", "'de_DE'", "'fr_FR'"], effects: ["SELECT nothing"] },
  {
    name: "group_concat_max_len",
    weight: 2,
    values: ["4", "10", "1", "1024", "(SELECT 64)"],
    effects: ["SELECT GROUP_CONCAT(id, s ORDER BY id) FROM T1"],
  },
  {
    name: "sql_select_limit",
    weight: 3,
    values: ["1", "2", "0", "18446744073709551615"],
    effects: ["SELECT id FROM T1 ORDER BY id", "SELECT id FROM T1 ORDER BY id LIMIT 3"],
  },
  {
    name: "max_error_count",
    values: ["0", "1", "2", "64"],
    effects: ["SELECT 1/0, CAST('x' AS SIGNED), CAST('y' AS SIGNED)"],
  },
  { name: "max_sort_length", values: ["4", "64", "1024"] },
  { name: "max_length_for_sort_data", values: ["4", "1024"] },
  { name: "max_seeks_for_key", values: ["1", "100"] },
  {
    name: "max_join_size",
    values: ["1", "100000", "DEFAULT"],
    effects: ["SELECT x.id, y.id FROM T1 x, T1 y ORDER BY 1, 2"],
  },
  { name: "max_sp_recursion_depth", values: ["0", "5", "255", "256"] },
  { name: "max_heap_table_size", values: ["16384", "1048576"] },
  { name: "max_execution_time", on: "mysql", values: ["0", "60000"] },
  { name: "max_statement_time", on: "mariadb", values: ["0", "60", "12.5"] },
  { name: "max_points_in_geometry", on: "mysql", values: ["10", "1"] },
  { name: "max_recursive_iterations", on: "mariadb", values: ["2", "1000"], effects: RECURSION() },
  { name: "cte_max_recursion_depth", on: "mysql", values: ["2", "1000"], effects: RECURSION() },
  {
    name: "div_precision_increment",
    weight: 2,
    values: ["0", "4", "10", "100"],
    effects: ["SELECT 1/3, 2.5/7"],
  },
  {
    name: "default_week_format",
    values: ["0", "3", "7", "8"],
    effects: ["SELECT WEEK('2023-01-01')"],
  },
  {
    name: "foreign_key_checks",
    weight: 2,
    values: SWITCH,
    effects: ["INSERT INTO T5 (p) VALUES (99)", "UPDATE T5 SET p = 77 WHERE p = 1"],
  },
  { name: "unique_checks", values: SWITCH, effects: ["INSERT INTO T1 (n) VALUES (10)"] },
  {
    name: "sql_safe_updates",
    weight: 2,
    values: SWITCH,
    effects: ["UPDATE T1 SET f = 1", "DELETE FROM T3"],
  },
  { name: "wait_timeout", values: ["77", "28800", "40000000"] },
  { name: "interactive_timeout", values: ["88", "28800"] },
  { name: "net_read_timeout", values: ["31", "60"] },
  { name: "net_write_timeout", values: ["61"] },
  { name: "net_retry_count", values: ["11"] },
  {
    name: "timestamp",
    weight: 3,
    values: ["1700000000.25", "DEFAULT", "1700000000.25", "-1"],
    effects: [
      "SELECT IF(@@timestamp = 1700000000.25, NOW(3), 'now')",
      "SELECT IF(@@timestamp = 1700000000.25, UNIX_TIMESTAMP(), 0)",
      "INSERT INTO T1 (t) VALUES (IF(@@timestamp = 1700000000.25, NOW(3), '2000-01-01'))",
    ],
  },
  {
    name: "insert_id",
    weight: 2,
    values: ["500", "600", "0"],
    effects: ["INSERT INTO T3 (n) VALUES (NUM)", "INSERT INTO T1 (n) VALUES (NULL), (NULL)"],
  },
  {
    name: "last_insert_id",
    weight: 2,
    values: ["77", "88", "18446744073709551615"],
    effects: ["SELECT LAST_INSERT_ID()", "SELECT @@identity, @@last_insert_id"],
  },
  { name: "identity", values: ["99"], effects: ["SELECT LAST_INSERT_ID()"] },
  {
    name: "auto_increment_increment",
    weight: 2,
    values: ["1", "10", "5"],
    effects: ["INSERT INTO T3 (n) VALUES (NUM), (NUM)"],
  },
  {
    name: "auto_increment_offset",
    values: ["1", "5"],
    effects: ["INSERT INTO T3 (n) VALUES (NUM)"],
  },
  {
    name: "sql_auto_is_null",
    weight: 2,
    values: SWITCH,
    // Where the INSERT was before the setting, another session may have been between: docs/pooling.md.
    effects: ["INSERT INTO T3 (n) VALUES (NUM)\nSELECT id, n FROM T3 WHERE id IS NULL"],
  },
  { name: "sql_big_selects", values: SWITCH },
  { name: "sql_buffer_result", values: SWITCH },
  { name: "sql_warnings", values: SWITCH, effects: ["INSERT IGNORE INTO T1 (n) VALUES (10)"] },
  {
    name: "sql_notes",
    values: SWITCH,
    effects: ["DROP TABLE IF EXISTS made_ME", "DROP TEMPORARY TABLE IF EXISTS made_ME"],
  },
  { name: "sql_quote_show_create", values: SWITCH, effects: ["SHOW CREATE TABLE T3"] },
  { name: "sql_log_off", values: SWITCH },
  { name: "sql_log_bin", values: SWITCH },
  { name: "big_tables", values: SWITCH },
  { name: "low_priority_updates", values: SWITCH },
  { name: "updatable_views_with_limit", values: ["0", "1"] },
  { name: "old_alter_table", values: SWITCH },
  { name: "keep_files_on_create", values: SWITCH },
  { name: "default_storage_engine", values: ["'MyISAM'", "'InnoDB'", "'MEMORY'", "'NONE'"] },
  { name: "default_tmp_storage_engine", values: ["'MyISAM'", "'InnoDB'"] },
  { name: "innodb_lock_wait_timeout", values: ["3", "5"] },
  { name: "lock_wait_timeout", values: ["4", "5"] },
  { name: "innodb_strict_mode", values: SWITCH },
  { name: "innodb_table_locks", values: SWITCH },
  { name: "optimizer_switch", values: ["'mrr=off'", "'semijoin=off'", "'default'", "'no=on'"] },
  { name: "optimizer_search_depth", values: ["0", "5"] },
  { name: "optimizer_prune_level", values: ["0", "1"] },
  { name: "join_buffer_size", values: SIZES },
  { name: "sort_buffer_size", values: SIZES },
  { name: "read_buffer_size", values: SIZES },
  { name: "read_rnd_buffer_size", values: SIZES },
  { name: "tmp_table_size", values: SIZES },
  { name: "bulk_insert_buffer_size", values: SIZES },
  { name: "myisam_sort_buffer_size", values: SIZES },
  { name: "range_alloc_block_size", values: SIZES },
  { name: "query_alloc_block_size", values: SIZES },
  { name: "transaction_prealloc_size", values: SIZES },
  { name: "long_query_time", values: ["5", "10.5", "100"] },
  { name: "min_examined_row_limit", values: ["0", "100"] },
  { name: "eq_range_index_dive_limit", values: ["0", "10"] },
  { name: "explicit_defaults_for_timestamp", values: SWITCH },
  { name: "session_track_schema", weight: 2, values: SWITCH, effects: ["USE {db2}", "USE {db}"] },
  {
    name: "session_track_state_change",
    weight: 3,
    values: SWITCH,
    effects: ["SET @v1 = 1", "USE {db}", "SELECT 1"],
  },
  {
    name: "session_track_system_variables",
    weight: 4,
    values: ["'*'", "''", "'sql_mode,time_zone'", "'autocommit,nonsense'", "NULL", "DEFAULT"],
    effects: ["SET sql_mode = 'ANSI'", "SET time_zone = '+01:00'", "SET NAMES latin1"],
  },
  {
    name: "session_track_transaction_info",
    weight: 3,
    values: ["'STATE'", "'CHARACTERISTICS'", "'OFF'"],
    effects: ["START TRANSACTION READ ONLY", "SELECT COUNT(*) FROM T1", "COMMIT"],
  },
  { name: "transaction_isolation", on: "mysql", weight: 2, values: ISOLATIONS() },
  { name: "tx_isolation", on: "mariadb", weight: 2, values: ISOLATIONS() },
  {
    name: "transaction_read_only",
    on: "mysql",
    weight: 2,
    values: SWITCH,
    effects: ["INSERT INTO T3 (n) VALUES (NUM)"],
  },
  {
    name: "tx_read_only",
    on: "mariadb",
    weight: 2,
    values: SWITCH,
    effects: ["INSERT INTO T3 (n) VALUES (NUM)"],
  },
  { name: "completion_type", values: ["0", "'CHAIN'", "'NO_CHAIN'", "3"], effects: ["COMMIT"] },
  {
    name: "block_encryption_mode",
    on: "mysql",
    values: ["'aes-256-cbc'", "'aes-128-ecb'"],
    effects: ["SELECT HEX(AES_ENCRYPT('text', 'key', '0123456789abcdef'))"],
  },
  { name: "default_collation_for_utf8mb4", on: "mysql", values: ["utf8mb4_general_ci"] },
  {
    name: "sql_require_primary_key",
    on: "mysql",
    values: SWITCH,
    effects: ["CREATE TEMPORARY TABLE keyless (id INT)", "DROP TEMPORARY TABLE IF EXISTS keyless"],
  },
  { name: "sql_generate_invisible_primary_key", on: "mysql", values: SWITCH },
  { name: "show_gipk_in_create_table_and_information_schema", on: "mysql", values: SWITCH },
  { name: "windowing_use_high_precision", on: "mysql", values: SWITCH },
  { name: "end_markers_in_json", on: "mysql", values: SWITCH },
  { name: "print_identified_with_as_hex", on: "mysql", values: SWITCH },
  { name: "internal_tmp_mem_storage_engine", on: "mysql", values: ["'MEMORY'", "'TempTable'"] },
  { name: "information_schema_stats_expiry", on: "mysql", values: ["0", "3600"] },
  { name: "explain_format", on: "mysql", values: ["'TRADITIONAL'", "'TREE'"] },
  { name: "resultset_metadata", on: "mysql", weight: 2, values: ["'NONE'", "'FULL'", "'FULL'"] },
  { name: "use_secondary_engine", on: "mysql", values: ["'OFF'", "'ON'"] },
  { name: "old_mode", on: "mariadb", values: ["''", "'NO_DUP_KEY_WARNINGS_WITH_IGNORE'"] },
  { name: "alter_algorithm", on: "mariadb", values: ["'COPY'", "'DEFAULT'"] },
  {
    name: "sql_if_exists",
    on: "mariadb",
    values: SWITCH,
    effects: ["DROP TABLE made_ME", "DROP TEMPORARY TABLE made_ME"],
  },
  { name: "check_constraint_checks", on: "mariadb", values: SWITCH },
  { name: "standard_compliant_cte", on: "mariadb", values: SWITCH },
  { name: "system_versioning_alter_history", on: "mariadb", values: ["'KEEP'", "'ERROR'"] },
  {
    name: "default_regex_flags",
    on: "mariadb",
    values: ["'DOTALL'", "'EXTENDED'", "''"],
    effects: ["SELECT 'a\\nb' REGEXP 'a.b'"],
  },
  { name: "note_verbosity", on: "mariadb", values: ["'basic'", "'all'", "''"] },
  { name: "idle_transaction_timeout", on: "mariadb", values: ["0", "3000"] },
  { name: "join_cache_level", on: "mariadb", values: ["0", "3"] },
  { name: "histogram_size", on: "mariadb", values: ["0", "10"] },
  { name: "storage_engine", on: "mariadb", values: ["'MyISAM'"] },
  { name: "gtid_domain_id", on: "mariadb", values: ["3", "0"] },
  { name: "query_cache_type", on: "mariadb", values: ["0", "1"] },
  { name: "progress_report_time", on: "mariadb", values: ["0", "56"] },
  // Not error_count or warning_count: MySQL 9.7 dies of SET @@error_count = DEFAULT.
  { name: "max_connections", values: ["5"] },
  { name: "no_such_variable", values: ["1"] },
];

/** Statements that a limit of recursion cuts short. */
function RECURSION(): string[] {
  return [
    "WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 5) SELECT * FROM r",
  ];
}

function ISOLATIONS(): string[] {
  return ["'READ-COMMITTED'", "'REPEATABLE-READ'", "'READ-UNCOMMITTED'", "'SERIALIZABLE'", "'NO'"];
}

const topic = new Topic("system variable");
for (const variable of VARIABLES) {
  const { name, on, weight } = variable;
  topic.add(name, (scribe) => useVariable(scribe, variable), {
    ...(on !== undefined && { on }),
    ...(weight !== undefined && { weight }),
  });
}

/** The kinds. */
export const SYSTEM_VARIABLES = topic.kinds;

function useVariable(scribe: Scribe, variable: Variable): void {
  const { random } = scribe;
  const { name, values, effects = [] } = variable;
  const value = random.oneIn(8) ? "DEFAULT" : random.pick(values);
  const forms = [
    `SET ${name} = ${value}`,
    `SET SESSION ${name} = ${value}`,
    `SET @@${name} = ${value}`,
    `SET @@session.${name} = ${value}`,
    `SET LOCAL ${name} := ${value}`,
    `SET @@local.${name}=${value}`,
  ];
  // The timestamp that is the default changes with the time of day: nobody looks at it.
  const shown = name !== "timestamp";
  if (shown) {
    forms.push(
      `SET @saved = @@${name}, ${name} = ${value}`,
      `SET SESSION ${name} = ${value}, @v1 = @@${name}`,
    );
  }
  scribe.sql(random.pick(forms));
  if (effects.length > 0 && !random.oneIn(4)) {
    for (const effect of random.pick(effects).split("\n")) scribe.sql(effect);
  }
  if (shown && random.oneIn(3)) {
    scribe.sql(random.pick([
      `SELECT @@${name}`,
      `SELECT @@session.${name} AS it`,
      `SHOW VARIABLES LIKE '${name}'`,
      `SHOW SESSION VARIABLES LIKE '${name}'`,
    ]));
  }
  if (random.oneIn(12)) scribe.sql(`SET ${name} = @saved`);
}
