// This project's proxy in both ways of pooling: the built executable, or the source where there is
// none.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startProcess } from "../processes.ts";
import { type Contender, type StartOptions, versionLine } from "./contender.ts";

const ROOT = join(import.meta.dir, "../..");
const EXECUTABLE = join(ROOT, "dist/mysqlproxy");
const PROGRAM = existsSync(EXECUTABLE) ? [EXECUTABLE] : [process.execPath, join(ROOT, "main.ts")];

/** A server connection for each client: nothing set but addresses and the number of workers. */
export const mysqlproxy: Contender = contender("mysqlproxy", () => []);

/** Clients take turns on a few server connections. */
export const mysqlproxyPool: Contender = contender(
  "mysqlproxy-pool",
  (options) => pooled(options, []),
);

/** The same, and it knows the accounts: it can let clients in by itself. */
export const mysqlproxyKnown: Contender = {
  ...contender("mysqlproxy-known", (options) => {
    const { user, password, plugin } = options.account;
    const account = { name: user, password, plugin };
    const lines = Object.entries(account).map(([key, value]) => `${key} = "${value}"`);
    return pooled(options, ["[[user]]", ...lines]);
  }),
  parts: ["logins"],
};

function pooled({ folder, poolConnections }: StartOptions, lines: readonly string[]): string[] {
  const file = join(folder, "mysqlproxy.toml");
  const pool = ["[pool]", 'mode = "transaction"', `connections_max = ${poolConnections}`, ""];
  writeFileSync(file, [...lines, ...pool].join("\n"));
  return ["-c", file];
}

function contender(name: string, settings: (options: StartOptions) => string[]): Contender {
  return {
    name,
    byDefault: true,
    version: () => versionLine([...PROGRAM, "version"]),
    start(options) {
      const { server, listen, folder, workers } = options;
      return startProcess([
        ...PROGRAM,
        "serve",
        ...settings(options),
        ...["-b", `${server.host}:${server.port}`],
        ...["-l", `${listen.host}:${listen.port}`],
        ...["--workers", String(workers)],
        ...["--log-level", "warn"],
      ], { folder });
    },
  };
}
