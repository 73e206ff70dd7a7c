// The scanner finds each key where a person would point at it, whatever TOML allows around it.

import { describe, expect, test } from "bun:test";
import { parse } from "smol-toml";
import { findPlaces } from "../../../mod/config/places.ts";
import type { KeyPath } from "../../../mod/config/places.ts";
import { Random, testSeed } from "../../fuzz/random.ts";

/** Marks `@` stand before keys and are taken out; the n-th mark belongs to the n-th path. */
function expectMarks(marked: string, paths: readonly KeyPath[]): void {
  const text = marked.replaceAll("@", "");
  parse(text); // Throws if the example itself is no TOML.
  const places = findPlaces(text);
  const lines = marked.split("\n");
  const marks: { line: number; column: number }[] = [];
  for (const [index, line] of lines.entries()) {
    let taken = 0;
    for (let at = line.indexOf("@"); at >= 0; at = line.indexOf("@", at + 1)) {
      marks.push({ line: index + 1, column: at - taken++ + 1 });
    }
  }
  expect(paths.map((path) => places.find(path))).toEqual(marks);
}

describe("findPlaces()", () => {
  test("keys, tables and lists of tables", () => {
    expectMarks(
      `@a = 1
  @b="x" # c = 2
[@t]
@a = 3
[ @t . u ]
\t@a = 4
[[@l]]
@a = 5
[[@l]]
@a = 6
[l.@m]
`.replace("[l.@m]", "[@l.m]\n@z = 1"),
      [
        ["a"],
        ["b"],
        ["t"],
        ["t", "a"],
        ["t", "u"],
        ["t", "u", "a"],
        ["l", 0],
        ["l", 0, "a"],
        ["l", 1],
        ["l", 1, "a"],
        ["l", 1, "m"],
        ["l", 1, "m", "z"],
      ],
    );
  });

  test("dotted and quoted keys", () => {
    expectMarks(`@a.b . "c d" = 1\n@'x.y' = 2\n@"\\u0041\\n" = 3\n@1234 = 4`, [
      ["a", "b", "c d"],
      ["x.y"],
      ["A\n"],
      ["1234"],
    ]);
  });

  test("elements of lists and inline tables over several lines", () => {
    expectMarks(
      `@a = [ @1, @"x,]", # ], 3
  @[ @2, @3 ],
]
@b = { @c = 1, @d = [ @{ @e = 2 } ] }
@f = []
@g = {}
@h = 1`,
      [
        ["a"],
        ["a", 0],
        ["a", 1],
        ["a", 2],
        ["a", 2, 0],
        ["a", 2, 1],
        ["b"],
        ["b", "c"],
        ["b", "d"],
        ["b", "d", 0],
        ["b", "d", 0, "e"],
        ["f"],
        ["g"],
        ["h"],
      ],
    );
  });

  test("strings of all four kinds hide what looks like keys", () => {
    expectMarks(
      `@a = "\\"\\nx = 1 # \\\\"
@b = 'C:\\'
@c = """
x = 1
\\""" y = 2
z = 3"""""
@d = '''
[t]
''\\'''
@e = 1979-05-27 07:32:00 # f = 1
@f = 1_000.5e3
@g = true
`,
      [["a"], ["b"], ["c"], ["d"], ["e"], ["f"], ["g"]],
    );
  });

  test("CRLF ends lines like LF", () => {
    expect(findPlaces("a = 1\r\n\r\n  b = 2\r\n").find(["b"])).toEqual({ line: 3, column: 3 });
  });

  test("what is not there has the place of the table around it", () => {
    const places = findPlaces("a = 1\n[t]\nb = 2\n");
    expect(places.find(["t", "missing"])).toEqual({ line: 2, column: 2 });
    expect(places.find(["t", "b", "deeper", 3])).toEqual({ line: 3, column: 1 });
    expect(places.find(["missing"])).toBeUndefined();
    expect(places.find([])).toBeUndefined();
  });

  test("any text comes to an end", () => {
    const random = new Random(testSeed("places"));
    const pieces = ["a", ".", "=", '"', "'", "[", "]", "{", "}", ",", "#", "\n", " ", "\\", '"""'];
    for (let i = 0; i < 20_000; i++) {
      let text = "";
      for (let j = random.below(16); j > 0; j--) text += random.pick(pieces);
      findPlaces(text).find(["a"]);
    }
  });
});
