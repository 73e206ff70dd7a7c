// The behaviours every client is put through, direct and through the proxy.

import { join } from "node:path";
import {
  type Behaviour,
  bytes,
  connect,
  double,
  execute,
  fetch,
  int,
  NULL,
  prepare,
  query,
  type Setting,
  type Step,
  text,
  unsigned,
} from "./script.ts";

/** File that `LOAD DATA LOCAL INFILE` steps read; the runner writes it. */
export const INFILE = "infile.tsv";
/** Its text: three good rows and one with a value too long for its column. */
export const INFILE_TEXT = "1\tone\n2\tzwei\n3\t\\N\n4\tfar too long a value\n";

/** The behaviour that comes last and prints "again". */
export const END = "end";

/** All behaviours for one server and database. */
export function behaviours(setting: Setting): Behaviour[] {
  const { accounts, database, kind } = setting;
  const app = (
    ...options: Parameters<typeof connect> extends [unknown, unknown, ...infer Rest] ? Rest
      : never
  ) => connect(accounts.app, database, ...options);
  const list: Behaviour[] = [];
  const add = (name: string, ...steps: readonly Step[]) =>
    list.push({ name, steps, isLarge: false });
  const addLarge = (name: string, ...steps: readonly Step[]) =>
    list.push({ name, steps, isLarge: true });

  add(
    "login",
    app(),
    ["info"],
    query("SELECT 1, USER(), CURRENT_USER(), DATABASE()"),
    query("SELECT @@version, @@version_comment, @@character_set_client, @@sql_mode"),
  );
  add("accounts", ...loginSteps(setting));
  add(
    "refused logins",
    connect({ user: "app", password: "wrong", plugin: "" }, database),
    connect({ user: "app", password: "", plugin: "" }, database),
    connect({ user: "nobody", password: "x", plugin: "" }, database),
    connect({ user: "nobody", password: "", plugin: "" }, ""),
    connect(accounts.app, "no_such_database"),
    connect(accounts.monitor, database),
    app(),
    query("SELECT 'still welcome'"),
  );
  add("integers", app(), ...integerSteps());
  add("fractions", app(), ...fractionSteps());
  add("times", app(), ...timeSteps());
  add("strings", app(), ...stringSteps());
  add("bits, JSON and geometry", app(), ...specialSteps());
  add(
    "gbk",
    app("gbk"),
    query("SELECT @@character_set_client, @@character_set_results, @@collation_connection"),
    query("CREATE TABLE gbk (a VARCHAR(20) CHARACTER SET gbk)"),
    // 0x5c is a backslash and also the second byte of this character.
    query("INSERT INTO gbk VALUES (0x815C), (0xC4E3BAC3)"),
    query("SELECT a, HEX(a) FROM gbk ORDER BY a"),
    prepare("SELECT a FROM gbk WHERE a = ?"),
    execute(text("plain")),
    query("DROP TABLE gbk"),
  );
  add(
    "rows affected",
    app(),
    ...affectedSteps(),
    app("found_rows"),
    query("UPDATE counted SET v = 'same' WHERE v = 'same'"),
    query("UPDATE counted SET v = 'same' WHERE id <= 2"),
    query("DROP TABLE counted"),
  );
  add("transactions", app(), ...transactionSteps());
  add("prepared statements", app(), ...preparedSteps());
  add("cursors", app(), ...cursorSteps());
  add("procedures", app("multi"), ...procedureSteps());
  add(
    "multi-statements",
    app("multi"),
    query("SELECT 1 AS a; SELECT 2 AS b, 'x' AS c; DO 0; SELECT 3 AS d"),
    query("SELECT 1 AS a; SELECT * FROM no_such_table; SELECT 2"),
    query("CREATE TABLE multi (a INT); INSERT INTO multi VALUES (1), (2); SELECT * FROM multi"),
    query("DROP TABLE multi; SELECT 1 FROM DUAL WHERE 1 = 0"),
    app(),
    query("SELECT 1; SELECT 2"),
  );
  add(
    "local infile",
    app("local"),
    ...infileSteps(join(setting.folder, INFILE)),
    app(),
    ...[
      ["load_local", join(setting.folder, INFILE), "LOAD DATA LOCAL INFILE '%s' INTO TABLE loaded"],
      query("DROP TABLE loaded"),
    ] satisfies Step[],
  );
  addLarge("blobs", app(), ...blobSteps(0, 70_000, 5_000_000, 17_000_000));
  addLarge("blobs, compressed", app("compress"), ...blobSteps(70_000, 17_000_000));
  addLarge(
    "packets as long as can be",
    app(),
    // A row of one column has a 4 byte length before its text: the packets on both sides of
    // 2^24 - 1 bytes, at which a packet is followed by another.
    query("SELECT REPEAT('a', 16777210) AS r"),
    query("SELECT REPEAT('b', 16777211) AS r"),
    query("SELECT REPEAT('c', 16777212) AS r"),
  );
  add("empty results", app(), ...emptySteps());
  add(
    "NUL bytes",
    app(),
    query("SELECT 'a\0b' AS nul, LENGTH('a\0b') AS length"),
    query("SELECT /* \0 */ 1"),
    prepare("SELECT ?, LENGTH(?)"),
    execute(text("a\0b"), text("\0\0")),
  );
  add("errors", app(), ...errorSteps());
  add("warnings", app(), ...warningSteps());
  add("session state", app(), ...stateSteps(app));
  add(
    "change user",
    app(),
    query("SET @mine = 'app'"),
    query("CREATE TEMPORARY TABLE temporary_one (a INT)"),
    ["change_user", accounts.second.user, accounts.second.password, database],
    query("SELECT CURRENT_USER(), DATABASE(), @mine"),
    query("SELECT * FROM temporary_one"),
    ["change_user", accounts.app.user, accounts.app.password, "other"],
    query("SELECT CURRENT_USER(), DATABASE()"),
    ["change_user", accounts.app.user, "wrong", "other"],
  );
  add(
    "reset connection",
    app(),
    query("SET @mine = 'app', sql_mode = 'ANSI_QUOTES'"),
    query("CREATE TEMPORARY TABLE temporary_one (a INT)"),
    prepare("SELECT 1 AS kept"),
    execute(),
    ["reset"],
    query("SELECT @mine, @@sql_mode, DATABASE()"),
    query("SELECT * FROM temporary_one"),
  );
  add(
    "small commands",
    app(),
    ["ping"],
    ["use", "other"],
    query("SELECT DATABASE()"),
    ["use", "no_such_database"],
    query("SELECT DATABASE()"),
    query("USE test"),
    query("SELECT DATABASE()"),
    ["statistics"],
    ["ping"],
  );
  add(
    "kill query",
    app(),
    ["kill_query", "SELECT SLEEP(20) AS marked_for_kill"],
    query("SELECT 'the connection is still good'"),
  );
  add("describing", app(), ...describeSteps(kind));
  add(
    END,
    app(),
    query("SELECT 1"),
    ["close"],
    query("SELECT 'without a connection'"),
    app(),
    query("SELECT 'again'"),
  );
  return list;
}

