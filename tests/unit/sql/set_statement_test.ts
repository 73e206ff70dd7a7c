// parseSet(): what SET statements set, by which scope, and where the values stand.

import { describe, expect, test } from "bun:test";
import { type LexicalMode, parseSet } from "../../../mod/sql/mod.ts";

const MODE: LexicalMode = { noBackslashEscapes: false, ansiQuotes: false };

/** Each assignment as `scope name value`; undefined for an unknown form. */
function parsed(statement: string, mode: LexicalMode = MODE): string[] | undefined {
  const bytes = Buffer.from(`  ${statement}  `, "latin1");
  return parseSet(bytes, 2, bytes.length - 2, mode)?.map(({ scope, name, start, end }) =>
    `${scope} ${name === "" ? "-" : name} ${bytes.toString("latin1", start, end)}`
  );
}

const KNOWN: readonly (readonly [statement: string, ...assignments: string[]])[] = [
  ["SET a = 1", "session a 1"],
  ["set A=1;", "session a 1"],
  ["SET a := 1 + 2 ;;", "session a 1 + 2"],
  ["SET `a` = 'x'", "session a 'x'"],
  ["SET SESSION a = 1", "session a 1"],
  ["SET LOCAL `a` = ON", "session a ON"],
  ["SET @@a = DEFAULT", "session a DEFAULT"],
  ["SET @@session.a = 1", "session a 1"],
  ["SET @@LOCAL . `a` = 1", "session a 1"],
  ["SET @@`a` = 1", "session a 1"],
  ["SET a.b = 1", "session a.b 1"],
  ["SET GLOBAL hot . key_buffer_size = 1", "global hot.key_buffer_size 1"],
  ["SET GLOBAL a = 1", "global a 1"],
  ["SET @@global.a = 1", "global a 1"],
  ["SET PERSIST a = 1", "persist a 1"],
  ["SET @@PERSIST.a = 1", "persist a 1"],
  ["SET PERSIST_ONLY a = 1", "persist_only a 1"],
  ["SET @@PERSIST_ONLY.a = 1", "persist_only a 1"],
  ["SET a = 1, b = 2", "session a 1", "session b 2"],
  [
    "SET GLOBAL a = 1, b = 2, @@c = 3, @d = 4, SESSION e = 5, f = 6",
    "global a 1",
    "global b 2",
    "session c 3",
    "user d 4",
    "session e 5",
    "session f 6",
  ],
  ["SET @a = 1", "user a 1"],
  ["SET @A.b$c := (SELECT ',')", "user A.b$c (SELECT ',')"],
  ["SET @`a b` = 1, @'c''d' = 2, @\"e\" = 3", "user a b 1", "user c'd 2", "user e 3"],
  ["SET @ = 1", "user - 1"],
  ["SET @a = (1, 2), b = f(3, (4))", "user a (1, 2)", "session b f(3, (4))"],
  ["SET a = 'x,y', b = \"z;\" ", "session a 'x,y'", 'session b "z;"'],
  ["SET a = 'it\\'s, ', b = 1", "session a 'it\\'s, '", "session b 1"],
  ["SET a /* x */ = /* y, */ 1 /* z */ , b -- x\n = 2", "session a 1", "session b 2"],
  ["SET NAMES utf8mb4", "names - utf8mb4"],
  ["SET NAMES 'utf8mb4' COLLATE 'utf8mb4_bin'", "names - 'utf8mb4' COLLATE 'utf8mb4_bin'"],
  ["SET NAMES DEFAULT, @a = 1", "names - DEFAULT", "user a 1"],
  ["SET CHARACTER SET latin1", "charset - latin1"],
  ["SET CHARSET DEFAULT, a = 1", "charset - DEFAULT", "session a 1"],
  ["SET @a = 1, NAMES latin1", "user a 1", "names - latin1"],
  [
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY",
    "next transaction ISOLATION LEVEL SERIALIZABLE, READ ONLY",
  ],
  [
    "SET SESSION TRANSACTION READ WRITE, ISOLATION LEVEL READ COMMITTED",
    "session transaction READ WRITE, ISOLATION LEVEL READ COMMITTED",
  ],
  ["SET GLOBAL TRANSACTION READ ONLY", "global transaction READ ONLY"],
  ["SET transaction_isolation = 'SERIALIZABLE'", "session transaction_isolation 'SERIALIZABLE'"],
  ["SET @@transaction_isolation = 'SERIALIZABLE'", "next transaction_isolation 'SERIALIZABLE'"],
  ["SET @@tx_read_only = 1", "next tx_read_only 1"],
  ["SET @@session.tx_read_only = 1", "session tx_read_only 1"],
  ["SET ROLE a, b", "role - a, b"],
  ["SET ROLE NONE", "role - NONE"],
  ["SET DEFAULT ROLE a TO b", "default_role - a TO b"],
  ["SET PASSWORD = 'x'", "password - 'x'"],
  ["SET PASSWORD FOR a@b = PASSWORD('x')", "password - FOR a@b = PASSWORD('x')"],
  ["/*!40101 SET NAMES utf8 */", "names - utf8"],
  ["SET a = /*!40101 1, b = */ 2", "session a 1", "session b 2"],
  ["/*!40101 SET @a = @@sql_mode, sql_mode = '' */;", "user a @@sql_mode", "session sql_mode ''"],
];

const UNKNOWN = [
  "",
  "SELECT 1",
  "SETS a = 1",
  "`SET` a = 1",
  "SET",
  "SET a",
  "SET a 1",
  "SET a = 1,",
  "SET = 1",
  "SET 'a' = 1",
  "SET @@ = 1",
  "SET @@session = 1",
  "SET SESSION",
  "SET CHARACTER latin1",
  "SET DEFAULT a",
  "SET RESOURCE GROUP g",
  "SET SESSION AUTHORIZATION u",
  "SET STATEMENT a = 1 FOR SELECT 1",
  "SET a = 1; SELECT 1",
  "SET a = 1 /*! + 1 */",
  "SET /*!80000 GLOBAL */ a = 1",
  "SET a = /*!40101 1 + */ 2",
  "SET a = 1 --\xa0, b = 2",
];

describe("parseSet()", () => {
  for (const [statement, ...assignments] of KNOWN) {
    test(statement, () => expect(parsed(statement)).toEqual(assignments));
  }

  for (const statement of UNKNOWN) {
    test(`not known: ${statement}`, () => expect(parsed(statement)).toBeUndefined());
  }

  test("strings as the session reads them", () => {
    const statement = "SET a = 'x\\', b = 1 -- '";
    expect(parsed(statement)).toEqual(["session a 'x\\', b = 1 -- '"]);
    expect(parsed(statement, { noBackslashEscapes: true })).toEqual([
      "session a 'x\\'",
      "session b 1",
    ]);
    expect(parsed('SET @"a" = "b\\""')).toEqual(['user a "b\\""']);
    expect(parsed('SET a = "b\\", c = "d"', { noBackslashEscapes: false })).toBeUndefined();
  });
});
