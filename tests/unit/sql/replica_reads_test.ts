// readFacts(): what is a replica read and what bars the rest. The statements are in
// replica_reads.txt under headings with the names of the bars, REPLICA where there is none; behind
// `|` those where the server is known to be MariaDB, if they differ.

import { describe, expect, test } from "bun:test";
import {
  Bar,
  barInWords,
  barNames,
  Effect,
  FactsCache,
  KnownRoutines,
  type LexicalMode,
  mentionsAny,
  Multibyte,
  readFacts,
  type StatementFacts,
} from "../../../mod/sql/mod.ts";
import { Random, testSeed } from "../../fuzz/random.ts";
import { disguised } from "./disguise.ts";
import { readCases } from "./read_cases.ts";

const MODE: LexicalMode = { noBackslashEscapes: false, ansiQuotes: false };
const random = new Random(testSeed("replica reads"));

const cases = readCases();

function factsOf(
  statement: string,
  mode: Partial<LexicalMode> = {},
  known?: KnownRoutines,
): StatementFacts {
  const bytes = Buffer.from(statement, "latin1");
  const facts: StatementFacts = { effects: 0, bars: 0, hint: undefined, seesTables: false };
  readFacts(bytes, { start: 0, end: bytes.length }, { mode: { ...MODE, ...mode }, known }, facts);
  return facts;
}

function told(statement: string, mode: Partial<LexicalMode> = {}, known?: KnownRoutines): string {
  return barNames(factsOf(statement, mode, known).bars).join(" ") || "REPLICA";
}

describe("readFacts()", () => {
  for (const { statement, mysql, mariadb } of cases) {
    test(statement, () => {
      expect({ mysql: told(statement, { server: "mysql" }) }).toEqual({ mysql });
      expect({ mariadb: told(statement, { server: "mariadb" }) }).toEqual({ mariadb });
    });
  }

  test("there are enough cases, and every bar is in one", () => {
    expect(cases.length).toBeGreaterThanOrEqual(600);
    const all = cases.reduce((bars, { statement }) => bars | factsOf(statement).bars, 0);
    // The two others are below.
    const missing = Object.keys(Bar).filter((name) => !barNames(all).includes(name));
    expect(missing).toEqual(["NONE", "UNCERTAIN", "UNSAFE_NAME"]);
    for (const bit of Object.values(Bar)) if (bit !== 0) expect(barInWords(bit)).not.toBe("");
  });

  test("a server that is not known may be either", () => {
    for (const { statement } of cases) {
      const either = factsOf(statement).bars;
      const each = factsOf(statement, { server: "mysql" }).bars |
        factsOf(statement, { server: "mariadb" }).bars;
      expect([statement, barNames(each & ~either)]).toEqual([statement, []]);
    }
  });

  test("what is no bar only reads, or waits", () => {
    for (const { statement } of cases) {
      const { bars, effects } = factsOf(statement);
      if (bars !== 0 || effects & Effect.READS) continue;
      expect(statement).toMatch(/SLEEP|BENCHMARK/i);
    }
  });

  test("what may see rows of tables", () => {
    const sees = (text: string) => factsOf(text).seesTables;
    expect(
      ["SELECT a FROM t", "TABLE t", "UPDATE t SET a = 1", "SELECT f(1)", "CALL p()"].map(sees),
    )
      .toEqual([true, true, true, true, true]);
    expect(["SELECT 1", "SELECT @@x", "SET NAMES utf8mb4", "BEGIN", "SHOW WARNINGS"].map(sees))
      .toEqual([false, false, false, false, false]);
  });

  test("the words are those of the bar that says most", () => {
    expect(barInWords(factsOf("UPDATE t SET a = LAST_INSERT_ID()").bars)).toBe("changes rows");
    expect(barInWords(0)).toBe("");
  });
});

