// The normal form of statements: the same for those that differ in values alone, and only for them.

import { describe, expect, test } from "bun:test";
import {
  FormTable,
  type LexicalMode,
  Multibyte,
  NormalForm,
  readFacts,
} from "../../../mod/sql/mod.ts";
import { Random, testSeed } from "../../fuzz/random.ts";

const MODE: LexicalMode = { noBackslashEscapes: false, ansiQuotes: false };
const form = new NormalForm();

/** The form as text; undefined where there is none. */
function formOf(sql: string, mode = MODE): string | undefined {
  const bytes = Buffer.from(sql);
  if (!form.read(bytes, 0, bytes.length, mode)) return undefined;
  return Buffer.from(form.bytes.subarray(0, form.length)).toString("latin1");
}

describe("the normal form", () => {
  test.each([
    ["SELECT c FROM t WHERE id=42", "SELECT c FROM t WHERE id=?"],
    ["  SELECT\n\tc  FROM t ", "SELECT c FROM t"],
    ["SELECT 1.5, .5, 7.", "SELECT ?, .?"],
    ["SELECT 'a', 'it''s', 'b\\'c', \"d\"", "SELECT ?"],
    ["SELECT a FROM t WHERE b IN (1, 2,3, 'x')", "SELECT a FROM t WHERE b IN (?)"],
    ["SELECT a1, 1a, 0xff, 1e5 FROM t2", "SELECT a1, 1a, 0xff, 1e5 FROM t2"],
    ["SELECT `a``b`, `1` FROM t", "SELECT `a``b`, `1` FROM t"],
    ["SELECT COUNT (*), COUNT(*)", "SELECT COUNT (*), COUNT(*)"],
    ["SELECT 'ä'", "SELECT ?"],
    ["SELECT 5 - 3, -1", "SELECT ? - ?, -?"],
  ])("%s", (sql, expected) => expect(formOf(sql)).toBe(expected));

  test.each([
    "SELECT 1 -- c",
    "SELECT 1--1",
    "SELECT 1 # c",
    "SELECT /* c */ 1",
    "SELECT /*! 1 */",
    "SELECT 1 */ 2",
    "SELECT @a",
    "SELECT @@b",
    "SET a := 1",
    "SELECT ä",
    "SELECT 'open",
    "SELECT `open",
    "SELECT 'open\\'",
    "SELECT 1.2.3",
    `SELECT '${"x".repeat(3000)}'`,
  ])("none: %s", (sql) => expect(formOf(sql)).toBeUndefined());

  test("what is a string hangs on the mode", () => {
    expect(formOf("SELECT 'a\\' FROM t", { ...MODE, noBackslashEscapes: true }))
      .toBe("SELECT ? FROM t");
    expect(formOf('SELECT "a"', { ...MODE, ansiQuotes: true })).toBeUndefined();
    expect(formOf('SELECT "a"', { noBackslashEscapes: false })).toBeUndefined();
    expect(formOf("SELECT 'a'", { ...MODE, multibyte: Multibyte.GBK })).toBeUndefined();
  });

  test("statements of one form have the same facts", () => {
    const random = new Random(testSeed("normal_form"));
    const value = () =>
      random.pick(["1", "'x'", "2.5", "'SLEEP(1)'", "''", "'a;b'", "0", "'GET_LOCK'"]);
    const templates = [
      "SELECT c FROM t WHERE id = ?",
      "SELECT GET_LOCK(?, ?)",
      "SELECT c FROM t WHERE id = ? LIMIT ?",
      "INSERT INTO t VALUES (?, ?)",
      "SELECT LAST_INSERT_ID(?)",
      "SELECT ? INTO OUTFILE ?",
      "SET NAMES ?",
      "SELECT f(?) FROM t",
      "SHOW TABLES LIKE ?",
      "SELECT c FROM t WHERE a = ? FOR UPDATE",
      "KILL ?",
      "SELECT SLEEP(?)",
    ];
    const byForm = new Map<string, string>();
    for (let i = 0; i < 2000; i++) {
      const sql = random.pick(templates).replace(/\?/g, value);
      const made = formOf(sql)!;
      const bytes = Buffer.from(sql);
      const facts = { effects: 0, bars: 0, hint: undefined, seesTables: false };
      readFacts(bytes, { start: 0, end: bytes.length }, { mode: MODE }, facts);
      const told = JSON.stringify([facts.effects, facts.bars]);
      expect({ sql, told: byForm.get(made) ?? told }).toEqual({ sql, told });
      byForm.set(made, told);
    }
    expect(byForm.size).toBeGreaterThanOrEqual(templates.length);
  });
});

test("a table finds the note of a form and no other's, and stays in its bounds", () => {
  const table = new FormTable<string>(64);
  const put = (sql: string) => {
    expect(formOf(sql)).toBeDefined();
    table.keep(form, sql);
  };
  const find = (sql: string) => {
    expect(formOf(sql)).toBeDefined();
    return table.find(form);
  };
  put("SELECT a FROM t WHERE b = 1");
  expect(find("SELECT a FROM t WHERE b = 22")).toBe("SELECT a FROM t WHERE b = 1");
  expect(find("SELECT a FROM t WHERE c = 1")).toBeUndefined();
  let found = 0;
  for (let i = 0; i < 1000; i++) put(`SELECT a${i} FROM t`);
  for (let i = 0; i < 1000; i++) {
    const note = find(`SELECT a${i} FROM t`);
    if (note === undefined) continue;
    expect(note).toBe(`SELECT a${i} FROM t`);
    found++;
  }
  expect(found).toBeGreaterThan(16);
  expect(found).toBeLessThanOrEqual(64);
});
