// A topology with something of everything: up, lagging and down, an alias, tags.

import type { Topology, TopologyServer } from "../../../mod/cluster/mod.ts";

/** When the sample is looked at. */
export const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

const UUID = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

function server(name: string, over: Partial<TopologyServer>): TopologyServer {
  return {
    name,
    address: { kind: "tcp", host: name.split(":")[0] ?? "", port: 3306 },
    aliases: [],
    seed: false,
    role: "replica",
    roleWord: "replica",
    state: "up",
    reason: "",
    sinceMs: NOW_MS - 60_000,
    writes: false,
    reads: true,
    warmAtMs: null,
    weight: 1,
    tags: [],
    version: "8.4.3",
    readOnly: true,
    lagMs: 0,
    lagMeans: "position",
    position: { kind: "gtid", text: `${UUID}:1-4200` },
    rttMs: 0.42,
    answeredMs: NOW_MS - 200,
    failure: null,
    error: "",
    ...over,
  };
}

/** A primary, a replica that is well, one that is late, one that is gone. */
export const TOPOLOGY: Topology = {
  revision: 12,
  epoch: 3,
  madeMs: NOW_MS - 100,
  flavor: "async",
  flavorReason: "MySQL 8.4.3 in no group",
  clusterId: null,
  primary: "db1:3306",
  primaryReason: "the only one that says so",
  transferring: false,
  servers: [
    server("db1:3306", {
      role: "primary",
      roleWord: "writable",
      readOnly: false,
      writes: true,
      seed: true,
      lagMeans: null,
      aliases: ["vip:3306"],
      position: { kind: "gtid", text: `${UUID}:1-4242` },
    }),
    server("db2:3306", { lagMs: 120, weight: 5, tags: ["zone=a"], rttMs: 1.5 }),
    server("db3:3306", {
      state: "lagging",
      reason: "more than 10000 ms behind",
      lagMs: 12_340,
      lagMeans: "commit-time",
      reads: false,
      error: "commit timestamps: SELECT command denied",
    }),
    server("db4:3306", {
      role: "none",
      roleWord: "",
      state: "down",
      reason: "connect ECONNREFUSED 10.0.0.4:3306",
      reads: false,
      version: "",
      readOnly: null,
      lagMs: null,
      lagMeans: null,
      position: null,
      rttMs: null,
      answeredMs: null,
      failure: "refused",
      error: "connect ECONNREFUSED 10.0.0.4:3306",
    }),
  ],
};
