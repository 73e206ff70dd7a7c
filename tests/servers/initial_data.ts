// Makes a server version's initial data, with the tests' accounts, once; every server under test
// starts on a copy.

import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../setup/cache.ts";
import { accountStatements, type ServerKind } from "./accounts.ts";
import { mariadbProgram, serverProgram, serverVersion } from "./programs.ts";

/** What is being made: several servers may want it at the same time. */
const making = new Map<ServerKind, Promise<string>>();

/** Folder with initial data for `kind`; made now if this version has none yet. */
export function initialData(kind: ServerKind): Promise<string> {
  let data = making.get(kind);
  if (data === undefined) {
    data = findOrMake(kind);
    making.set(kind, data);
    data.catch(() => making.delete(kind));
  }
  return data;
}

async function findOrMake(kind: ServerKind): Promise<string> {
  const statements = accountStatements(kind);
  // Other accounts make other data.
  const digest = Bun.hash(statements.join("\n")).toString(16);
  const wanted = join(cacheFolder(), `data-${serverVersion(kind)}-${digest}`);
  if (!existsSync(wanted)) await makeInitialData(kind, { wanted, statements });
  return wanted;
}

async function makeInitialData(
  kind: ServerKind,
  { wanted, statements }: { readonly wanted: string; readonly statements: readonly string[] },
): Promise<void> {
  // Another test run may be making the same: each in a folder of its own.
  const data = `${wanted}.${process.pid}`;
  const accounts = `${data}.sql`;
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data);
  writeFileSync(accounts, statements.map((statement) => `${statement};\n`).join(""));
  const asRoot = process.getuid?.() === 0 ? ["--user=root"] : [];
  const common = [
    `--datadir=${data}`,
    // A server that starts in the same one deletes the temporary tables of the others there.
    `--tmpdir=${data}`,
    ...asRoot,
    "--skip-log-bin",
    "--innodb-flush-log-at-trx-commit=0",
  ];
  const command = kind === "mariadb"
    ? [
      mariadbProgram("mariadb-install-db"),
      "--no-defaults",
      ...common,
      "--skip-test-db",
      "--skip-name-resolve",
      "--auth-root-authentication-method=normal",
      "--innodb-log-file-size=96M",
      "--plugin-load-add=auth_ed25519",
      `--extra-file=${accounts}`,
    ]
    : [
      serverProgram("mysql"),
      "--no-defaults",
      ...common,
      "--initialize-insecure",
      "--innodb-redo-log-capacity=192M",
      "--innodb-flush-method=nosync",
      `--init-file=${accounts}`,
    ];
  const made = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [output, errors, status] = await Promise.all([
    new Response(made.stdout).text(),
    new Response(made.stderr).text(),
    made.exited,
  ]);
  rmSync(accounts);
  // A statement of the accounts that fails does not always show in the status.
  if (status !== 0 || /\[ERROR\]|^ERROR/m.test(output + errors)) {
    rmSync(data, { recursive: true, force: true });
    throw new Error(`Cannot make initial data for ${kind}: ${(errors + output).slice(-2000)}`);
  }
  rmSync(join(data, "auto.cnf"), { force: true });
  try {
    renameSync(data, wanted);
  } catch (error) {
    rmSync(data, { recursive: true, force: true });
    if (!existsSync(wanted)) throw error;
  }
}
