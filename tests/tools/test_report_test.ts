// The end of a test run's output says all: what failed where and why, then one line of counts.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const RUNNER = resolve(import.meta.dir, "../../tools/test.mjs");

const FILES: Readonly<Record<string, string>> = {
  passing: `test("one", () => {}); test("two", () => {}); test.skip("three", () => {});`,
  failing: `describe("sums", () => {
    test("right", () => {});
    test("wrong", () => expect([1, 2]).toEqual([1, 3]));
    test("long", () => { throw new Error("line\\n".repeat(100)); });
    test("slow", () => new Promise(() => {}), 50);
  });`,
  many: `for (let i = 0; i < 60; i++) test("number " + i, () => expect(i % 30).not.toBe(7));`,
  broken: `throw new Error("cannot be loaded");`,
  hook: `describe("hook", () => { beforeAll(() => { throw new Error("no server"); });
    test("never", () => {}); });`,
  dying: `test("before", () => {}); test("dies", () => process.kill(process.pid, "SIGKILL"));`,
};

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mp-report-"));
  const imports = `import { beforeAll, describe, expect, test } from "bun:test";\n`;
  for (const [name, text] of Object.entries(FILES)) writeFileSync(file(name), imports + text);
});

afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string): string {
  return join(folder, `${name}_test.ts`);
}

/** Runs files; the lines of the output and the status. */
async function run(names: readonly string[], env: Readonly<Record<string, string>>) {
  const child = Bun.spawn(["node", RUNNER, ...names.map(file)], {
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { lines: stdout.trimEnd().split("\n"), stderr, status };
}

/** The block at the end. */
function closing(lines: readonly string[]): string {
  return lines.slice(lines.findIndex((line) => line.startsWith("Failed ("))).join("\n");
}

describe.each(["true", ""])("CI=%s", (CI) => {
  test("failures stand at the end with their files and reasons, in few lines each", async () => {
    const { lines, status } = await run(["passing", "failing", "broken", "hook"], { CI });
    expect(status).toBe(1);
    expect(lines.at(-1)).toBe("3 passed, 5 failed, 1 skipped");
    const end = closing(lines);
    expect(end).toStartWith("Failed (5):\n");
    expect(end).toMatch(/failing_test\.ts: sums > wrong\n +error: expect\(received\)\.toEqual/);
    expect(end).toMatch(/failing_test\.ts: sums > long\n +error: line\n/);
    expect(end.match(/ line$/gm)!.length).toBeLessThan(15);
    expect(end).toMatch(/failing_test\.ts: sums > slow\n.* timed out after 50ms/);
    expect(end).toMatch(/broken_test\.ts: .*outside of any test.*\n +error: cannot be loaded\n/);
    expect(end).toMatch(/hook_test\.ts: hook > .*\n +error: no server\n/);
  });

  test("a run that dies says where, and has failed", async () => {
    const { lines, status } = await run(["passing", "dying"], { CI });
    expect(status).not.toBe(0);
    expect(lines.join("\n")).toMatch(/ended early, in .*dying_test\.ts/);
    expect(lines.at(-1)).toBe("3 passed, 1 failed, 1 skipped");
  });
});

test("a failure is told once, however many tests there are", async () => {
  const { lines, status } = await run(["many"], { CI: "true" });
  expect(status).toBe(1);
  expect(lines).toContainEqual(expect.stringMatching(/many_test\.ts: 58 passed, 2 failed \(/));
  expect(closing(lines)).toStartWith("Failed (2):\n");
  expect(lines.at(-1)).toBe("58 passed, 2 failed, 0 skipped");
});

test("in CI what passes is one line a file", async () => {
  const { lines, stderr, status } = await run(["passing"], { CI: "true" });
  expect(status).toBe(0);
  expect(stderr).toBe("");
  expect(lines.slice(1)).toEqual([
    expect.stringMatching(/passing_test\.ts: 2 passed, 0 failed, 1 skipped \([\d.]+ s\)$/),
    "2 passed, 0 failed, 1 skipped",
  ]);
  const { stderr: all } = await run(["passing"], { CI: "" });
  expect(all).toContain("(pass) one");
});
