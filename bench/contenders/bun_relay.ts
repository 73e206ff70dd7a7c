// The plainest relay Bun can be: what a proxy in this runtime costs before it understands anything.

import { join } from "node:path";
import { startProcess } from "../processes.ts";
import type { Contender } from "./contender.ts";

const PROGRAM = join(import.meta.dir, "bun_relay_program.ts");

/** Bytes from socket to socket, nothing else. */
export const bunRelay: Contender = {
  name: "bun-relay",
  byDefault: true,
  version: () => `Bun ${Bun.version}`,
  start({ listen, server, folder }) {
    const addresses = [listen.host, listen.port, server.host, server.port].map(String);
    return startProcess([process.execPath, PROGRAM, ...addresses], { folder });
  },
};
