// Real clusters on loopback: MySQL asynchronous and Group Replication, MariaDB, Galera.

import { existsSync, writeFileSync } from "node:fs";
import { join as joinPath } from "node:path";
import { freePort, type ServerKind } from "../servers/mod.ts";
import { ClusterNode } from "./node.ts";

/** Nodes that belong together; the first one began as the primary. */
export class Cluster implements AsyncDisposable {
  constructor(readonly nodes: readonly ClusterNode[]) {}

  /** The node that began as the primary. */
  get first(): ClusterNode {
    return this.nodes[0]!;
  }

  /** The node with a name. Throws an Error if there is none. */
  named(name: string | null): ClusterNode {
    const node = this.nodes.find((each) => each.name === name);
    if (node === undefined) throw new Error(`No node ${name}`);
    return node;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
  }
}

/** A primary and replicas that follow it by GTID. @param config More lines for [mysqld] of each. */
export async function startAsyncCluster(
  kind: ServerKind,
  replicas: number,
  config: readonly string[] = [],
): Promise<Cluster> {
  const readOnly = kind === "mysql" ? "super_read_only = ON" : "read_only = ON";
  const nodes = await Promise.all([
    ClusterNode.create(kind, config),
    ...Array.from({ length: replicas }, () => ClusterNode.create(kind, [readOnly, ...config])),
  ]);
  const cluster = new Cluster(nodes);
  for (const node of nodes.slice(1)) await follow(node, cluster.first);
  return cluster;
}

/** Makes a node a replica of another one, or of nobody. */
export async function follow(node: ClusterNode, source: ClusterNode | undefined): Promise<void> {
  if (node.kind === "mariadb") {
    await node.sql("STOP SLAVE");
    if (!source) return void await node.sql("RESET SLAVE ALL");
    await node.sql(
      `CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${source.port}, MASTER_USER='repl',
       MASTER_PASSWORD='repl', MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1; START SLAVE`,
    );
    return;
  }
  await node.sql("STOP REPLICA");
  if (!source) return void await node.sql("RESET REPLICA ALL");
  await node.sql(
    `CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=${source.port},
     SOURCE_USER='repl', SOURCE_PASSWORD='repl', SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1,
     SOURCE_CONNECT_RETRY=1; START REPLICA`,
  );
}

/** Opens or closes a node to writes. */
export async function setReadOnly(node: ClusterNode, closed: boolean): Promise<void> {
  const variable = node.kind === "mysql" && closed ? "super_read_only" : "read_only";
  await node.sql(`SET GLOBAL ${variable} = ${closed ? 1 : 0}`);
}

/** A single-primary group of MySQL servers. @param config More lines for [mysqld] of each. */
export async function startGroup(
  members: number,
  config: readonly string[] = [],
): Promise<Cluster> {
  const ports = Array.from({ length: members }, () => freePort());
  const seeds = ports.map((port) => `127.0.0.1:${port}`).join(",");
  const name = `aaaaaaaa-0000-4000-8000-${process.pid.toString(16).padStart(12, "0")}`;
  const nodes = await Promise.all(ports.map((port) =>
    ClusterNode.create("mysql", [
      "plugin_load_add = group_replication.so",
      "plugin_load_add = mysql_clone.so",
      `group_replication_group_name = ${name}`,
      `group_replication_local_address = 127.0.0.1:${port}`,
      `group_replication_group_seeds = ${seeds}`,
      "group_replication_start_on_boot = OFF",
      "group_replication_single_primary_mode = ON",
      "group_replication_recovery_get_public_key = ON",
      "group_replication_member_expel_timeout = 0",
      ...config,
    ])
  ));
  const cluster = new Cluster(nodes);
  await cluster.first.sql("SET GLOBAL group_replication_bootstrap_group = ON");
  await join(cluster.first);
  await cluster.first.sql("SET GLOBAL group_replication_bootstrap_group = OFF");
  for (const node of nodes.slice(1)) await join(node);
  return cluster;
}

