// The overlay: whose word counts, where errors are said to be, and what a change is written to.

import { expect, test } from "bun:test";
import {
  type ConfigEdit,
  editTexts,
  loadConfig,
  type LoadedConfig,
  properties,
} from "../../../mod/config/mod.ts";

const FILE = `backends = ["db1", "db2"] # two
[config]
write_back = "overlay"
[limits]
clients_max = 100 # few
idle_timeout = "1h"
# people
[[user]]
name = "a"
password = "a"
`;

function load(text: string, overlay: string, more: Partial<Parameters<typeof loadConfig>[0]> = {}) {
  return loadConfig({ file: "/etc/p.toml", text, overlay, ...more });
}

/** What was read without an error. */
function right(loaded: LoadedConfig) {
  if (loaded.errors) throw new Error(JSON.stringify(loaded.errors));
  return loaded;
}

test("keys of the overlay count more than the file's, flags and variables more than both", () => {
  const over = 'backends = ["db9"]\n[limits]\nclients_max = 7\n[log]\nlevel = "warn"\n';
  const { config, sources } = right(load(FILE, over, { flags: { "log.level": "debug" } }));
  const values = new Map(properties(config));
  const said = (key: string) => [values.get(key), sources.get(key)];
  expect(said("backends")).toEqual(["db9:3306", "overlay"]);
  expect(said("limits.clients_max")).toEqual(["7", "overlay"]);
  expect(said("limits.idle_timeout")).toEqual(["1h", "file"]);
  expect(said("log.level")).toEqual(["debug", "--log-level"]);
  expect(values.get("user")).toContain("'a'@'%'");
});

test("a list of the overlay counts as a whole", () => {
  const { config } = load(FILE, '[[user]]\nname = "b"\npassword = "b"\n');
  expect(config!.users.map(({ name }) => name)).toEqual(["b"]);
});

test("errors name the file, line and column of either", () => {
  const wrong = FILE.replace("= 100", "= 0");
  const { errors } = load(wrong, '[limits]\nidle_timeout = "never"\nwhat = 1\n');
  expect(errors!.map(({ file, line, column, key }) => [file, line, column, key])).toEqual([
    ["/etc/p.overlay.toml", 2, 1, "limits.idle_timeout"],
    ["/etc/p.overlay.toml", 3, 1, "limits.what"],
    ["/etc/p.toml", 5, 1, "limits.clients_max"],
  ]);
  expect(load(FILE, "[limits\n").errors).toMatchObject([{ file: "/etc/p.overlay.toml", line: 1 }]);
  expect(load(FILE, '[log]\n[config]\noverlay = "x"\n').errors).toMatchObject([
    { file: "/etc/p.overlay.toml", line: 2, key: "config" },
  ]);
});

test("without being named there is none", () => {
  const alone = right(
    loadConfig({ file: "/etc/p.toml", text: FILE.replace('"overlay"', '"file"') }),
  );
  expect(alone.overlay).toBeUndefined();
});

const set = (key: string, value: number | undefined): ConfigEdit => ({
  kind: "set",
  section: "limits",
  key,
  value,
});

test("changes go to the overlay, and the file stays", () => {
  const after = editTexts({ text: FILE, overlay: "" }, [
    set("clients_max", 7),
    { kind: "add", key: "backends", value: "db3", fits: (each) => each === "db3" },
    {
      kind: "remove",
      section: "user",
      fits: ({ name }) => name === "a",
    },
    {
      kind: "put",
      section: "server",
      fits: () => false,
      values: { weight: 2 },
      fresh: { address: "db1:3306" },
    },
  ], "overlay");
  expect(after.text).toBe(FILE);
  expect(loadConfig({ file: "/etc/p.toml", ...after }).errors).toBeUndefined();
  const { config } = loadConfig({ file: "/etc/p.toml", ...after });
  expect(config!.backends.length).toBe(3);
  expect(config!.limits).toMatchObject({ clientsMax: 7, idleTimeoutMs: 3_600_000 });
  expect(config!.servers).toMatchObject([{ weight: 2 }]);
});

test("the last account is taken out in the overlay by an empty list", () => {
  const two = `${FILE}[[user]]\nname = "b"\npassword = "b"\n`;
  const remove = (name: string): ConfigEdit => ({
    kind: "remove",
    section: "user",
    fits: (table) => table["name"] === name,
  });
  const one = editTexts({ text: two, overlay: "" }, [remove("a")], "overlay");
  expect(load(two, one.overlay!).config!.users.map(({ name }) => name)).toEqual(["b"]);
  const none = editTexts(one, [remove("b")], "overlay");
  expect(load(two, none.overlay!).config!.users).toEqual([]);
  const again = editTexts(none, [{
    kind: "put",
    section: "user",
    fits: () => false,
    values: { password: "c" },
    fresh: { name: "c" },
  }], "overlay");
  expect(load(two, again.overlay!).config!.users.map(({ name }) => name)).toEqual(["c"]);
});

test("what the overlay says already is changed there, also where changes go to the file", () => {
  const before = { text: FILE, overlay: "[limits]\nclients_max = 7 # ours\n" };
  const after = editTexts(before, [set("clients_max", 8)], "file");
  expect(after).toEqual({ text: FILE, overlay: "[limits]\nclients_max = 8 # ours\n" });
  const other = editTexts(before, [set("packet_max", 4096)], "file");
  expect(other.overlay).toBe(before.overlay);
  expect(other.text).toContain("[limits]\npacket_max = 4096\n");
  expect(editTexts(before, [set("clients_max", undefined)], "overlay").overlay).toBe("[limits]\n");
});
