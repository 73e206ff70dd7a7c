// Temporary tables, tables that change, views, and what is said about them.

import { Topic } from "./kind.ts";

const temporary = new Topic("temporary table")
  .add("made", [
    "CREATE TEMPORARY TABLE made_ME (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(20))",
    "CREATE TEMPORARY TABLE IF NOT EXISTS made_ME (id INT)",
    "CREATE TEMPORARY TABLE made_ME SELECT id, s FROM T1",
    "CREATE TEMPORARY TABLE made_ME LIKE T3",
  ], { weight: 3 })
  .add("used", [
    "INSERT INTO made_ME () VALUES ()",
    "SELECT * FROM made_ME",
    "SELECT COUNT(*) FROM made_ME",
    "SHOW COLUMNS FROM made_ME",
    "ALTER TABLE made_ME ADD COLUMN extra INT DEFAULT 4",
  ], { weight: 3 })
  .add("dropped", [
    "DROP TEMPORARY TABLE made_ME",
    "DROP TEMPORARY TABLE IF EXISTS made_ME",
    "DROP TABLE IF EXISTS made_ME",
  ], { weight: 3 })
  .add("emptied", "TRUNCATE TABLE made_ME")
  .add("whole", {
    all: [
      "CREATE TEMPORARY TABLE made_ME (id INT AUTO_INCREMENT PRIMARY KEY, v INT)",
      "INSERT INTO made_ME (v) VALUES (NUM), (NUM)",
      "SELECT id, v, LAST_INSERT_ID() FROM made_ME ORDER BY id",
      "DROP TEMPORARY TABLE made_ME",
    ],
  }, { weight: 2 })
  .add("over a real one", {
    all: [
      "CREATE TEMPORARY TABLE T3 (only_here INT)",
      "SELECT * FROM T3",
      "INSERT INTO T3 VALUES (5)",
      "DROP TEMPORARY TABLE T3",
      "SELECT COUNT(*) FROM T3",
    ],
  }, { weight: 2 })
  .add("over a real one, left", ["CREATE TEMPORARY TABLE T3 (only_here INT)"])
  .add("renamed", {
    all: [
      "CREATE TEMPORARY TABLE made_ME (id INT)",
      "ALTER TABLE made_ME RENAME TO copy_ME",
      "SELECT * FROM copy_ME",
      "DROP TEMPORARY TABLE copy_ME",
    ],
  })
  .add("in a transaction", {
    all: [
      "BEGIN",
      "CREATE TEMPORARY TABLE made_ME (id INT) ENGINE = InnoDB",
      "INSERT INTO made_ME VALUES (1)",
      "ROLLBACK",
      "SELECT * FROM made_ME",
      "DROP TEMPORARY TABLE made_ME",
    ],
  })
  .add("of a procedure", { all: ["CALL p_temporary()", "SELECT * FROM kept"] })
  .add("in another schema", "CREATE TEMPORARY TABLE {db2}.made_ME AS SELECT 1 AS x");

const definitions = new Topic("definition")
  .add("CREATE TABLE", [
    "CREATE TABLE made_ME (id INT)",
    "CREATE TABLE IF NOT EXISTS made_ME (id INT)",
    "CREATE TABLE copy_ME LIKE T1",
    "CREATE TABLE made_ME AS SELECT id, s FROM T1",
  ], { weight: 2 })
  .add("DROP TABLE", ["DROP TABLE made_ME", "DROP TABLE IF EXISTS made_ME, copy_ME"], {
    weight: 2,
  })
  .add("ALTER TABLE", [
    "ALTER TABLE T1 ADD COLUMN extra VARCHAR(10) DEFAULT 'more'",
    "ALTER TABLE T1 DROP COLUMN extra",
    "ALTER TABLE T1 MODIFY n BIGINT",
    "ALTER TABLE T1 AUTO_INCREMENT = 700",
    "ALTER TABLE T1 CONVERT TO CHARACTER SET utf8mb3",
  ], { weight: 2 })
  .add("TRUNCATE", ["TRUNCATE TABLE T1", "TRUNCATE made_ME"])
  .add("RENAME TABLE", {
    all: [
      "RENAME TABLE T1 TO T1_moved",
      "SELECT id FROM T1_moved ORDER BY id",
      "RENAME TABLE T1_moved TO T1",
    ],
  })
  .add("CREATE VIEW", (scribe) => {
    scribe.text("CREATE OR REPLACE VIEW view_ME AS SELECT id, s FROM T1");
    scribe.sql("SELECT * FROM view_ME ORDER BY id");
    scribe.text("DROP VIEW view_ME");
  })
  .add("a view that fails", "CREATE VIEW view_ME AS SELECT @v1")
  .add("CREATE PROCEDURE", (scribe) => {
    scribe.text("CREATE PROCEDURE proc_ME() SET @made = 'by proc'");
    scribe.sql("CALL proc_ME()");
    scribe.sql("SELECT @made");
    scribe.text("DROP PROCEDURE proc_ME");
  })
  .add("CREATE FUNCTION", (scribe) => {
    scribe.text("CREATE FUNCTION func_ME() RETURNS INT DETERMINISTIC RETURN @v1");
    scribe.sql("SELECT func_ME()");
    scribe.text("DROP FUNCTION func_ME");
  })
  .add("sql_mode kept in a routine", (scribe) => {
    scribe.text("SET sql_mode = 'PIPES_AS_CONCAT'");
    scribe.text("CREATE FUNCTION func_ME() RETURNS VARCHAR(9) DETERMINISTIC RETURN 'a' || 'b'");
    scribe.text("SET sql_mode = ''");
    scribe.sql("SELECT func_ME()");
    scribe.text("DROP FUNCTION IF EXISTS func_ME");
  })
  .add("a trigger", {
    all: [
      "CREATE TRIGGER made_ME BEFORE UPDATE ON T1 FOR EACH ROW SET @updated = OLD.id",
      "UPDATE T1 SET f = 9 WHERE id = 2",
      "SELECT @updated",
    ],
  }, { text: true })
  .add("charset kept in a table", (scribe) => {
    scribe.text("SET NAMES latin1");
    scribe.text("CREATE TABLE made_ME AS SELECT 'x' AS c, @label AS l");
    scribe.text("SHOW CREATE TABLE made_ME");
    scribe.text("DROP TABLE made_ME");
  })
  .add("a table's engine", {
    all: [
      "SET default_storage_engine = 'MyISAM'",
      "CREATE TABLE made_ME (id INT)",
      "SHOW CREATE TABLE made_ME",
      "SET default_storage_engine = DEFAULT",
      "DROP TABLE made_ME",
    ],
  }, { text: true })
  .add("OPTIMIZE and the like", ["CHECK TABLE T4", "ANALYZE TABLE T4", "CHECKSUM TABLE T3"]);

