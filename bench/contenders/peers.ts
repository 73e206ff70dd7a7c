// Any other proxy, given by whoever runs the benchmark in BENCH_PEERS: its command and a template of
// its configuration. docs/benchmark.md says how.

import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { startProcess } from "../processes.ts";
import { type Contender, type StartOptions, versionLine } from "./contender.ts";

/**
 * Reads `NAME=TEMPLATE=COMMAND ARGUMENTS`, several separated by `;`.
 *
 * @throws {Error} If one is not of this form or its template can't be read.
 */
export function readPeers(text: string): Contender[] {
  return text.split(";").map((each) => each.trim()).filter((each) => each !== "").map(readPeer);
}

function readPeer(text: string): Contender {
  const [, name, template, words] = text.match(/^([\w-]+)=([^=]+)=(.+)$/) ?? [];
  if (name === undefined) {
    throw new Error(`BENCH_PEERS: "${text}" is not NAME=TEMPLATE=COMMAND ARGUMENTS`);
  }
  const source = readTemplate(template);
  const command = words.trim().split(/\s+/);
  return {
    name,
    byDefault: true,
    version: () => versionLine([command[0], "--version"]),
    start(options) {
      const config = join(options.folder, basename(template));
      const values = valuesOf(options, config);
      writeFileSync(config, fill(source, values));
      return startProcess(command.map((word) => fill(word, values)), { folder: options.folder });
    },
  };
}

function readTemplate(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new Error(`BENCH_PEERS: cannot read ${path}`, { cause });
  }
}

function valuesOf(options: StartOptions, config: string): ReadonlyMap<string, string> {
  const { listen, server, account, folder, clientsMax, poolConnections, workers } = options;
  return new Map(
    Object.entries({
      CONFIG: config,
      FOLDER: folder,
      LISTEN_HOST: listen.host,
      LISTEN_PORT: listen.port,
      SERVER_HOST: server.host,
      SERVER_PORT: server.port,
      USER: account.user,
      PASSWORD: account.password,
      CLIENTS: clientsMax,
      CONNECTIONS: poolConnections,
      THREADS: workers,
    }).map(([key, value]) => [key, String(value)]),
  );
}

/** Puts values for `@NAME@`. @throws {Error} If there is no value of a name. */
function fill(text: string, values: ReadonlyMap<string, string>): string {
  return text.replaceAll(/@([A-Z_]+)@/g, (_, name: string) => {
    const value = values.get(name);
    if (value === undefined) throw new Error(`BENCH_PEERS: there is no @${name}@`);
    return value;
  });
}