function loginSteps({ accounts, database }: Setting): Step[] {
  const steps: Step[] = [];
  const { monitor: _monitor, repl: _repl, ...clients } = accounts;
  for (const account of Object.values(clients)) {
    steps.push(connect(account, database), query("SELECT CURRENT_USER()"));
  }
  // Without a database, and compressed.
  steps.push(
    connect(accounts.app, ""),
    query("SELECT DATABASE()"),
    query("SELECT * FROM nowhere"),
    connect(accounts.app, database, "compress"),
    query("SELECT REPEAT('compressible ', 10000) AS r"),
  );
  return steps;
}

function integerSteps(): Step[] {
  const types = ["TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT"];
  const columns = types.flatMap((type) => [`${type} NOT NULL`, `${type} UNSIGNED`]);
  const bits = [8, 16, 24, 32, 64];
  const least = bits.flatMap((n) => [-(2n ** BigInt(n - 1)), 0n]);
  const most = bits.flatMap((n) => [2n ** BigInt(n - 1) - 1n, 2n ** BigInt(n) - 1n]);
  const bound = most.map((n) => n > 2n ** 63n ? unsigned(n) : int(n));
  return [
    query(`CREATE TABLE ints (${columns.map((type, i) => `c${i} ${type}`).join(", ")}, b BOOL)`),
    query(`INSERT INTO ints VALUES (${least.join(", ")}, FALSE), (${most.join(", ")}, TRUE)`),
    query("SELECT * FROM ints"),
    prepare(`INSERT INTO ints VALUES (${columns.map(() => "?").join(", ")}, ?)`),
    execute(...least.map((n) => int(n)), NULL),
    execute(...bound, int(1)),
    prepare("SELECT * FROM ints WHERE c0 <> ?"),
    execute(int(0)),
    query("SELECT 18446744073709551615 AS big, -9223372036854775808 AS small, 1 + 1, 7 DIV 2"),
    query("CREATE TABLE filled (a INT(5) UNSIGNED ZEROFILL)"),
    query("INSERT INTO filled VALUES (42)"),
    query("SELECT * FROM filled"),
    query("DROP TABLE ints, filled"),
  ];
}

