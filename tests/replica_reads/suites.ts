// Where the servers' own test suites are, and their files.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../setup/cache.ts";
import { run } from "../setup/run.ts";

const MARIADB = "/usr/share/mysql/mysql-test";

function mysqlSuite(): string {
  return join(cacheFolder(), "mysql-suite-9.7");
}

/** Fetches MySQL's suite into the tests' cache, if it is not there. */
export async function fetchMysqlSuite(): Promise<void> {
  const folder = mysqlSuite();
  if (existsSync(folder)) return;
  await run(["bash", `${import.meta.dir}/../setup/mysql_suite.sh`, folder]);
}

/**
 * The .test files of the suites that are there, in the order of their paths. Without those whose
 * statements wait, or are about other servers than one with InnoDB.
 */
export function suiteFiles(): string[] {
  const files: string[] = [];
  for (const folder of [MARIADB, mysqlSuite()]) {
    if (!existsSync(folder)) continue;
    files.push(...[...new Bun.Glob("**/*.test").scanSync({ cwd: folder, absolute: true })].sort());
  }
  return files.filter((file) => !/\/(ndb\w*|galera\w*|wsrep|rpl\w*|binlog\w*)\//.test(file));
}
