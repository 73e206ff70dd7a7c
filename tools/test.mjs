// Runs the tests and closes with one plain line of counts.
// Usage: node tools/test.mjs [PATHS OR FLAGS OF bun test]
//
// The counts are those of bun's own summary: its JUnit report leaves out files that fail to load.

import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** One test may start servers and drivers, but nothing takes longer than this. */
const timeoutMs = 120_000;

const { status, output } = await runTests();
const counts = readCounts(output);
if (!counts) {
  console.error("The tests ended without a summary");
  process.exit(status || 1);
}
console.log(`${counts.pass} passed, ${counts.fail} failed, ${counts.skip + counts.todo} skipped`);
process.exit(status || (counts.fail > 0 ? 1 : 0));

/** Resolves with bun's status and the end of what it said on standard error. */
function runTests() {
  const args = ["test", `--timeout=${timeoutMs}`, ...process.argv.slice(2)];
  const child = spawn(join(root, "node_modules/.bin/bun"), args, {
    cwd: root,
    stdio: ["inherit", "inherit", "pipe"],
    env: { ...(process.stderr.isTTY && { FORCE_COLOR: "1" }), ...process.env },
  });
  let output = "";
  child.stderr.on("data", (chunk) => {
    process.stderr.write(chunk);
    output = (output + chunk).slice(-4096);
  });
  // Ctrl-C reaches bun from the terminal; this process stays to tell how it ended.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  return new Promise((resolve) => {
    child.on("close", (code) => resolve({ status: code ?? 1, output }));
  });
}

/** Reads the block of counts that ends with "Ran N tests across N files." */
function readCounts(output) {
  const plain = stripVTControlCharacters(output);
  const end = plain.lastIndexOf("\nRan ");
  if (end < 0) return undefined;
  const counts = { pass: 0, fail: 0, skip: 0, todo: 0 };
  for (const [, count, name] of plain.slice(0, end).matchAll(/^ *(\d+) (pass|fail|skip|todo)$/gm)) {
    counts[name] = Number(count);
  }
  return counts;
}