function fractionSteps(): Step[] {
  return [
    query("CREATE TABLE fractions (f FLOAT, d DOUBLE, n DECIMAL(30, 10), z DECIMAL(65, 0))"),
    query(
      "INSERT INTO fractions VALUES (1.5, -2.25e100, 12345678901234567890.0123456789, " +
        `${"9".repeat(65)}), (0, 0, 0, 0), (NULL, NULL, NULL, NULL), (0.1, 0.1, -0.1, -1)`,
    ),
    query("SELECT * FROM fractions"),
    prepare("INSERT INTO fractions VALUES (?, ?, ?, ?)"),
    execute(double(0.5), double(1e-300), text("1.0000000001"), int(7)),
    execute(NULL, double(-1.5), NULL, text("-12")),
    prepare("SELECT * FROM fractions WHERE d IS NULL OR d < ?"),
    execute(double(1e10)),
    query("SELECT 1 / 3, SUM(n), AVG(d) FROM fractions"),
    query("DROP TABLE fractions"),
  ];
}

function timeSteps(): Step[] {
  return [
    query("SET sql_mode = ''"),
    query("SET time_zone = '+00:00'"),
    query(
      "CREATE TABLE times (id INT PRIMARY KEY, d DATE, t TIME, t6 TIME(6), dt DATETIME, " +
        "dt6 DATETIME(6), ts TIMESTAMP NULL, ts3 TIMESTAMP(3) NULL, y YEAR)",
    ),
    query(
      "INSERT INTO times VALUES (1, '2024-02-29', '12:34:56', '-838:59:58.999999', " +
        "'2024-02-29 23:59:59', '9999-12-31 23:59:59.123456', '2024-01-01 00:00:01', " +
        "'2024-01-01 00:00:00.5', 2024)",
    ),
    query("INSERT INTO times VALUES (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"),
    query("SELECT * FROM times ORDER BY id"),
    prepare("SELECT * FROM times WHERE id > ? ORDER BY id"),
    execute(int(0)),
    query(
      "INSERT INTO times VALUES (3, '0000-00-00', '00:00:00', '00:00:00', " +
        "'0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00', '0000-00-00', 0), " +
        "(4, '2024-00-00', '838:59:59', '00:00:00.000001', '2024-01-00 00:00:00', " +
        "'1000-01-01 00:00:00', '1970-01-01 00:00:01', '2038-01-19 03:14:07', 1901)",
    ),
    query("SELECT id, d, t, t6, dt, dt6, ts, ts3, y FROM times WHERE id > 2 ORDER BY id"),
    execute(int(2)),
    prepare("INSERT INTO times (id, d, t6, dt6) VALUES (?, ?, ?, ?)"),
    execute(int(5), text("2020-05-05"), text("-01:02:03.004"), text("2020-05-05 01:02:03.5")),
    query("SELECT * FROM times WHERE id = 5"),
    query("DROP TABLE times"),
  ];
}