describe("readFacts() in every mode", () => {
  test("NO_BACKSLASH_ESCAPES and ANSI_QUOTES", () => {
    const statement = "SELECT 'a\\', GET_LOCK('b', 1) -- '";
    expect(told(statement)).toBe("REPLICA");
    expect(told(statement, { noBackslashEscapes: true })).toBe("USER_LOCK");
    expect(told('SELECT "mysql".x')).toBe("REPLICA");
    expect(told('SELECT * FROM "mysql".user', { ansiQuotes: true })).toBe("SERVER_SCHEMA");
    expect(told('SELECT "f"(1)', { ansiQuotes: true })).toBe("STORED_FUNCTION");
  });

  test("a backslash may be half a character", () => {
    const statement = "SELECT '\xbf\\', GET_LOCK('b', 1) -- '";
    expect(told(statement)).toBe("REPLICA");
    expect(told(statement, { multibyte: Multibyte.GBK })).toBe("USER_LOCK");
    expect(told("SELECT 1", { multibyte: Multibyte.SWE7 })).toBe("UNCERTAIN");
  });

  test("blanks above 0x7f", () => {
    expect(told("SELECT * FROM t FOR\xa0UPDATE")).toBe("LOCKS_ROWS");
    expect(told("SELECT 1,\xa0GET_LOCK('a', 1)")).toBe("USER_LOCK STORED_FUNCTION");
    expect(told("SELECT 1 --\xa0'\n, @x := 1 -- '")).toContain("UNCERTAIN");
  });
});

describe("readFacts() with known routines", () => {
  const known = new KnownRoutines(
    [
      { schema: "d", name: "Pure", harmless: true },
      { schema: "d", name: "twice", harmless: true },
      { schema: "e", name: "twice", harmless: false },
      { schema: "d", name: "writes", harmless: false },
    ],
    [
      { schema: "d", name: "Logged", harmless: false },
      { schema: "d", name: "plain", harmless: true },
    ],
  );
  for (
    const [statement, expected] of [
      ["SELECT pure(1)", "REPLICA"],
      ["SELECT PURE (a) FROM t", "REPLICA"],
      ["SELECT `pure`(1), d.pure(2), `d` . `pure` (3)", "REPLICA"],
      ["SELECT pure(pure(1))", "REPLICA"],
      ["SELECT e.pure(1)", "STORED_FUNCTION"],
      ["SELECT p.d.pure(1)", "STORED_FUNCTION"],
      ["SELECT twice(1)", "STORED_FUNCTION"],
      ["SELECT d.twice(1)", "REPLICA"],
      ["SELECT e.twice(1)", "STORED_FUNCTION"],
      ["SELECT writes(1)", "STORED_FUNCTION"],
      ["SELECT pure(writes(1))", "STORED_FUNCTION"],
      ["WITH c AS (SELECT pure(1)) SELECT * FROM c", "REPLICA"],
      ["WITH c AS (SELECT pure(twice(1))) SELECT * FROM c", "STORED_FUNCTION"],
      ["WITH c AS (SELECT writes(1)) SELECT * FROM c", "STORED_FUNCTION"],
      ["SELECT count (1)", "STORED_FUNCTION"],
      ["SELECT \xe9pure(1)", "STORED_FUNCTION"],
      ["SELECT pur\xe9(1)", "STORED_FUNCTION"],
      ["CALL pure(1)", "CALLS"],
      ["SELECT * FROM plain", "REPLICA"],
      ["SELECT * FROM logged", "UNSAFE_NAME"],
      ["SELECT * FROM `LOGGED` l", "UNSAFE_NAME"],
      ["SELECT * FROM /*!80000 logged */ t", "UNSAFE_NAME"],
      ["SELECT 'logged' FROM t", "REPLICA"],
    ] as const
  ) {
    test(statement, () => expect(told(statement, {}, known)).toBe(expected));
  }

  test("mentionsAny() of temporary tables", () => {
    const names = new Set(["tmp", "caf\xe9"]);
    const has = (text: string) => {
      const bytes = Buffer.from(text, "latin1");
      return mentionsAny(bytes, { start: 0, end: bytes.length, mode: MODE }, names);
    };
    expect(["SELECT * FROM TMP", "SELECT * FROM d.`tmp` x", "SELECT \xe9 FROM t"].map(has))
      .toEqual([true, true, true]);
    expect(["SELECT * FROM t", "SELECT 'tmp'", "SELECT 1 -- tmp"].map(has))
      .toEqual([false, false, false]);
  });
});

