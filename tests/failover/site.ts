// A cluster of real servers under load and who looks after it: what an operator or a failover tool
// would do.

import {
  type Cluster,
  follow,
  join,
  setReadOnly,
  startAsyncCluster,
  startGroup,
} from "../cluster/clusters.ts";
import type { ClusterNode } from "../cluster/node.ts";
import type { Row, ServerKind } from "../servers/mod.ts";
import { until } from "../cluster/watching.ts";
import { TABLES } from "./load.ts";

/** Nobody waits this long for a replica's word without one. */
const NO_REPLICA_MS = 1_000_000;

/** How long an applier may take to stop. */
const STOP_MS = 1000;

const SEMI_SYNC = ["semisync_source", "semisync_replica", "mysql_clone"]
  .map((library) => `plugin_load_add = ${library}.so`);

/** One server of a cluster under load. */
export interface SiteNode {
  /** `127.0.0.1:port`. */
  readonly name: string;
  readonly port: number;
  /** Runs a statement as root; the rows, or [] where there are none. */
  sql(statement: string): Promise<readonly Row[]>;
  /** The first value of the first row. */
  value(statement: string): Promise<unknown>;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
  /** Stops it in its tracks. */
  freeze(): void;
  /** Lets it go on. */
  thaw(): void;
}

/** A running cluster of three, with the tables of the load, and its operator. */
export abstract class Site<Node extends SiteNode = SiteNode> implements AsyncDisposable {
  readonly nodes: readonly Node[];
  primary: Node;
  /** The primary says that it is about to hand its role over. */
  readonly isAnnounced: boolean = false;

  constructor(nodes: readonly [Node, ...Node[]]) {
    this.nodes = nodes;
    this.primary = nodes[0];
  }

  get replicas(): readonly Node[] {
    return this.nodes.filter((node) => node !== this.primary);
  }

  /** What the kind of cluster needs beside, and the load's tables. */
  async prepare(tables: readonly string[] = TABLES): Promise<void> {
    for (const statement of tables) await this.primary.sql(statement);
    await this.caughtUp();
  }

  /** A replica applies nothing of what it receives. */
  abstract holdBack(node: Node): Promise<void>;

  /** It applies again. */
  abstract letGoOn(node: Node): Promise<void>;

  /** The primary is gone or out of reach: makes another one. Resolves once it is writable. */
  abstract promote(): Promise<void>;

  /** Moves the primary's role in good order. Resolves when the new one is writable. */
  abstract switchOver(): Promise<void>;

  /** A server that was killed, or that others have left behind, is part of the cluster again. */
  abstract rejoin(node: Node): Promise<void>;

  /** All replicas have what the primary has. */
  async caughtUp(): Promise<void> {
    const count = "SELECT COUNT(*) FROM ledger.writes";
    let counts: readonly unknown[] = [];
    await until("all have the same rows", async () => {
      counts = await Promise.all(
        this.nodes.map((node) =>
          node.value(count).catch((error: Error) => `${node.name}: ${error.message}`)
        ),
      );
      return counts.every((each) => each === counts[0]);
    }, { describe: () => counts.join(", ") });
  }

  /** How often each id is in the table, by the primary; a transaction counts if all its rows do. */
  async found(transactionRows: number): Promise<Map<string, number>> {
    const rows = await this.primary.sql(
      "SELECT id, part, COUNT(*) AS times FROM ledger.writes GROUP BY id, part",
    );
    const parts = new Map<string, number[]>();
    for (const { id, times } of rows) {
      const list = parts.get(String(id)) ?? [];
      list.push(Number(times));
      parts.set(String(id), list);
    }
    const found = new Map<string, number>();
    for (const [id, times] of parts) {
      if (times.length !== 1 && times.length !== transactionRows) {
        throw new Error(`A part of transaction ${id} is missing: ${times.join()}`);
      }
      found.set(id, Math.max(...times));
    }
    return found;
  }

  abstract [Symbol.asyncDispose](): Promise<void>;
}

