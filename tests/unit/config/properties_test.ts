// The rows of SHOW PROPERTIES: every key, no password.

import { describe, expect, test } from "bun:test";
import { allKeys, defaultConfig, loadConfig, properties } from "../../../mod/config/mod.ts";

describe("properties()", () => {
  test("has a row for every key, with its default as a person would write it", () => {
    const rows = new Map(properties(defaultConfig()));
    for (const { path, repeated, defaultText } of allKeys()) {
      if (repeated) continue;
      // Durations come back in their shortest form.
      const expected = { '"60s"': '"1m"' }[defaultText] ?? defaultText;
      expect([path, rows.get(path)]).toEqual([path, expected.replaceAll(/["[\]]/g, "")]);
    }
    expect(rows.size).toBe(allKeys().filter(({ repeated }) => !repeated).length);
  });

  test("masks passwords", () => {
    const { config } = loadConfig({
      text: `backends = ["db1"]
account = { user = "proxy", password = "geheim1" }
[[user]]
name = "a"
password = "geheim2"
[[user]]
name = "b"
hash = "geheim3"
`,
    });
    const rows = properties(config!);
    expect(JSON.stringify(rows)).not.toContain("geheim");
    expect(rows).toContainEqual(["account.password", "********"]);
    expect(rows).toContainEqual(["user", "'a'@'%' caching_sha2_password ********"]);
    expect(rows.at(-1)![1]).toStartWith("'b'@");
  });
});
