// Replication and clocks of a cluster, and the room that a server has for connections.

import { type Config, formatDuration } from "../../config/mod.ts";
import type { Reading } from "../reading.ts";
import type { Topology, TopologyServer } from "../topology.ts";
import { type Diagnosis, Notes, type Patient, persist, variable } from "./diagnosis.ts";

/** Beyond this, times that servers tell each other are of no use, in milliseconds. */
const SKEW_MAX_MS = 500;
/** Connections that administrators and replicas take besides. */
const OTHERS = 20;

/** Whether there is a primary. */
export function examineWhole(topology: Topology): readonly Diagnosis[] {
  const notes = new Notes("cluster", null);
  const { primary, primaryReason, flavor, flavorReason } = topology;
  const isAnswered = topology.servers.some(({ answeredMs }) => answeredMs !== null);
  if (isAnswered) notes.ok(`it is ${flavor}: ${flavorReason}`);
  if (primary !== null) notes.ok(`${primary} is the primary: ${primaryReason}`);
  else {
    notes.fail("nobody takes writes", {
      meaning: primaryReason,
      remedy: isAnswered ? "make one server writable, and the others follow it" : "",
    });
  }
  return notes.lines;
}

/** Whether a server is reached. */
export function examineReach(server: TopologyServer): readonly Diagnosis[] {
  const notes = new Notes("connect", server.name);
  const { failure, error, answeredMs } = server;
  if (answeredMs !== null && failure === null) {
    notes.ok(`answers within ${server.rttMs} ms, ${server.role} ${server.version}`);
    return notes.lines;
  }
  const remedy = failure === "denied"
    ? "create the account there, or give another one (-u, MYSQLPROXY_PASSWORD)"
    : failure === "refused"
    ? "start the server, or correct its address"
    : failure === "unreachable"
    ? "correct its name or address, or the network's rules"
    : failure === "full"
    ? persistHint("max_connections")
    : "look at the server's error log";
  notes.fail(error, { meaning: "the proxy cannot use this server", remedy });
  return notes.lines;
}

function persistHint(name: string): string {
  return `raise ${name} there, or lower pool.connections_max`;
}

/** Whether a server follows as it should. */
export function examineReplication(
  { server }: Patient,
  { cluster }: Config,
): readonly Diagnosis[] {
  const notes = new Notes("replication", server.name);
  if (server.role !== "replica" && server.role !== "learner") {
    if (server.role === "none") {
      notes.fail(`takes no part: ${server.reason || server.roleWord}`, {
        meaning: "it gets neither reads nor writes",
        remedy: server.state === "wrong-cluster"
          ? "take it out of the configuration"
          : "let it follow the primary, or take it out",
      });
    }
    return notes.lines;
  }
  if (server.state === "lagging" || server.state === "down") {
    notes.fail(server.reason, {
      meaning: "its data is not what it should be",
      remedy: /applier|receiver|stopped/.test(server.reason)
        ? "START REPLICA; and SHOW REPLICA STATUS for the last error"
        : "look at the server's error log",
    });
  } else if (server.lagMs === null) {
    notes.warn("its lag is not known", {
      meaning: "cluster.lag_max cannot keep reads away from it",
      remedy: "see the rights above, or set monitor.lag_query",
    });
  } else notes.ok(`${server.lagMs} ms behind, bound ${formatDuration(cluster.lagMaxMs)}`);
  return notes.lines;
}

/** Whether a server's clock agrees with this machine's. */
export function examineClock(
  { server }: Patient,
  { reading, aheadMs }: { readonly reading: Reading; readonly aheadMs: number | undefined },
): readonly Diagnosis[] {
  const notes = new Notes("clock", server.name);
  if (aheadMs === undefined) return [];
  const shown = `${Math.round(Math.abs(aheadMs))} ms ${aheadMs < 0 ? "behind" : "ahead"}`;
  if (Math.abs(aheadMs) <= SKEW_MAX_MS + reading.rttMs) notes.ok(`${shown} of this machine`);
  else {
    notes.warn(`${shown} of this machine`, {
      meaning: "times in logs do not fit; lag by commit times is wrong where servers differ",
      remedy: "let all machines follow one time server (chrony, systemd-timesyncd)",
    });
  }
  return notes.lines;
}

/** Whether a server has room for what the proxy may open. */
export function examineCapacity(patient: Patient, config: Config): readonly Diagnosis[] {
  const notes = new Notes("connections", patient.server.name);
  const max = Number(variable(patient, "max_connections"));
  if (!Number.isFinite(max) || max === 0) return [];
  const { pool, limits } = config;
  const [wanted, key] = pool.mode === "transaction"
    ? [pool.connectionsMax, "pool.connections_max"]
    : [limits.clientsMax, "limits.clients_max"];
  const found = `max_connections is ${max}, ${key} is ${wanted}`;
  if (wanted + OTHERS <= max) notes.ok(found);
  else {
    notes.warn(found, {
      meaning: "under full load clients get error 1040 from the server",
      remedy: `a lower ${key}, or ${persist(patient, "max_connections", String(wanted + OTHERS))}`,
    });
  }
  return notes.lines;
}
