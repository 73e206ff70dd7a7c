// What a person sees of the commands: help, version, mistakes.

import { describe, expect, test } from "bun:test";
import manifest from "../../package.json" with { type: "json" };
import { allKeys } from "../../mod/config/mod.ts";
import { run } from "./executable.ts";

describe("help", () => {
  test("no arguments print the overview", async () => {
    const { stdout, stderr, status } = await run([]);
    expect(stderr).toBe("");
    expect(stdout).toContain("Usage: mysqlproxy COMMAND");
    for (const name of ["serve", "demo", "config", "completions", "version", "help"]) {
      expect(stdout).toMatch(new RegExp(`^  ${name} +\\w`, "m"));
    }
    expect(status).toBe(0);
  });

  test("help, --help and -h are the same", async () => {
    const overview = await run([]);
    expect(await run(["help"])).toEqual(overview);
    expect(await run(["--help"])).toEqual(overview);
    expect(await run(["-h"])).toEqual(overview);
  });

  test("every command has its help, by flag and by name", async () => {
    for (const name of ["serve", "demo", "config", "completions", "version"]) {
      const byFlag = await run([name, "--help"]);
      expect(byFlag.stderr).toBe("");
      expect(byFlag.stdout).toStartWith(`Usage: mysqlproxy ${name}`);
      expect(byFlag.status).toBe(0);
      expect(await run(["help", name])).toEqual(byFlag);
    }
  });

  test("serve --help has every flag of the configuration within 100 columns", async () => {
    const { stdout } = await run(["serve", "--help"]);
    for (const { flag } of allKeys()) {
      if (flag) expect(stdout).toContain(`  ${flag.names} <${flag.value}>`);
    }
    expect(stdout.split("\n").filter((line) => line.length > 100)).toEqual([]);
  });

  test("output into a slow pipe arrives whole", async () => {
    const { stdout } = await run(["config", "init"]);
    const { executable } = await import("./executable.ts");
    const slow = Bun.spawn(["sh", "-c", '"$0" config init | { sleep 0.2; cat; }', executable], {
      stdout: "pipe",
    });
    expect(await slow.stdout.text()).toBe(stdout);
  });
});

describe("version", () => {
  test("names package version, commit and runtime", async () => {
    const { stdout, stderr, status } = await run(["version"]);
    expect(stderr).toBe("");
    expect(stdout).toStartWith(`mysqlproxy ${manifest.version} (`);
    expect(stdout).toContain(`bun ${manifest.devDependencies.bun}`);
    expect(status).toBe(0);
    expect(await run(["--version"])).toEqual({ stdout, stderr, status });
  });
});

describe("mistakes", () => {
  const mistakes: readonly (readonly [args: readonly string[], status: number, line: string])[] = [
    [["sevre"], 2, 'unknown command "sevre"; did you mean "serve"?'],
    [["frobnicate"], 2, 'unknown command "frobnicate"; see "mysqlproxy help"'],
    [["help", "servr"], 2, 'unknown command "servr"; did you mean "serve"?'],
    [["-b", "db1"], 2, 'unknown option "-b" where a command is expected'],
    [["serve", "--bakend", "db1"], 2, "unknown option '--bakend' (Did you mean --backend?)"],
    [["serve", "--listen"], 2, "option '-l, --listen <address>' argument missing"],
    [["serve", "db1"], 2, "too many arguments"],
    [["version", "--jsn"], 2, "unknown option '--jsn'"],
    [["config", "chekc"], 2, "unknown command 'chekc' (Did you mean check?)"],
    [["config", "check"], 2, "no file is named"],
    [["completions"], 2, "missing required argument 'shell'"],
    [["completions", "tcsh"], 2, "Allowed choices are bash, zsh, fish."],
    [["serve"], 3, "backends: must name at least one server"],
    [["serve", "-b", "db1:99999"], 3, "--backend: backends[1]: a port is a number"],
    [["serve", "-b", "db1", "--workers", "x"], 3, "--workers: workers: must be a whole number"],
    [["serve", "-b", "db1", "--auth", "magic"], 3, "--auth: auth.mode: must be"],
    [["serve", "-c", "/nonexistent/file"], 3, "/nonexistent/file: cannot read the configuration"],
    [
      ["serve", "-b", "db1", "--auth", "synced"],
      3,
      "account.user: must be given when auth.mode is",
    ],
  ];
  for (const [args, status, line] of mistakes) {
    test(`mysqlproxy ${args.join(" ")} gives one line and status ${status}`, async () => {
      const outcome = await run(args);
      expect(outcome.stderr).toStartWith("mysqlproxy: ");
      expect(outcome.stderr).toContain(line);
      expect(outcome.stderr.trimEnd().split("\n")).toHaveLength(1);
      expect(outcome.stdout).toBe("");
      expect(outcome.status).toBe(status);
    });
  }

  test("a password is never repeated", async () => {
    const secret = "hunter2-hunter2";
    for (
      const args of [
        ["serve", "-p", secret],
        ["serve", `--password=${secret}`, "-u"],
        ["serve", "-u", "u", "-p", secret, "extra"],
        ["serve", "-u", "u", "-p", secret, "-b", "db1", "--workers", "-1"],
      ]
    ) {
      const { stdout, stderr, status } = await run(args);
      expect(status).not.toBe(0);
      expect(stdout + stderr).not.toContain(secret);
    }
  });
});
