// Runs the tests and closes with the failures in short and one plain line of counts.
// Usage: node tools/test.mjs [PATHS OR FLAGS OF bun test]
//
// Where CI=true it prints a line a file and failures only; else all that bun prints. All tests are
// several runs of bun: first, side by side, two of tests that mostly wait for servers, then the
// rest alone, which measures or fills the machine.

import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { closing, TestReport } from "./test_report.mjs";
import { BriefScreen, FullScreen } from "./test_screen.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** One test may start servers and drivers, but nothing takes longer than this. */
const timeoutMs = 120_000;
const brief = process.env.CI === "true";

/** Folders whose tests mostly wait: those of one list run beside those of the other. */
const SIDE_BY_SIDE = [["cluster", "splitting", "stale_reads"], ["proxy"]];

const args = process.argv.slice(2);
const children = new Set();
let stopped = false;
// Ctrl-C reaches bun from the terminal; this process stays to tell how it ended.
process.on("SIGINT", () => stopped = true);
process.on("SIGTERM", () => {
  stopped = true;
  for (const child of children) child.kill("SIGTERM");
});

const runs = args.some((arg) => !arg.startsWith("-")) ? [await run([])] : await runAll();
const reports = runs.map(({ report }) => report);
for (const line of closing(reports)) console.log(line);
const passed = reports.every(({ complete, failures }) => complete && failures.length === 0);
process.exit(runs.find(({ status }) => status !== 0)?.status ?? (passed ? 0 : 1));

async function runAll() {
  const folderOf = (file) => file.split("/")[2];
  const files = testFiles();
  const beside = SIDE_BY_SIDE.map((folders) =>
    files.filter((file) => folders.includes(folderOf(file)))
  );
  const alone = files.filter((file) => !SIDE_BY_SIDE.flat().includes(folderOf(file)));
  const first = await Promise.all(beside.map((part) => run(part, true)));
  return stopped ? first : [...first, await run(alone)];
}

/** One run of bun; `isBeside` another, a file's lines are held back until it is done. */
async function run(files, isBeside = false) {
  const child = spawn(
    join(root, "node_modules/.bin/bun"),
    ["test", `--timeout=${timeoutMs}`, ...args, ...files],
    {
      cwd: root,
      stdio: ["inherit", "inherit", "pipe"],
      env: { ...(process.stderr.isTTY && { FORCE_COLOR: "1" }), ...process.env },
    },
  );
  children.add(child);
  const ended = new Promise((resolve) => {
    child.on("close", (code, signal) => {
      children.delete(child);
      if (signal !== null) console.log(`bun test was ended by ${signal}`);
      resolve(code ?? 1);
    });
  });
  const report = new TestReport();
  const screen = brief ? new BriefScreen(report) : new FullScreen(report, isBeside);
  for await (const line of createInterface({ input: child.stderr })) screen.show(line);
  screen.end();
  return { report, status: await ended };
}

/** In the order of their names: a folder's own order differs from machine to machine. */
function testFiles() {
  return readdirSync(join(root, "tests"), { recursive: true })
    .filter((name) => /_test\.tsx?$/.test(name)).sort().map((name) => `./tests/${name}`);
}
