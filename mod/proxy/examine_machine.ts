// What `doctor` says of this machine: open files, and ports that the proxy is to listen on.

import type { Diagnosis } from "../cluster/mod.ts";
import { type Config, formatAddress, type ListenAddress, workerCount } from "../config/mod.ts";
import { listen } from "../net/mod.ts";
import { sessionsByOpenFiles } from "./open_files.ts";

/** Looks at what the proxy needs of the machine that `doctor` runs on. */
export async function examineMachine(config: Config): Promise<readonly Diagnosis[]> {
  const lines = [examineOpenFiles(config)];
  const ports = [...config.listen, config.admin.listen, config.http.listen];
  for (const address of ports) {
    if (address !== undefined) lines.push(await examinePort(address));
  }
  return lines;
}

function examineOpenFiles(config: Config): Diagnosis {
  const room = sessionsByOpenFiles() * workerCount(config);
  const wanted = config.limits.clientsMax;
  const isEnough = room >= wanted;
  return {
    severity: isEnough ? "ok" : "warn",
    topic: "open files",
    server: null,
    found: `room for ${room} clients, limits.clients_max is ${wanted}`,
    meaning: isEnough ? "" : "clients beyond that are refused by the system, without a word",
    remedy: isEnough ? "" : `LimitNOFILE=${wanted * 2 + 64} in the unit, or ulimit -n`,
  };
}

async function examinePort(address: ListenAddress): Promise<Diagnosis> {
  const name = formatAddress(address);
  const about = { topic: "port", server: null } as const;
  if (address.kind === "tcp" && address.port === 0) {
    return {
      ...about,
      severity: "ok",
      found: `${name}: the system chooses one`,
      meaning: "",
      remedy: "",
    };
  }
  try {
    (await listen(address, { accept: (stream) => stream.destroy() })).close();
    return { ...about, severity: "ok", found: `${name} is free`, meaning: "", remedy: "" };
  } catch (error) {
    return {
      ...about,
      severity: "warn",
      found: (error as Error).message,
      meaning: "the proxy cannot start here while that is so; if it is running, that is it",
      remedy: "another address (--listen, --admin, --http), or end what has this one",
    };
  }
}
