// What the last statement left: insert ids, counts, warnings and errors, by every way to ask.

import { Topic } from "./kind.ts";

/** Statements that leave warnings. */
const WARNING = [
  "SELECT CAST('x' AS SIGNED), CAST('12y' AS SIGNED)",
  "DROP TEMPORARY TABLE IF EXISTS made_ME",
  "INSERT IGNORE INTO T1 (id, n) VALUES (1, 10), (2, 11)",
  "UPDATE IGNORE T1 SET n = 10",
  "INSERT IGNORE INTO T1 (d, e) VALUES (1.23456, 'blue')",
  "SELECT 'abc' + 1, '5x' * 2",
  "INSERT IGNORE INTO T1 (u) VALUES (-1)",
  "SELECT @v1 := 1, @v1 := 2",
  "CALL p_warning()",
  "SIGNAL SQLSTATE '01000' SET MESSAGE_TEXT = 'own warning', MYSQL_ERRNO = 1642",
];

/** Statements that fail. */
const ERROR = [
  "SELECT nothing FROM T1",
  "SELECT * FROM no_such_table",
  "INSERT INTO T1 (id) VALUES (1)",
  "SELEKT 1",
  "CALL p_error()",
  "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'own error', MYSQL_ERRNO = 5001",
  "CALL no_such_procedure()",
  "SELECT (SELECT id FROM T1)",
];

