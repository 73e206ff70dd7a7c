// Schema, character sets, and the forms that SET takes.

import type { Scribe } from "../scribe.ts";
import { Topic } from "./kind.ts";

const CHARSETS = [
  "latin1",
  "utf8mb4",
  "utf8mb3",
  "utf8",
  "binary",
  "cp1251",
  "gbk",
  "sjis",
  "ascii",
];

/** Statements whose bytes, types or order depend on character sets and collations. */
const CHARSET_EFFECTS = [
  "SELECT 'é', _latin1'x', CHARSET('a'), COLLATION('a')",
  "SELECT s, l, x FROM T1 ORDER BY id",
  "INSERT INTO T1 (s, l) VALUES ('ü', 'ü')",
  "SELECT 'a' = 'A', 'ß' = 'ss', 'o' < 'ö'",
  "SELECT @@character_set_client, @@character_set_connection, @@character_set_results",
  "SELECT @@collation_connection, @@character_set_database, @@collation_database",
  "SHOW VARIABLES LIKE 'char%'",
  "SHOW VARIABLES LIKE 'coll%'",
  "SELECT CONVERT('é' USING latin1), HEX('é'), LENGTH('é')",
  "SET @label = 'é'",
  "SELECT '日本' AS `日`",
];

function charset(settings: (scribe: Scribe) => string): (scribe: Scribe) => void {
  return (scribe) => {
    scribe.sql(settings(scribe));
    if (!scribe.random.oneIn(4)) scribe.sql(scribe.random.pick(CHARSET_EFFECTS));
  };
}

const pickCharset = ({ random }: Scribe) => random.pick(CHARSETS);

const schema = new Topic("schema")
  .add("USE", ["USE {db2}", "USE {db}", "USE {db}"], { weight: 3, text: true })
  .add("USE an unknown one", "USE nowhere", { text: true })
  .add("USE and a table of the same name", {
    all: ["USE {db2}", "SELECT * FROM common", "USE {db}"],
  })
  .add("table names without a schema", ["SELECT COUNT(*) FROM common", "SHOW TABLES LIKE 'c%'"])
  .add("table names with a schema", ["SELECT * FROM {db2}.common", "SELECT COUNT(*) FROM {db}.T1"])
  .add("DATABASE()", ["SELECT DATABASE()", "SELECT SCHEMA(), DATABASE() = '{db}'"], { weight: 3 })
  .add("DROP DATABASE in use", {
    all: ["USE {db2}", "DROP DATABASE {db2}", "SELECT DATABASE()"],
  }, { text: true })
  .add("a database made again", {
    all: ["CREATE DATABASE IF NOT EXISTS {db2}", "USE {db2}", "SHOW TABLES", "USE {db}"],
  })
  .add("collation of the schema", [
    "SELECT @@character_set_database, @@collation_database",
    "CREATE TEMPORARY TABLE {db2}.collated (s VARCHAR(5))",
  ]);

const charsets = new Topic("character set")
  .add("SET NAMES", charset((scribe) => `SET NAMES ${pickCharset(scribe)}`), { weight: 4 })
  .add("SET NAMES in quotes", charset((scribe) => `SET NAMES '${pickCharset(scribe)}'`))
  .add("SET NAMES DEFAULT", charset(() => "SET NAMES DEFAULT"))
  .add("SET NAMES of an unknown one", ["SET NAMES nonsense", "SET NAMES ucs2"])
  .add(
    "SET NAMES … COLLATE",
    charset(({ random }) =>
      random.pick([
        "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
        "SET NAMES latin1 COLLATE latin1_german2_ci",
        "SET NAMES utf8mb4 COLLATE utf8mb4_unicode_520_ci",
        "SET NAMES 'utf8mb4' COLLATE 'utf8mb4_spanish_ci'",
        "SET NAMES latin1 COLLATE utf8mb4_bin",
      ])
    ),
    { weight: 3 },
  )
  .add(
    "SET NAMES … COLLATE with a number above 255",
    charset(({ random, server }) =>
      random.pick(
        server === "mysql"
          ? [
            "SET NAMES utf8mb4 COLLATE utf8mb4_0900_as_cs",
            "SET NAMES utf8mb4 COLLATE utf8mb4_ja_0900_as_cs",
          ]
          : [
            "SET NAMES utf8mb4 COLLATE utf8mb4_unicode_520_nopad_ci",
            "SET NAMES utf8mb4 COLLATE utf8mb4_uca1400_ai_ci",
            "SET NAMES latin1 COLLATE latin1_swedish_nopad_ci",
          ],
      )
    ),
    { weight: 3 },
  )
  .add("SET CHARACTER SET", charset((scribe) => `SET CHARACTER SET ${pickCharset(scribe)}`), {
    weight: 2,
  })
  .add("SET CHARSET", charset((scribe) => `SET CHARSET '${pickCharset(scribe)}'`))
  .add(
    "introducers",
    ["SELECT _latin1 x'E9', _utf8mb4 'é' COLLATE utf8mb4_bin", "SELECT N'é', _binary 'é'"],
  )
  .add("what a charset makes of text", CHARSET_EFFECTS, { weight: 4 });
