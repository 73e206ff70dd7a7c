// MySQL Router, from the same release as the MySQL under test: with a server connection for each
// client, and sharing server connections. It is not for MariaDB.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { certificates } from "../../tests/servers/mod.ts";
import { routerFolder } from "../../tests/setup/cache.ts";
import { startProcess } from "../processes.ts";
import { type Contender, type StartOptions, versionLine } from "./contender.ts";

const PROGRAM = join(routerFolder(), "bin/mysqlrouter");
const SETUP = join(import.meta.dir, "../../tests/setup/mysql.sh");

/** Address space: sharing connections it has been seen to take all memory of a machine. */
const LIMITED = ["prlimit", "--as=8589934592", "--"];

/** Bytes pass; TLS is between the client and the server. */
export const router = contender("router", () => ["client_ssl_mode = PASSTHROUGH"], "AS_CLIENT");

/** It takes part in the protocol, and server connections go from client to client. */
export const routerShared = contender("router-shared", () => [
  "connection_sharing = 1",
  "connection_sharing_delay = 0",
], "PREFERRED");

function contender(
  name: string,
  lines: () => readonly string[],
  serverSslMode: string,
): Contender {
  return {
    name,
    byDefault: true,
    servers: ["mysql"],
    version: () => existsSync(PROGRAM) ? versionLine([PROGRAM, "--version"]) : "not installed",
    async install() {
      if (existsSync(PROGRAM)) return;
      const child = Bun.spawn(["bash", SETUP, routerFolder(), "mysql-router"], { stdin: "ignore" });
      if (await child.exited !== 0) throw new Error("MySQL Router cannot be unpacked");
    },
    start(options) {
      const file = join(options.folder, "router.conf");
      const settings = [...lines(), `server_ssl_mode = ${serverSslMode}`];
      writeFileSync(file, configuration(settings, options));
      const user = process.getuid?.() === 0 ? ["--user=root"] : [];
      const command = [...LIMITED, PROGRAM, ...user, "-c", file];
      return startProcess(command, { folder: options.folder });
    },
  };
}

function configuration(settings: readonly string[], options: StartOptions): string {
  const { server, listen, folder, clientsMax, poolConnections } = options;
  const { certificate, key } = certificates();
  const isPassing = settings.some((line) => line.includes("PASSTHROUGH"));
  return [
    "[DEFAULT]",
    `plugin_folder = ${routerFolder()}/usr/lib/mysqlrouter/plugin`,
    ...["logging", "runtime", "data"].map((each) => `${each}_folder = ${folder}`),
    `max_total_connections = ${clientsMax}`,
    ...(isPassing ? [] : [
      "client_ssl_mode = PREFERRED",
      `client_ssl_cert = ${certificate}`,
      `client_ssl_key = ${key}`,
    ]),
    "[logger]",
    "level = WARNING",
    "[connection_pool]",
    `max_idle_server_connections = ${poolConnections}`,
    "[routing:primary]",
    `bind_address = ${listen.host}`,
    `bind_port = ${listen.port}`,
    "protocol = classic",
    `destinations = ${server.host}:${server.port}`,
    "routing_strategy = first-available",
    `max_connections = ${clientsMax}`,
    ...settings,
    "",
  ].join("\n");
}