function stringSteps(): Step[] {
  return [
    query(
      "CREATE TABLE strings (id INT PRIMARY KEY, c CHAR(10), v VARCHAR(200), b BINARY(4), " +
        "vb VARBINARY(20), t TEXT, l LONGBLOB, e ENUM('small', 'big', 'größer'), " +
        "s SET('a', 'b', 'c'), x VARCHAR(10) CHARACTER SET latin1)",
    ),
    query(
      "INSERT INTO strings VALUES (1, 'char', 'naïve 🐬 日本語', 0x01ff, 0xdeadbeef, " +
        "'text', 0x00ff00, 'größer', 'a,c', 'Grüße'), (2, '', '', '', '', '', '', 'small', '', '')",
    ),
    query("INSERT INTO strings (id) VALUES (3)"),
    query("SELECT * FROM strings ORDER BY id"),
    prepare("INSERT INTO strings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    execute(
      int(4),
      text("x"),
      text("🐬".repeat(20)),
      bytes(Uint8Array.of(0, 1, 2, 255)),
      bytes(Uint8Array.of(0x27, 0x5c, 0, 0x22)),
      text('it\'s "quoted" \\ and\nlong'),
      NULL,
      text("big"),
      text("b"),
      text("é"),
    ),
    prepare("SELECT * FROM strings WHERE id = ? OR v = ?"),
    execute(int(4), text("naïve 🐬 日本語")),
    execute(int(3), text("")),
    query("SELECT 'ß' = 'ss', CONCAT('a', NULL), _binary 'x', _latin1 0xe9"),
    query("DROP TABLE strings"),
  ];
}

function specialSteps(): Step[] {
  return [
    query("CREATE TABLE special (id INT PRIMARY KEY, b BIT(1), b9 BIT(9), j JSON, g GEOMETRY)"),
    query(
      "INSERT INTO special VALUES (1, b'1', b'101010101', " +
        `'{"a": [1, 2.5, null, true], "ü": "🐬"}', ST_GeomFromText('POINT(1 2)')), ` +
        "(2, b'0', 0, '[]', ST_GeomFromText('LINESTRING(0 0, 1 1, 2 0)')), " +
        "(3, NULL, NULL, NULL, NULL)",
    ),
    query("SELECT * FROM special ORDER BY id"),
    prepare("SELECT id, b, b9, j, g, ST_AsText(g) FROM special WHERE id < ? ORDER BY id"),
    execute(int(9)),
    prepare("INSERT INTO special (id, j) VALUES (?, ?)"),
    execute(int(4), text('{"k": "v"}')),
    query("SELECT JSON_EXTRACT(j, '$.k') AS k, JSON_OBJECT('n', id) AS o FROM special ORDER BY id"),
    query("INSERT INTO special (id, j) VALUES (5, 'not json')"),
    query("DROP TABLE special"),
  ];
}

function affectedSteps(): Step[] {
  return [
    query("CREATE TABLE counted (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(20) UNIQUE)"),
    query("INSERT INTO counted (v) VALUES ('one')"),
    query("INSERT INTO counted (v) VALUES ('two'), ('three'), ('four')"),
    query("INSERT INTO counted (id, v) VALUES (100, 'hundred')"),
    query("SELECT LAST_INSERT_ID()"),
    query("INSERT IGNORE INTO counted (v) VALUES ('one'), ('five')"),
    query("INSERT INTO counted (v) VALUES ('one') ON DUPLICATE KEY UPDATE v = 'uno'"),
    query("REPLACE INTO counted (id, v) VALUES (2, 'dos')"),
    query("UPDATE counted SET v = 'same' WHERE id = 3"),
    query("UPDATE counted SET v = 'same' WHERE id = 3"),
    prepare("INSERT INTO counted (v) VALUES (?)"),
    execute(text("bound")),
    execute(text("again")),
    query("SELECT LAST_INSERT_ID(), ROW_COUNT()"),
    query("DELETE FROM counted WHERE id >= 100"),
    query("SELECT SQL_CALC_FOUND_ROWS v FROM counted ORDER BY id LIMIT 1"),
    query("SELECT FOUND_ROWS()"),
    query("SET SESSION auto_increment_increment = 10"),
    query("INSERT INTO counted (v) VALUES ('stepped')"),
    query("SELECT LAST_INSERT_ID(77)"),
  ];
}