/** A cluster of real servers. */
abstract class RealSite extends Site<ClusterNode> {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    super(cluster.nodes as [ClusterNode, ...ClusterNode[]]);
    this.#cluster = cluster;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster[Symbol.asyncDispose]();
  }
}

/**
 * A primary and two replicas that acknowledge what they have received before the client is told, so
 * that nothing acknowledged is lost with the primary.
 */
export class ReplicaSite extends RealSite {
  static async start(kind: ServerKind): Promise<ReplicaSite> {
    const config = kind === "mysql" ? SEMI_SYNC : [];
    return new ReplicaSite(await startAsyncCluster(kind, 2, config));
  }

  get #isMariadb(): boolean {
    return this.primary.kind === "mariadb";
  }

  override async prepare(): Promise<void> {
    for (const node of this.nodes) await this.#setUp(node);
    // Replicas say at their next connection that they acknowledge.
    for (const node of this.replicas) await follow(node, this.primary);
    await this.#lead(this.primary);
    await until("replicas acknowledge", async () => await this.#acknowledging(this.primary) === 2);
    await super.prepare();
  }

  async holdBack(node: ClusterNode): Promise<void> {
    await node.sql(this.#isMariadb ? "STOP SLAVE SQL_THREAD" : "STOP REPLICA SQL_THREAD");
  }

  async letGoOn(node: ClusterNode): Promise<void> {
    await node.sql(this.#isMariadb ? "START SLAVE SQL_THREAD" : "START REPLICA SQL_THREAD");
  }

  async promote(): Promise<void> {
    const alive = this.replicas;
    // What was received is applied first, and nothing more is.
    for (const node of alive) await this.#stopReceiving(node);
    await Promise.all(alive.map((node) => this.#applied(node)));
    if (!this.#isMariadb) await Promise.all(alive.map((node) => this.#stopApplying(node)));
    const next = await mostAdvanced(alive);
    await this.#makePrimary(next, alive.filter((node) => node !== next));
    this.primary = next;
  }

  async switchOver(): Promise<void> {
    const old = this.primary;
    const [next, ...others] = this.replicas;
    if (next === undefined) throw new Error("No replica to switch over to");
    await setReadOnly(old, true);
    await this.#sameAs(old, next);
    await this.#makePrimary(next, others);
    await this.#stopLeading(old);
    await follow(old, next);
    this.primary = next;
  }

  async rejoin(node: ClusterNode): Promise<void> {
    if (this.#isMariadb) {
      // What it has and no replica ever acknowledged is undone at its start.
      await node.kill().catch(() => {});
      await node.start([
        "--init-rpl-role=SLAVE",
        "--rpl-semi-sync-slave-enabled=ON",
        "--read-only=ON",
        "--skip-slave-start",
      ]);
    } else {
      // Commits that wait for a replica's word keep it from becoming read-only, and without that word
      // they would be acknowledged, and lost.
      if (await this.#takesWrites(node)) await node.kill();
      if (!await isAlive(node)) await node.start(["--super-read-only=ON"]);
      if (await this.#hasMore(node)) await this.#copyPrimaryTo(node);
    }
    await setReadOnly(node, true);
    await this.#setUp(node);
    await this.#stopLeading(node);
    await follow(node, this.primary);
    await until(`${node.name} replicates`, () => this.#replicates(node));
  }

  async #takesWrites(node: ClusterNode): Promise<boolean> {
    return await isAlive(node) && Number(await node.value("SELECT @@read_only")) === 0;
  }

  /** It has transactions that its replicas never got, and that nobody was told of. */
  async #hasMore(node: ClusterNode): Promise<boolean> {
    const [own, all] = await Promise.all(
      [node, this.primary].map(async (each) =>
        String(await each.value("SELECT @@gtid_executed")).replaceAll("\n", "")
      ),
    );
    return Number(await node.value(`SELECT GTID_SUBSET('${own}', '${all}')`)) === 0;
  }

  async #copyPrimaryTo(node: ClusterNode): Promise<void> {
    await setReadOnly(node, false);
    await node.sql("STOP REPLICA; RESET REPLICA ALL");
    await node.sql(`SET GLOBAL clone_valid_donor_list = '${this.primary.name}'`);
    // It ends with an error, since nobody is there to start the server again.
    const ended = await node.sql(
      `CLONE INSTANCE FROM 'app'@'127.0.0.1':${this.primary.port} IDENTIFIED BY 'app'`,
    ).then(() => undefined, (error: Error) => error);
    if (ended === undefined || !/restart/i.test(ended.message)) {
      throw new Error(`${node.name} is no copy: ${ended?.message}`);
    }
    await node.kill().catch(() => {});
    await node.start(["--super-read-only=ON"]);
  }

  async #setUp(node: ClusterNode): Promise<void> {
    if (this.#isMariadb) {
      await node.sql("SET GLOBAL rpl_semi_sync_slave_enabled = ON");
      await node.sql(`SET GLOBAL rpl_semi_sync_master_timeout = ${NO_REPLICA_MS}`);
      await node.sql("SET GLOBAL rpl_semi_sync_master_wait_point = AFTER_SYNC");
      return;
    }
    await node.sql("SET GLOBAL rpl_semi_sync_replica_enabled = ON");
    await node.sql(`SET GLOBAL rpl_semi_sync_source_timeout = ${NO_REPLICA_MS}`);
  }

  #lead(node: ClusterNode): Promise<unknown> {
    const word = this.#isMariadb ? "master" : "source";
    return node.sql(`SET GLOBAL rpl_semi_sync_${word}_enabled = ON`);
  }

  #stopLeading(node: ClusterNode): Promise<unknown> {
    const word = this.#isMariadb ? "master" : "source";
    return node.sql(`SET GLOBAL rpl_semi_sync_${word}_enabled = OFF`);
  }

  async #acknowledging(node: ClusterNode): Promise<number> {
    const word = this.#isMariadb ? "master" : "source";
    const [row] = await node.sql(`SHOW STATUS LIKE 'Rpl_semi_sync_${word}_clients'`);
    return Number(row?.["Value"]);
  }

  async #makePrimary(next: ClusterNode, others: readonly ClusterNode[]): Promise<void> {
    await follow(next, undefined);
    await this.#lead(next);
    for (const node of others) await follow(node, next);
    await setReadOnly(next, false);
  }

  async #stopReceiving(node: ClusterNode): Promise<void> {
    await node.sql(this.#isMariadb ? "STOP SLAVE IO_THREAD" : "STOP REPLICA IO_THREAD");
  }

  /** An applier that has got a part of a transaction waits a minute for the rest, unless it starts anew. */
  async #stopApplying(node: ClusterNode): Promise<void> {
    const stopped = node.sql("STOP REPLICA").then(() => true, () => false);
    const isStopped = await Promise.race([stopped, Bun.sleep(STOP_MS).then(() => false)]);
    if (isStopped) return;
    await node.kill();
    await node.start(["--super-read-only=ON", "--skip-replica-start"]);
    await this.#setUp(node);
  }

  async #applied(node: ClusterNode): Promise<void> {
    if (this.#isMariadb) {
      await until(`${node.name} has applied all`, async () => {
        const [row] = await node.sql("SHOW SLAVE STATUS");
        return row?.["Slave_SQL_Running_State"]?.toString().includes("has read all relay log") ===
          true;
      });
      return;
    }
    const [row] = await node.sql("SHOW REPLICA STATUS");
    const received = String(row?.["Retrieved_Gtid_Set"] ?? "").replaceAll("\n", "");
    await node.sql(`SELECT WAIT_FOR_EXECUTED_GTID_SET('${received}', 30)`);
  }

  async #sameAs(old: ClusterNode, next: ClusterNode): Promise<void> {
    if (this.#isMariadb) {
      const position = await old.value("SELECT @@gtid_binlog_pos");
      await next.sql(`SELECT MASTER_GTID_WAIT('${position}', 30)`);
      return;
    }
    const executed = String(await old.value("SELECT @@gtid_executed")).replaceAll("\n", "");
    await next.sql(`SELECT WAIT_FOR_EXECUTED_GTID_SET('${executed}', 30)`);
  }

  async #replicates(node: ClusterNode): Promise<boolean> {
    const [row] = await node.sql(this.#isMariadb ? "SHOW SLAVE STATUS" : "SHOW REPLICA STATUS");
    const words = this.#isMariadb ? "Slave" : "Replica";
    const error = row?.["Last_SQL_Error"] || row?.["Last_IO_Error"];
    if (error) console.log(`${node.name}: ${error}`);
    return row?.[`${words}_IO_Running`] === "Yes" && row[`${words}_SQL_Running`] === "Yes";
  }
}

