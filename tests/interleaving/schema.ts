// The databases, accounts and routines of a lane, the same on both servers.
//
// Each session has tables of its own, named after its letter: a1 with columns of many types, which a
// program may alter and drop; a2 with triggers that set variables and write to a3; a4 without
// transactions; a5, which refers to a_parents. All sessions share common, whose rows may be locked
// for one statement only.

import type { ServerKind } from "../servers/mod.ts";
import { type SessionName, SESSIONS } from "./program.ts";
import type { StageNames } from "./stage.ts";

/** Makes a lane's databases, accounts and roles on a fresh server. */
export function laneStatements(kind: ServerKind, names: StageNames): string[] {
  const { db, db2, first, second, role1, role2 } = names;
  const how = (user: string) =>
    kind === "mariadb"
      ? `IDENTIFIED BY '${user}'`
      : `IDENTIFIED WITH caching_sha2_password BY '${user}'`;
  return [
    `CREATE DATABASE ${db} CHARACTER SET utf8mb4`,
    `CREATE USER '${first}'@'%' ${how(first)}`,
    `CREATE USER '${second}'@'%' ${how(second)}`,
    `CREATE ROLE ${role1}`,
    `CREATE ROLE ${role2}`,
    `GRANT ALL PRIVILEGES ON *.* TO '${first}'@'%' WITH GRANT OPTION`,
    `GRANT SELECT, INSERT, UPDATE, EXECUTE, CREATE TEMPORARY TABLES, LOCK TABLES ON ${db}.* TO '${second}'@'%'`,
    // Without it the second account's sessions keep their connections: see docs/pooling.md.
    ...(kind === "mysql"
      ? [`GRANT SELECT ON performance_schema.user_variables_by_thread TO '${second}'@'%'`]
      : []),
    `GRANT SELECT ON ${db2}.* TO ${role1}`,
    `GRANT ${role1} TO '${first}'@'%'`,
    `GRANT ${role2} TO '${first}'@'%'`,
    `GRANT ${role1} TO '${second}'@'%'`,
    `USE ${db}`,
    "CREATE TABLE common (id INT PRIMARY KEY AUTO_INCREMENT, who CHAR(1), n INT)",
    ...SESSIONS.flatMap((name) => ownLastingTables(name, kind)),
    ...(kind === "mariadb" ? SESSIONS.map((name) => `CREATE SEQUENCE ${name}_sequence`) : []),
    ...routines(),
    ...db2Statements(names),
    `USE ${db}`,
    ...SESSIONS.flatMap((name) => [ownTable(name), rowsOf(name)]),
  ];
}

/** A session's table that programs may alter. */
function ownTable(name: SessionName): string {
  return `CREATE TABLE ${name}1 (id INT PRIMARY KEY AUTO_INCREMENT, n INT, u BIGINT UNSIGNED,
    d DECIMAL(12,3), f DOUBLE, s VARCHAR(60) CHARACTER SET utf8mb4,
    l VARCHAR(30) CHARACTER SET latin1, b VARBINARY(30), t DATETIME(3), e ENUM('red','green'),
    x TEXT CHARACTER SET utf8mb4, j JSON, UNIQUE KEY n (n)) ENGINE = InnoDB CHARACTER SET utf8mb4`;
}

function rowsOf(name: SessionName): string {
  return `INSERT INTO ${name}1 (id, n, u, d, f, s, l, b, t, e, x, j) VALUES
    (1, 10, 18446744073709551615, 1.5, 0.25, 'één', 'ümlaut', 0x00ff, '2024-02-29 12:34:56.789',
      'red', 'first', '{"k": 1}'),
    (2, 20, 0, -2.125, -1e100, '日本', NULL, '', '1999-12-31 23:59:59', 'green', '', '[1, 2]'),
    (3, NULL, NULL, NULL, NULL, '', 'z', NULL, NULL, NULL, NULL, NULL)`;
}

