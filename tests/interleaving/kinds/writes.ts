// Statements that write rows, and some that read them.

import { Topic } from "./kind.ts";

const writes = new Topic("write")
  .add("INSERT", [
    "INSERT INTO T1 (n, s) VALUES (NUM, STR)",
    "INSERT INTO T1 (s, l) VALUES (STR, STR)",
    "INSERT INTO T3 (n) VALUES (NUM)",
    "INSERT INTO T1 SET n = NUM, d = 5.5",
  ], { weight: 5 })
  .add("INSERT of several rows", [
    "INSERT INTO T3 (n) VALUES (1), (2), (3)",
    "INSERT INTO T1 (s) VALUES (STR), (STR)",
  ], { weight: 2 })
  .add("INSERT with an id", [
    "INSERT INTO T1 (id, n) VALUES (NUM, NULL)",
    "INSERT INTO T3 (id, n) VALUES (900, 1), (NULL, 2), (0, 3)",
    "INSERT INTO T3 (id, n) VALUES (-5, 1)",
  ], { weight: 2 })
  .add("INSERT of a duplicate", [
    "INSERT INTO T1 (id) VALUES (1)",
    "INSERT INTO T1 (n) VALUES (10)",
    "INSERT INTO T3 (n) VALUES (1), ((SELECT id FROM T1))",
  ], { weight: 2 })
  .add("INSERT IGNORE", ["INSERT IGNORE INTO T1 (id, n) VALUES (1, 1), (50, 20), (51, 51)"])
  .add("INSERT … ON DUPLICATE KEY UPDATE", [
    "INSERT INTO T1 (id, n) VALUES (1, 99) ON DUPLICATE KEY UPDATE u = 5",
    "INSERT INTO T1 (n) VALUES (10), (30) ON DUPLICATE KEY UPDATE f = f + 1",
    "INSERT INTO T1 (n) VALUES (20) ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id), f = 3",
    "INSERT INTO T1 (id, u) VALUES (2, 0) ON DUPLICATE KEY UPDATE u = VALUES(u)",
  ], { weight: 3 })
  .add("INSERT … SELECT", [
    "INSERT INTO T3 (n) SELECT n FROM T1 ORDER BY id",
    "INSERT INTO T3 (n) SELECT id FROM T1 WHERE id < 0",
    "INSERT INTO T1 (s) SELECT CONCAT('copy', id) FROM T1 ORDER BY id",
  ], { weight: 2 })
  .add("INSERT with triggers", [
    "INSERT INTO T2 (n) VALUES (NUM)",
    "INSERT INTO T2 (n, s) VALUES (4, 'x'), (5, NULL)",
    "INSERT INTO T2 (n) SELECT id FROM T1 ORDER BY id",
  ], { weight: 4 })
  .add("INSERT without a value", ["INSERT INTO T1 () VALUES ()", "INSERT INTO T2 () VALUES ()"])
  .add("INSERT of what does not fit", [
    "INSERT INTO T1 (e) VALUES ('blue')",
    "INSERT INTO T1 (d) VALUES ('1.23456'), (1e20)",
    "INSERT INTO T1 (b) VALUES (REPEAT('x', 40))",
    "INSERT INTO T1 (j) VALUES ('{')",
  ])
  .add("INSERT into the common table", [
    "INSERT INTO common (who, n) VALUES ('ME', NUM)",
    "INSERT INTO common (who, n) VALUES ('ME', 1), ('ME', 2)",
  ], { text: true, weight: 2 })
  .add("UPDATE of the common table", "UPDATE common SET n = n + 1 ORDER BY id LIMIT 1", {
    text: true,
  })
  .add("DELETE from the common table", "DELETE FROM common WHERE who = 'ME' LIMIT 1", {
    text: true,
  })
  .add("REPLACE", [
    "REPLACE INTO T1 (id, n) VALUES (1, 10)",
    "REPLACE INTO T1 (id, n) VALUES (2, 10)",
    "REPLACE INTO T3 (n) VALUES (NUM), (NUM)",
    "REPLACE INTO T3 (id, n) SELECT id, n FROM T1 ORDER BY id",
  ], { weight: 2 })
  .add("UPDATE", [
    "UPDATE T1 SET s = STR WHERE id = 1",
    "UPDATE T1 SET f = 1",
    "UPDATE T1 SET f = f",
    "UPDATE T1 SET n = NULL WHERE id = 99",
    "UPDATE T1 SET id = id + 100 ORDER BY id DESC",
    "UPDATE T1 SET n = 10 WHERE id = 2",
  ], { weight: 3 })
  .add("UPDATE of two tables", "UPDATE T1 x JOIN T1 y ON x.id = y.id SET x.f = y.id")
  .add("DELETE", [
    "DELETE FROM T1 WHERE id = 3",
    "DELETE FROM T1 ORDER BY id LIMIT 1",
    "DELETE FROM T3",
    "DELETE FROM T1 WHERE id = 12345",
  ], { weight: 2 })
  .add("DELETE from two tables", "DELETE x FROM T1 x JOIN T1 y ON y.id = x.id + 1")
  .add("a table without transactions", [
    "INSERT INTO T4 (n) VALUES (NUM), (NUM)",
    "UPDATE T4 SET n = n + 1",
    "DELETE FROM T4 LIMIT 1",
  ], { weight: 2 })
  .add("LOAD DATA LOCAL", [
    "LOAD DATA LOCAL INFILE 'any' INTO TABLE T3 (id, @w) SET n = id",
    "LOAD DATA LOCAL INFILE 'any' IGNORE INTO TABLE T1 (id, s)",
    "LOAD DATA LOCAL INFILE 'any' INTO TABLE no_such_table",
  ], { text: true })
  .add("RETURNING", [
    "INSERT INTO T3 (n) VALUES (NUM), (NUM) RETURNING id, n",
    "DELETE FROM T3 ORDER BY id LIMIT 1 RETURNING id",
    "REPLACE INTO T1 (id, n) VALUES (1, 5) RETURNING id, n, LAST_INSERT_ID()",
  ], { on: "mariadb", weight: 3 })
  .add("VALUES as rows", "INSERT INTO T3 (n) VALUES ROW(1), ROW(2)", { on: "mysql" })
  .add("a new row by its alias", [
    "INSERT INTO T1 (id, u) VALUES (1, 3) AS new ON DUPLICATE KEY UPDATE u = new.u",
  ], { on: "mysql" })
  .add("several statements at once", [
    "INSERT INTO T3 (n) VALUES (1); SELECT LAST_INSERT_ID(), ROW_COUNT()",
    "SET @v1 = 1; SET @v2 = @v1 + 1; SELECT @v1, @v2",
    "SELECT 1; SELECT nothing; SELECT 3",
    "SET sql_mode = ''; SELECT 1 || 0; SHOW WARNINGS",
    "BEGIN; INSERT INTO T3 (n) VALUES (NUM); COMMIT; SELECT COUNT(*) FROM T3",
    "USE {db2}; SELECT DATABASE(); USE {db}",
    "SELECT SQL_CALC_FOUND_ROWS id FROM T1 ORDER BY id LIMIT 1; SELECT FOUND_ROWS()",
    "SET @v3 = 9; SELECT * FROM no_such_table",
    "SELECT 1; ",
    "DO 1; DO 2; INSERT INTO T1 (id) VALUES (1), (2)",
  ], { text: true, weight: 4 });

