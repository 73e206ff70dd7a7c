// Runs the tests and closes with one plain line of counts.
// Usage: node tools/test.mjs [PATHS OR FLAGS OF bun test]

import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** One test may start servers and drivers, but nothing takes longer than this. */
const timeoutMs = 120_000;

const report = join(root, `.cache/tests-${process.pid}.xml`);
mkdirSync(dirname(report), { recursive: true });
const status = await runTests();
const counts = readCounts();
rmSync(report, { force: true });
if (!counts) {
  console.error("The tests ended without a report");
  process.exit(status || 1);
}
const passed = counts.tests - counts.failures - counts.skipped;
console.log(`${passed} passed, ${counts.failures} failed, ${counts.skipped} skipped`);
process.exit(status || (counts.failures > 0 ? 1 : 0));

function runTests() {
  const child = spawn(join(root, "node_modules/.bin/bun"), [
    "test",
    `--timeout=${timeoutMs}`,
    "--reporter=junit",
    `--reporter-outfile=${report}`,
    ...process.argv.slice(2),
  ], { cwd: root, stdio: "inherit" });
  // Ctrl-C reaches bun from the terminal; this process stays to tell how it ended.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  return new Promise((resolve) => child.on("exit", (code) => resolve(code ?? 1)));
}

/** The totals stand as attributes of the report's outermost element. */
function readCounts() {
  let head;
  try {
    head = /<testsuites [^>]*>/.exec(readFileSync(report, "utf8"))?.[0];
  } catch {
    return undefined;
  }
  const count = (name) => Number(new RegExp(` ${name}="(\\d+)"`).exec(head ?? "")?.[1] ?? 0);
  return head && { tests: count("tests"), failures: count("failures"), skipped: count("skipped") };
}
