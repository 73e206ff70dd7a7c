// From edited rows of mysql_servers to orders about servers and weights in the configuration. Which
// servers there are, and who is the primary, is what the proxy sees: rows that say something else are
// refused.

import { type ConfigEdit, formatAddress, parseAddress } from "../../config/mod.ts";
import type { Config } from "../../config/mod.ts";
import type { Running } from "../../proxy/mod.ts";
import type { TableRow } from "../table.ts";
import { type FixedColumns, fixedReasons, type Plan } from "./edits.ts";
import { addressOf, type GroupedServer, groupedServers, hostgroupsOf } from "./hostgroups.ts";

/** How long a server that is to be the primary may take to be seen as that, in milliseconds. */
const PROMOTED_MS = 5000;
const LOOK_MS = 20;
const WEIGHT_MAX = 1000;

/** What rows say about a server that is known. */
export interface ServerWish {
  readonly server: GroupedServer;
  readonly drained: boolean;
  /** Undefined: it has no row. */
  readonly weight: number | undefined;
}

/** What rows come to. */
export interface ServerPlan {
  readonly wishes: readonly ServerWish[];
  readonly reasons: readonly string[];
}

const COLUMNS: FixedColumns = {
  gtid_port: [0, "route.consistency needs none"],
  compression: [0, "compression.backend counts for all"],
  max_connections: [1000, "pool.connections_max counts for all"],
  max_replication_lag: [0, "cluster.lag_max counts for all"],
  use_ssl: [0, "backend_tls.mode counts for all"],
  max_latency_ms: [0, "route.eject_latency counts for all"],
};

/** Waits while a server that has a row as the primary is not seen as that yet. */
export async function planServers(
  rows: readonly TableRow[],
  running: Running,
): Promise<ServerPlan> {
  const deadline = performance.now() + PROMOTED_MS;
  for (;;) {
    const { misplaced, ...plan } = planNow(rows, running);
    const reasons = plan.reasons;
    const isLate = performance.now() > deadline;
    if (reasons.length > 0 || misplaced.length === 0) return plan;
    if (isLate) return { ...plan, reasons: misplaced };
    await Bun.sleep(LOOK_MS);
  }
}

function planNow(
  rows: readonly TableRow[],
  running: Running,
): ServerPlan & { readonly misplaced: readonly string[] } {
  const servers = groupedServers(running);
  const groups = hostgroupsOf(running.config);
  const reasons: string[] = [];
  const misplaced: string[] = [];
  const found = new Map<GroupedServer, TableRow[]>();
  for (const row of rows) {
    const name = formatAddress(addressOf(String(row["hostname"]), Number(row["port"])));
    const what = `mysql_servers: ${name}`;
    const server = servers.find((each) =>
      each.name === name || each.watched?.aliases.includes(name)
    );
    if (server === undefined) {
      reasons.push(
        `${what} is not known: a server is one of \`backends\` in the configuration ` +
          "file, which takes a restart, or is found by `cluster.discover`",
      );
      continue;
    }
    found.set(server, [...found.get(server) ?? [], row]);
    reasons.push(...rowReasons(row, what, server));
    const hostgroup = row["hostgroup_id"];
    if (hostgroup !== groups.writer && hostgroup !== groups.reader) {
      reasons.push(
        `${what}: there is no hostgroup ${hostgroup}, only ${groups.writer} for the ` +
          `primary and ${groups.reader} for all others`,
      );
    } else if (hostgroup === groups.writer && server.hostgroup !== groups.writer) {
      misplaced.push(
        `${what} is not the primary, so it cannot be in hostgroup ${hostgroup}: the ` +
          "proxy finds the primary by what the servers say",
      );
    }
  }
  const wishes = servers.map((server): ServerWish => {
    const own = found.get(server);
    // Of several rows the one in the group where the server is counts.
    const row = own?.find((each) => each["hostgroup_id"] === server.hostgroup) ?? own?.[0];
    if (row === undefined) return { server, drained: true, weight: undefined };
    if (row["hostgroup_id"] !== server.hostgroup && row["hostgroup_id"] === groups.reader) {
      misplaced.push(
        `mysql_servers: ${server.name} is the primary, so it must be in hostgroup ` +
          `${groups.writer}`,
      );
    }
    return {
      server,
      drained: String(row["status"]).toUpperCase() === "OFFLINE_SOFT",
      weight: Number(row["weight"]),
    };
  });
  if (found.size === 0 && reasons.length === 0) {
    reasons.push("mysql_servers is empty: no server would be left");
  }
  return { wishes, reasons, misplaced };
}

function rowReasons(row: TableRow, what: string, server: GroupedServer): string[] {
  const reasons = fixedReasons(row, what, COLUMNS);
  if (Number(row["weight"]) > WEIGHT_MAX) {
    reasons.push(`${what}: weight must be from 0 to ${WEIGHT_MAX}`);
  }
  const comment = String(row["comment"] ?? "");
  if (comment !== "" && comment !== server.tags.join(",")) {
    reasons.push(`${what}: comment shows the tags of [[server]] and cannot be written`);
  }
  const status = String(row["status"]).toUpperCase();
  if (status === "OFFLINE_HARD") {
    reasons.push(
      `${what}: OFFLINE_HARD is not possible, since what runs is not cut off; ` +
        "OFFLINE_SOFT, or delete the row",
    );
  } else if (status === "SHUNNED" && server.status !== "SHUNNED") {
    reasons.push(`${what}: SHUNNED is what the proxy sees and cannot be written`);
  }
  return reasons;
}

/** The weights that a configuration does not have: `[[server]]`. */
export function planWeights({ wishes }: ServerPlan, config: Config): Plan {
  const edits: ConfigEdit[] = [];
  for (const { server, weight } of wishes) {
    if (weight === undefined) continue;
    const names = [server.name, ...server.watched?.aliases ?? []];
    const fits = (address: string) => names.includes(address);
    const known = config.servers.find(({ address }) => fits(formatAddress(address)));
    if ((known?.weight ?? 1) === weight) continue;
    edits.push({
      kind: "put",
      section: "server",
      fits: ({ address }) => fits(formatAddress(parseAddress(String(address), 3306))),
      values: { weight },
      fresh: { address: server.name },
    });
  }
  return { edits, reasons: [] };
}

/** Gives the orders that make the servers what is wished. */
export function orderServers({ wishes }: ServerPlan, { cluster }: Running): void {
  for (const { server, drained, weight } of wishes) {
    const isDrained = server.status === "OFFLINE_SOFT";
    if (drained && !isDrained) cluster?.drain(server.name);
    if (!drained && isDrained) cluster?.enable(server.name);
    // What SET SERVER has said counts more than the configuration.
    const now = cluster?.topology.servers.find(({ name }) => name === server.name);
    if (weight !== undefined && now !== undefined && now.weight !== weight) {
      cluster?.setWeight(server.name, weight);
    }
  }
}
