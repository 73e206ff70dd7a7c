// The executable trusts only what it is given: nothing in the folder it is started in changes it.

import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { run, scratchDirectory } from "./executable.ts";

/** Each of these would change a program that the runtime starts from source. */
const hostileFiles: Readonly<Record<string, string>> = {
  ".env": "MYSQLPROXY_WORKERS=100000\nMYSQLPROXY_BACKENDS=evil:3306\n",
  ".env.local": "MYSQLPROXY_LOG_LEVEL=evil\n",
  ".env.production": "MYSQLPROXY_LOG_FORMAT=evil\n",
  "bunfig.toml": 'preload = ["./preload.ts"]\n',
  "preload.ts": 'require("node:fs").writeFileSync("preloaded", ""); console.log("preloaded");\n',
  "package.json": '{"name":"evil","type":"commonjs","imports":{"#x":"./preload.ts"}}\n',
  "tsconfig.json": '{"compilerOptions":{"paths":{"valibot":["./preload.ts"]}}}\n',
  "mysqlproxy.toml": "workers = 100000\n",
};

describe("a hostile folder", () => {
  test("changes nothing of what any command does", async () => {
    using empty = scratchDirectory();
    using hostile = scratchDirectory();
    await writeFiles(hostile.path);
    for (
      const args of [
        ["help"],
        ["version"],
        ["serve"],
        ["serve", "--help"],
        ["config", "init"],
        ["config", "check", "/nonexistent"],
        ["completions", "bash"],
      ]
    ) {
      const expected = await run(args, { cwd: empty.path });
      expect(await run(args, { cwd: hostile.path })).toEqual(expected);
    }
    expect(existsSync(join(hostile.path, "preloaded"))).toBe(false);
  });

  test("is hostile indeed: the runtime itself obeys it", async () => {
    using hostile = scratchDirectory();
    await writeFiles(hostile.path);
    const main = join(import.meta.dir, "../../main.ts");
    const child = Bun.spawn([process.execPath, main, "serve"], {
      cwd: hostile.path,
      env: { PATH: process.env["PATH"] },
      stdout: "pipe",
      stderr: "pipe",
    });
    expect(await child.stderr.text()).toContain("MYSQLPROXY_WORKERS: workers: must be");
    await child.exited;
    expect(existsSync(join(hostile.path, "preloaded"))).toBe(true);
  });
});

async function writeFiles(folder: string): Promise<void> {
  for (const [name, text] of Object.entries(hostileFiles)) {
    await Bun.write(join(folder, name), text);
  }
}