function transactionSteps(): Step[] {
  return [
    query("CREATE TABLE ledger (id INT PRIMARY KEY, amount INT) ENGINE=InnoDB"),
    ["begin"],
    query("INSERT INTO ledger VALUES (1, 10)"),
    ["rollback"],
    query("SELECT COUNT(*) FROM ledger"),
    ["begin"],
    query("INSERT INTO ledger VALUES (1, 10)"),
    ["commit"],
    query("START TRANSACTION"),
    query("UPDATE ledger SET amount = 20"),
    query("SAVEPOINT here"),
    query("INSERT INTO ledger VALUES (2, 5)"),
    query("INSERT INTO ledger VALUES (1, 5)"),
    query("ROLLBACK TO SAVEPOINT here"),
    query("SELECT * FROM ledger"),
    query("RELEASE SAVEPOINT here"),
    query("COMMIT"),
    query("SELECT * FROM ledger"),
    query("SET autocommit = 0"),
    query("DELETE FROM ledger"),
    query("ROLLBACK"),
    query("SET autocommit = 1"),
    query("START TRANSACTION READ ONLY"),
    query("DELETE FROM ledger"),
    query("COMMIT AND CHAIN"),
    query("ROLLBACK"),
    query("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"),
    query("SELECT * FROM ledger"),
    query("DROP TABLE ledger"),
  ];
}

function preparedSteps(): Step[] {
  return [
    prepare("SELECT ? AS a, ? AS b, ? AS c"),
    execute(int(1), text("x"), NULL),
    execute(text("types"), double(2.5), int(-1)),
    execute(NULL, NULL, unsigned(18446744073709551615n)),
    prepare("SELECT 1 WHERE FALSE AND ? = 1"),
    execute(int(1)),
    prepare("SELECT * FROM no_such_table WHERE id = ?"),
    prepare("SELEC ?"),
    query("CREATE TABLE bound (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(50), n INT)"),
    prepare("INSERT INTO bound (v, n) VALUES (?, ?)"),
    execute(text("one"), int(1)),
    execute(text("🐬"), NULL),
    execute(NULL, int(3)),
    prepare("SELECT * FROM bound WHERE n IS NULL OR n > ? ORDER BY id"),
    execute(int(2)),
    // The table changes under the statement: the server prepares it again by itself.
    query("ALTER TABLE bound ADD COLUMN extra INT DEFAULT 7"),
    execute(int(0)),
    prepare("UPDATE bound SET n = ? WHERE id = ?"),
    execute(int(30), int(3)),
    execute(int(30), int(3)),
    prepare("INSERT INTO bound (id, v) VALUES (?, ?)"),
    execute(int(1), text("duplicate")),
    prepare("SHOW WARNINGS"),
    execute(),
    query("PREPARE in_sql FROM 'SELECT ? + 1 AS next'"),
    query("SET @n = 41"),
    query("EXECUTE in_sql USING @n"),
    query("DEALLOCATE PREPARE in_sql"),
    query("EXECUTE in_sql USING @n"),
    query("DROP TABLE bound"),
  ];
}

function cursorSteps(): Step[] {
  const digits = "(SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL " +
    "SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 " +
    "UNION ALL SELECT 9)";
  return [
    query("CREATE TABLE many (id INT PRIMARY KEY, v VARCHAR(100))"),
    query(
      "INSERT INTO many SELECT a.d * 1000 + b.d * 100 + c.d * 10 + e.d, " +
        `REPEAT('row ', c.d + 1) FROM ${digits} a, ${digits} b, ${digits} c, ${digits} e`,
    ),
    fetch(7, "SELECT * FROM many WHERE id < 20 ORDER BY id"),
    fetch(5, "SELECT * FROM many WHERE id < 10 ORDER BY id"),
    fetch(1, "SELECT id FROM many WHERE id < 0"),
    fetch(100, "SELECT * FROM many ORDER BY id"),
    fetch(10, "SELECT * FROM no_such_table"),
    query("SELECT * FROM many ORDER BY id"),
    query("DROP TABLE many"),
  ];
}

