// Prepared statements: those with names in SQL, and those of the binary protocol.

import type { Parameter, ParameterType } from "../program.ts";
import type { Scribe } from "../scribe.ts";
import { Topic } from "./kind.ts";

const named = new Topic("named statement")
  .add("PREPARE", [
    "PREPARE one FROM 'SELECT 1 AS x'",
    "PREPARE one FROM 'SELECT id, s FROM T1 WHERE id = ?'",
    "PREPARE two FROM 'INSERT INTO T3 (n) VALUES (?)'",
    "PREPARE one FROM 'SELEKT'",
    "PREPARE two FROM 'SELECT DATABASE(), ?, ?'",
  ], { text: true, weight: 2 })
  .add("PREPARE from a variable", {
    all: ["SET @label = 'SELECT 5 AS five'", "PREPARE one FROM @label", "EXECUTE one"],
  }, { text: true })
  .add("EXECUTE", ["EXECUTE one", "EXECUTE two USING @v1", "EXECUTE one USING @v1, @v2"], {
    text: true,
    weight: 3,
  })
  .add("DEALLOCATE", ["DEALLOCATE PREPARE one", "DROP PREPARE two", "DEALLOCATE PREPARE none"], {
    text: true,
    weight: 3,
  })
  .add("whole", {
    all: [
      "PREPARE one FROM 'SELECT ? + id AS sum FROM T1 ORDER BY id'",
      "SET @v1 = NUM",
      "EXECUTE one USING @v1",
      "DEALLOCATE PREPARE one",
    ],
  }, { text: true, weight: 2 })
  .add("that sets variables", {
    all: [
      "PREPARE two FROM 'SELECT @v1 := 8, @v2 := 9'",
      "EXECUTE two",
      "DEALLOCATE PREPARE two",
      "SELECT @v1, @v2",
    ],
  }, { text: true })
  .add("that changes settings", {
    all: [
      "PREPARE one FROM 'SET sql_mode = ''ANSI_QUOTES'''",
      "EXECUTE one",
      "DEALLOCATE PREPARE one",
      "SELECT @@sql_mode",
    ],
  }, { text: true })
  .add("that outlives a change of schema", {
    all: [
      "PREPARE one FROM 'SELECT COUNT(*) FROM common'",
      "USE {db2}",
      "EXECUTE one",
      "USE {db}",
      "DEALLOCATE PREPARE one",
    ],
  }, { text: true })
  .add("that asks for diagnostics", {
    all: [
      "PREPARE one FROM 'SELECT LAST_INSERT_ID(), ROW_COUNT(), FOUND_ROWS()'",
      "INSERT INTO T3 (n) VALUES (1), (2)",
      "EXECUTE one",
      "DEALLOCATE PREPARE one",
    ],
  }, { text: true })
  .add("of a procedure", { all: ["CALL p_prepared()", "EXECUTE inner_one USING @v1"] }, {
    text: true,
  })
  .add("that calls a procedure", {
    all: ["PREPARE one FROM 'CALL p_out(1, @v1, @v2)'", "EXECUTE one", "SELECT @v1, @v2"],
  }, { text: true })
  .add("EXECUTE IMMEDIATE", [
    "EXECUTE IMMEDIATE 'SELECT ? AS x' USING 5",
    "EXECUTE IMMEDIATE CONCAT('SET @v1', ' = 6')",
    "EXECUTE IMMEDIATE 'SELECT 7 INTO @v2'",
    "EXECUTE IMMEDIATE 'SET time_zone = ''+06:00'''",
  ], { on: "mariadb", text: true });

/** A value of each type. */
const SAMPLES: Readonly<Record<ParameterType, readonly string[]>> = {
  tiny: ["5", "-128"],
  utiny: ["255"],
  short: ["-32768", "300"],
  ushort: ["65535"],
  long: ["1", "2147483647", "-1"],
  ulong: ["4294967295"],
  longlong: ["-9223372036854775808", "12"],
  ulonglong: ["18446744073709551615"],
  float: ["0.5", "-1.25"],
  double: ["1e100", "0.1"],
  decimal: ["1.25", "-99999.999", "not a number"],
  string: ["text", "", "é", "12"],
  varchar: ["varied", "日本"],
  blob: ["bytes", "\x01\x02"],
  json: ['{"a": [1, 2]}'],
  date: ["2024-02-29"],
  datetime: ["2024-02-29 12:34:56", "1999-12-31 23:59:59.123456"],
  timestamp: ["2001-01-01 00:00:01"],
  time: ["12:34:56", "-01:02:03", "30:00:00.500000"],
  null: [""],
};
const TYPES = Object.keys(SAMPLES) as ParameterType[];

