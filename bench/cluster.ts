// A primary and two replicas with sysbench's tables: for what only several servers can show.

import { Cluster, startAsyncCluster } from "../tests/cluster/clusters.ts";
import { accountsOf, type ServerKind } from "../tests/servers/mod.ts";
import { serverVersion } from "../tests/servers/programs.ts";
import { type Database, fillDatabase, NAME, TABLES } from "./database.ts";

const REPLICAS = 2;
const CATCH_UP_MS_MAX = 60_000;

/**
 * Starts the servers and waits until the replicas have all rows.
 *
 * @throws {Error} If one does not start or a replica does not get there.
 */
export async function startClusterDatabase(kind: ServerKind): Promise<Database> {
  const tracking = kind === "mysql" ? ["session_track_gtids = OWN_GTID"] : ["gtid_domain_id = 0"];
  const cluster = await startAsyncCluster(kind, REPLICAS, ["max_connections = 1000", ...tracking]);
  try {
    const [primary, ...replicas] = cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port }));
    const { user, password, plugin } = accountsOf(kind).app;
    const database: Database = {
      kind,
      version: serverVersion(kind),
      pids: cluster.nodes.map(({ pid }) => pid),
      endpoint: primary,
      replicas,
      user,
      password,
      plugin,
      name: NAME,
      sql: (statement) => cluster.first.sql(statement),
      [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
    };
    await fillDatabase(database);
    await replicasHaveAll(cluster);
    return database;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

async function replicasHaveAll({ nodes, first }: Cluster): Promise<void> {
  await first.sql(`CREATE TABLE ${NAME}.filled (id INT PRIMARY KEY)`);
  const deadline = Date.now() + CATCH_UP_MS_MAX;
  for (const node of nodes.slice(1)) {
    const last = `SELECT COUNT(*) FROM information_schema.tables
      WHERE table_schema = '${NAME}' AND table_name = 'filled'`;
    while (Number(await node.value(last)) === 0) {
      if (Date.now() > deadline) throw new Error(`Replica ${node.name} does not catch up`);
      await Bun.sleep(50);
    }
    const rows = Number(await node.value(`SELECT COUNT(*) FROM ${NAME}.sbtest${TABLES.tables}`));
    if (rows !== TABLES.rows) throw new Error(`Replica ${node.name} has ${rows} rows`);
  }
}
