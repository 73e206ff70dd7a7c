// effectsOf(): what each statement does and asks. The statements are in effects.txt, under headings
// that name the bits; behind `|` those where the server is known to be MariaDB, if they differ.

import { describe, expect, test } from "bun:test";
import {
  Effect,
  effectNames,
  effectsOf,
  type LexicalMode,
  Multibyte,
  multibyteOf,
  UNKNOWN,
} from "../../../mod/sql/mod.ts";
import { effectCases } from "./effect_cases.ts";

const MODE: LexicalMode = { noBackslashEscapes: false, ansiQuotes: false };

function bitsOf(statement: string, mode: Partial<LexicalMode> = {}): number {
  const bytes = Buffer.from(statement, "latin1");
  return effectsOf(bytes, 0, bytes.length, { ...MODE, ...mode });
}

/** The names of the bits; UNKNOWN for all of those. */
function told(statement: string, mode: Partial<LexicalMode> = {}): string {
  const bits = bitsOf(statement, mode);
  const isUnknown = (bits & UNKNOWN) === UNKNOWN;
  const names = effectNames(isUnknown ? bits & ~UNKNOWN : bits);
  return [...(isUnknown ? ["UNKNOWN"] : []), ...names].join(" ") || "NONE";
}

const cases = effectCases();

describe("effectsOf()", () => {
  for (const { statement, mysql, mariadb } of cases) {
    test(statement, () => {
      expect({ mysql: told(statement, { server: "mysql" }) }).toEqual({ mysql });
      expect({ mariadb: told(statement, { server: "mariadb" }) }).toEqual({ mariadb });
    });
  }

  test("a server that is not known may be either", () => {
    for (const { statement } of cases) {
      const mysql = bitsOf(statement, { server: "mysql" });
      const mariadb = bitsOf(statement, { server: "mariadb" });
      const either = bitsOf(statement);
      expect([statement, effectNames((mysql | mariadb) & ~either & ~Effect.READS)])
        .toEqual([statement, []]);
      if (either & Effect.READS) expect(mysql & mariadb & Effect.READS).toBe(Effect.READS);
    }
  });

  test("every bit is in some case", () => {
    const all = cases.reduce((bits, { statement }) => bits | bitsOf(statement), 0);
    expect(
      Object.keys(Effect).filter((name) => name !== "NONE" && !effectNames(all).includes(name)),
    )
      .toEqual([]);
  });

  test("keeps to its part of the bytes", () => {
    const bytes = Buffer.from("SET @x = 1; SELECT 1 FOR UPDATE; SELECT 'x", "latin1");
    const part = (text: string) => {
      const start = bytes.indexOf(text);
      return effectNames(effectsOf(bytes, start, start + text.length, MODE)).join(" ");
    };
    expect(part("SELECT 1")).toBe("READS");
    expect(part("SELECT 1 FOR")).toBe("READS");
    expect(part("SELECT 1 FOR UPDATE")).toBe("");
    expect(part("SET @x = 1; SEL")).toContain("SETS_USER_VARIABLE");
    expect(part("")).toBe("");
    expect(part("SELECT '")).toBe("READS");
  });

  test("a long text takes no more time for each byte than a short one", () => {
    const time = (text: string) => {
      const bytes = Buffer.from(text, "latin1");
      const start = Bun.nanoseconds();
      effectsOf(bytes, 0, bytes.length, MODE);
      return (Bun.nanoseconds() - start) / bytes.length;
    };
    const pieces = ["(", ")", "'", "`", "/*", "/*!", "/*!99999 ", "x ", "BEGIN ", "EXPLAIN ", "@"];
    pieces.push(
      "SET STATEMENT x=1 FOR ",
      ";",
      "WITH a (",
      "END ",
      "-- ",
      "\\",
      "CREATE ",
      '"',
      ".",
    );
    for (const piece of pieces) {
      time(piece.repeat(10));
      // A microsecond a byte is a hundred times what is usual, and far below anything quadratic.
      expect([piece, time(piece.repeat(200_000 / piece.length)) < 1000]).toEqual([piece, true]);
    }
  });
});