function procedureSteps(): Step[] {
  return [
    query(
      "CREATE PROCEDURE several(IN a INT, OUT b INT, INOUT c VARCHAR(20)) BEGIN " +
        "SELECT a AS first_result; SET b = a * 2; SET c = CONCAT(c, '!'); " +
        "SELECT 'x' AS second_result UNION ALL SELECT 'y'; DO 0; END",
    ),
    query("SET @b = 0, @c = 'in'"),
    query("CALL several(21, @b, @c)"),
    query("SELECT @b, @c"),
    prepare("CALL several(?, @b, @c)"),
    execute(int(4)),
    query("SELECT @b, @c"),
    // OUT parameters come as a result of their own in the binary protocol.
    prepare("CALL several(?, ?, ?)"),
    execute(int(5), NULL, text("bound")),
    query(
      "CREATE PROCEDURE failing() BEGIN SELECT 1 AS before_the_error; " +
        "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'raised here', MYSQL_ERRNO = 31001; END",
    ),
    query("CALL failing()"),
    query("CREATE PROCEDURE quiet() BEGIN DO 0; END"),
    query("CALL quiet()"),
    query("CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC NO SQL RETURN n * 2"),
    query("SELECT twice(4)"),
    query("CALL no_such_procedure()"),
    query("DROP PROCEDURE several"),
    query("DROP PROCEDURE failing"),
    query("DROP PROCEDURE quiet"),
    query("DROP FUNCTION twice"),
  ];
}

function infileSteps(file: string): Step[] {
  const load = (path: string, rest = "INTO TABLE loaded"): Step => [
    "load_local",
    path,
    `LOAD DATA LOCAL INFILE '%s' ${rest}`,
  ];
  return [
    query("CREATE TABLE loaded (id INT PRIMARY KEY, v VARCHAR(10))"),
    load(file),
    query("SHOW WARNINGS"),
    query("SELECT * FROM loaded"),
    load(file),
    load(`${file}.absent`),
    load(file, "INTO TABLE no_such_table"),
    query("SELECT COUNT(*) FROM loaded"),
  ];
}

function blobSteps(...sizes: readonly number[]): Step[] {
  return [
    query("CREATE TABLE blobs (id INT PRIMARY KEY, b LONGBLOB)"),
    ...sizes.map((size, at): Step => ["blob", String(at + 1), String(size)]),
    query("SELECT id, LENGTH(b), SHA2(b, 256) FROM blobs ORDER BY id"),
    query("DROP TABLE blobs"),
  ];
}

function emptySteps(): Step[] {
  return [
    query("SELECT 1 AS a, 'x' AS b FROM DUAL WHERE 1 = 0"),
    query("CREATE TABLE nothing (a INT, b TEXT)"),
    query("SELECT * FROM nothing"),
    prepare("SELECT * FROM nothing WHERE a = ?"),
    execute(int(1)),
    query("SELECT MAX(a), COUNT(*) FROM nothing"),
    query("SELECT ''"),
    query("SELECT NULL"),
    query("DO 1"),
    query("DROP TABLE nothing"),
    query(`SELECT ${Array.from({ length: 300 }, (_, i) => `${i} AS c${i}`).join(", ")}`),
  ];
}

function errorSteps(): Step[] {
  return [
    query("SELEC 1"),
    query("SELECT * FROM no_such_table"),
    query("SELECT no_such_column"),
    query("CREATE TABLE unique_one (id INT PRIMARY KEY, v INT NOT NULL)"),
    query("INSERT INTO unique_one VALUES (1, 1)"),
    query("INSERT INTO unique_one VALUES (1, 2)"),
    query("INSERT INTO unique_one VALUES (2, NULL)"),
    query("INSERT INTO unique_one VALUES (3)"),
    query("CREATE TABLE unique_one (id INT)"),
    query("SELECT * FROM no_such_database.t"),
    query("SIGNAL SQLSTATE '77777' SET MESSAGE_TEXT = 'grüße 🐬', MYSQL_ERRNO = 5555"),
    query("SET no_such_variable = 1"),
    query("KILL 4000000000"),
    query(""),
    query("/* nothing but a comment */"),
    query("SELECT 'unfinished"),
    query("SELECT 1"),
    query("DROP TABLE unique_one"),
  ];
}

