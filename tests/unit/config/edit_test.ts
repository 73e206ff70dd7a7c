// Changes to the text of a configuration file: what a person has written there stays.

import { describe, expect, test } from "bun:test";
import { type ConfigEdit, editConfig } from "../../../mod/config/mod.ts";

const FILE = `# our proxy
backends = ["db1", "db2"] # two

[limits] # ceilings
# few
clients_max = 100 # enough

# the writer
[[server]]
address = "db1:3306"
weight = 3

# people
[[user]]
name = "a"
password = "it's # \\"secret\\"" # keep
# about b
[[user]]
name = "b"
password = 'b'
`;

const named = (name: string) => (table: Readonly<Record<string, unknown>>) =>
  table["name"] === name;

describe("editConfig()", () => {
  const cases: readonly (readonly [string, ConfigEdit, (text: string) => string])[] = [
    [
      "a value, with the comment behind it",
      { kind: "set", section: "limits", key: "clients_max", value: 7 },
      (text) => text.replace("= 100", "= 7"),
    ],
    [
      "a key that was not there",
      { kind: "set", section: "limits", key: "idle_timeout", value: "7s" },
      (text) => text.replace("# ceilings\n", '# ceilings\nidle_timeout = "7s"\n'),
    ],
    [
      "a section that was not there",
      { kind: "set", section: "pool", key: "max_age", value: "1m" },
      (text) => `${text}\n[pool]\nmax_age = "1m"\n`,
    ],
    [
      "another password in the place of one with all that is special",
      {
        kind: "put",
        section: "user",
        fits: named("a"),
        values: { password: 'new "one"' },
        fresh: {},
      },
      (text) => text.replace(`"it's # \\"secret\\""`, '"new \\"one\\""'),
    ],
    [
      "a hash instead of a password",
      {
        kind: "put",
        section: "user",
        fits: named("b"),
        values: { hash: "*00", password: undefined },
        fresh: {},
      },
      (text) => text.replace(`name = "b"\npassword = 'b'\n`, 'hash = "*00"\nname = "b"\n'),
    ],
    [
      "another table",
      {
        kind: "put",
        section: "server",
        fits: () => false,
        values: { weight: 0 },
        fresh: { address: "db2:3306" },
      },
      (text) => `${text}\n[[server]]\naddress = "db2:3306"\nweight = 0\n`,
    ],
    [
      "a table that is gone, with the comments that are about others",
      { kind: "remove", section: "user", fits: named("a") },
      (text) => text.replace(/\[\[user\]\]\nname = "a"\n.*\n/, ""),
    ],
    [
      "the last table",
      { kind: "remove", section: "user", fits: named("b") },
      (text) => text.slice(0, text.indexOf('[[user]]\nname = "b"')),
    ],
    ["nothing to remove", { kind: "remove", section: "user", fits: named("c") }, (text) => text],
  ];
  for (const [what, edit, wanted] of cases) {
    test(what, () => expect(editConfig(FILE, [edit])).toBe(wanted(FILE)));
  }

  test("into an empty file", () => {
    const edit: ConfigEdit = { kind: "set", section: "limits", key: "clients_max", value: 7 };
    expect(editConfig("", [edit])).toBe("\n[limits]\nclients_max = 7\n");
  });

  test("refuses what it cannot change, rather than to write something else", () => {
    const text = 'user = [{ name = "a", password = "x" }]\nlimits.clients_max = 7\n';
    const edits: readonly ConfigEdit[] = [
      { kind: "remove", section: "user", fits: named("a") },
      { kind: "set", section: "limits", key: "idle_timeout", value: "1s" },
    ];
    for (const edit of edits) {
      expect(() => editConfig(text, [edit])).toThrow("not written in a way that can be changed");
    }
    const dotted: ConfigEdit = { kind: "set", section: "limits", key: "clients_max", value: 8 };
    expect(editConfig(text, [dotted])).toBe(text.replace("= 7", "= 8"));
  });

  describe("lists at the top", () => {
    const add = (value: string): ConfigEdit => ({
      kind: "add",
      key: "backends",
      value,
      fits: (element) => element === value,
    });
    const take = (value: string): ConfigEdit => ({ ...add(value), kind: "take" } as ConfigEdit);
    const lines = '# ours\nbackends = [\n  "a:1", # the first\n  "b:1",\n  "c:1" # the last\n]\n';
    const cases: readonly (readonly [string, ConfigEdit, string, string])[] = [
      ["one more", add("b"), 'backends = ["a"] # all\n', 'backends = ["a", "b"] # all\n'],
      ["one that is there", add("a"), 'backends = ["a"]\n', 'backends = ["a"]\n'],
      ["into an empty one", add("a"), "backends = [ ]\n", 'backends = ["a" ]\n'],
      [
        "into none",
        add("a"),
        '[log]\nlevel = "warn"\n',
        'backends = ["a"]\n[log]\nlevel = "warn"\n',
      ],
      ["behind a comma", add("b"), 'backends = ["a",]\n', 'backends = ["a", "b",]\n'],
      ["the first", take("a"), "backends = ['a', \"b\"]\n", 'backends = ["b"]\n'],
      ["the last", take("b"), 'backends = ["a", "b"]\n', 'backends = ["a"]\n'],
      ["the only one", take("a"), 'backends = ["a"] # x\n', "backends = [] # x\n"],
      ["none", take("z"), 'backends = ["a"]\n', 'backends = ["a"]\n'],
      ["a line", add("d:1"), lines, lines.replace('"c:1"', '"c:1",\n  "d:1"')],
      ["a line less", take("b:1"), lines, lines.replace('\n  "b:1",', "")],
    ];
    for (const [what, edit, before, after] of cases) {
      test(what, () => expect(editConfig(before, [edit])).toBe(after));
    }
    test("comments beside an element stay", () => {
      expect(editConfig(lines, [take("a:1")])).toContain("# the first");
      expect(editConfig(lines, [take("c:1")])).toContain("# the last");
    });
  });
});
