// User variables: of every type, by every way to set them, and how they are seen.

import { Topic } from "./kind.ts";

const VALUES: Readonly<Record<string, readonly string[]>> = {
  integer: ["5", "-9223372036854775808", "TRUE", "1 + 1", "LENGTH('abc')"],
  "unsigned integer": ["18446744073709551615", "CAST(5 AS UNSIGNED)", "~0", "0x7F + 0"],
  decimal: ["1.50", "-0.001", "CAST(7 AS DECIMAL(20,4))", "123456789012345678901234567890.5"],
  double: ["1e5", "-2.5e-300", "1e0/3", "PI()", "SQRT(2)"],
  string: ["'text'", "''", "CONCAT('a', 'é')", "'it''s \\\\ a \"text\"'", "'123'"],
  "string in a charset": [
    "_latin1 x'E9'",
    "_utf8mb4 'é' COLLATE utf8mb4_bin",
    "CONVERT('é' USING cp1251)",
    "_ucs2 x'00E9'",
    "'a' COLLATE utf8mb4_unicode_ci",
  ],
  binary: ["x'00FF'", "b'1010'", "_binary 'abc'", "UNHEX('DEADBEEF')", "0x00"],
  NULL: ["NULL", "nullif(1, 1)"],
  date: ["DATE'2024-02-29'", "CAST('12:34:56.5' AS TIME(1))", "TIMESTAMP'2024-01-01 00:00:00'"],
  JSON: [`JSON_OBJECT('k', 1)`, `JSON_ARRAY(1, 'two', NULL)`],
  geometry: ["POINT(1, 2)", "ST_GeomFromText('LINESTRING(0 0, 1 1)')"],
};

const topic = new Topic("user variable");
for (const [type, values] of Object.entries(VALUES)) {
  topic.add(`${type} by SET`, (scribe) => {
    scribe.sql(`SET VAR = ${scribe.random.pick(values)}`);
    if (scribe.random.oneIn(2)) scribe.sql("SELECT @v1, @v2, @v3");
  });
  topic.add(`${type} by :=`, (scribe) => {
    scribe.sql(`SELECT VAR := ${scribe.random.pick(values)}`);
  });
  topic.add(`${type} by INTO`, (scribe) => {
    scribe.sql(`SELECT ${scribe.random.pick(values)} INTO @v2`);
    if (scribe.random.oneIn(2)) scribe.sql("SELECT @v2, CHARSET(@v2), COLLATION(@v2)");
  });
}

