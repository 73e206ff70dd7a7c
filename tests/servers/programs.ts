// Where the programs of MariaDB and MySQL are on this machine.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { mysqlFolder } from "../setup/cache.ts";
import type { ServerKind } from "./accounts.ts";

/** Path of the server program. Throws an Error where it is not installed. */
export function serverProgram(kind: ServerKind): string {
  return kind === "mysql" ? mysqlProgram("mysqld") : mariadbProgram("mariadbd");
}

/** Path of a program of the unpacked MySQL, such as "mysql" or "mysqldump". */
export function mysqlProgram(name: string): string {
  const path = join(mysqlFolder(), "bin", name);
  if (!existsSync(path)) throw new Error(`No ${path}: run bun tests/setup/ensure.ts`);
  return path;
}

/** Path of an installed program of MariaDB, such as "mariadb" or "mariadb-dump". */
export function mariadbProgram(name: string): string {
  // Daemons are in sbin, which an ordinary user's PATH leaves out.
  const path = Bun.which(name, { PATH: `${process.env["PATH"]}:/usr/sbin:/usr/local/sbin` });
  if (path === null) throw new Error(`No ${name}: run bun tests/setup/ensure.ts`);
  return path;
}

const versions = new Map<ServerKind, string>();

/** The server's version, such as "10.11.6-MariaDB" or "9.7.0". */
export function serverVersion(kind: ServerKind): string {
  let version = versions.get(kind);
  if (version === undefined) {
    const { stdout } = Bun.spawnSync([serverProgram(kind), "--no-defaults", "--version"]);
    version = stdout.toString().match(/Ver ([^ ]+)/)?.[1] ?? "unknown";
    versions.set(kind, version);
  }
  return version;
}