function ownLastingTables(name: SessionName, kind: ServerKind): string[] {
  // On MySQL a write to MyISAM leaves a warning that one of the next statements has: which one, no
  // pool can tell.
  const notTransactional = kind === "mariadb" ? " ENGINE = MyISAM" : "";
  return [
    `CREATE TABLE ${name}_parents (id INT PRIMARY KEY)`,
    `INSERT INTO ${name}_parents VALUES (1), (2), (3)`,
    `CREATE TABLE ${name}5 (id INT PRIMARY KEY AUTO_INCREMENT, p INT,
      FOREIGN KEY (p) REFERENCES ${name}_parents (id))`,
    `CREATE TABLE ${name}2 (id INT PRIMARY KEY AUTO_INCREMENT, n INT NOT NULL, s VARCHAR(60))`,
    `CREATE TABLE ${name}3 (id INT PRIMARY KEY AUTO_INCREMENT, n INT)`,
    `CREATE TABLE ${name}4 (id INT PRIMARY KEY AUTO_INCREMENT, n INT)${notTransactional}`,
    `CREATE TRIGGER ${name}2_before BEFORE INSERT ON ${name}2 FOR EACH ROW
      SET @seen = CONCAT(COALESCE(@seen, ''), NEW.n, ','), NEW.s = COALESCE(NEW.s, @label)`,
    `CREATE TRIGGER ${name}2_after AFTER INSERT ON ${name}2 FOR EACH ROW
      INSERT INTO ${name}3 (n) VALUES (NEW.n), (NEW.n + 1)`,
    `CREATE VIEW ${name}_view AS SELECT id, n, s FROM ${name}2`,
  ];
}

function db2Statements({ db2 }: StageNames): string[] {
  return [
    `CREATE DATABASE IF NOT EXISTS ${db2} CHARACTER SET latin1 COLLATE latin1_german1_ci`,
    `USE ${db2}`,
    "CREATE TABLE IF NOT EXISTS a1 (elsewhere INT)",
    "CREATE TABLE IF NOT EXISTS common (id INT PRIMARY KEY, here VARCHAR(20))",
    "REPLACE INTO common VALUES (1, 'db2')",
  ];
}

function routines(): string[] {
  return [
    "CREATE FUNCTION f_label() RETURNS VARCHAR(60) CHARACTER SET utf8mb4 RETURN @label",
    `CREATE FUNCTION f_count() RETURNS INT BEGIN
      SET @calls = COALESCE(@calls, 0) + 1; RETURN @calls; END`,
    "CREATE FUNCTION f_setting() RETURNS INT BEGIN SET lc_time_names = 'de_DE'; RETURN 1; END",
    `CREATE FUNCTION f_common(number INT) RETURNS INT BEGIN
      INSERT INTO common (who, n) VALUES ('f', number); RETURN LAST_INSERT_ID(); END`,
    `CREATE PROCEDURE p_variables(value VARCHAR(60)) BEGIN
      SET @from_procedure = value, @label = CONCAT('p-', value); END`,
    `CREATE PROCEDURE p_out(a INT, OUT b INT, INOUT c VARCHAR(60)) BEGIN
      SET b = a + 1, c = CONCAT(c, '!'); END`,
    `CREATE PROCEDURE p_results() BEGIN
      SELECT 1 AS one; SELECT 2 AS two UNION ALL SELECT 3; SET @results = 'given'; END`,
    `CREATE PROCEDURE p_setting() BEGIN
      SET SESSION group_concat_max_len = 77; SET time_zone = '+05:30'; END`,
    `CREATE PROCEDURE p_temporary() BEGIN
      CREATE TEMPORARY TABLE IF NOT EXISTS kept (id INT PRIMARY KEY AUTO_INCREMENT, v INT);
      INSERT INTO kept (v) VALUES (5); END`,
    `CREATE PROCEDURE p_warning() BEGIN
      SIGNAL SQLSTATE '01000' SET MESSAGE_TEXT = 'careful', MYSQL_ERRNO = 1642; END`,
    `CREATE PROCEDURE p_error() BEGIN
      SET @before_error = 'set'; SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no further'; END`,
    `CREATE PROCEDURE p_handled() BEGIN
      DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN
        GET DIAGNOSTICS CONDITION 1 @handled = MESSAGE_TEXT; END;
      SELECT * FROM nowhere_at_all; SELECT @handled AS handled; END`,
    `CREATE PROCEDURE p_prepared() BEGIN
      PREPARE inner_one FROM 'SELECT ? AS given'; SET @inner = 7; EXECUTE inner_one USING @inner; END`,
    "CREATE PROCEDURE p_begin() BEGIN START TRANSACTION; SET @begun = 1; END",
    `CREATE PROCEDURE p_common(number INT) BEGIN
      INSERT INTO common (who, n) VALUES ('p', number); SELECT LAST_INSERT_ID() AS id; END`,
    `CREATE VIEW v_functions AS SELECT f_label() AS label, LAST_INSERT_ID() AS id,
      FOUND_ROWS() AS found, DATABASE() AS current, CURRENT_USER() AS who`,
  ];
}

