// Whether new clients should be sent to this proxy, and if not, why.

import type { Running } from "../proxy/mod.ts";

/** Why they should not; empty: they should. */
export function readiness(running: Running): readonly string[] {
  if (running.draining()) return ["no new clients are accepted: the proxy drains"];
  if (running.paused()) return ["no new clients are accepted: PROXYSQL PAUSE"];
  if (!running.ready()) return ["no server was reached since the start"];
  const servers = running.cluster?.topology.servers;
  if (servers === undefined || servers.some(({ reads, writes }) => reads || writes)) return [];
  return [
    "no server takes statements",
    ...servers.map(({ name, state, reason }) => `${name} is ${state}${reason && `: ${reason}`}`),
  ];
}
