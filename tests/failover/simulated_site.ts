// A simulated cluster of PolarDB-X under load. Its consensus chooses the leader; what is committed is
// on all servers.

import { SimulatedCluster, type SimulatedNode } from "../../fixtures/cluster/mod.ts";
import { until } from "../cluster/watching.ts";
import type { Row } from "../servers/mod.ts";
import { StallingProxy } from "../stalling_proxy.ts";
import { TABLES } from "./load.ts";
import { Site, type SiteNode } from "./site.ts";

/**
 * How long a planned change of the leader is announced before, in milliseconds: as long as open
 * transactions take here, where writers wait for each other.
 */
const ANNOUNCED_MS = 1000;

/** A simulated server behind a way that can be stopped, as the process itself cannot. */
class SimulatedServer implements SiteNode, AsyncDisposable {
  readonly node: SimulatedNode;
  readonly #cluster: SimulatedCluster;
  readonly #way: StallingProxy;

  constructor(
    node: SimulatedNode,
    { cluster, way }: { readonly cluster: SimulatedCluster; readonly way: StallingProxy },
  ) {
    this.node = node;
    this.#cluster = cluster;
    this.#way = way;
  }

  get port(): number {
    return this.#way.port;
  }

  get name(): string {
    return `127.0.0.1:${this.port}`;
  }

  async sql(statement: string): Promise<readonly Row[]> {
    const result = await this.node.simulator.run(statement);
    if (result.kind === "done") return [];
    const names = result.columns.map(({ name }) => name);
    return result.rows.map((row) =>
      Object.fromEntries(row.map((value, at) => [names[at]!, value])) as Row
    );
  }

  async value(statement: string): Promise<unknown> {
    const [row] = await this.sql(statement);
    return row === undefined ? undefined : Object.values(row)[0];
  }

  kill(): Promise<void> {
    this.#cluster.kill(this.node);
    this.#way.cut();
    return Promise.resolve();
  }

  freeze(): void {
    this.#way.stall();
    this.#cluster.isolate(this.node);
  }

  thaw(): void {
    this.#way.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#way[Symbol.dispose]();
    await this.node.simulator.stop();
  }
}

/** Three of them. */
export class SimulatedSite extends Site<SimulatedServer> {
  override readonly isAnnounced = true;
  readonly #cluster: SimulatedCluster;

  static async start(): Promise<SimulatedSite> {
    const accounts = ["root", "app", "repl", "ledger"].map((user) => ({
      user,
      password: user,
      plugin: "mysql_native_password" as const, // whose hashes it shows
      superuser: user !== "ledger",
    }));
    const cluster = await SimulatedCluster.start({ flavor: "polardbx", accounts, tls: false });
    const servers: SimulatedServer[] = [];
    for (const node of cluster.nodes) {
      const way = await StallingProxy.start(node.port);
      servers.push(new SimulatedServer(node, { cluster, way }));
    }
    return new SimulatedSite(cluster, servers as [SimulatedServer, ...SimulatedServer[]]);
  }

  private constructor(
    cluster: SimulatedCluster,
    servers: readonly [SimulatedServer, ...SimulatedServer[]],
  ) {
    super(servers);
    this.#cluster = cluster;
  }

  override async prepare(): Promise<void> {
    const tables = TABLES
      // All servers have the accounts from their start.
      .filter((text) => !/ USER |^GRANT/.test(text))
      // SQLite has no UUID(), and numbers that a lost transaction had got are others' at the next leader.
      .map((text) => text.replace(/pk CHAR.*PRIMARY KEY,/, ""));
    await super.prepare(tables);
  }

  async promote(): Promise<void> {
    const old = this.primary;
    await until("another one leads", () => {
      const leader = this.nodes.find(({ node }) => node === this.#cluster.leader);
      if (leader === undefined || leader === old) return false;
      this.primary = leader;
      return true;
    }, { pollMs: 5 });
  }

  async switchOver(): Promise<void> {
    const [next] = this.replicas;
    if (next === undefined) throw new Error("No follower to lead");
    await this.#cluster.transfer(next.node, ANNOUNCED_MS);
    this.primary = next;
  }

  async rejoin({ node }: SimulatedServer): Promise<void> {
    await this.#cluster.restart(node);
    await until("it repeats", () => node.simulator.replication?.running === true);
  }

  holdBack({ node }: SimulatedServer): Promise<void> {
    node.simulator.replication?.hold();
    return Promise.resolve();
  }

  letGoOn({ node }: SimulatedServer): Promise<void> {
    node.simulator.replication?.release();
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.nodes) await server[Symbol.asyncDispose]();
    await this.#cluster.stop();
  }
}
