// `config init` and `config check`, and which source of a value wins, seen from outside.

import { describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import { run, scratchDirectory } from "./executable.ts";

describe("config init", () => {
  test("prints a file that config check finds no error in", async () => {
    using scratch = scratchDirectory();
    const file = join(scratch.path, "proxy.toml");
    const { stdout, stderr, status } = await run(["config", "init"]);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    await Bun.write(file, stdout);
    expect(await run(["config", "check", file])).toEqual({
      stdout: `${file}: no errors\n`,
      stderr: "",
      status: 0,
    });
  });

  test("writes a file only its owner can read, and replaces none unasked", async () => {
    using scratch = scratchDirectory();
    const file = join(scratch.path, "proxy.toml");
    expect((await run(["config", "init", file])).status).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await Bun.write(file, "# mine\n");
    const again = await run(["config", "init", file]);
    expect(again.stderr).toBe(
      `mysqlproxy: cannot write "${file}": it exists; --force replaces it\n`,
    );
    expect(again.status).toBe(1);
    expect(await Bun.file(file).text()).toBe("# mine\n");
    expect((await run(["config", "init", "--force", file])).status).toBe(0);
    expect(await Bun.file(file).text()).toContain("backends");
  });
});

describe("config check", () => {
  test("prints every error with its place, its key and the nearest known key", async () => {
    using scratch = scratchDirectory();
    const lines = await check(
      scratch.path,
      `listen = ["127.0.0.1:99999", "127.0.0.1:3307"]
workerz = 3

[limits]
  max_clients = 5
login_timeout = "soon"
[account]
user = "proxy"
password = 12345
[limitz]
`,
    );
    expect(lines).toEqual([
      'proxy.toml:1:11: listen[1]: a port is a number from 0 to 65535, not "127.0.0.1:99999"',
      'proxy.toml:2:1: workerz: unknown key; did you mean "workers"?',
      'proxy.toml:5:3: limits.max_clients: unknown key; did you mean "clients_max"?',
      'proxy.toml:6:1: limits.login_timeout: must be a duration such as "10s", "500ms" or "1h30m", not "soon"',
      "proxy.toml:9:1: account.password: must be a string, not a number",
      'proxy.toml:10:2: limitz: unknown section; did you mean "limits"?',
      "proxy.toml: backends: must name at least one server, as in --backend 127.0.0.1:3306",
    ]);
  });

  test("says where a malformed file is malformed, and repeats nothing of it", async () => {
    using scratch = scratchDirectory();
    const lines = await check(scratch.path, 'backends = ["db1"]\npassword = "secret\n');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^proxy\.toml:2:\d+: invalid TOML: /);
    expect(lines[0]).not.toContain("secret");
  });

  async function check(cwd: string, text: string): Promise<readonly string[]> {
    await Bun.write(join(cwd, "proxy.toml"), text);
    const { stdout, stderr, status } = await run(["config", "check", "proxy.toml"], { cwd });
    expect(stdout).toBe("");
    expect(status).toBe(3);
    return stderr.trimEnd().split("\n");
  }
});

describe("sources", () => {
  test("flags win over the environment, that over the file", async () => {
    using scratch = scratchDirectory();
    const file = join(scratch.path, "proxy.toml");
    await Bun.write(file, 'backends = ["db1"]\nworkers = 1000\n');
    // Each layer is wrong in its own way, so that the message tells which one was believed.
    const fromFile = await run(["serve", "-c", file]);
    expect(fromFile.stderr).toContain(`${file}:2:1: workers: must be a whole number`);
    const env = { MYSQLPROXY_CONFIG: file, MYSQLPROXY_WORKERS: "2000" };
    const fromEnvironment = await run(["serve"], { env });
    expect(fromEnvironment.stderr).toMatch(/^mysqlproxy: MYSQLPROXY_WORKERS: .* not 2000\n$/);
    const fromFlag = await run(["serve", "--workers", "3000"], { env });
    expect(fromFlag.stderr).toMatch(/^mysqlproxy: --workers: .* not 3000\n$/);
  });
});