describe("effectsOf() reads strings as the session does", () => {
  test("NO_BACKSLASH_ESCAPES", () => {
    const statement = "SELECT 'a\\', @x := 1 -- '";
    expect(told(statement)).toBe("READS");
    expect(told(statement, { noBackslashEscapes: true })).toContain("SETS_USER_VARIABLE");
  });

  test("ANSI_QUOTES", () => {
    const statement = 'SELECT "a\\", @x := 1 -- "';
    expect(told(statement)).toBe("READS");
    expect(told(statement, { ansiQuotes: true })).toContain("SETS_USER_VARIABLE");
    expect(told("SELECT \"get_lock\"('a', 1)", { ansiQuotes: true })).toBe("CALLS USER_LOCK");
  });

  test("where it is not known whether ANSI_QUOTES is set", () => {
    const unknown = (statement: string) => {
      const bytes = Buffer.from(statement, "latin1");
      return effectsOf(bytes, 0, bytes.length, { noBackslashEscapes: false });
    };
    expect(unknown('SELECT "a\\", @x := 1 -- "') & UNKNOWN).toBe(UNKNOWN);
    expect(effectNames(unknown('SELECT "a", "it\'s", "a""b", "a\\n"'))).toEqual(["READS"]);
    expect(effectNames(unknown('SELECT "f"(1)'))).toEqual(["CALLS"]);
    expect(effectNames(unknown('SELECT * FROM "session_variables"'))).toContain("ASKS_VARIABLES");
  });

  // In these charsets 0x5c and 0x60 may be the second byte of a character.
  const withTrail = [
    ["gbk", "\xbf"],
    ["sjis", "\x83"],
    ["cp932", "\x95"],
    ["big5", "\xa4"],
    ["gb18030", "\x95"],
  ] as const;
  for (const [charset, lead] of withTrail) {
    test(`${charset}: a backslash that is none`, () => {
      const multibyte = multibyteOf(charset);
      const statement = `SELECT '${lead}\\', @x := 1 -- '`;
      expect(told(statement)).toBe("READS");
      expect(told(statement, { multibyte })).toContain("SETS_USER_VARIABLE");
      // A backslash in front of the character takes its first byte only.
      expect(told(`SELECT '\\${lead}\\', @x := 1 -- '`, { multibyte })).toBe("READS");
    });

    test(`${charset}: a backquote that is none`, () => {
      const multibyte = multibyteOf(charset);
      const statement = `SELECT \`${lead}\`\`, @x := 1, \`\``;
      expect(told(statement)).toBe("READS");
      expect(told(statement, { multibyte })).toContain("SETS_USER_VARIABLE");
      expect(told(`SELECT ${lead}\`, @x := 1`, { multibyte })).toContain("SETS_USER_VARIABLE");
    });
  }

  test("gb18030: characters of four bytes", () => {
    const multibyte = Multibyte.GB18030;
    expect(told("SELECT '\x81\x30\x81\x30\\', @x := 1 -- '", { multibyte })).toBe("READS");
    expect(told("SELECT \x81\x30\x81\x30(1)", { multibyte })).toBe("CALLS");
  });

  test("charsets by their names", () => {
    expect(["GBK", "utf8mb4", "Sjis", "latin1", "swe7"].map(multibyteOf)).toEqual([
      Multibyte.GBK,
      Multibyte.NONE,
      Multibyte.SJIS,
      Multibyte.NONE,
      Multibyte.SWE7,
    ]);
  });

  test("swe7 is not understood", () => {
    expect(bitsOf("SELECT 1", { multibyte: Multibyte.SWE7 }) & (UNKNOWN | Effect.READS))
      .toBe(UNKNOWN);
  });

  test("bytes above 0x7f may be blanks, and may be part of a word", () => {
    expect(told("SELECT 1,\xa0GET_LOCK('a', 1)")).toBe("CALLS USER_LOCK");
    expect(told("SELECT * FROM t FOR\xa0UPDATE")).toBe("NONE");
    expect(told("SET\xa0autocommit = 0")).toBe("SETS_VARIABLE");
    expect(told("SELECT \xe9abs(1)")).toBe("CALLS");
    expect(told("SELECT abs\xe9(1)")).toBe("CALLS");
    expect(told("SELECT stra\xdfe, `stra\xdfe`, t.gr\xf6\xdfe FROM b\xe4ume")).toBe("READS");
    expect(told("INSERT INTO b\xe4ume (gr\xf6\xdfe) VALUES (1)")).toBe(
      "RUNS_TRIGGERS LEAVES_INSERT_ID",
    );
    expect(bitsOf("SELECT 1 --\xa0'\n, @x := 1 -- '") & UNKNOWN).toBe(UNKNOWN);
  });

  test("a blank is none of the bytes around: tabs, line ends and form feeds are", () => {
    expect(told("SELECT\t*\r\nFROM\vt\fFOR\nUPDATE")).toBe("NONE");
    expect(told("SELECT 1 -- x\n, @x := 1")).toContain("SETS_USER_VARIABLE");
    expect(told("SELECT 1 # x\n, @x := 1")).toContain("SETS_USER_VARIABLE");
    expect(told("SELECT 1 --x\n, @x := 1")).toContain("SETS_USER_VARIABLE");
    expect(told("SELECT 1 --\t'\n, @x := 1")).toContain("SETS_USER_VARIABLE");
    expect(told("SELECT 1 --\x01'\n, @x := 1")).toContain("SETS_USER_VARIABLE");
  });
});
