// Where tests keep what takes long to make: unpacked servers, initial data, built client programs,
// certificates; and the record of what this machine has.

import { mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** Folder for everything the tests download, unpack or build. */
export function cacheFolder(): string {
  const xdg = process.env["XDG_CACHE_HOME"];
  const folder = xdg
    ? join(xdg, "mysqlproxy-tests")
    : resolve(import.meta.dir, "../../.cache/tests");
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Folder of the unpacked MySQL (bin/mysqld, bin/mysql): MYSQLPROXY_TEST_MYSQL or in the cache. */
export function mysqlFolder(): string {
  return process.env["MYSQLPROXY_TEST_MYSQL"] || join(cacheFolder(), "mysql-9.7");
}

/** Folder of the unpacked MySQL Router (bin/mysqlrouter), which only the benchmark uses. */
export function routerFolder(): string {
  return join(cacheFolder(), "mysql-router-9.7");
}

/** What tests may rely on. "clients/…" is a built client program. */
export type Requirement = string;

/** For each requirement the reason it is missing, or null where it is there. */
export type Availability = Readonly<Record<Requirement, string | null>>;

/** File that `ensure.ts` writes and tests read. */
export function availabilityFile(): string {
  return join(cacheFolder(), "available.json");
}

/** Reads what `ensure.ts` found. Throws an Error if it never ran. */
export function readAvailability(): Availability {
  let text: string;
  try {
    text = readFileSync(availabilityFile(), "utf8");
  } catch (cause) {
    throw new Error("The tests' needs are not set up: run bun tests/setup/ensure.ts", { cause });
  }
  return JSON.parse(text) as Availability;
}

/** Why one of `requirements` is missing, or null when all are there. */
export function whyMissing(...requirements: readonly Requirement[]): string | null {
  const availability = readAvailability();
  for (const requirement of requirements) {
    const why = availability[requirement];
    if (why === undefined) return `${requirement}: unknown to tests/setup/ensure.ts`;
    if (why !== null) return `${requirement}: ${why}`;
  }
  return null;
}