topic
  .add("large", {
    all: ["SET @large = REPEAT('0123456789', 5000)", "SELECT LENGTH(@large), RIGHT(@large, 3)"],
  })
  .add("large, looked at", ["SELECT MD5(@large)", "SELECT @large"])
  .add("names that need quotes", [
    "SET @`odd name` = 1, @'another' = 2, @\"third\" = 3",
    "SELECT @`odd name`, @'another', @\"third\"",
    "SET @a.b = 1, @$x = 2, @é = 3",
    "SELECT @a.b, @$x, @é",
  ])
  .add("names in other letters", "SET @V1 = 'upper', @LABEL = 'ÜPPER'")
  .add("in an expression", "SET VAR = COALESCE(VAR, 0) + 1")
  .add("counting rows", "SELECT id, @v1 := COALESCE(@v1, 0) + 1 AS counted FROM T1 ORDER BY id", {
    weight: 2,
  })
  .add("by := in WHERE", "SELECT id FROM T1 WHERE (@v2 := id) > 1 ORDER BY id")
  .add("by := in a subquery", "SELECT * FROM (SELECT @v3 := 'inner' AS x) AS d")
  .add("by := in UPDATE", "UPDATE T1 SET u = (@v1 := id) ORDER BY id")
  .add("by := in INSERT", "INSERT INTO T3 (n) VALUES (@v1 := 60), (@v2 := 61)")
  .add("by := in DELETE", "DELETE FROM T3 WHERE id = (@v1 := 999)")
  .add("by := in DO", ["DO @v1 := 3", "DO @v1 := 4, @v2 := 'done'"])
  .add("by := with an aggregate", "SELECT @v1 := MAX(id), @v2 := COUNT(*) FROM T1")
  .add("by := in a common table expression", "WITH c AS (SELECT @v1 := 8 AS x) SELECT * FROM c")
  .add("by := and an error behind", "SELECT @v1 := 77, (SELECT id FROM T1)")
  .add("INTO from a table", [
    "SELECT id, s INTO @v1, @v2 FROM T1 ORDER BY id LIMIT 1",
    "SELECT COUNT(*) FROM T1 INTO @v3",
    "SELECT n, d, f, t INTO @v1, @v2, @v3, @label FROM T1 WHERE id = 1",
  ], { weight: 2 })
  .add("INTO without a row", "SELECT id INTO @v1 FROM T1 WHERE id = 12345")
  .add("INTO with too many rows", "SELECT id INTO @v1 FROM T1 ORDER BY id")
  .add("INTO of another number", "SELECT 1, 2 INTO @v1")
  .add("by LOAD DATA", (scribe) => {
    scribe.text("LOAD DATA LOCAL INFILE 'x' INTO TABLE T3 (n, @word) SET n = n + 1");
    scribe.sql("SELECT @word");
  })
  .add("by GET DIAGNOSTICS", {
    all: [
      "SELECT nothing_there",
      "GET DIAGNOSTICS CONDITION 1 @message = MESSAGE_TEXT, @v2 = MYSQL_ERRNO",
    ],
  })
  .add("in LIMIT of a prepared statement", {
    all: [
      "SET @v1 = 2",
      "PREPARE limited FROM 'SELECT id FROM T1 ORDER BY id LIMIT ?'",
      "EXECUTE limited USING @v1",
      "DEALLOCATE PREPARE limited",
    ],
  }, { text: true })
  .add("by a binary parameter", (scribe) => {
    const handle = scribe.prepare("SET @v1 = ?, @v2 = ?", [
      scribe.random.pick([
        { type: "longlong", value: "-5" },
        { type: "ulonglong", value: "18446744073709551615" },
        { type: "decimal", value: "1.25" },
        { type: "null", value: null },
      ]),
      scribe.random.pick([
        { type: "string", value: "é" },
        { type: "double", value: "0.5" },
        { type: "blob", value: "\0\x01" },
        { type: "datetime", value: "2024-01-02 03:04:05" },
      ]),
    ]);
    scribe.execute(handle);
    scribe.sql("SELECT @v1, @v2, CHARSET(@v2)");
  }, { weight: 2 })
  .add("by := of a binary parameter", (scribe) => {
    const handle = scribe.prepare("SELECT @v3 := ?", [{ type: "string", value: "given" }]);
    scribe.execute(handle);
  })
  .add("assigned from another", ["SET @v1 = @v2", "SET @v2 = @v1, @v1 = @v3", "SET @v3 = @nothing"])
  .add("looked at", [
    "SELECT @v1, @v2, @v3",
    "SELECT @label, @seen, @calls, @from_procedure",
    "SELECT @v1 + 0, CONCAT(@v2, '!'), HEX(@v3)",
    "SELECT CHARSET(@v1), COLLATION(@v1), COERCIBILITY(@v1), LENGTH(@v1)",
    "SELECT @v1 IS NULL, @nothing",
    "SELECT CAST(@v1 AS CHAR), @v1 = @V1",
  ], { weight: 5 })
  .add("compared with a column", "SELECT id FROM T1 WHERE n = @v1 OR s = @v2 ORDER BY id")
  .add("written to a table", "INSERT INTO T1 (s, u) VALUES (@v2, NULL), (@label, NULL)")
  .add("a table made of them", {
    all: [
      "CREATE TEMPORARY TABLE typed AS SELECT @v1 AS a, @v2 AS b, @v3 AS c",
      "SHOW COLUMNS FROM typed",
      "DROP TEMPORARY TABLE typed",
    ],
  })
  .add(
    "their list",
    "SELECT VARIABLE_NAME, VARIABLE_VALUE FROM performance_schema.user_variables_by_thread " +
      "WHERE THREAD_ID = PS_CURRENT_THREAD_ID() ORDER BY 1",
    { on: "mysql" },
  )
  .add("their list", "SELECT * FROM information_schema.user_variables ORDER BY 1", {
    on: "mariadb",
  });

/** The kinds. */
export const USER_VARIABLES = topic.kinds;