/** The one whose data contains that of the others. */
async function mostAdvanced(nodes: readonly ClusterNode[]): Promise<ClusterNode> {
  const isMariadb = nodes[0]!.kind === "mariadb";
  const positions = await Promise.all(nodes.map(async (node) => {
    const set = await node.value(
      isMariadb ? "SELECT @@gtid_current_pos" : "SELECT @@gtid_executed",
    );
    return { node, set: String(set).replaceAll("\n", "") };
  }));
  for (const { node, set } of positions) {
    const contains = await Promise.all(positions.map(async (other) => {
      if (isMariadb) return sequence(set) >= sequence(other.set);
      return Number(await node.value(`SELECT GTID_SUBSET('${other.set}', '${set}')`)) === 1;
    }));
    if (contains.every(Boolean)) return node;
  }
  return nodes[0]!;
}

/** The number at the end of `0-1-23`: there is one domain only. */
function sequence(position: string): number {
  return Number(position.split("-").at(-1) ?? 0);
}

async function isAlive(node: ClusterNode): Promise<boolean> {
  return await node.value("SELECT 1").then(() => true, () => false);
}

/** Group Replication chooses its primary itself. */
export class GroupSite extends RealSite {
  static async start(): Promise<GroupSite> {
    return new GroupSite(await startGroup(3));
  }

