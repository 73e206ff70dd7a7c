// userVariablesIn(): the names of user variables wherever they stand.

import { expect, test } from "bun:test";
import { type LexicalMode, multibyteOf, userVariablesIn } from "../../../mod/sql/mod.ts";

function named(statement: string, mode: Partial<LexicalMode> = {}): string[] {
  const bytes = Buffer.from(`@x ${statement} @y`, "latin1");
  const all = { noBackslashEscapes: false, ansiQuotes: false, ...mode };
  return userVariablesIn(bytes, 3, bytes.length - 3, all);
}

const CASES: readonly (readonly [statement: string, ...names: string[]])[] = [
  ["SELECT 1"],
  ["SET @a = 1, @b := @A", "@a", "@b"],
  ["SELECT @a.b$c_1, @@d, @@global.e, @f", "@a.b$c_1", "@f"],
  ["SELECT @`A b`, @'c''d', @\"e\"", "@a b", "@c'd", "@e"],
  ["SELECT @ := 1", "@"],
  ["SELECT @a:=1,@b", "@a", "@b"],
  ["SELECT '@a', \"@b\", `@c` /* @d */ -- @e"],
  ["SELECT @\xe9t\xe9", "@\xe9t\xe9"],
  ["LOAD DATA INFILE 'x' INTO TABLE t (@a, b) SET c = @d", "@a", "@d"],
  ["/*!40101 SET @a = 1 */", "@a"],
  ["/*!99999 it's @a */ SELECT @b -- '", "@b"],
  ["SELECT 1 INTO @a,@b", "@a", "@b"],
  ["SELECT @a/**/, @a -- x", "@a"],
];

for (const [statement, ...names] of CASES) {
  test(statement, () => expect(named(statement).sort()).toEqual(names));
}

test("strings as the session reads them", () => {
  expect(named("SELECT 'a\\', @b -- '")).toEqual([]);
  expect(named("SELECT 'a\\', @b -- '", { noBackslashEscapes: true })).toEqual(["@b"]);
  expect(named("SELECT '\xbf\\', @b -- '", { multibyte: multibyteOf("gbk") })).toEqual(["@b"]);
});
