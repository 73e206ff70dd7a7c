// Runs kept as JSON under .cache/bench/, so that the next one can be compared.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { join, resolve } from "node:path";
import type { ServerKind } from "../tests/servers/mod.ts";
import type { Scale } from "./part.ts";
import type { Entry, Failure } from "./run.ts";

/** Everything about a run that was finished. */
export interface RunRecord {
  readonly startedAt: string;
  /** Of the work tree; `+` behind it where files had been changed. */
  readonly commit: string;
  readonly machine: {
    readonly processor: string;
    readonly cores: number;
    readonly kernel: string;
    /** Of the minute before the run. */
    readonly load: number;
  };
  readonly server: { readonly kind: ServerKind; readonly version: string };
  readonly scale: Scale;
  readonly workers: number;
  /** The contenders' versions. */
  readonly contenders: Readonly<{ [name: string]: string }>;
  readonly entries: readonly Entry[];
  readonly failures: readonly Failure[];
}

const FOLDER = resolve(import.meta.dir, "../.cache/bench");

/** The machine as it is before the run. */
export function machine(): RunRecord["machine"] {
  const cores = cpus();
  return {
    processor: cores[0]?.model ?? "unknown",
    cores: cores.length,
    kernel: release(),
    load: loadavg()[0],
  };
}

/** The commit of the work tree, short. */
export function commit(): string {
  const git = (...args: string[]) =>
    Bun.spawnSync(["git", "-C", import.meta.dir, ...args], { stderr: "ignore" }).stdout
      .toString().trim();
  return git("rev-parse", "--short", "HEAD") +
    (git("status", "--porcelain", "--untracked-files=no") === "" ? "" : "+");
}

/** Writes a run down; returns the file's path. */
export function save(record: RunRecord): string {
  mkdirSync(FOLDER, { recursive: true });
  const path = join(FOLDER, `${record.startedAt.replaceAll(":", "-")}.json`);
  writeFileSync(path, JSON.stringify(record, null, 2) + "\n");
  return path;
}

/**
 * The latest earlier run of the same size on the same kind of server that has all of `cases`, or
 * else the latest that has any of them.
 */
export function previous(
  { server, scale, cases }: {
    readonly server: ServerKind;
    readonly scale: Scale;
    /** Their ids. */
    readonly cases: readonly string[];
  },
): RunRecord | undefined {
  let names: string[];
  try {
    names = readdirSync(FOLDER);
  } catch {
    return undefined; // There has been no run.
  }
  let second: RunRecord | undefined;
  // Names begin with the time.
  for (const name of names.filter((each) => each.endsWith(".json")).sort().reverse()) {
    const record = JSON.parse(readFileSync(join(FOLDER, name), "utf8")) as RunRecord;
    if (record.server.kind !== server || record.scale.quick !== scale.quick) continue;
    const measured = new Set(record.entries.map((entry) => entry.case));
    if (cases.every((id) => measured.has(id))) return record;
    if (second === undefined && cases.some((id) => measured.has(id))) second = record;
  }
  return second;
}