function warningSteps(): Step[] {
  return [
    query("SET sql_mode = ''"),
    query("CREATE TABLE warned (n TINYINT, v VARCHAR(3))"),
    query("INSERT INTO warned VALUES (1000, 'too long'), ('x', 'y')"),
    query("SHOW WARNINGS"),
    query("SHOW COUNT(*) WARNINGS"),
    query("SELECT @@warning_count, @@error_count"),
    query("SELECT 1 / 0, CAST('1x' AS SIGNED)"),
    query("SHOW WARNINGS"),
    prepare("INSERT INTO warned VALUES (?, ?)"),
    execute(int(-1000), text("much too long")),
    query("SHOW WARNINGS"),
    query("DROP TABLE IF EXISTS no_such_table"),
    query("SHOW WARNINGS"),
    query("SELECT * FROM no_such_table"),
    query("SHOW ERRORS"),
    query("GET DIAGNOSTICS CONDITION 1 @state = RETURNED_SQLSTATE, @text = MESSAGE_TEXT"),
    query("SELECT @state, @text"),
    query("DROP TABLE warned"),
  ];
}

function stateSteps(app: () => Step): Step[] {
  return [
    query("SET @a = 1, @b = 'two', @c = NULL"),
    query("SET NAMES latin1"),
    query("SELECT @@character_set_client, 'é', @a, @b, @c"),
    query("SET NAMES utf8mb4"),
    query("SET SESSION sql_mode = 'ANSI_QUOTES,NO_ENGINE_SUBSTITUTION', group_concat_max_len = 9"),
    query("SELECT @a, @@sql_mode, @@group_concat_max_len"),
    query("SELECT 'x' AS \"quoted name\""),
    query("CREATE TEMPORARY TABLE mine (a INT)"),
    query("INSERT INTO mine VALUES (5)"),
    query("SELECT GET_LOCK(DATABASE(), 0), IS_FREE_LOCK(DATABASE())"),
    query("SELECT * FROM mine"),
    query("CREATE TABLE locked (a INT)"),
    query("LOCK TABLES locked WRITE"),
    query("SELECT * FROM no_such_table"),
    query("INSERT INTO locked VALUES (1)"),
    query("UNLOCK TABLES"),
    // Nothing of that may be left in the next connection.
    app(),
    query("SELECT @a, @b, @@sql_mode, @@group_concat_max_len, DATABASE()"),
    // The server ends the other connection in its own time.
    query("SELECT GET_LOCK(DATABASE(), 10)"),
    query("SELECT * FROM mine"),
    query("DROP TABLE locked"),
  ];
}

function describeSteps(kind: Setting["kind"]): Step[] {
  const steps: Step[] = [
    query(
      "CREATE TABLE described (id INT PRIMARY KEY COMMENT 'the key', v VARCHAR(10) DEFAULT 'x', " +
        "KEY (v)) ENGINE=InnoDB COMMENT 'a table'",
    ),
    query("SHOW TABLES"),
    query("DESCRIBE described"),
    query("SHOW CREATE TABLE described"),
    query("SHOW INDEX FROM described"),
    query("SHOW VARIABLES LIKE 'max_allowed_packet'"),
    query("SELECT d.id AS renamed, d.* FROM described AS d"),
    query("EXPLAIN SELECT * FROM described WHERE id = 1"),
    query("ANALYZE TABLE described"),
    query("CHECK TABLE described"),
  ];
  if (kind === "mariadb") {
    steps.push(
      query("INSERT INTO described VALUES (1, 'a'), (2, 'b') RETURNING id, v"),
      query("CREATE TABLE mariadb_types (u UUID, i INET6)"),
      query("INSERT INTO mariadb_types VALUES ('123e4567-e89b-12d3-a456-426655440000', '::1')"),
      query("SELECT * FROM mariadb_types"),
      query("DROP TABLE mariadb_types"),
    );
  } else {
    steps.push(
      query("INSERT INTO described VALUES (1, 'a'), (2, 'b')"),
      query("EXPLAIN FORMAT=TREE SELECT * FROM described"),
      query("TABLE described"),
      query("VALUES ROW(1, 'a'), ROW(2, 'b')"),
    );
  }
  steps.push(query("DROP TABLE described"));
  return steps;
}
