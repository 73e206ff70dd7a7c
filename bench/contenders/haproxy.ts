// HAProxy in TCP mode, with one and with two threads.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startProcess } from "../processes.ts";
import { type Contender, type StartOptions, versionLine } from "./contender.ts";

// Debian installs it in sbin, which an ordinary user's PATH leaves out.
const program =
  Bun.which("haproxy", { PATH: `${process.env["PATH"]}:/usr/sbin:/usr/local/sbin` }) ??
    "haproxy";

/** One thread: the fair comparison with one worker. */
export const haproxy = withThreads("haproxy", { threads: 1, byDefault: true });

/** Two threads. */
export const haproxyTwoThreads = withThreads("haproxy-2", { threads: 2, byDefault: false });

function withThreads(
  name: string,
  { threads, byDefault }: { readonly threads: number; readonly byDefault: boolean },
): Contender {
  return {
    name,
    byDefault,
    workers: threads,
    version: () => versionLine([program, "-v"]),
    start(options) {
      const file = join(options.folder, "haproxy.cfg");
      writeFileSync(file, configuration(threads, options));
      return startProcess([program, "-db", "-f", file], { folder: options.folder });
    },
  };
}

function configuration(threads: number, { server, listen, clientsMax }: StartOptions): string {
  return [
    "global",
    `  nbthread ${threads}`,
    `  maxconn ${clientsMax}`,
    "defaults",
    "  mode tcp",
    "  timeout connect 10s",
    "  timeout client 1h",
    "  timeout server 1h",
    "listen mysql",
    `  bind ${listen.host}:${listen.port}`,
    `  server db ${server.host}:${server.port}`,
    "",
  ].join("\n");
}