  /** A group does not let its applier be stopped: a lock keeps it from committing. */
  async holdBack(node: ClusterNode): Promise<void> {
    await node.sql("FLUSH TABLES WITH READ LOCK");
  }

  async letGoOn(node: ClusterNode): Promise<void> {
    await node.sql("UNLOCK TABLES");
  }

  async promote(): Promise<void> {
    const old = this.primary;
    await until("the group has chosen another primary", async () => {
      const found = await this.#writable();
      if (found === undefined || found === old) return false;
      this.primary = found;
      return true;
    }, { pollMs: 5 });
  }

  async switchOver(): Promise<void> {
    const [next] = this.replicas;
    if (next === undefined) throw new Error("No member to switch over to");
    const id = await next.value("SELECT @@server_uuid");
    await this.primary.sql(`SELECT group_replication_set_as_primary('${id}')`);
    await until(
      "it is writable",
      async () => Number(await next.value("SELECT @@super_read_only")) === 0,
    );
    this.primary = next;
  }

  async rejoin(node: ClusterNode): Promise<void> {
    if (!await isAlive(node)) await node.start(["--super-read-only=ON"]);
    const state = await node.value(
      "SELECT member_state FROM performance_schema.replication_group_members " +
        "WHERE member_id = @@server_uuid",
    );
    if (state === "ONLINE") return;
    await node.sql("STOP GROUP_REPLICATION").catch(() => {});
    await join(node);
  }

  async #writable(): Promise<ClusterNode | undefined> {
    for (const node of this.replicas) {
      const [row] = await node.sql(
        "SELECT @@super_read_only AS closed, member_role AS role " +
          "FROM performance_schema.replication_group_members WHERE member_id = @@server_uuid",
      ).catch(() => []);
      if (row?.["role"] === "PRIMARY" && Number(row["closed"]) === 0) return node;
    }
    return undefined;
  }
}
