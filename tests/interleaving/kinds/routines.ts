// Procedures and functions, roles, hints, and what one server has and the other has not.

import { Topic } from "./kind.ts";

const routines = new Topic("routine")
  .add("sets user variables", [
    "CALL p_variables(STR)",
    "CALL p_variables('é')",
    "CALL {db}.p_variables(@v1)",
  ], { weight: 2 })
  .add("with OUT parameters", ["CALL p_out(NUM, @v1, @v2)", "CALL p_out(5, @v1, @label)"], {
    weight: 2,
  })
  .add("an OUT parameter that is none", "CALL p_out(1, 2, 3)")
  .add("gives results", ["CALL p_results()", "CALL p_results()"])
  .add("changes settings", {
    all: ["CALL p_setting()", "SELECT @@group_concat_max_len, @@time_zone"],
  }, { weight: 2 })
  .add("leaves a warning", { all: ["CALL p_warning()", "SHOW WARNINGS"] })
  .add("leaves an error", { all: ["CALL p_error()", "SELECT @before_error"] })
  .add("handles an error", "CALL p_handled()")
  .add("writes to the common table", "CALL p_common(NUM)", { text: true })
  .add("a function that reads a variable", ["SELECT f_label()", "SELECT f_label(), @label"], {
    weight: 2,
  })
  .add("a function that sets a variable", [
    "SELECT f_count()",
    "SELECT id, f_count() FROM T1 ORDER BY id",
    "SET @v1 = f_count()",
    "DO f_count()",
    "INSERT INTO T3 (n) VALUES (f_count())",
  ], { weight: 3 })
  .add("a function that changes a setting", {
    all: ["SELECT f_setting()", "SELECT @@lc_time_names"],
  }, { weight: 2 })
  .add("a function that writes", "SELECT f_common(NUM) >= 0, LAST_INSERT_ID()", { text: true })
  .add("a trigger that sets a variable", {
    all: ["INSERT INTO T2 (n) VALUES (NUM)", "SELECT @seen"],
  }, { weight: 3 })
  .add("a trigger that reads a variable", {
    all: ["SET @label = STR", "INSERT INTO T2 (n) VALUES (3)", "SELECT s FROM T2 ORDER BY id"],
  }, { weight: 2 })
  .add("insert ids in a trigger", {
    all: ["INSERT INTO T2 (n) VALUES (1), (2)", "SELECT LAST_INSERT_ID()"],
  })
  .add("a block", [
    "BEGIN NOT ATOMIC SET @v1 = 'block'; SET sql_select_limit = 2; END",
    "BEGIN NOT ATOMIC DECLARE x INT DEFAULT 4; SELECT x + 1 INTO @v2; END",
    "IF @v1 IS NULL THEN SET @v1 = 1; ELSE SET @v1 = @v1 + 1; END IF",
  ], { on: "mariadb", text: true });

const roles = new Topic("role")
  .add("SET ROLE", ["SET ROLE {role1}", "SET ROLE {role1}", "SET ROLE {role2}"], { weight: 3 })
  .add("SET ROLE NONE", "SET ROLE NONE", { weight: 2 })
  .add("SET ROLE to one not granted", "SET ROLE nobody")
  .add("SET ROLE ALL", ["SET ROLE ALL", "SET ROLE DEFAULT", "SET ROLE ALL EXCEPT {role2}"], {
    on: "mysql",
  })
  .add("CURRENT_ROLE()", "SELECT CURRENT_ROLE()", { weight: 3 })
  .add("what a role may", ["SELECT * FROM {db2}.common", "SELECT COUNT(*) FROM {db2}.a1"], {
    weight: 2,
  })
  .add("the roles there are", "SELECT * FROM information_schema.ENABLED_ROLES ORDER BY 1");

const hints = new Topic("setting for one statement")
  .add("SET STATEMENT", [
    "SET STATEMENT sql_select_limit = 1 FOR SELECT id FROM T1 ORDER BY id",
    "SET STATEMENT time_zone = '+07:00', lc_time_names = 'fr_FR' FOR SELECT FROM_UNIXTIME(0), DAYNAME('2024-01-01')",
    "SET STATEMENT sql_mode = 'PIPES_AS_CONCAT' FOR SELECT 'a' || 'b'",
    "SET STATEMENT max_statement_time = 60 FOR INSERT INTO T3 (n) VALUES (1)",
    "SET STATEMENT nothing = 1 FOR SELECT 1",
    "SET STATEMENT div_precision_increment = 9 FOR SET @v1 = 1/3",
  ], { on: "mariadb", weight: 4 })
  .add("SET_VAR", [
    "SELECT /*+ SET_VAR(sql_mode = 'PIPES_AS_CONCAT') */ 'a' || 'b'",
    "SELECT /*+ SET_VAR(sql_select_limit = 1) */ id FROM T1 ORDER BY id",
    "SELECT /*+ SET_VAR(div_precision_increment = 9) */ 1/3",
    "SELECT /*+ SET_VAR(time_zone = '+07:00') */ FROM_UNIXTIME(0)",
    "INSERT /*+ SET_VAR(foreign_key_checks = OFF) */ INTO T5 (p) VALUES (98)",
    "SELECT /*+ SET_VAR(nothing = 1) */ 1",
  ], { on: "mysql", weight: 4 })
  .add("MAX_EXECUTION_TIME", "SELECT /*+ MAX_EXECUTION_TIME(60000) */ id FROM T1 ORDER BY id", {
    on: "mysql",
  });

const sequences = new Topic("sequence")
  .add("next", ["SELECT NEXTVAL(ME_sequence)", "SELECT NEXT VALUE FOR ME_sequence"], {
    on: "mariadb",
    weight: 3,
  })
  .add("last", ["SELECT LASTVAL(ME_sequence)", "SELECT PREVIOUS VALUE FOR ME_sequence"], {
    on: "mariadb",
    weight: 3,
  })
  .add("set", ["DO SETVAL(ME_sequence, 50)", "SELECT SETVAL(ME_sequence, 60, 0)"], {
    on: "mariadb",
  })
  .add("as a default", {
    all: ["INSERT INTO T3 (n) VALUES (NEXTVAL(ME_sequence))", "SELECT LASTVAL(ME_sequence)"],
  }, { on: "mariadb", weight: 2 })
  .add("made", (scribe) => {
    scribe.text("CREATE OR REPLACE SEQUENCE seq_ME START WITH 100");
    scribe.sql("SELECT NEXTVAL(seq_ME), LASTVAL(seq_ME)");
    scribe.sql("SELECT LASTVAL(seq_ME)");
    scribe.text("DROP SEQUENCE seq_ME");
  }, { on: "mariadb" })
  .add("of none", "SELECT NEXTVAL(no_such_sequence)", { on: "mariadb" });

const tracing = new Topic("trace")
  .add("profiles", { all: ["SET profiling = 1", "SELECT COUNT(*) FROM T1", "SET profiling = 0"] })
  .add("optimizer trace", {
    all: [
      "SET optimizer_trace = 'enabled=on'",
      "SELECT 1",
      "SELECT COUNT(*) > 0 FROM information_schema.OPTIMIZER_TRACE",
      "SET optimizer_trace = 'enabled=off'",
    ],
  });

/** The kinds. */
export const ROUTINES = [
  ...routines.kinds,
  ...roles.kinds,
  ...hints.kinds,
  ...sequences.kinds,
  ...tracing.kinds,
];
