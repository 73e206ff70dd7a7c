// Completions know every command and flag, and bash really completes with them.

import { describe, expect, test } from "bun:test";
import { allKeys } from "../../mod/config/mod.ts";
import { executable, run } from "./executable.ts";

describe("completions", () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    test(`${shell} knows every command and every flag of serve`, async () => {
      const { stdout, stderr, status } = await run(["completions", shell]);
      expect(stderr).toBe("");
      expect(status).toBe(0);
      for (const name of ["serve", "demo", "config", "completions", "version", "help"]) {
        expect(stdout).toMatch(new RegExp(`\\b${name}\\b`));
      }
      for (const { flag } of allKeys()) {
        const long = flag?.names.split("--").at(-1);
        if (long) expect(stdout).toMatch(new RegExp(`(--|-l )${long}\\b`));
      }
    });
  }

  test("bash completes commands, subcommands, flags and their words", async () => {
    expect(await complete(["mysqlproxy", "ser"])).toEqual(["serve"]);
    expect(await complete(["mysqlproxy", "config", "c"])).toEqual(["check"]);
    expect(await complete(["mysqlproxy", "serve", "--log-l"])).toEqual(["--log-level"]);
    expect(await complete(["mysqlproxy", "serve", "--log-level", "w"])).toEqual(["warn"]);
  });
});

/** What bash offers for the last of the words. */
async function complete(words: readonly string[]): Promise<readonly string[]> {
  const script = `source <("$0" completions bash)
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_mysqlproxy
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const child = Bun.spawn(["bash", "-c", script, executable, ...words], { stdout: "pipe" });
  return (await child.stdout.text()).trimEnd().split("\n");
}
