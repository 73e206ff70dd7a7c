// effectsOf() of statements in disguise: other blanks, comments between the words, letters of any
// case, other statements around. Whatever was told of the statement is told of it still.

import { expect, test } from "bun:test";
import {
  changesAccounts,
  Effect,
  effectNames,
  effectsOf,
  findConnectionId,
  isShowProcesslist,
  type LexicalMode,
  parseKill,
  parseSet,
} from "../../../mod/sql/mod.ts";
import { Random, testSeed } from "../../fuzz/random.ts";
import { blanksOf, disguised } from "./disguise.ts";
import { effectCases } from "./effect_cases.ts";

const MODE: LexicalMode = { noBackslashEscapes: false, ansiQuotes: false };
const ROUNDS = 40;
const PIECES = [..."aK1_ \n'\"`\\/*!-#;(),.@:=M$\x00\xa0\xff"].concat(
  ["SELECT", "SET", "CREATE", "/*!99999 ", "/*M!", "GET_LOCK(", "WITH", "BEGIN", "END", "@@x"],
);
const random = new Random(testSeed("effects"));
const statements = effectCases().map(({ statement }) => statement);

function bitsOf(statement: string): number {
  const bytes = Buffer.from(statement, "latin1");
  return effectsOf(bytes, 0, bytes.length, MODE);
}

/** Fails where the disguised statement lacks a bit of the plain one. */
function expectAll(plain: string, disguised: string): void {
  const lost = bitsOf(plain) & ~bitsOf(disguised) & ~Effect.READS;
  if (lost === 0) return;
  throw new Error(`Lost ${effectNames(lost)} of ${plain}: ${JSON.stringify(disguised)}`);
}

test("blanks, comments and case take nothing away", () => {
  let changed = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const statement of statements) {
      const other = disguised(statement, random);
      if (other !== statement) changed++;
      expectAll(statement, other);
    }
  }
  expect(changed).toBeGreaterThan(ROUNDS * statements.length / 3);
});

test("other statements in front take nothing away", () => {
  for (let round = 0; round < ROUNDS; round++) {
    for (const statement of statements) {
      const front = random.pick([
        "SELECT 1;",
        ";",
        "BEGIN;",
        "SET @x = ';' ;",
        "UPDATE t SET a=1;",
      ]);
      expectAll(statement, front + blanksOf(random) + statement);
    }
  }
});

test("a version comment around it takes nothing away, and hides nothing behind it", () => {
  const runByAll = ["/*!", "/*! ", "/*!40101 "];
  const runBySome = ["/*!80000 ", "/*!999999 ", "/*M! ", "/*M!100100 "];
  for (const statement of statements.filter((text) => !/\*\/|--|#|\/\*/.test(text))) {
    for (const start of [...runByAll, ...runBySome]) {
      // What is not ended would take the comment's end for its own.
      if (!/^(\\|SELECT 'not ended)/.test(statement)) {
        expectAll(statement, `${start}${statement} */`);
      }
      expectAll(statement, `${start}SELECT 1; */ ${statement}`);
    }
    for (const start of runBySome) expectAll(statement, `${start}it's */ ${statement}`);
  }
});

test("whatever concerns the proxy on a closer look is told", () => {
  const more = [
    "KILL 5",
    "KILL HARD QUERY 5;",
    "SHOW FULL PROCESSLIST",
    "SELECT `connection_id`(), 1",
    "INSERT INTO t VALUES (CONNECTION_ID())",
    "SET @a = CONNECTION_ID ( )",
    "DROP USER a",
    "ALTER ROLE a",
    "FLUSH NO_WRITE_TO_BINLOG PRIVILEGES",
    "FLUSH LOGS, PRIVILEGES",
    "SET PASSWORD FOR a = 'b'",
    "GRANT a TO b",
  ];
  let seen = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const statement of [...statements, ...more]) {
      const text = disguised(statement, random);
      const bytes = Buffer.from(text, "latin1");
      const bits = bitsOf(text);
      const concerns = parseKill(bytes, 0, bytes.length) !== undefined ||
        isShowProcesslist(bytes, 0, bytes.length) || changesAccounts(bytes, 0, bytes.length);
      const asks = findConnectionId(bytes, { start: 0, end: bytes.length, ...MODE }).length > 0;
      if (!concerns && !asks) continue;
      seen++;
      const told = (!concerns || bits & Effect.CONCERNS_PROXY) &&
        (!asks || bits & Effect.ASKS_CONNECTION_ID);
      if (!told) throw new Error(`Not told: ${JSON.stringify(text)}`);
    }
  }
  expect(seen).toBeGreaterThan(ROUNDS * more.length - 1);
});

/** A statement, or a part of one with bytes put in, or bytes that are none. */
function anyText(): string {
  const bytes = () => Array.from({ length: random.below(8) }, () => random.pick(PIECES)).join("");
  if (random.oneIn(4)) return bytes() + bytes() + bytes();
  const statement = random.pick(statements);
  const cut = random.below(statement.length + 1);
  return statement.slice(0, cut) + bytes() + (random.oneIn(2) ? statement.slice(cut) : "");
}

test("any bytes end in an answer, alike for the same bytes", () => {
  const bits = new Set<number>();
  for (let round = 0; round < 30_000; round++) {
    const bytes = Buffer.from(anyText(), "latin1");
    const start = random.oneIn(2) ? 0 : random.below(bytes.length + 1);
    const end = random.oneIn(2) ? bytes.length : start + random.below(bytes.length - start + 1);
    const mode: LexicalMode = {
      noBackslashEscapes: random.oneIn(2),
      multibyte: random.below(6),
      ...(random.oneIn(2) && { ansiQuotes: random.oneIn(2) }),
      ...(random.oneIn(2) && { server: random.pick(["mysql", "mariadb"] as const) }),
    };
    const found = effectsOf(bytes, start, end, mode);
    bits.add(found);
    expect(found).toBeGreaterThanOrEqual(0);
    // What is outside has no part in it.
    const copy = Buffer.from(bytes.subarray(start, end));
    const elsewhere = Buffer.concat([Buffer.from("*/'`\\"), copy, Buffer.from("*/'`\\x")]);
    expect(effectsOf(elsewhere, 5, 5 + copy.length, mode)).toBe(found);
    for (const { start: from, end: to } of parseSet(bytes, start, end, mode) ?? []) {
      expect(from >= start && to >= from && to <= end).toBe(true);
    }
  }
  expect(bits.size).toBeGreaterThan(60);
});