/** A member joins its group and is ONLINE. */
export async function join(node: ClusterNode): Promise<void> {
  await node.sql("START GROUP_REPLICATION USER = 'app', PASSWORD = 'app'");
  const deadline = Date.now() + 60_000;
  while (await memberState(node) !== "ONLINE") {
    if (Date.now() > deadline) throw new Error(`Member ${node.name} does not come online`);
    await Bun.sleep(50);
  }
}

/** What a member says of itself. */
export async function memberState(node: ClusterNode): Promise<unknown> {
  return await node.value(
    "SELECT member_state FROM performance_schema.replication_group_members " +
      "WHERE member_id = @@server_uuid",
  );
}

/** Where Debian's package puts the library. */
const GALERA_LIBRARIES = [
  "/usr/lib/galera/libgalera_smm.so",
  "/usr/lib64/galera-4/libgalera_smm.so",
];

/** Galera's library; undefined where it is not installed. */
export function galeraLibrary(): string | undefined {
  return GALERA_LIBRARIES.find(existsSync);
}

/** MariaDB servers that form a Galera cluster. */
export async function startGalera(count: number): Promise<Cluster> {
  const library = galeraLibrary();
  if (library === undefined) throw new Error("Galera is not installed");
  const ports = Array.from({ length: count }, () => freePort());
  const peers = ports.map((port) => `127.0.0.1:${port}`).join(",");
  const nodes: ClusterNode[] = [];
  for (const [at, port] of ports.entries()) {
    const ist = freePort();
    const state = nodes[0] && await galeraState(nodes[0]);
    nodes.push(
      await ClusterNode.create("mariadb", (own) => [
        "wsrep_on = ON",
        `wsrep_provider = ${library}`,
        `wsrep_cluster_address = gcomm://${at === 0 ? "" : peers}`,
        "wsrep_cluster_name = tests",
        `wsrep_node_address = 127.0.0.1:${port}`,
        `wsrep_node_incoming_address = 127.0.0.1:${own}`,
        `wsrep_provider_options = "base_port=${port};gmcast.listen_addr=tcp://127.0.0.1:${port};ist.recv_addr=127.0.0.1:${ist};` +
        `gcache.size=32M;gmcast.time_wait=PT0.5S;evs.suspect_timeout=PT1S;evs.inactive_timeout=PT2S;` +
        `evs.keepalive_period=PT0.2S;evs.inactive_check_period=PT0.2S"`,
        "innodb_autoinc_lock_mode = 2",
      ], (data) => {
        // All begin with the same data, so that none needs to be filled from another one.
        if (state !== undefined) writeFileSync(joinPath(data, "grastate.dat"), state);
      }),
    );
  }
  return new Cluster(nodes);
}

/**
 * A node that was ended joins the group again. It takes up where the other one is, without what it
 * missed meanwhile: nobody looks at that here, and filling it would take programs of its own.
 */
export async function rejoinGalera(node: ClusterNode, other: ClusterNode): Promise<void> {
  writeFileSync(joinPath(node.folder, "data", "grastate.dat"), await galeraState(other));
  const address = await other.value("SELECT @@wsrep_node_address");
  await node.start([`--wsrep-cluster-address=gcomm://${address}`]);
}

/** The file in which Galera keeps how far its data goes. */
async function galeraState(node: ClusterNode): Promise<string> {
  const status = async (name: string) =>
    String((await node.sql(`SHOW GLOBAL STATUS LIKE '${name}'`))[0]?.["Value"]);
  const [uuid, seqno] = [
    await status("wsrep_cluster_state_uuid"),
    await status("wsrep_last_committed"),
  ];
  return `# GALERA saved state\nversion: 2.1\nuuid:    ${uuid}\nseqno:   ${seqno}\n` +
    "safe_to_bootstrap: 0\n";
}
