// This project's proxy in its ways of working: the built executable, or the source where there is
// none or BENCH_FROM_SOURCE is set: a profile names the functions of the source then.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startProcess } from "../processes.ts";
import { type Contender, type StartOptions, versionLine } from "./contender.ts";

const ROOT = join(import.meta.dir, "../..");
const EXECUTABLE = join(ROOT, "dist/mysqlproxy");

/** What starts the proxy. */
export const PROGRAM: readonly string[] =
  existsSync(EXECUTABLE) && process.env["BENCH_FROM_SOURCE"] === undefined
    ? [EXECUTABLE]
    : [process.execPath, join(ROOT, "main.ts")];

const UNPIPED = 'pipeline = "off"';

/** As it comes: nothing set but addresses and the number of workers. */
export const mysqlproxy: Contender = contender("mysqlproxy", () => []);

/** A server connection for each client. */
export const mysqlproxySession: Contender = contender("mysqlproxy-session", ({ folder }) => {
  const file = join(folder, "mysqlproxy.toml");
  writeFileSync(file, '[pool]\nmode = "session"\n');
  return ["-c", file];
});

/** With 16 server connections, however many clients there are. */
export const mysqlproxyPool: Contender = contender(
  "mysqlproxy-pool",
  (options) => pooled(options, []),
);

/** The same, and never a statement behind another one that has no answer yet. */
export const mysqlproxyUnpiped: Contender = contender(
  "mysqlproxy-unpiped",
  (options) => pooled(options, [], [UNPIPED]),
);

/** The same, without its measurements of statements: what these cost. */
export const mysqlproxyUnmeasured: Contender = {
  ...contender(
    "mysqlproxy-unmeasured",
    (options) => pooled(options, ["[metrics]", "statements = false"], [UNPIPED]),
  ),
  byDefault: false,
};

/** Measured, not pipelined, and every statement in the audit log: what that costs. */
export const mysqlproxyAudited: Contender = {
  ...contender(
    "mysqlproxy-audited",
    (options) =>
      pooled(options, ["[audit]", `file = "${join(options.folder, "audit.log")}"`], [UNPIPED]),
  ),
  byDefault: false,
};

/** The pool, and it knows the accounts: it can let clients in by itself. */
export const mysqlproxyKnown: Contender = {
  ...contender("mysqlproxy-known", (options) => {
    const { user, password, plugin } = options.account;
    const account = { name: user, password, plugin };
    const lines = Object.entries(account).map(([key, value]) => `${key} = "${value}"`);
    return pooled(options, ["[[user]]", ...lines]);
  }),
  parts: ["logins"],
};

/** Two worker processes, whatever else was asked for. */
export const mysqlproxyTwo: Contender = twice(mysqlproxy);
export const mysqlproxySessionTwo: Contender = twice(mysqlproxySession);
export const mysqlproxyPoolTwo: Contender = twice(mysqlproxyPool);

/** With a configuration of whoever runs the benchmark; addresses and workers are put in. */
export function mysqlproxyWith(file: string): Contender {
  return contender("mysqlproxy-own", () => ["-c", file]);
}

function twice(one: Contender): Contender {
  return {
    ...one,
    name: `${one.name}-2`,
    byDefault: false,
    workers: 2,
    start: (options) => one.start!({ ...options, workers: 2 }),
  };
}

function pooled(
  { folder, poolConnections }: StartOptions,
  lines: readonly string[],
  poolLines: readonly string[] = [],
): string[] {
  const file = join(folder, "mysqlproxy.toml");
  const pool = ["[pool]", 'mode = "transaction"', `connections_max = ${poolConnections}`];
  writeFileSync(file, [...lines, ...pool, ...poolLines, ""].join("\n"));
  return ["-c", file];
}

function contender(name: string, settings: (options: StartOptions) => string[]): Contender {
  return {
    name,
    byDefault: true,
    version: () => versionLine([...PROGRAM, "version"]),
    start(options) {
      const { server, listen, folder, workers, clientsMax, wrapper } = options;
      return startProcess([
        ...wrapper?.command ?? [],
        ...PROGRAM,
        "serve",
        ...settings(options),
        ...["-b", `${server.host}:${server.port}`],
        ...["-l", `${listen.host}:${listen.port}`],
        ...["--workers", String(workers)],
        ...["--clients-max", String(clientsMax)],
        // What TLS costs is measured on the clients' side alone.
        ...["--backend-tls", "disabled"],
        ...["--log-level", "warn"],
      ], { folder, environment: wrapper?.environment ?? {} });
    },
  };
}
