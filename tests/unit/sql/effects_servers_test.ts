// effectsOf() against real servers: what counts as a built-in function is one, text is cut where the
// servers cut it, and FOUND_ROWS() is what the answer's rows tell unless a bit says otherwise.

import { describe, expect, test } from "bun:test";
import * as builtin from "../../../mod/sql/builtin_functions.ts";
import { Effect, effectsOf, type LexicalMode, multibyteOf } from "../../../mod/sql/mod.ts";
import { Expect } from "../../../mod/wire/mod.ts";
import { Random, testSeed } from "../../fuzz/random.ts";
import { RawClient } from "../../proxy/raw_client.ts";
import { freshDatabase, type RealServer, serverKinds, sharedServer } from "../../servers/mod.ts";

const TIMEOUT_MS = 60_000;
/** "FUNCTION x does not exist": the name was taken for a stored function's. */
const NO_SUCH_FUNCTION = [1305, 1630];
/** What MySQL 9.7 has in a component, and earlier versions among the built-in functions. */
const IN_COMPONENT = ["MD5", "SHA", "SHA1"];
/** Not called, as they wait. */
const WAITING = /SLEEP|BENCHMARK|WAIT/;
const seed = testSeed("effects on servers");

async function clientOf(server: RealServer): Promise<RawClient> {
  const database = await freshDatabase(server, "effects");
  const { user, password } = server.accounts.app;
  return RawClient.connect({ port: server.port, user, password, database });
}

/** The number of the error that a statement ends with, 0 for none. */
async function errorOf(client: RawClient, statement: string | Uint8Array): Promise<number> {
  const payload = client.queryPayload(statement);
  return client.errorCode(await client.command(payload, Expect.RESULT));
}

function bitsOf(statement: string, mode: LexicalMode): number {
  const bytes = Buffer.from(statement, "latin1");
  return effectsOf(bytes, 0, bytes.length, mode);
}

/** All names that the code or the server gives a meaning. */
async function namesOf(client: RawClient): Promise<string[]> {
  const known = Object.values(builtin).flat();
  const words = await client.query("SELECT word FROM information_schema.keywords");
  const topics = await client.query("SELECT name FROM mysql.help_topic");
  const all = [...known, ...[...words, ...topics].map(([name]) => name ?? "")];
  return [
    ...new Set(all.map((name) => name.toUpperCase()).filter((name) => /^[A-Z]\w*$/.test(name))),
  ];
}

