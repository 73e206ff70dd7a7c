// What every source file keeps to beyond what the formatter, the linter and the compiler see.

import { describe, expect, test } from "bun:test";
import { codeOf, readSources } from "./sources.ts";

const linesMax = 450;
/** Tests may be lists of cases, which are better read in one piece. */
const testLinesMax = 800;
const sources = await readSources();
const product = sources.filter(({ path }) => /^(mod|commands|tui|fixtures)\//.test(path));

describe("style", () => {
  test("every file opens with a comment that says its job", () => {
    const wrong = sources.filter(({ text }) => !/^(#![^\n]*\n)?\/[/*]/.test(text));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  test(`no file has more than ${linesMax} lines, no test more than ${testLinesMax}`, () => {
    const wrong = sources.filter(({ path, text }) =>
      text.split("\n").length - 1 > (path.startsWith("tests/") ? testLinesMax : linesMax)
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  test("files are named in snake_case", () => {
    const wrong = sources.filter(({ path }) => !/(^|\/)[a-z0-9_.]+$/.test(path));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  test("no file is named after nothing", () => {
    const wrong = sources.filter(({ path }) => /\b(utils?|helpers?|misc|common)\b/.test(path));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  test("what is named like a test is one", () => {
    // A program of that name would be run as a whole by the test runner.
    const wrong = sources.filter(({ path, imports }) =>
      /_test\.\w+$/.test(path) && !imports.some(({ target }) => target === "bun:test")
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  test("nothing is left to do", () => {
    const left = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX"].join("|")})\\b`);
    expect(sources.filter(({ text }) => left.test(text)).map(({ path }) => path)).toEqual([]);
  });

  test("no type is given up", () => {
    const givenUp = /(:|\bas|[<|,])\s*any\b(?!\()/;
    const wrong = sources.filter(({ path, text }) =>
      /\.tsx?$/.test(path) && givenUp.test(codeOf(text))
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  test("everything exported has a doc comment", () => {
    const wrong = product.flatMap(({ path, text }) =>
      undocumented(text).map((line) => `${path}: ${line}`)
    );
    expect(wrong).toEqual([]);
  });

  test("private members are #private", () => {
    const wrong = product.filter(({ text }) =>
      /^\s+private\s+(?!constructor)\w/m.test(codeOf(text))
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });
});

/** Lines that export something without a doc comment above; overloads share the first one's. */
function undocumented(text: string): readonly string[] {
  const lines = text.split("\n");
  const wrong: string[] = [];
  const exported =
    /^export (?:default )?(?:declare )?(?:async )?(?:abstract )?(?:function\*?|class|const|let|interface|type|enum) (\w+)/;
  const documented = new Set<string>();
  for (const [index, line] of lines.entries()) {
    const name = exported.exec(line)?.[1];
    if (name === undefined || documented.has(name)) continue;
    let above = index - 1;
    while (lines[above]?.startsWith("// deno-lint-ignore")) above--;
    if (lines[above]?.trimEnd().endsWith("*/")) documented.add(name);
    else wrong.push(line);
  }
  return wrong;
}
