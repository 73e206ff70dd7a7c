// What becomes of keys: defaults, layers, names, and errors with their places.

import { describe, expect, test } from "bun:test";
import type { Config, ConfigSources } from "../../../mod/config/mod.ts";
import {
  allKeys,
  configTemplate,
  defaultConfig,
  formatConfigErrors,
  loadConfig,
} from "../../../mod/config/mod.ts";

/** The configuration of a text that has no errors. */
function load(text: string, sources: ConfigSources = {}): Config {
  const { config, errors } = loadConfig({ text, file: "test.toml", ...sources });
  if (!config) throw new Error(formatConfigErrors(errors).join("\n"));
  return config;
}

/** The lines of the errors of a text, which must have some. */
function errorsOf(text: string, sources: ConfigSources = {}): readonly string[] {
  const { errors } = loadConfig({ text, file: "f", ...sources });
  expect(errors).toBeDefined();
  return formatConfigErrors(errors!);
}

const backend = 'backends = ["db1"]\n';

describe("loadConfig() values", () => {
  test("has the default of every key when only a server is named", () => {
    const config = load(backend);
    expect(config.backends).toEqual([{ kind: "tcp", host: "db1", port: 3306 }]);
    expect({ ...config, backends: [], revision: 0 }).toEqual({ ...defaultConfig(), backends: [] });
    expect(config.account).toBeUndefined();
    expect(config.admin.listen).toBeUndefined();
  });

  test("the template of config init says the defaults, commented out or not", () => {
    let inRepeated = false;
    const uncommented = configTemplate().split("\n").map((line) => {
      if (/^# \[\[\w+\]\]$/.test(line)) inRepeated = true;
      else if (line.startsWith("[")) inRepeated = false;
      return inRepeated ? line : line.replace(/^# (?=[a-z_]+ = )/, "");
    }).join("\n");
    expect(uncommented).toContain("\nclients_max = 10000\n");
    expect(load(uncommented)).toEqual(load(configTemplate()));
    expect({ ...load(configTemplate()), backends: [], revision: 0 }).toEqual({
      ...defaultConfig(),
      backends: [],
    });
  });

  test("servers have weights and tags, and must have an address", () => {
    const text = `${backend}[[server]]\naddress = "db2"\nweight = 3\ntags = ["zone=a"]\n`;
    expect(load(text).servers).toEqual([
      { address: { kind: "tcp", host: "db2", port: 3306 }, weight: 3, tags: ["zone=a"] },
    ]);
    const wrong = `${backend}[[server]]\nweight = 2000\ntags = ["a,b"]\nfoo = 1\n`;
    const { errors = [] } = loadConfig({ text: wrong, file: "t" });
    expect(formatConfigErrors(errors)).toEqual([
      "t:2:3: server[1].address: must be given, as in db1:3306",
      "t:3:1: server[1].weight: must be a whole number from 0 to 1000, not 2000",
      "t:4:9: server[1].tags[1]: must have no commas and no control characters",
      "t:5:1: server.foo: unknown key",
    ]);
  });

  test("is frozen through and through, and survives being sent to another process", () => {
    const config = load(`${backend}[[user]]\nname = "a"\npassword = ""\n`);
    const visit = (value: unknown): void => {
      if (typeof value !== "object" || value === null) return;
      expect(Object.isFrozen(value)).toBe(true);
      Object.values(value).forEach(visit);
    };
    visit(config);
    expect(structuredClone(config)).toEqual(config);
    expect(JSON.parse(JSON.stringify(config))).toEqual(config);
  });

  test("reads every kind of value", () => {
    const config = load(`
listen = ["[::1]:0", "unix:/run/m.sock", ":3310"]
backends = ["db1", "[fd00::1]", "10.0.0.1:3307", "unix:/run/db.sock"]
workers = 0
account = { user = "proxy", password = "" }
limits.login_timeout = "1m30s"
limits.buffer_max = 65536
limits.packet_max = "64MiB"
tcp.no_delay = false
proxy_protocol.trusted = ["10.0.0.0/8", "fd00::/8", "127.0.0.1"]
compression.clients = []
admin.listen = "127.0.0.1"
`);
    expect(config.listen).toEqual([
      { kind: "tcp", host: "::1", port: 0 },
      { kind: "unix", path: "/run/m.sock" },
      { kind: "tcp", host: "0.0.0.0", port: 3310 },
    ]);
    expect(config.backends).toEqual([
      { kind: "tcp", host: "db1", port: 3306 },
      { kind: "tcp", host: "fd00::1", port: 3306 },
      { kind: "tcp", host: "10.0.0.1", port: 3307 },
      { kind: "unix", path: "/run/db.sock" },
    ]);
    expect(config.account).toEqual({ user: "proxy", password: "" });
    expect(config.limits.loginTimeoutMs).toBe(90_000);
    expect(config.limits.bufferMaxBytes).toBe(65_536);
    expect(config.limits.packetMaxBytes).toBe(64 * 1024 * 1024);
    expect(config.tcp.noDelay).toBe(false);
    expect(config.proxyProtocol.trusted).toEqual([
      { family: "ipv4", address: "10.0.0.0", prefixLength: 8 },
      { family: "ipv6", address: "fd00::", prefixLength: 8 },
      { family: "ipv4", address: "127.0.0.1", prefixLength: 32 },
    ]);
    expect(config.compression.clients).toEqual([]);
    expect(config.admin.listen).toEqual({ kind: "tcp", host: "127.0.0.1", port: 3308 });
  });

  test("reads accounts with either kind of secret", () => {
    const { users } = load(`${backend}
[[user]]
name = "app"
password = "p"
[[user]]
name = "old"
host = "10.%"
hash = "*6BB4837EB74329105EE4568DDA7DC67ED2CA2AD9"
plugin = "mysql_native_password"
require = "ssl"
`);
    expect(users).toEqual([
      {
        name: "app",
        host: "%",
        secret: { kind: "password", password: "p" },
        plugin: "caching_sha2_password",
        require: "none",
      },
      {
        name: "old",
        host: "10.%",
        secret: { kind: "hash", hash: "*6BB4837EB74329105EE4568DDA7DC67ED2CA2AD9" },
        plugin: "mysql_native_password",
        require: "ssl",
      },
    ]);
  });
});

describe("loadConfig() layers", () => {
  const file = `${backend}workers = 2\n[log]\nlevel = "warn"\n`;

  test("flags win over the environment, that over the file, that over defaults", () => {
    const env = { MYSQLPROXY_WORKERS: "3", MYSQLPROXY_LOG_LEVEL: "error" };
    expect(load(backend).workers).toBe(0);
    expect(load(file).workers).toBe(2);
    expect(load(file, { env }).workers).toBe(3);
    expect(load(file, { env, flags: { workers: "4" } }).workers).toBe(4);
    expect(load(file, { env, flags: { workers: "4" } }).log.level).toBe("error");
  });

  test("a list of a higher layer replaces the whole list below it", () => {
    const flags = { backends: ["a:1", "b:2,c:3"] };
    expect(load(backend, { flags }).backends).toHaveLength(3);
    const env = { MYSQLPROXY_BACKENDS: "x, y" };
    expect(load(backend, { env }).backends.map((it) => it.kind === "tcp" && it.host))
      .toEqual(["x", "y"]);
  });

  test("every key outside [[user]] can be set by its variable", () => {
    const samples: Readonly<Record<string, string>> = {
      text: "x",
      path: "/x.pem",
      integer: "17",
      boolean: "false",
      duration: "7s",
      size: "1MiB",
      address: "127.0.0.1:7",
      addresses: "127.0.0.1:7",
      networks: "10.0.0.0/7",
    };
    const env: Record<string, string> = {};
    for (const { kind, words, variables, repeated } of allKeys()) {
      expect(variables.length > 0).toBe(!repeated);
      // "static" would need accounts, which no variable can give.
      const word = words?.filter((it) => it !== "static").at(-1);
      if (!repeated) env[variables.at(-1)!] = word ?? samples[kind]!;
    }
    env["MYSQLPROXY_FAILOVER_COMMIT_MARKS"] = "x.y";
    // The two must differ.
    env["MYSQLPROXY_ADMIN_READER_HOSTGROUP"] = "18";
    const config = load("", { env });
    expect(config.account).toEqual({ user: "x", password: "x" });
    expect(config.limits.idleTimeoutMs).toBe(7000);
    expect(config.limits.bufferMaxBytes).toBe(1024 * 1024);
    expect(config.clientTls.certPath).toBe("/x.pem");
    expect(config.tcp.noDelay).toBe(false);
    expect(config.http.listen).toEqual({ kind: "tcp", host: "127.0.0.1", port: 7 });
  });

  test("the short names of the account win, and empty variables are not set", () => {
    const env = {
      MYSQLPROXY_USER: "short",
      MYSQLPROXY_ACCOUNT_USER: "long",
      MYSQLPROXY_WORKERS: "",
    };
    expect(load(backend, { env }).account).toEqual({ user: "short", password: "" });
    expect(load(backend, { env }).workers).toBe(0);
  });

  test("an empty flag turns an address off", () => {
    const text = `${backend}admin.listen = "127.0.0.1:1"\n`;
    expect(load(text, { flags: { "admin.listen": "" } }).admin.listen).toBeUndefined();
  });
});

describe("loadConfig() errors", () => {
  test("bounds are kept from both sides", () => {
    expect(errorsOf(`${backend}workers = -1`)).toEqual([
      "f:2:1: workers: must be a whole number from 0 to 256, not -1",
    ]);
    expect(errorsOf(`${backend}workers = 257`)).toHaveLength(1);
    expect(errorsOf(`${backend}workers = 1.5`)).toHaveLength(1);
    expect(load(`${backend}workers = 256`).workers).toBe(256);
    expect(errorsOf(`${backend}limits.packet_max = "1025MiB"`)).toEqual([
      "f:2:1: limits.packet_max: must be from 1KiB to 1GiB, not 1025MiB",
    ]);
    expect(errorsOf(`${backend}auth.sync_interval = "0"`)).toEqual([
      "f:2:1: auth.sync_interval: must be from 1s to 24h, not 0",
    ]);
  });

  test("wrong types are named", () => {
    expect(errorsOf(`${backend}workers = "two"`)[0]).toEndWith('not "two"');
    expect(errorsOf(`${backend}workers = [1]`)[0]).toEndWith("not a list");
    expect(errorsOf(`${backend}limits = 3`)).toEqual(["f:2:1: limits: must be a table, not 3"]);
    expect(errorsOf(`${backend}log.level = 1979-05-27`)[0]).toEndWith("not a date");
    expect(errorsOf(`${backend}[user]\nname = "x"`)[0]).toContain("must be a list of tables");
    expect(errorsOf('backends = "db1"')[0]).toStartWith("f:1:1: backends: must be a list");
  });

  test("what belongs together is asked for together", () => {
    expect(errorsOf(`${backend}client_tls.cert = "a.pem"`)[0]).toContain("client_tls.key: must be");
    expect(errorsOf(`${backend}account.password = "p"`)[0]).toContain(
      "account.user: must be given",
    );
    expect(errorsOf(`${backend}auth.mode = "static"`)[0]).toContain(
      "auth.mode: needs at least one",
    );
    expect(errorsOf(`${backend}[[user]]\nname = "x"`)[0]).toContain("either a password or a hash");
    expect(errorsOf(`${backend}listen = []`)).toEqual(["f:2:1: listen: must name an address"]);
  });

  test("doubles are refused", () => {
    expect(errorsOf('backends = ["a", "a:3306"]')[0]).toContain("must not name an address twice");
    expect(load(`${backend}listen = ["[::1]:0", "[::1]:0"]`).listen).toHaveLength(2);
  });

  test("no error repeats a password", () => {
    const errors = errorsOf(`account = { passwort = "geheim", password = ["geheim"] }
[[user]]
name = "a"
password = 31337
hash = "geheim"
`);
    expect(errors.length).toBeGreaterThanOrEqual(4);
    expect(errors.join("\n")).not.toMatch(/geheim|31337/);
  });

  test("names that JavaScript knows are no keys", () => {
    expect(errorsOf(`${backend}constructor = 1\n[limits]\ntoString = 2`)).toEqual([
      "f:2:1: constructor: unknown key",
      "f:4:1: limits.toString: unknown key",
    ]);
    expect(errorsOf(`${backend}__proto__ = 1`)).toHaveLength(1);
  });

  test("a key of another section is suggested with its section", () => {
    expect(errorsOf(`${backend}clients_max = 1`)).toEqual([
      'f:2:1: clients_max: unknown key; did you mean "limits.clients_max"?',
    ]);
  });

  test("an unreadable file is one error", () => {
    expect(loadConfig({ file: "/nonexistent/x.toml" }).errors).toEqual([
      {
        file: "/nonexistent/x.toml",
        message: "cannot read the configuration file: it does not exist",
      },
    ]);
  });
});
