#!/usr/bin/env node
// Runs a recipe of the justfile on a machine that has only Node and npm: installs the packages
// the recipes need if they are missing or not those of package-lock.json, then hands over.
// Usage: node tools/run.mjs RECIPE [ARGUMENTS]

import { spawn } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

if (!packagesAreCurrent()) {
  console.error("Installing the packages of package-lock.json (npm ci) ...");
  const installed = await run(process.platform === "win32" ? "npm.cmd" : "npm", ["ci"]);
  if (installed !== 0) {
    console.error(`npm ci failed with status ${installed}`);
    process.exit(installed);
  }
  // Where npm is set not to run install scripts, bun's is the one that cannot be done without.
  const bun = join(root, "node_modules/bun");
  if (statSync(join(bun, "bin/bun.exe")).size < 1e6) {
    await run(process.execPath, ["install.js"], bun);
  }
}
// The program itself rather than the package's script, which reads numbers among the arguments
// as numbers and ends with status 0 when a signal ends the program.
const justPackage = `rust-just-${process.platform}-${process.arch}`;
process.exit(await run(join(root, "node_modules", justPackage, "bin/just"), process.argv.slice(2)));

/** Whether node_modules holds exactly what package-lock.json names, by npm's own record of it. */
function packagesAreCurrent() {
  const wanted = packagesOf("package-lock.json");
  const present = packagesOf("node_modules/.package-lock.json");
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === "") return true;
    // Optional packages are those of other platforms, mostly.
    return present[path] === undefined ? optional === true : present[path].version === version;
  });
}

function packagesOf(lockFile) {
  try {
    return JSON.parse(readFileSync(join(root, lockFile), "utf8")).packages;
  } catch {
    return undefined;
  }
}

/** Runs a program to its end; resolves with its status, 128 + n if a signal ended it. */
function run(program, args, cwd = root) {
  const child = spawn(program, args, { cwd, stdio: "inherit" });
  // Ctrl-C reaches the child from the terminal; this process stays to pass on how it ended.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  return new Promise((resolve) => {
    child.on("error", (error) => {
      console.error(`Cannot run ${program}: ${error.message}`);
      resolve(1);
    });
    child.on("exit", (status, signal) => {
      resolve(status ?? 128 + ({ SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 1));
    });
  });
}
