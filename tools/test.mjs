// Runs the tests and closes with the failures in short and one plain line of counts.
// Usage: node tools/test.mjs [PATHS OR FLAGS OF bun test]
//
// Where CI=true it prints a line a file and failures only; else all that bun prints.

import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { clipped, TestReport } from "./test_report.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** One test may start servers and drivers, but nothing takes longer than this. */
const timeoutMs = 120_000;
const brief = process.env.CI === "true";

const report = new TestReport();
let fileStarted = performance.now();
const status = await runTests();
if (brief) showFile();
for (const line of report.closing()) console.log(line);
process.exit(status || (report.complete && report.failures.length === 0 ? 0 : 1));

/** Resolves with bun's status. */
async function runTests() {
  const args = process.argv.slice(2);
  const named = args.some((arg) => !arg.startsWith("-"));
  // In the order of their names: a folder's own order differs from machine to machine.
  const files = named ? [] : testFiles();
  const child = spawn(
    join(root, "node_modules/.bin/bun"),
    ["test", `--timeout=${timeoutMs}`, ...args, ...files],
    {
      cwd: root,
      stdio: ["inherit", "inherit", "pipe"],
      env: { ...(process.stderr.isTTY && { FORCE_COLOR: "1" }), ...process.env },
    },
  );
  // Ctrl-C reaches bun from the terminal; this process stays to tell how it ended.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  const ended = new Promise((resolve) => {
    child.on("close", (code, signal) => {
      if (signal !== null) console.log(`bun test was ended by ${signal}`);
      resolve(code ?? 1);
    });
  });
  for await (const line of createInterface({ input: child.stderr })) show(line);
  return await ended;
}

function testFiles() {
  return readdirSync(join(root, "tests"), { recursive: true })
    .filter((name) => /_test\.tsx?$/.test(name)).sort().map((name) => `./tests/${name}`);
}

function show(line) {
  const before = brief && report.file !== "" ? fileLine() : undefined;
  const happening = report.feed(stripVTControlCharacters(line));
  if (!brief) {
    console.error(line);
    return;
  }
  if (happening?.kind === "file") {
    if (before !== undefined) console.log(before);
    fileStarted = performance.now();
  }
  for (const each of happening?.lines ?? []) console.log(clipped(each));
}

function showFile() {
  if (report.file !== "") console.log(fileLine());
}

/** What the file whose tests run has come to. */
function fileLine() {
  const { pass, fail, skip, todo } = report.fileCounts;
  const seconds = ((performance.now() - fileStarted) / 1000).toFixed(1);
  const rest = skip + todo > 0 ? `, ${skip + todo} skipped` : "";
  return `${report.file}: ${pass} passed, ${fail} failed${rest} (${seconds} s)`;
}