const topic = new Topic("diagnostics")
  .add("a warning", WARNING, { weight: 6 })
  .add("an error", ERROR, { weight: 5 })
  .add("SHOW WARNINGS", ["SHOW WARNINGS", "SHOW WARNINGS LIMIT 1", "SHOW WARNINGS LIMIT 1, 2"], {
    weight: 5,
  })
  .add("SHOW ERRORS", ["SHOW ERRORS", "SHOW ERRORS LIMIT 1"], { weight: 2 })
  .add("SHOW COUNT(*)", ["SHOW COUNT(*) WARNINGS", "SHOW COUNT(*) ERRORS"], { weight: 2 })
  .add("@@warning_count", [
    "SELECT @@warning_count",
    "SELECT @@error_count, @@warning_count",
    "SELECT @@session.warning_count + 1",
    "SET @v1 = @@warning_count",
  ], { weight: 3 })
  .add("a warning and its list", (scribe) => {
    scribe.sql(scribe.random.pick(WARNING));
    scribe.text(scribe.random.pick(["SHOW WARNINGS", "SHOW COUNT(*) WARNINGS"]));
  }, { weight: 3 })
  .add("an error and its list", (scribe) => {
    scribe.sql(scribe.random.pick(ERROR));
    scribe.text(scribe.random.pick(["SHOW WARNINGS", "SHOW ERRORS", "SELECT @@error_count"]));
  }, { weight: 3 })
  .add("GET DIAGNOSTICS", [
    "GET DIAGNOSTICS @v1 = NUMBER, @v2 = ROW_COUNT",
    "GET CURRENT DIAGNOSTICS @v2 = ROW_COUNT",
  ], { weight: 2 })
  .add("GET DIAGNOSTICS of a condition", [
    "GET DIAGNOSTICS CONDITION 1 @v1 = RETURNED_SQLSTATE, @message = MESSAGE_TEXT",
    "GET DIAGNOSTICS CONDITION 2 @v3 = MYSQL_ERRNO",
    "GET DIAGNOSTICS CONDITION @@warning_count @v3 = MYSQL_ERRNO",
  ], { weight: 2 })
  .add("LAST_INSERT_ID()", "SELECT LAST_INSERT_ID()", { weight: 5 })
  .add("LAST_INSERT_ID() in an expression", [
    "SELECT LAST_INSERT_ID() + 1 AS next, last_insert_id( )",
    "SELECT id FROM T3 WHERE id = LAST_INSERT_ID()",
    "SELECT * FROM (SELECT LAST_INSERT_ID() AS x) AS d",
    "SELECT IF(LAST_INSERT_ID() > 0, 'some', 'none')",
    "SELECT id, LAST_INSERT_ID() FROM T1 ORDER BY id",
  ], { weight: 3 })
  .add("LAST_INSERT_ID() under another name", ["SELECT @@last_insert_id", "SELECT @@identity"])
  .add("LAST_INSERT_ID(n)", [
    "SELECT LAST_INSERT_ID(42)",
    "DO LAST_INSERT_ID(43)",
    "SELECT LAST_INSERT_ID(NULL)",
    "SELECT LAST_INSERT_ID(id) FROM T1 ORDER BY id",
  ], { weight: 2 })
  .add("LAST_INSERT_ID(n) in UPDATE", "UPDATE T1 SET u = LAST_INSERT_ID(id + 100) WHERE id = 2")
  .add("LAST_INSERT_ID() written", [
    "INSERT INTO T3 (n) VALUES (LAST_INSERT_ID())",
    "UPDATE T1 SET u = LAST_INSERT_ID() WHERE id = 1",
    "INSERT INTO T4 (n) SELECT LAST_INSERT_ID()",
  ], { weight: 2 })
  .add("LAST_INSERT_ID() in SET", ["SET @v1 = LAST_INSERT_ID()", "SET @v2 = LAST_INSERT_ID() + 1"])
  // The view's FOUND_ROWS() and LAST_INSERT_ID() may be another session's: docs/pooling.md.
  .add("facts of the session in a view", "SELECT who, current FROM v_functions")
  .add("LAST_INSERT_ID() prepared before", (scribe) => {
    const handle = scribe.prepare("SELECT LAST_INSERT_ID(), ROW_COUNT()");
    scribe.text("INSERT INTO T3 (n) VALUES (NUM), (NUM)");
    scribe.execute(handle);
  }, { weight: 2 })
  .add("ROW_COUNT()", ["SELECT ROW_COUNT()", "SELECT ROW_COUNT() AS n, 1"], { weight: 4 })
  .add("ROW_COUNT() in an expression", [
    "SET @v1 = ROW_COUNT()",
    "SELECT ABS(ROW_COUNT()) + 1",
    "INSERT INTO T3 (n) VALUES (ROW_COUNT())",
    "DO ROW_COUNT()",
  ])
  .add("ROW_COUNT() after a write", (scribe) => {
    scribe.sql(scribe.random.pick([
      "INSERT INTO T3 (n) VALUES (1), (2), (3)",
      "DELETE FROM T3",
      "UPDATE T1 SET f = 5",
      "REPLACE INTO T1 (id, n) VALUES (1, 20)",
    ]));
    scribe.sql("SELECT ROW_COUNT()");
  }, { weight: 2 })
  .add("FOUND_ROWS()", ["SELECT FOUND_ROWS()", "SELECT FOUND_ROWS() + 0 AS n"], { weight: 4 })
  .add("SQL_CALC_FOUND_ROWS", [
    "SELECT SQL_CALC_FOUND_ROWS d FROM T1 LIMIT 1",
    "SELECT SQL_CALC_FOUND_ROWS id FROM T1 ORDER BY id LIMIT 1, 1",
    "SELECT SQL_CALC_FOUND_ROWS id FROM T1 WHERE id > 1 GROUP BY id ORDER BY id LIMIT 1",
  ], { weight: 3 })
  .add("SQL_CALC_FOUND_ROWS and the count", {
    all: ["SELECT SQL_CALC_FOUND_ROWS id FROM T1 ORDER BY id LIMIT 1", "SELECT FOUND_ROWS()"],
  }, { weight: 2 })
  .add("FOUND_ROWS() after LIMIT", {
    all: ["SELECT id FROM T1 ORDER BY id LIMIT 2", "SELECT FOUND_ROWS()"],
  })
  .add("FOUND_ROWS() after UNION", {
    all: ["(SELECT 1) UNION ALL (SELECT 2) LIMIT 1", "SELECT FOUND_ROWS()"],
  })
  .add("FOUND_ROWS() in SET", ["SET @v2 = FOUND_ROWS()", "INSERT INTO T3 (n) SELECT FOUND_ROWS()"])
  .add("FOUND_ROWS() after an empty result", {
    all: ["SELECT id FROM T1 WHERE id < 0", "SELECT FOUND_ROWS()"],
  })
  .add("all of them", [
    "SELECT ROW_COUNT(), FOUND_ROWS(), LAST_INSERT_ID(), @@warning_count, @@error_count",
    "SET @v1 = FOUND_ROWS(), @v2 = ROW_COUNT(), @v3 = LAST_INSERT_ID()",
  ], { weight: 4 })
  .add("in a procedure", "CALL p_handled()")
  .add("RESIGNAL outside a handler", "RESIGNAL");

/** The kinds. */
export const DIAGNOSTICS = topic.kinds;