describe.each(serverKinds())("on %s", (kind) => {
  test("no stored function can stand where a call is told to be of a built-in", async () => {
    using client = await clientOf(await sharedServer(kind));
    const modes: LexicalMode[] = [
      { noBackslashEscapes: false, server: kind },
      { noBackslashEscapes: false },
    ];
    const wrong: string[] = [];
    let calls = 0;
    for (const name of await namesOf(client)) {
      if (WAITING.test(name) || (kind === "mysql" && IN_COMPONENT.includes(name))) continue;
      for (const text of [name, `${name} `, `${name}/**/`, `\`${name}\``]) {
        for (const statement of ["", "1", "'a', 0", "1, 1, 1"].map((a) => `SELECT ${text}(${a})`)) {
          if (modes.every((mode) => bitsOf(statement, mode) & Effect.CALLS)) continue;
          calls++;
          if (NO_SUCH_FUNCTION.includes(await errorOf(client, statement))) wrong.push(statement);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(calls).toBeGreaterThan(3000);
  }, TIMEOUT_MS);

  const charsets = ["utf8mb4", "latin1", "gbk", "sjis", "big5", "cp932"];
  if (kind === "mysql") charsets.push("gb18030");
  for (const charset of charsets) {
    test(`${charset}: an assignment that the server runs is seen`, async () => {
      using client = await clientOf(await sharedServer(kind));
      const random = new Random(seed);
      let runs = 0;
      for (const sqlMode of ["", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES"]) {
        await client.query(`SET NAMES ${charset}`);
        await client.query(`SET sql_mode = '${sqlMode}', @m = NULL`);
        const mode: LexicalMode = {
          noBackslashEscapes: sqlMode === "NO_BACKSLASH_ESCAPES",
          multibyte: multibyteOf(charset),
        };
        const modes = [mode, { ...mode, server: kind, ansiQuotes: sqlMode === "ANSI_QUOTES" }];
        for (let round = 0; round < 300; round++) {
          const statement = soupOf(random);
          await errorOf(client, Buffer.from(statement, "latin1"));
          if ((await client.value("SELECT @m")) === null) continue;
          runs++;
          await client.query("SET @m = NULL");
          for (const reading of modes) {
            if (bitsOf(statement, reading) & Effect.SETS_USER_VARIABLE) continue;
            throw new Error(`Missed in ${sqlMode} ${charset}: ${JSON.stringify(statement)}`);
          }
        }
      }
      expect(runs).toBeGreaterThan(50);
    }, TIMEOUT_MS);
  }

  test("FOUND_ROWS() is known from the answer unless a bit says otherwise", async () => {
    using client = await clientOf(await sharedServer(kind));
    for (const statement of TABLES) await client.query(statement);
    const before = "SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5";
    const random = new Random(seed);
    let told = 0;
    for (let round = 0; round < 1500; round++) {
      const statement = random.oneIn(4) ? random.pick(STATEMENTS) : queryOf(random);
      const bits = bitsOf(statement, { noBackslashEscapes: false, server: kind });
      await client.query(before);
      const packets = await client.command(client.queryPayload(statement), Expect.RESULT);
      if (client.errorCode(packets) !== 0) continue;
      const found = Number(await client.value("SELECT FOUND_ROWS()"));
      if (bits & (Effect.LEAVES_FOUND_ROWS | Effect.CALLS)) continue;
      told++;
      const [{ rows, columns }] = client.parse(packets);
      expect([statement, found]).toEqual([statement, columns.length > 0 ? rows.length : 5]);
    }
    expect(told).toBeGreaterThan(300);
  }, TIMEOUT_MS);
});

const PIECES = [
  ..."'\"`\\#\n a1()+$./*\x81\xa0\xe3\x9f",
  ..."*/ /* /*! -- --\n ,@m:=1, @m:=1 \x95\\ \x81` \xbf' $$ N' x' '' \\' \\\" \"\"".split(" "),
  "/*!50000 ",
  "/*!99999 ",
  "/*M! ",
  "/*M!100100 ",
  "/*!50701 ",
  "-- ",
  "--\x81",
  "\x81\x30\x81\x30",
];

function piecesOf(random: Random, limit: number): string {
  return Array.from({ length: random.below(limit) }, () => random.pick(PIECES)).join("");
}

/** SELECT of strings, comments and names with anything in them, and an assignment somewhere. */
function soupOf(random: Random): string {
  const soup = () => piecesOf(random, 4);
  const versions = ["!", "!50000 ", "!99999 ", "!80000 ", "!50701 ", "M!", "M!100100 "];
  const items = [
    () => "1",
    () => "@m:=1",
    () => `'${soup()}'`,
    () => `"${soup()}"`,
    () => `1 as \`${soup()}\``,
    () => `/*${soup()}*/ 1`,
    () => `1 /*${random.pick(versions)} ${random.pick([",", "+"])}2${piecesOf(random, 2)}*/`,
    () => `1 -- ${soup()}\n`,
    () => `1 #${soup()}\n`,
    soup,
  ];
  const list = Array.from({ length: 1 + random.below(4) }, () => random.pick(items)());
  return `SELECT ${list.join(random.pick([",", " ,", "+"]))}`;
}

const TABLES = [
  "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a INT)",
  "INSERT INTO t (a) VALUES (1), (2), (3)",
  "CREATE TABLE u (a INT)",
  "INSERT INTO u VALUES (1), (2)",
  "CREATE TABLE none (a INT)",
  "CREATE VIEW v AS SELECT * FROM t LIMIT 2",
  "CREATE VIEW w AS SELECT MAX(a) AS a FROM t",
  "CREATE VIEW x AS SELECT a FROM t UNION SELECT 7",
];

const STATEMENTS = [
  "INSERT INTO u VALUES (1)",
  "INSERT INTO u SELECT 1",
  "INSERT INTO u VALUES ((SELECT MAX(a) FROM t))",
  "REPLACE INTO t (id, a) VALUES (1, 1)",
  "UPDATE u SET a = 1 LIMIT 1",
  "UPDATE t JOIN u USING (a) SET t.a = 1",
  "DELETE FROM u LIMIT 1",
  "DELETE t FROM t JOIN none USING (a)",
  "SET @a = 1",
  "SET @a = (SELECT MAX(a) FROM t)",
  "DO 1",
  "BEGIN",
  "COMMIT",
  "SHOW TABLES",
  "SHOW DATABASES",
  "SHOW COLUMNS FROM t",
  "SHOW INDEX FROM t",
  "SHOW TABLE STATUS",
  "SHOW TRIGGERS",
  "SHOW CREATE TABLE t",
  "SHOW WARNINGS",
  "SHOW GRANTS",
  "SHOW STATUS LIKE 'Com_s%'",
  "SHOW VARIABLES LIKE 'sql%'",
  "SHOW COLLATION LIKE 'utf8mb4_b%'",
  "EXPLAIN SELECT * FROM t",
  "DESC t",
  "ANALYZE TABLE t",
  "CHECKSUM TABLE t",
  "ALTER TABLE u ADD b INT",
  "ALTER TABLE u DROP b",
  "CREATE TABLE y SELECT * FROM t",
  "DROP TABLE y",
  "TABLE t",
  "VALUES ROW(1)",
  "SELECT a FROM t LIMIT 1 INTO @a",
  "HELP 'x'",
];

/** A query of any shape over the tables. */
function queryOf(random: Random): string {
  const pick = (text: string) => random.pick(text.split("|"));
  const simple = () => {
    const list = pick("*|1|DISTINCT 1|COUNT(*)|MAX(1)|(SELECT MAX(a) FROM u)|ROW_NUMBER() OVER ()");
    const table = pick("t|u|v|w|x|none|t, u|t LEFT JOIN u USING (a)|(SELECT * FROM t LIMIT 2) d");
    const where = pick("|WHERE 1|WHERE 0|WHERE EXISTS (SELECT 1 FROM u LIMIT 1)|WHERE NULL");
    const group = pick("|||GROUP BY 1|GROUP BY 1 WITH ROLLUP|HAVING 1|HAVING 0");
    return `SELECT ${list} FROM ${table} ${where} ${group} ${pick("|ORDER BY 1 DESC")} ${limit()}`;
  };
  const limit = () => pick("|||LIMIT 1|LIMIT 9|LIMIT 0|LIMIT 1, 1|LIMIT 1 OFFSET 1");
  const union = () => `(${simple()}) ${pick("UNION ALL|UNION")} (${simple()}) ${limit()}`;
  const common = () => `WITH c AS (${simple()}) SELECT * FROM c ${limit()}`;
  return random.pick([simple, simple, simple, union, common, () => `(${simple()}) ${limit()}`])();
}