const metadata = new Topic("metadata")
  .add("SHOW TABLES", ["SHOW TABLES LIKE 'ME%'", "SHOW FULL TABLES LIKE 'common'"])
  .add("SHOW COLUMNS", ["SHOW COLUMNS FROM T1", "SHOW FULL COLUMNS FROM T3", "DESCRIBE T2"])
  .add("SHOW CREATE", [
    "SHOW CREATE TABLE T2",
    "SHOW CREATE VIEW v_functions",
    "SHOW CREATE DATABASE {db2}",
  ])
  .add("SHOW GRANTS", ["SHOW GRANTS", "SHOW GRANTS FOR CURRENT_USER()"])
  .add("SHOW CHARACTER SET", [
    "SHOW CHARACTER SET LIKE 'latin1'",
    "SHOW COLLATION LIKE 'utf8mb4_bin'",
  ])
  .add("SHOW VARIABLES", [
    "SHOW VARIABLES LIKE 'sql_%'",
    "SHOW VARIABLES LIKE '%isolation'",
    "SHOW VARIABLES LIKE 'auto%'",
    "SHOW SESSION VARIABLES LIKE 'time_zone'",
    "SHOW VARIABLES WHERE Variable_name IN ('sql_mode', 'wait_timeout')",
    "SHOW GLOBAL VARIABLES LIKE 'sql_mode'",
  ], { weight: 2 })
  .add("all variables", ALL_VARIABLES(), { weight: 2 })
  .add("session_variables", [
    "SELECT VARIABLE_VALUE FROM performance_schema.session_variables " +
    "WHERE VARIABLE_NAME IN ('sql_mode', 'time_zone', 'autocommit') ORDER BY VARIABLE_NAME",
  ], { on: "mysql" })
  .add("SESSION_VARIABLES", [
    "SELECT VARIABLE_NAME, VARIABLE_VALUE FROM information_schema.SESSION_VARIABLES " +
    "WHERE VARIABLE_NAME IN ('SQL_MODE', 'TIME_ZONE', 'AUTOCOMMIT', 'INSERT_ID') ORDER BY 1",
  ], { on: "mariadb" })
  .add("variables_by_thread", [
    "SELECT VARIABLE_VALUE FROM performance_schema.variables_by_thread WHERE THREAD_ID = " +
    "PS_CURRENT_THREAD_ID() AND VARIABLE_NAME IN ('sql_mode', 'time_zone') ORDER BY VARIABLE_NAME",
  ], { on: "mysql" })
  .add("who one is", [
    "SELECT USER(), CURRENT_USER(), SESSION_USER()",
    "SELECT CURRENT_USER, SYSTEM_USER()",
    "SELECT @@hostname = @@hostname, VERSION(), @@version_comment",
  ], { weight: 2 })
  .add("which connection one is", [
    "SELECT CONNECTION_ID() = {id} AS mine",
    "SELECT CONNECTION_ID()",
    "SELECT CONNECTION_ID() AS id, 5",
    "SET @v1 = CONNECTION_ID() = {id}",
  ], { weight: 2 })
  .add("EXPLAIN", ["EXPLAIN SELECT 1", "DESC SELECT 1"])
  .add("HELP", "HELP 'nothing_of_the_kind'");

/** Everything a session has, but for what hangs on the server's port, folder or past. */
function ALL_VARIABLES(): string {
  const apart =
    "dir$|file|socket|statement_id|basename|_index$|log_error|uuid|server_uid|timestamp|pseudo_thread_id|rand_seed|" +
    "last_gtid|gtid_binlog|gtid_current|(^|_)port$|dir_";
  return `SHOW SESSION VARIABLES WHERE Variable_name NOT REGEXP '${apart}'`;
}

/** The kinds. */
export const TABLES = [...temporary.kinds, ...definitions.kinds, ...metadata.kinds];