const reads = new Topic("read")
  .add("all columns", ["SELECT * FROM T1 ORDER BY id", "SELECT * FROM T3 ORDER BY id"], {
    weight: 3,
  })
  .add("types", "SELECT id, u, d, f, b, t, e, j FROM T1 ORDER BY id", { weight: 2 })
  .add("a literal of each type", [
    "SELECT 1, -1, 1.5, 1e3, 'x', x'41', NULL, TRUE, DATE'2024-01-01', b'101'",
    "SELECT 18446744073709551615, 9223372036854775807 + 0, 0.0, '', _latin1'x'",
  ])
  .add("the common table", "SELECT who, n FROM common ORDER BY id", { weight: 2 })
  .add("a view", ["SELECT * FROM ME_view ORDER BY id", "SELECT label, who FROM v_functions"])
  .add("a join", "SELECT x.id, y.n FROM T1 x LEFT JOIN T1 y ON y.id = x.id + 1 ORDER BY x.id")
  .add("an aggregate", "SELECT e, COUNT(*), SUM(d), AVG(f) FROM T1 GROUP BY e ORDER BY e")
  .add("a window", "SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS r FROM T1 ORDER BY id")
  .add("a union", "SELECT id FROM T1 UNION SELECT 9 ORDER BY 1")
  .add("a recursion", [
    "WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 8) SELECT i FROM r",
  ])
  .add("many rows", [
    "WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 400) " +
    "SELECT i, REPEAT('x', 100) FROM r",
  ])
  .add("FOR UPDATE", [
    "SELECT id FROM T1 WHERE id = 1 FOR UPDATE",
    "SELECT id FROM T1 ORDER BY id FOR UPDATE",
  ])
  .add("LOCK IN SHARE MODE", "SELECT id FROM T1 ORDER BY id LOCK IN SHARE MODE")
  .add("an error in the middle of rows", [
    "SELECT id, IF(id = 2, (SELECT 1 UNION ALL SELECT 2), 0) FROM T1 ORDER BY id",
    "SELECT CAST(18446744073709551615 AS SIGNED) + id, EXP(id * 400) FROM T1 ORDER BY id",
  ])
  .add("no table", ["SELECT 1", "SELECT 1 AS `a b`, 'x' AS ``", "DO 1"], { weight: 2 })
  .add("an empty statement", ["", " ", "-- only a comment", "/* */"], { text: true });

/** The kinds. */
export const WRITES = [...writes.kinds, ...reads.kinds];
