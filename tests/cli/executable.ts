// Runs dist/mysqlproxy as a person would and tells what they would see.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The executable under test. */
export const executable = join(import.meta.dir, "../../dist/mysqlproxy");

if (!existsSync(executable)) throw new Error(`"${executable}" is missing: just build`);

/** What a finished command left. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
}

/** How a command is started. */
export interface RunOptions {
  /** @default {tmpdir()} */
  readonly cwd?: string;
  /** Environment besides PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command to its end, at most 20 seconds. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = Bun.spawn([executable, ...args], {
    cwd: options.cwd ?? tmpdir(),
    env: { PATH: process.env["PATH"], HOME: "/nonexistent", ...options.env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: 20_000,
  });
  const [stdout, stderr, status] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { stdout, stderr, status };
}

/** A directory that is removed at the end of the block it is declared in with `using`. */
export interface ScratchDirectory extends Disposable {
  readonly path: string;
}

/** Makes a directory of its own for one test. */
export function scratchDirectory(): ScratchDirectory {
  const path = mkdtempSync(join(tmpdir(), "mysqlproxy-cli-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
