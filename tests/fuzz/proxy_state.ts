// What the system says of a running proxy: its connections and its memory.

import { readFileSync } from "node:fs";
import type { RealServer } from "../servers/mod.ts";
import { FUZZ_ACCOUNT } from "./client_streams.ts";

const TIME_WAIT = "06";
const LISTEN = "0A";

/** TCP connections that a listening process has accepted on a loopback port and not closed yet. */
export function acceptedOn(port: number): number {
  const wanted = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return readFileSync("/proc/net/tcp", "utf8").split("\n")
    .map((line) => line.trim().split(/\s+/))
    // The inode is 0 once no process has the socket open.
    .filter(([, local, , state, , , , , , inode]) =>
      local === wanted && state !== TIME_WAIT && state !== LISTEN && inode !== "0"
    ).length;
}

/** Connections of the mutated streams that are open at a server, and those still logging in. */
export async function serverConnections(server: RealServer): Promise<number> {
  const [row] = await server.sql(
    `SELECT COUNT(*) AS n FROM information_schema.processlist
     WHERE user IN ('${FUZZ_ACCOUNT}', 'unauthenticated user')`,
  );
  return Number(row!["n"]);
}

/** Lines of a log that only a defect writes. */
export function defectsIn(log: string): string[] {
  return log.split("\n").filter((line) =>
    /\b(TypeError|RangeError|ReferenceError|SyntaxError|panic|uncaught|unhandled)\b/i.test(line) ||
    /code=2000\b| error /.test(line) || /^\s+at .*:\d+/.test(line)
  );
}

/** Waits until a number is small enough; gives the last one. */
export async function settle(
  read: () => number | Promise<number>,
  limit: number,
  deadlineMs: number,
): Promise<number> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = await read();
    if (value <= limit || performance.now() > deadline) return value;
    await Bun.sleep(50);
  }
}