const DDL = /\b(?:CREATE|DROP)\b(?! TEMPORARY)|\b(?:ALTER|TRUNCATE|RENAME)\b/i;

/** Whether a statement may leave other tables behind, and not only other rows. */
export function changesTables(sql: string): boolean {
  return DDL.test(sql);
}

/** What is to be put right. */
export interface Repair {
  readonly kind: ServerKind;
  readonly names: StageNames;
  /** Sessions that may have changed rows. */
  readonly sessions: readonly SessionName[];
  /** Sessions that may have changed what tables there are. */
  readonly changed: readonly SessionName[];
  /** Sessions to whose tables rows may have been refused: their counters begin anew. */
  readonly refused: readonly SessionName[];
}

/**
 * Whether a statement writes to the table with a foreign key. How many ids a refused row takes hangs,
 * on MySQL, on whether its connection has written before.
 */
export function mayBeRefused(sql: string, name: SessionName): boolean {
  return new RegExp(`\\b${name}5\\b`, "i").test(sql);
}

/** Gives the sessions' tables their rows again, and makes those anew that may be other ones now. */
export function repairStatements(
  { kind, names, sessions, changed, refused }: Repair,
): string[] {
  const { db } = names;
  return [
    ...(changed.length > 0 ? db2Statements(names) : []),
    `USE ${db}`,
    "DELETE FROM common",
    "INSERT INTO common (who, n) VALUES ('-', 1), ('-', 2)",
    ...changed.flatMap((name) => [
      `DROP TABLE IF EXISTS ${name}1, ${name}1_moved, made_${name}, copy_${name}`,
      `DROP VIEW IF EXISTS view_${name}`,
      `DROP PROCEDURE IF EXISTS proc_${name}`,
      `DROP FUNCTION IF EXISTS func_${name}`,
      ...(kind === "mariadb" ? [`DROP SEQUENCE IF EXISTS seq_${name}`] : []),
      ownTable(name),
    ]),
    ...sessions.flatMap((name) => [
      ...(changed.includes(name) ? [] : [`DELETE FROM ${name}1`]),
      rowsOf(name),
      ...[2, 3, 4].map((number) => `DELETE FROM ${name}${number}`),
      `${refused.includes(name) ? "TRUNCATE TABLE" : "DELETE FROM"} ${name}5`,
      `INSERT INTO ${name}5 (p) VALUES (1), (NULL)`,
    ]),
  ];
}

/** Makes tables, rows and counters as they were at first, whatever has been done to them. */
export function renewalStatements(
  kind: ServerKind,
  { sessions, names }: { readonly sessions: readonly SessionName[]; readonly names: StageNames },
): string[] {
  return [
    `USE ${names.db}`,
    "TRUNCATE TABLE common",
    ...sessions.flatMap((name) => [
      ...[2, 3, 4, 5].map((number) => `TRUNCATE TABLE ${name}${number}`),
      ...(kind === "mariadb" ? [`ALTER SEQUENCE ${name}_sequence RESTART`] : []),
    ]),
    ...repairStatements({ kind, names, sessions, changed: sessions, refused: [] }),
  ];
}

/** Shows whether the tables of two servers have the same rows. */
export function checksumStatement(sessions: readonly SessionName[], { db }: StageNames): string {
  const tables = sessions.flatMap((name) => [1, 2, 3, 4, 5].map((number) => `${name}${number}`));
  return `CHECKSUM TABLE ${[...tables, "common"].map((name) => `${db}.${name}`).join(", ")}`;
}
