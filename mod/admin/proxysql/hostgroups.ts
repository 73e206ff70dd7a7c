// The servers in hostgroups, as ProxySQL counts them: one group that is written to, one that is read
// from. Who is in which is what the proxy sees, not what somebody has said.

import type { TopologyServer } from "../../cluster/mod.ts";
import { type Config, formatAddress, type ServerAddress } from "../../config/mod.ts";
import type { Source } from "../table.ts";
import type { Running } from "../../proxy/mod.ts";

/** What ProxySQL says of a server. */
export type ServerStatus = "ONLINE" | "SHUNNED" | "OFFLINE_SOFT";

/** A server in its hostgroup. */
export interface GroupedServer {
  /** As servers are named everywhere. */
  readonly name: string;
  readonly hostgroup: number;
  /** Host, or the path of a unix socket. */
  readonly host: string;
  /** 0: a unix socket. */
  readonly port: number;
  readonly status: ServerStatus;
  readonly weight: number;
  readonly tags: readonly string[];
  /** Undefined: the servers are not watched. */
  readonly watched: TopologyServer | undefined;
}

/** The two hostgroups. */
export function hostgroupsOf({ admin }: Config): {
  readonly writer: number;
  readonly reader: number;
} {
  return { writer: admin.writerHostgroup, reader: admin.readerHostgroup };
}

/** All servers. Where they are not watched, all are in the writers' group. */
export function groupedServers({ config, cluster }: Running): readonly GroupedServer[] {
  const { writer, reader } = hostgroupsOf(config);
  const servers = cluster?.topology.servers ?? [];
  const watched = servers.map((server): GroupedServer => ({
    ...placeOf(server.address),
    name: server.name,
    hostgroup: server.role === "primary" ? writer : reader,
    status: statusOf(server),
    weight: server.weight,
    tags: server.tags,
    watched: server,
  }));
  const known = new Set(servers.flatMap(({ name, aliases }) => [name, ...aliases]));
  const others = config.backends.filter((address) => !known.has(formatAddress(address)));
  return [
    ...watched,
    ...others.map((address): GroupedServer => ({
      ...placeOf(address),
      name: formatAddress(address),
      hostgroup: servers.length === 0 ? writer : reader,
      status: "ONLINE",
      weight: 1,
      tags: [],
      watched: undefined,
    })),
  ];
}

/** Host and port as the tables have them. */
export function placeOf(address: ServerAddress): { readonly host: string; readonly port: number } {
  return address.kind === "unix"
    ? { host: address.path, port: 0 }
    : { host: address.host, port: address.port };
}

/** The address of a row. */
export function addressOf(host: string, port: number): ServerAddress {
  return port === 0 ? { kind: "unix", path: host } : { kind: "tcp", host, port };
}

/** Finds the server by one of its names. */
export function serverFinder(
  { view: { running } }: Source,
): (name: string | null) => GroupedServer | undefined {
  const servers = new Map<string, GroupedServer>();
  for (const server of groupedServers(running)) {
    for (const alias of server.watched?.aliases ?? []) servers.set(alias, server);
    servers.set(server.name, server);
  }
  return (name) => name === null ? undefined : servers.get(name);
}

function statusOf({ state, reads, writes }: TopologyServer): ServerStatus {
  if (state === "draining") return "OFFLINE_SOFT";
  return reads || writes ? "ONLINE" : "SHUNNED";
}
