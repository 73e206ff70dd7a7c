// `config init` and `config check`, and which source of a value wins, seen from outside.

import { describe, expect, test } from "bun:test";
import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { certificates } from "../servers/certificates.ts";
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

  test("looks at the files that are named: certificates, keys, logs", async () => {
    using scratch = scratchDirectory();
    const { certificate, key, authority } = certificates();
    const other = join(dirname(authority), "ca-key.pem");
    await Bun.write(join(scratch.path, "text.pem"), "this is no certificate\n");
    const lines = await check(
      scratch.path,
      `backends = ["127.0.0.1"]
[client_tls]
cert = "none.pem"
key = "text.pem"
ca = "."
[backend_tls]
cert = "${certificate}"
key = "${other}"
[audit]
file = "none/audit.log"
[slow_log]
# here
  file = "."
`,
    );
    expect(lines).toEqual([
      'proxy.toml:3:1: client_tls.cert: cannot read "none.pem": it does not exist',
      'proxy.toml:4:1: client_tls.key: "text.pem" holds no private key in PEM, or one with a passphrase',
      'proxy.toml:5:1: client_tls.ca: cannot read ".": it is a directory',
      `proxy.toml:8:1: backend_tls.key: "${other}" is not the key of the certificate`,
      'proxy.toml:10:1: audit.file: cannot write to "none/audit.log": there is no directory "none"',
      'proxy.toml:13:3: slow_log.file: cannot write to ".": it is a directory',
    ]);
    await Bun.write(
      join(scratch.path, "proxy.toml"),
      `backends = ["127.0.0.1"]
[client_tls]
cert = "${certificate}"
key = "${key}"
ca = "${authority}"
[backend_tls]
mode = "disabled"
ca = "none.pem"
[audit]
file = "/dev/null"
[slow_log]
file = "slow.log"
`,
    );
    const { stdout, stderr } = await run(["config", "check", "proxy.toml"], { cwd: scratch.path });
    expect([stdout, stderr]).toEqual(["proxy.toml: no errors\n", ""]);
    // Nothing was written.
    expect(readdirSync(scratch.path).toSorted()).toEqual(["proxy.toml", "text.pem"]);
    // A variable that has given the path is named in place of a line.
    const given = await run(["config", "check", "proxy.toml"], {
      cwd: scratch.path,
      env: { MYSQLPROXY_AUDIT_FILE: "/none/audit.log" },
    });
    expect(given.stderr).toStartWith("MYSQLPROXY_AUDIT_FILE: audit.file: cannot write");
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