function sample({ random }: Scribe, type: ParameterType): Parameter {
  return { type, value: type === "null" ? null : random.pick(SAMPLES[type]) };
}

const binary = new Topic("binary statement");
for (const type of TYPES) {
  binary.add(`a parameter of type ${type}`, (scribe) => {
    const parameter = sample(scribe, type);
    const sql = scribe.random.pick([
      "SELECT ? AS x",
      "SELECT ?, COUNT(*) FROM T1",
      "INSERT INTO T1 (s, f) VALUES (?, 1)",
      "SELECT id FROM T1 WHERE id = ? ORDER BY id",
    ]);
    const handle = scribe.prepare(sql, [parameter]);
    scribe.execute(handle);
    if (scribe.random.oneIn(2)) scribe.execute(handle, { bind: false });
    if (scribe.random.oneIn(2)) scribe.close(handle);
  });
}

const integer: Parameter = { type: "long", value: "2" };
const nothing: Parameter = { type: "null", value: null };

binary
  .add("run again without types", (scribe) => {
    const first = [sample(scribe, "ulonglong"), sample(scribe, "string")];
    const handle = scribe.prepare("SELECT ?, ?", first);
    scribe.execute(handle);
    scribe.text("SELECT 1");
    scribe.execute(handle, { bind: false, parameters: [sample(scribe, "ulonglong"), first[1]!] });
    scribe.close(handle);
  }, { weight: 3 })
  .add("only NULL", (scribe) => {
    const handle = scribe.prepare("SELECT ?, ? IS NULL", [nothing, nothing]);
    scribe.execute(handle);
    scribe.execute(handle, { bind: false });
    scribe.execute(handle, {
      bind: false,
      parameters: [{ type: "null", value: null }, { type: "null", value: null }],
    });
  })
  .add("NULL first, then a value", (scribe) => {
    const handle = scribe.prepare("SELECT id, ? AS x FROM T1 ORDER BY id", [
      { type: "long", value: null },
    ]);
    scribe.execute(handle);
    scribe.execute(handle, { bind: false, parameters: [integer] });
  })
  .add("types that change", (scribe) => {
    const handle = scribe.prepare("SELECT ? AS x", [integer]);
    for (let i = 0; i < 3; i++) {
      scribe.execute(handle, { parameters: [sample(scribe, scribe.random.pick(TYPES))] });
    }
    scribe.close(handle);
  }, { weight: 2 })
  .add("long data", (scribe) => {
    const handle = scribe.prepare("SELECT LENGTH(?), ?", [
      { type: "blob", value: undefined },
      integer,
    ]);
    const { statement } = handle;
    scribe.do({ command: "long_data", statement, parameter: 0, data: "first " });
    if (scribe.random.oneIn(2)) scribe.text("SELECT 1");
    scribe.do({ command: "long_data", statement, parameter: 0, data: "x".repeat(300) });
    scribe.execute(handle);
    scribe.close(handle);
  }, { weight: 2 })
  .add("long data, then reset", (scribe) => {
    const handle = scribe.prepare("SELECT ?", [{ type: "string", value: "kept" }]);
    const { statement } = handle;
    scribe.do({ command: "long_data", statement, parameter: 0, data: "dropped" });
    scribe.do({ command: "reset", statement });
    scribe.execute(handle);
  })
  .add("long data for a parameter that is not there", (scribe) => {
    const handle = scribe.prepare("SELECT ?", [integer]);
    const { statement } = handle;
    scribe.do({ command: "long_data", statement, parameter: 7, data: "x" });
    scribe.execute(handle);
  })
  .add("INSERT run many times", (scribe) => {
    const handle = scribe.prepare("INSERT INTO T3 (n) VALUES (?)", [integer]);
    for (let i = 0; i < 3; i++) scribe.execute(handle, { bind: i === 0 });
    scribe.sql("SELECT LAST_INSERT_ID()");
  }, { weight: 2 })
  .add("one of those prepared before", (scribe) => {
    if (scribe.handles.length === 0) scribe.prepare("SELECT COUNT(*), ? FROM T1", [integer]);
    const handle = scribe.random.pick(scribe.handles);
    scribe.execute(handle, { bind: scribe.random.oneIn(2) });
  }, { weight: 6 })
  .add("prepared for later", (scribe) => {
    const { random } = scribe;
    scribe.prepare(
      random.pick([
        "SELECT id, s FROM T1 WHERE id >= ? ORDER BY id",
        "INSERT INTO T3 (n) VALUES (?)",
        "UPDATE T1 SET f = ? WHERE id = 1",
        "SELECT DATABASE(), @v1, ?",
        "SELECT 'é', \"id\", ? || 'x'",
        "SET @v1 = ?",
        "SELECT ?, @@sql_mode, @@time_zone",
      ]),
      [sample(scribe, random.pick(["long", "string", "double", "null"]))],
    );
  }, { weight: 5 })
  .add("closed", (scribe) => {
    const handle = scribe.handles.at(-1);
    if (handle === undefined) scribe.text("SELECT 1");
    else scribe.close(handle);
  }, { weight: 2 })
  .add("run after it was closed", (scribe) => {
    const handle = scribe.prepare("SELECT 1");
    scribe.close(handle);
    scribe.execute(handle);
    scribe.do({ command: "reset", statement: handle.statement });
  })
  .add("run though never prepared", (scribe) => {
    scribe.execute({ statement: "never", parameters: [] });
  })
  .add("an error at prepare", [
    "SELECT ? FROM no_such_table",
    "SELEKT ?",
    "SELECT 1; SELECT 2",
    "SELECT nothing FROM T1",
  ])
  .add("an error at prepare and SHOW WARNINGS", (scribe) => {
    scribe.prepare("SELECT nothing FROM T1");
    scribe.handles.pop();
    scribe.text("SHOW WARNINGS");
  })
  .add("warnings of prepare", (scribe) => {
    scribe.prepare("SELECT CAST('x' AS SIGNED), 1 || 2");
    scribe.text("SHOW WARNINGS");
  })
  .add("too few parameters", (scribe) => {
    scribe.execute(scribe.prepare("SELECT ?, ?", [integer]));
  })
  .add("reset", (scribe) => {
    const handle = scribe.prepare("SELECT id FROM T1 WHERE id > ? ORDER BY id", [integer]);
    scribe.execute(handle);
    scribe.do({ command: "reset", statement: handle.statement });
    scribe.execute(handle, { bind: false });
  })
  .add("that outlives USE", (scribe) => {
    const handle = scribe.prepare("SELECT COUNT(*), DATABASE() FROM common");
    scribe.do({ command: "init_db", database: "{db2}" });
    scribe.execute(handle);
    scribe.text("USE {db}");
    scribe.execute(handle);
  }, { weight: 2 })
  .add("that outlives SET NAMES", (scribe) => {
    const handle = scribe.prepare("SELECT 'é', s, ? FROM T1 ORDER BY id", [
      { type: "string", value: "ü" },
    ]);
    scribe.text(scribe.random.pick(["SET NAMES latin1", "SET NAMES utf8mb4 COLLATE utf8mb4_bin"]));
    scribe.execute(handle);
    scribe.text("SET NAMES DEFAULT");
    scribe.execute(handle);
  }, { weight: 2 })
  .add("that outlives a change of sql_mode", (scribe) => {
    const handle = scribe.prepare(scribe.random.pick([
      'SELECT "id" FROM T1 ORDER BY id',
      "SELECT 'a' || 'b'",
      "INSERT INTO T1 (n) VALUES ('7x')",
      "SELECT 'a\\\\b'",
    ]));
    scribe.text("SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES'");
    scribe.execute(handle);
    scribe.text("SET sql_mode = ''");
    scribe.execute(handle);
  }, { weight: 2 })
  .add("that outlives a change of time zone", (scribe) => {
    const handle = scribe.prepare("SELECT FROM_UNIXTIME(?)", [integer]);
    scribe.text("SET time_zone = '+09:00'");
    scribe.execute(handle);
    scribe.text("SET time_zone = '-03:00'");
    scribe.execute(handle, { bind: false });
  })
  .add("that outlives ALTER TABLE", (scribe) => {
    const handle = scribe.prepare("SELECT * FROM T1 WHERE id < ? ORDER BY id", [integer]);
    scribe.execute(handle);
    scribe.text(scribe.random.pick([
      "ALTER TABLE T1 ADD COLUMN late INT DEFAULT 6",
      "ALTER TABLE T1 MODIFY s VARCHAR(80)",
      "ALTER TABLE T1 DROP COLUMN x",
    ]));
    scribe.execute(handle, { bind: false });
    scribe.close(handle);
  }, { weight: 2 })
  .add("that outlives its table", (scribe) => {
    scribe.text("CREATE TABLE made_ME (id INT)");
    const handle = scribe.prepare("SELECT * FROM made_ME");
    scribe.text("DROP TABLE made_ME");
    scribe.execute(handle);
    scribe.text("CREATE TABLE made_ME (other VARCHAR(5), id INT)");
    scribe.execute(handle);
    scribe.text("DROP TABLE made_ME");
  })
  .add("over a temporary table", (scribe) => {
    const handle = scribe.prepare("SELECT * FROM T3 ORDER BY 1");
    scribe.text("CREATE TEMPORARY TABLE T3 (only_here INT)");
    scribe.execute(handle);
    scribe.text("DROP TEMPORARY TABLE T3");
    scribe.execute(handle);
  })
  .add("a cursor", (scribe) => {
    const handle = scribe.prepare("SELECT id, s FROM T1 WHERE id > ? ORDER BY id", [
      { type: "long", value: "0" },
    ]);
    const { statement } = handle;
    scribe.execute(handle, { cursor: true });
    scribe.do({ command: "fetch", statement, rows: 1 });
    if (scribe.random.oneIn(2)) scribe.text("SELECT 'between'");
    scribe.do({ command: "fetch", statement, rows: 1 });
    scribe.do({ command: "fetch", statement, rows: 5 });
    if (scribe.random.oneIn(2)) scribe.do({ command: "fetch", statement, rows: 1 });
    scribe.close(handle);
  }, { weight: 3 })
  .add("a cursor reset or closed half way", (scribe) => {
    const handle = scribe.prepare(
      "WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 9) SELECT i FROM r",
    );
    const { statement } = handle;
    scribe.execute(handle, { cursor: true });
    scribe.do({ command: "fetch", statement, rows: 4 });
    if (scribe.random.oneIn(2)) {
      scribe.do({ command: "reset", statement });
      scribe.do({ command: "fetch", statement, rows: 2 });
    }
    scribe.close(handle);
    scribe.do({ command: "fetch", statement, rows: 2 });
  }, { weight: 2 })
  .add("a cursor run again", (scribe) => {
    const handle = scribe.prepare("SELECT id FROM T1 ORDER BY id");
    scribe.execute(handle, { cursor: true });
    scribe.do({ command: "fetch", statement: handle.statement, rows: 1 });
    scribe.execute(handle, { cursor: true });
    scribe.do({ command: "fetch", statement: handle.statement, rows: 10 });
    // Without a cursor MySQL 9.7 would now leave out all rows, and their end.
    scribe.forget(handle);
  })
  .add("a cursor over what has no rows", (scribe) => {
    const handle = scribe.prepare(scribe.random.pick(["SET @v1 = 5", "SELECT id FROM T1 WHERE 0"]));
    scribe.execute(handle, { cursor: true });
    scribe.do({ command: "fetch", statement: handle.statement, rows: 2 });
    // Without a cursor MySQL 9.7 would now leave out all rows, and their end.
    scribe.forget(handle);
  })
  .add("a cursor over a commit", (scribe) => {
    const handle = scribe.prepare("SELECT id FROM T1 ORDER BY id");
    scribe.text("BEGIN");
    scribe.execute(handle, { cursor: true });
    scribe.text("COMMIT");
    scribe.do({ command: "fetch", statement: handle.statement, rows: 2 });
    scribe.close(handle);
  })
  .add("rows fetched without a cursor", (scribe) => {
    const handle = scribe.prepare("SELECT 1");
    scribe.execute(handle);
    scribe.do({ command: "fetch", statement: handle.statement, rows: 2 });
  })
  .add("CALL with OUT parameters", (scribe) => {
    const handle = scribe.prepare("CALL p_out(?, ?, ?)", [
      integer,
      nothing,
      { type: "string", value: "in" },
    ]);
    scribe.execute(handle);
    if (scribe.random.oneIn(2)) scribe.execute(handle, { bind: false });
    scribe.close(handle);
  }, { weight: 2 })
  .add("CALL with results", (scribe) => {
    const handle = scribe.prepare("CALL p_results()");
    scribe.execute(handle, { cursor: scribe.random.oneIn(3) });
    scribe.close(handle);
  })
  .add("the one prepared last", (scribe) => {
    const handle = scribe.prepare("SELECT ? + 1", [integer]);
    scribe.execute({ ...handle, statement: "last" });
  }, { on: "mariadb" })
  .add("bulk", (scribe) => {
    const handle = scribe.prepare("INSERT INTO T3 (n) VALUES (?)", [integer]);
    scribe.do({
      command: "bulk",
      statement: handle.statement,
      cursor: false,
      bind: true,
      parameters: [integer, { type: "long", value: null }, { type: "long", value: "9" }],
    });
    scribe.sql("SELECT LAST_INSERT_ID(), ROW_COUNT()");
    scribe.execute(handle);
  }, { on: "mariadb", weight: 2 });

/** The kinds. */
export const PREPARED = [...named.kinds, ...binary.kinds];
