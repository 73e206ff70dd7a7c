// Tokenizer: the lexical rules of both servers as far as the proxy uses them.

import { describe, expect, test } from "bun:test";
import { Token, Tokenizer } from "../../../mod/sql/mod.ts";
import type { LexicalMode } from "../../../mod/sql/mod.ts";
import { Random, testSeed } from "../../fuzz/random.ts";

function tokensOf(statement: string, mode?: LexicalMode): string[] {
  const bytes = Buffer.from(statement, "latin1");
  const tokens = new Tokenizer(bytes, 0, bytes.length, mode);
  const found: string[] = [];
  while (tokens.next() !== Token.END) found.push(tokens.text());
  return found;
}

const CASES: readonly (readonly [statement: string, ...tokens: string[]])[] = [
  [""],
  [" \t\r\n\v\f"],
  ["SELECT 1", "SELECT", "1"],
  ["a_b$1 \xe4", "a_b$1", "\xe4"],
  ["f(1,'x')", "f", "(", "1", ",", "'x'", ")"],
  ["'it''s'", "'it''s'"],
  [`"a""b" c`, `"a""b"`, "c"],
  ["`a``b` c", "`a``b`", "c"],
  ["`a\\` b", "`a\\`", "b"],
  ["'a\\'b' c", "'a\\'b'", "c"],
  ["'a\\\\' b", "'a\\\\'", "b"],
  [`'"' "'"`, `'"'`, `"'"`],
  ["'not ended", "'not ended"],
  ["'ends in \\", "'ends in \\"],
  ["1 -- words 'x\n2", "1", "2"],
  ["1 --\n2", "1", "2"],
  ["1 --", "1"],
  ["1--2", "1", "-", "-", "2"],
  ['1 # words "\n2', "1", "2"],
  ["1 # to the end", "1"],
  ["/* a ' */ 1", "1"],
  ["1/**/2", "1", "2"],
  ["/* /* */ 1", "1"],
  ["/* not ended", ...[]],
  ["/*", ...[]],
  ["/*/ 1 */ 2", "2"],
  ["/*!50000 a*/ b", "a", "b"],
  ["/*! a*/ b", "a", "b"],
  ["/*M! a*/ b", "a", "b"],
  ["/*M!100100 a*/ b", "a", "b"],
  ["/*+ hint() */ b", "b"],
  ["a*/b", "a", "b"],
  ["'/* a */' b", "'/* a */'", "b"],
  ["a.b;", "a", ".", "b", ";"],
  ["@@x := ?", "@", "@", "x", ":", "=", "?"],
];

describe("Tokenizer", () => {
  for (const [statement, ...tokens] of CASES) {
    test(JSON.stringify(statement), () => expect(tokensOf(statement)).toEqual(tokens));
  }

  test("NO_BACKSLASH_ESCAPES", () => {
    const mode = { noBackslashEscapes: true };
    expect(tokensOf("'a\\' b", mode)).toEqual(["'a\\'", "b"]);
    expect(tokensOf(`"a\\" b`, mode)).toEqual([`"a\\"`, "b"]);
  });

  test("keeps to its part of the bytes", () => {
    const bytes = Buffer.from("xx'a b' /* c */ dd");
    const tokens = new Tokenizer(bytes, 2, 6);
    expect(tokens.next()).toBe(Token.QUOTED);
    expect(tokens.text()).toBe("'a b");
    expect(tokens.next()).toBe(Token.END);
    expect(tokens.atEnd).toBe(true);
  });

  test("kinds, words and marks", () => {
    const bytes = Buffer.from("Kill `kill` ; \xff", "latin1");
    const tokens = new Tokenizer(bytes, 0, bytes.length);
    expect(tokens.next()).toBe(Token.WORD);
    expect([tokens.is("KILL"), tokens.is("KIL"), tokens.is("KILLS"), tokens.isMark("K")])
      .toEqual([true, false, false, false]);
    expect(tokens.next()).toBe(Token.QUOTED);
    expect(tokens.is("KILL")).toBe(false);
    expect(tokens.next()).toBe(Token.PUNCTUATION);
    expect([tokens.isMark(";"), tokens.isMark(",")]).toEqual([true, false]);
    expect(tokens.next()).toBe(Token.WORD);
  });

  test("ends on any bytes, and tokens are in order and within bounds", () => {
    const random = new Random(testSeed("tokens"));
    const alphabet = "aK1_ \n'\"`\\/*!-#;(),M@\x00\xff";
    for (let round = 0; round < 20_000; round++) {
      const bytes = Buffer.from(
        Array.from({ length: random.below(30) }, () => random.pick([...alphabet])).join(""),
        "latin1",
      );
      const start = random.below(bytes.length + 1);
      const end = start + random.below(bytes.length - start + 1);
      const tokens = new Tokenizer(bytes, start, end);
      let before = start;
      while (tokens.next() !== Token.END) {
        if (tokens.start < before || tokens.end <= tokens.start || tokens.end > end) {
          throw new Error(
            `${
              JSON.stringify(bytes.toString("latin1"))
            } ${start}-${end}: token ${tokens.start}-${tokens.end}`,
          );
        }
        before = tokens.end;
      }
    }
  });
});
