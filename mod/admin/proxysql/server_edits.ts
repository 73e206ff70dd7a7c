// From edited rows of mysql_servers to `backends` and weights in the configuration, and to orders about
// servers. Who is the primary is what the proxy sees: rows that say something else are refused.

import { type ConfigEdit, formatAddress, parseAddress } from "../../config/mod.ts";
import type { Config } from "../../config/mod.ts";
import type { Running } from "../../proxy/mod.ts";
import type { TableRow } from "../table.ts";
import { type FixedColumns, fixedReasons, type Plan } from "./edits.ts";
import {
  addressOf,
  type GroupedServer,
  groupedServers,
  hostgroupsOf,
  placeOf,
} from "./hostgroups.ts";

/** How long a server that is to be the primary may take to be seen as that, in milliseconds. */
const PROMOTED_MS = 5000;
const LOOK_MS = 20;
const WEIGHT_MAX = 1000;

/** What rows say about a server. */
export interface ServerWish {
  readonly server: GroupedServer;
  /** Whether it has a row; what has none and is not of `backends` is drained. */
  readonly isThere: boolean;
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
    const isKnown = (each: GroupedServer) =>
      each.name === name || each.watched?.aliases.includes(name) === true;
    const server = servers.find(isKnown) ?? [...found.keys()].find(isKnown) ??
      newServer(row, groups.reader);
    found.set(server, [...found.get(server) ?? [], row]);
    reasons.push(...rowReasons(row, what, server));
    const hostgroup = row["hostgroup_id"];
    if (hostgroup !== groups.writer && hostgroup !== groups.reader) {
      reasons.push(
        `${what}: there is no hostgroup ${hostgroup}, only ${groups.writer} for the ` +
          `primary and ${groups.reader} for all others`,
      );
    } else if (
      hostgroup === groups.writer && server.hostgroup !== groups.writer && server.watched
    ) {
      misplaced.push(
        `${what} is not the primary, so it cannot be in hostgroup ${hostgroup}: the ` +
          "proxy finds the primary by what the servers say",
      );
    }
  }
  const fresh = [...found.keys()].filter((server) => !servers.includes(server));
  const wishes = [...servers, ...fresh].map((server): ServerWish => {
    const own = found.get(server);
    // Of several rows the one in the group where the server is counts.
    const row = own?.find((each) => each["hostgroup_id"] === server.hostgroup) ?? own?.[0];
    if (row === undefined) return { server, isThere: false, drained: true, weight: undefined };
    if (row["hostgroup_id"] !== server.hostgroup && row["hostgroup_id"] === groups.reader) {
      misplaced.push(
        `mysql_servers: ${server.name} is the primary, so it must be in hostgroup ` +
          `${groups.writer}`,
      );
    }
    return {
      server,
      isThere: true,
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
  }
  return reasons;
}

/** One that nobody knows yet; what it is will be seen. */
function newServer(row: TableRow, hostgroup: number): GroupedServer {
  const address = addressOf(String(row["hostname"]), Number(row["port"]));
  return {
    ...placeOf(address),
    name: formatAddress(address),
    hostgroup,
    status: "ONLINE",
    weight: 1,
    tags: [],
    watched: undefined,
  };
}

/**
 * What a configuration does not say yet: `backends`, and the weights of `[[server]]`.
 *
 * @param sources Who has given each key of it.
 */
export function planServerKeys(
  { wishes }: ServerPlan,
  config: Config,
  sources: ReadonlyMap<string, string>,
): Plan {
  const edits: ConfigEdit[] = [];
  const reasons: string[] = [];
  const source = sources.get("backends") ?? "file";
  const there = new Set(
    wishes.flatMap(({ server, isThere }) => isThere ? namesOf(server) : []),
  );
  for (const name of config.backends.map(formatAddress)) {
    if (there.has(name) || source !== "file") continue;
    const fits = (address: string) => formatAddress(parseAddress(address, 3306)) === name;
    edits.push({ kind: "take", key: "backends", value: name, fits });
  }
  for (const { server, isThere, weight } of wishes) {
    const names = namesOf(server);
    const fits = (address: string) => names.includes(formatAddress(parseAddress(address, 3306)));
    const isBackend = config.backends.some((address) => names.includes(formatAddress(address)));
    const shouldBe = isThere && server.watched?.seed !== false;
    if (isThere && shouldBe && !isBackend && source !== "file") {
      reasons.push(
        `mysql_servers: ${server.name}: backends is given by ${source}, which wins over the file`,
      );
    }
    if (shouldBe && !isBackend) {
      edits.push({ kind: "add", key: "backends", value: server.name, fits });
    }
    if (weight === undefined) continue;
    const known = config.servers.find(({ address }) => names.includes(formatAddress(address)));
    if ((known?.weight ?? 1) === weight) continue;
    edits.push({
      kind: "put",
      section: "server",
      fits: ({ address }) => fits(String(address)),
      values: { weight },
      fresh: { address: server.name },
    });
  }
  return { edits, reasons };
}

function namesOf({ name, watched }: GroupedServer): readonly string[] {
  return [name, ...watched?.aliases ?? []];
}

/** Gives the orders that make the servers what is wished. */
export function orderServers({ wishes }: ServerPlan, { cluster }: Running): void {
  for (const { server, drained, weight } of wishes) {
    // One that has just come may have been drained when it was there before.
    const isDrained = server.status === "OFFLINE_SOFT" || server.watched === undefined;
    if (drained && (!isDrained || server.watched === undefined)) cluster?.drain(server.name);
    if (!drained && isDrained) cluster?.enable(server.name);
    // What SET SERVER has said counts more than the configuration.
    const now = cluster?.topology.servers.find(({ name }) => name === server.name);
    if (weight !== undefined && now !== undefined && now.weight !== weight) {
      cluster?.setWeight(server.name, weight);
    }
  }
}