for (
  const name of [
    "character_set_client",
    "character_set_connection",
    "character_set_results",
    "character_set_server",
    "character_set_database",
    "character_set_filesystem",
  ]
) {
  charsets.add(
    name,
    charset((scribe) => {
      const nothing = name === "character_set_results" && scribe.random.oneIn(3);
      return `SET ${name} = ${nothing ? "NULL" : pickCharset(scribe)}`;
    }),
  );
}
for (const name of ["collation_connection", "collation_server", "collation_database"]) {
  charsets.add(
    name,
    charset(({ random }) =>
      `SET ${name} = ${random.pick(["utf8mb4_bin", "latin1_bin", "utf8mb4_polish_ci", "nonsense"])}`
    ),
  );
}

const forms = new Topic("SET")
  .add("several at once", [
    "SET @v1 = 1, sql_select_limit = 2, @v2 = @@sql_select_limit",
    "SET SESSION group_concat_max_len = 20, time_zone = '+02:00', @v3 = NUM",
    "SET unique_checks = 0, foreign_key_checks = 0, @label = STR",
    "SET @@session.sql_mode = '', @@div_precision_increment = 6, @v1 := STR",
  ], { weight: 3 })
  .add("an error half way", [
    "SET @v1 = 11, sql_mode = 'NONSENSE'",
    "SET @v1 = 12, @v2 = (SELECT id FROM T1)",
    "SET sql_select_limit = 1, @v1 = nothing",
    "SET time_zone = '+04:00', time_zone = 'Nowhere/City'",
    "SET lc_time_names = 'fr_FR', @v2 = (SELECT n FROM no_such_table)",
    "SET group_concat_max_len = 30, wait_timeout = 'x'",
    "SET @v1 = 5, autocommit = 7",
    "SET @v3 = 1, @v3 = @v3 + (SELECT id FROM T1), div_precision_increment = 9",
  ], { weight: 3 })
  .add("expressions", [
    "SET sql_select_limit = 1 + 1",
    "SET @v1 = (SELECT MAX(id) FROM T1), @v2 = @v1 * 2",
    "SET group_concat_max_len = LENGTH('abcdefgh')",
    "SET sql_mode = CONCAT_WS(',', @@sql_mode, 'PIPES_AS_CONCAT')",
    "SET @v1 = @v2 := 3",
    "SET @@div_precision_increment = @@div_precision_increment + 1",
    "SET time_zone = IF(@v1 IS NULL, '+01:00', '+02:00')",
    "SET max_sort_length = (SELECT COUNT(*) + 63 FROM T1)",
  ], { weight: 2 })
  .add("saved and given back", {
    all: [
      "SET @old_mode = @@sql_mode, sql_mode = 'ANSI'",
      "SELECT @old_mode <> @@sql_mode",
      "SET sql_mode = @old_mode",
    ],
  })
  .add("what a dump begins and ends with", (scribe) => {
    const lines = [
      "/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */",
      "/*!40101 SET NAMES utf8mb3 */",
      "/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE, TIME_ZONE='+00:00' */",
      "/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */",
      "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */",
      "INSERT INTO `T3` (id, n) VALUES (0, NUM)",
      "/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */",
      "/*!40101 SET SQL_MODE=@OLD_SQL_MODE */",
      "/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */",
      "SELECT @@sql_mode, @@time_zone, @OLD_SQL_MODE",
    ];
    for (const line of lines) scribe.text(line);
  })
  .add("global value", ["SET sql_mode = @@GLOBAL.sql_mode", "SET NAMES utf8mb4, @v1 = 4"])
  .add("SET … = DEFAULT", [
    "SET sql_mode = DEFAULT, time_zone = DEFAULT",
    "SET SESSION group_concat_max_len = DEFAULT, lc_time_names = DEFAULT",
    "SET character_set_results = DEFAULT, collation_connection = DEFAULT",
    "SET autocommit = DEFAULT, sql_select_limit = DEFAULT",
  ])
  .add("of what is not there", ["SET nothing = 1", "SET @@session.nothing = 1", "SET @v1 ="])
  .add("of what may not be set", [
    "SET SESSION max_connections = 5",
    "SET @@version = 'x'",
    "SET @@warning_count = 1",
  ])
  .add("autocommit", [
    "SET autocommit = 0",
    "SET autocommit = 1",
    "SET @@autocommit = ON",
    "SET SESSION autocommit = 1",
  ], { weight: 3 })
  .add("random seed", {
    all: ["SET rand_seed1 = 11, rand_seed2 = 22, @seeded = 1", "SELECT IF(@seeded, RAND(), 0)"],
  })
  .add("random numbers", "SELECT IF(@seeded, RAND(), 0), RAND(5)", { weight: 2 });

/** The kinds. */
export const SETTINGS = [...schema.kinds, ...charsets.kinds, ...forms.kinds];