describe("readFacts() of disguised statements", () => {
  test("blanks, comments, case and version comments lift no bar", () => {
    for (let round = 0; round < 20; round++) {
      for (const { statement } of cases) {
        const text = disguised(statement, random);
        const lost = factsOf(statement).bars & ~factsOf(text).bars & ~Bar.EMPTY;
        if (lost === 0) continue;
        throw new Error(`Lost ${barNames(lost)} of ${statement}: ${JSON.stringify(text)}`);
      }
    }
  });

  test("statements around lift no bar, and reads among reads stay reads", () => {
    for (const { statement } of cases) {
      if (/--|#|\/\*|'|"|\\|`/.test(statement)) continue;
      const { bars } = factsOf(statement);
      for (const text of [`SELECT 1; ${statement}`, `${statement}; SELECT 1`]) {
        const lost = bars & ~factsOf(text).bars & ~Bar.EMPTY;
        expect([text, barNames(lost)]).toEqual([text, []]);
        // What is half a statement may take the other in.
        if (bars === 0 && !/BEGIN/.test(statement)) {
          expect([text, told(text)]).toEqual([text, "REPLICA"]);
        }
      }
    }
  });
});

describe("readFacts() of anything", () => {
  test("any bytes end in an answer, after time in proportion to their number", () => {
    const pieces = [..."aK1_ \n'\"`\\/*!-#;(),.@:=M\x00\xa0\xff"].concat(
      "SELECT |SHOW |EXPLAIN |WITH a (|/*!99999 |/*M!|/*+ mysqlproxy(|f(|d.|FOR UPDATE|@@x".split(
        "|",
      ),
    );
    const known = new KnownRoutines([{ schema: "d", name: "f", harmless: true }], [
      { schema: "d", name: "v", harmless: false },
    ]);
    for (let round = 0; round < 30_000; round++) {
      const { statement } = random.pick(cases);
      const cut = random.below(statement.length + 1);
      const middle = Array.from({ length: random.below(8) }, () => random.pick(pieces)).join("");
      factsOf(statement.slice(0, cut) + middle + statement.slice(cut), {}, known);
    }
    for (const piece of pieces) {
      for (const start of ["", "SELECT ", "/*+ mysqlproxy(a=", "EXPLAIN "]) {
        const text = start + piece.repeat(100_000 / piece.length);
        const begun = Bun.nanoseconds();
        factsOf(text, {}, known);
        // A microsecond a byte is a hundred times what is usual, and far below anything quadratic.
        expect([start, piece, Bun.nanoseconds() - begun < text.length * 1000])
          .toEqual([start, piece, true]);
      }
    }
  }, 30_000);
});

describe("FactsCache", () => {
  test("gives what was read, for each mode, and never another statement's", () => {
    const cache = new FactsCache({ bytesMax: 8192 });
    const modes: LexicalMode[] = [
      MODE,
      { ...MODE, noBackslashEscapes: true },
      { ...MODE, ansiQuotes: true, server: "mysql" },
      { noBackslashEscapes: false, multibyte: Multibyte.GBK, server: "mariadb" },
    ];
    for (let round = 0; round < 60_000; round++) {
      // Few statements often, many once: what is held is written over all the time.
      const { statement } = random.oneIn(2) ? cases[random.below(20)] : random.pick(cases);
      const text = random.oneIn(3) ? `${statement} -- ${random.below(1e6)}` : statement;
      const mode = random.pick(modes);
      const bytes = Buffer.from(`##${text}##`, "latin1");
      const { bars, effects } = cache.of(bytes, 2, bytes.length - 2, mode);
      const fresh: StatementFacts = { effects: 0, bars: 0, hint: undefined, seesTables: false };
      readFacts(bytes, { start: 2, end: bytes.length - 2 }, { mode }, fresh);
      expect([text, bars, effects]).toEqual([text, fresh.bars, fresh.effects]);
    }
    expect(cache.hits).toBeGreaterThan(1000);
    expect(cache.misses).toBeGreaterThan(1000);
  }, 30_000);

  test("holds a statement from the second time on, with the caller's note", () => {
    let notes = 0;
    const cache = new FactsCache({ bytesMax: 65_536, annotate: () => ++notes });
    const bytes = Buffer.from("SELECT 1");
    const all = [1, 2, 3, 4].map(() => cache.of(bytes, 0, bytes.length, MODE));
    expect(all.map(({ note }) => note)).toEqual([1, 2, 2, 2]);
    expect(all[2]).toBe(all[3]);
    expect([cache.hits, cache.misses]).toEqual([2, 2]);
  });

  test("long statements are read and not held", () => {
    const cache = new FactsCache({ bytesMax: 65_536 });
    const bytes = Buffer.from(`SELECT '${"x".repeat(5000)}'`);
    for (let i = 0; i < 3; i++) expect(cache.of(bytes, 0, bytes.length, MODE).bars).toBe(0);
    expect(cache.hits).toBe(0);
  });
});
