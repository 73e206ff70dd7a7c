// The products that cannot be installed, simulated: their own tools' queries get answers of the right
// shape, and the monitor understands them as clusters while things happen to them.

import { describe, expect, test } from "bun:test";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import {
  SimulatedCluster,
  type SimulatedClusterOptions,
  type SimulatedNode,
} from "../../fixtures/cluster/mod.ts";
import { Credential } from "../../mod/auth/mod.ts";
import { ClusterMonitor, flavorNamed, OwnConnector } from "../../mod/cluster/mod.ts";
import type { ServerAddress } from "../../mod/config/mod.ts";
import { until } from "./watching.ts";

const LAG_ERROR_MS = 300;
const SOON_MS = 2000;

function start(options: SimulatedClusterOptions): Promise<SimulatedCluster> {
  return SimulatedCluster.start({ tls: false, databases: ["test"], ...options });
}

interface Watched extends Disposable {
  readonly monitor: ClusterMonitor;
  /** Role and state of each node, in the order of the nodes. */
  shown(): readonly (string | undefined)[];
}

/** Watches a cluster from one node on. */
function watch(
  cluster: SimulatedCluster,
  seed: SimulatedNode,
  names?: ReadonlyMap<string, number>,
): Watched {
  const seedAddress: ServerAddress = names
    ? { kind: "tcp", host: [...names.keys()][0]!, port: 3306 }
    : { kind: "tcp", host: "127.0.0.1", port: seed.port };
  const monitor = new ClusterMonitor({
    seeds: [seedAddress],
    settings: {
      flavor: "auto",
      intervalMs: 1000,
      quickIntervalMs: 250,
      timeoutMs: 1000,
      failuresMax: 3,
      lagMaxMs: 5000,
      slowStartMs: 0,
      lagQuery: "",
      discover: true,
      forgetAfterMs: 600_000,
      eventsMax: 1000,
      servers: [],
    },
    connector: new OwnConnector((address) => {
      if (address.kind === "unix") throw new Error("No unix sockets here");
      const named = names?.get(address.host);
      return {
        user: "root",
        credential: Credential.password(""),
        host: "127.0.0.1",
        port: named ?? address.port,
      };
    }),
  });
  monitor.start();
  const nameOf = (node: SimulatedNode) => {
    const host = [...names ?? []].findLast(([, port]) => port === node.port)?.[0];
    return host === undefined ? node.name : `${host}:3306`;
  };
  return {
    monitor,
    shown: () =>
      cluster.nodes.map((node) => {
        const server = monitor.topology.servers.find(({ name }) => name === nameOf(node));
        return server && `${server.role} ${server.state}`;
      }),
    [Symbol.dispose]: () => monitor.stop(),
  };
}

async function untilShown(watched: Watched, wanted: readonly string[]): Promise<number> {
  const text = wanted.join();
  return await until(text, () => watched.shown().join() === text, {
    limitMs: 10_000,
    describe: () => JSON.stringify(watched.monitor.topology.servers, null, 1),
  });
}

async function connect(node: SimulatedNode): Promise<Connection> {
  return await createConnection({ host: "127.0.0.1", port: node.port, user: "root" });
}

/** The rows of a statement on a node. */
async function ask(node: SimulatedNode, sql: string): Promise<Record<string, unknown>[]> {
  const connection = await connect(node);
  try {
    return (await connection.query<RowDataPacket[]>(sql))[0];
  } finally {
    connection.destroy();
  }
}

describe("polardbx", () => {
  test("the queries of its own proxy are answered", async () => {
    await using cluster = await start({ flavor: "polardbx", learners: 1, loggers: 1 });
    const [leader, follower, , learner] = cluster.nodes as SimulatedNode[];
    const prefix = "/* PolarDB-X-Proxy HaManager */ ";
    const [id] = await ask(leader!, `${prefix}select @@cluster_id, @@port`);
    expect(id).toEqual({ "@@cluster_id": expect.any(Number), "@@port": leader!.port });
    const [tokens] = await ask(leader!, `${prefix}call dbms_proxy.get_token()`);
    expect(tokens).toEqual({ token: expect.stringMatching(/^token-/) });
    const local = `${prefix}select CURRENT_LEADER, ROLE, COMMIT_INDEX, LAST_APPLY_INDEX ` +
      "from information_schema.alisql_cluster_local limit 1";
    const position = { COMMIT_INDEX: 1, LAST_APPLY_INDEX: 1 };
    const current = `127.0.0.1:${leader!.port + 8000}`;
    expect(await ask(leader!, local)).toEqual([
      { CURRENT_LEADER: current, ROLE: "Leader", ...position },
    ]);
    expect((await ask(follower!, local))[0]).toMatchObject({ ROLE: "Follower", ...position });
    expect((await ask(learner!, local))[0]).toMatchObject({ ROLE: "Learner" });
    const all = "select IP_PORT, ROLE from information_schema.alisql_cluster_global";
    expect((await ask(leader!, all)).map((row) => row["ROLE"]))
      .toEqual(["Leader", "Follower", "Follower", "Learner", "Logger"]);
    expect(await ask(follower!, all)).toEqual([]);
    expect(await ask(leader!, "show global status like 'consensus_in_leader_transfer'"))
      .toEqual([{ Variable_name: "Consensus_in_leader_transfer", Value: "0" }]);
    expect(await ask(leader!, "select @@rpc_port")).toHaveLength(1);
  });

  test("SET read_lsn waits until that much is applied, and fails when it takes too long", async () => {
    await using cluster = await start({ flavor: "polardbx" });
    const [leader, follower] = cluster.nodes as SimulatedNode[];
    follower!.lagMs = 400;
    await ask(leader!, "CREATE TABLE test.t (n INT PRIMARY KEY)");
    const wait = flavorNamed("polardbx").waitForPosition({ kind: "index", value: 2 }, 1000)!;
    const startedMs = performance.now();
    await ask(follower!, wait.sql);
    expect(performance.now() - startedMs).toBeWithin(200, 2000);
    await expect(ask(follower!, "SET read_lsn = 99")).rejects.toThrow("read_lsn");
  });

  test("roles, learner and logger; a leader that dies; a lag that is scripted", async () => {
    await using cluster = await start({ flavor: "polardbx", learners: 1, loggers: 1 });
    const [leader, first] = cluster.nodes as SimulatedNode[];
    using watched = watch(cluster, first!);
    const { monitor } = watched;
    await untilShown(watched, [
      "primary up",
      "replica up",
      "replica up",
      "learner up",
      "logger up",
    ]);
    expect(monitor.topology).toMatchObject({ flavor: "polardbx", primary: leader!.name });
    const uses = Object.fromEntries(
      monitor.topology.servers.map(({ name, reads, writes }) => [name, [reads, writes].join()]),
    );
    expect(cluster.nodes.map(({ name }) => uses[name]))
      .toEqual(["true,true", "true,false", "true,false", "true,false", "false,false"]);
    await expectLag(cluster, monitor);
    cluster.kill(leader!);
    const electedMs = await until("a new leader", () => cluster.leader !== undefined);
    await until("the new leader is known", () => monitor.topology.primary === cluster.leader!.name);
    expect(performance.now() - electedMs).toBeLessThan(SOON_MS);
    await cluster.restart(leader!);
    await until(
      "it follows",
      () =>
        monitor.topology.servers.some(({ name, role, state }) =>
          name === leader!.name && role === "replica" && state === "up"
        ),
    );
  });

  test("an announced change of the leader is seen before it happens", async () => {
    await using cluster = await start({ flavor: "polardbx" });
    const [, first] = cluster.nodes as SimulatedNode[];
    using watched = watch(cluster, first!);
    await untilShown(watched, ["primary up", "replica up", "replica up"]);
    const transfer = cluster.transfer(first!, 1500);
    await until("transferring", () => watched.monitor.topology.transferring);
    await transfer;
    await untilShown(watched, ["replica up", "primary up", "replica up"]);
    expect(watched.monitor.topology.transferring).toBe(false);
  });
});

/** The lag of a follower whose commits come two seconds late is two seconds. */
async function expectLag(cluster: SimulatedCluster, monitor: ClusterMonitor): Promise<void> {
  const follower = cluster.nodes.find(({ role }) => role === "follower")!;
  follower.lagMs = 2000;
  const connection = await connect(cluster.leader!);
  await connection.query("CREATE TABLE test.ticks (n INT PRIMARY KEY)");
  const lags: number[] = [];
  const seen = new Set<number | null>();
  const endMs = performance.now() + 5000;
  for (let n = 0; performance.now() < endMs; n++) {
    await connection.query(`INSERT INTO test.ticks VALUES (${n})`);
    await Bun.sleep(25);
    const server = monitor.topology.servers.find(({ name }) => name === follower.name)!;
    if (performance.now() < endMs - 2000 || seen.has(server.answeredMs)) continue;
    seen.add(server.answeredMs);
    lags.push(server.lagMs ?? -1);
  }
  connection.destroy();
  follower.lagMs = 0;
  expect(lags.length).toBeGreaterThanOrEqual(2);
  for (const lag of lags) expect(Math.abs(lag - 2000)).toBeLessThanOrEqual(LAG_ERROR_MS);
}

describe("wesql", () => {
  test("the queries of its own controller are answered", async () => {
    await using cluster = await start({ flavor: "wesql", learners: 1 });
    const [leader, follower] = cluster.nodes as SimulatedNode[];
    const local = "SELECT SERVER_ID, CURRENT_TERM, CURRENT_LEADER, ROLE, SERVER_READY_FOR_RW " +
      "FROM information_schema.wesql_cluster_local";
    expect(await ask(follower!, local)).toEqual([{
      SERVER_ID: 2,
      CURRENT_TERM: 1,
      CURRENT_LEADER: `127.0.0.1:${leader!.port + 10_000}`,
      ROLE: "Follower",
      SERVER_READY_FOR_RW: "No",
    }]);
    const members = "select a.ROLE as ROLE, a.IP_PORT as IP_PORT, FORCE_SYNC, ELECTION_WEIGHT, " +
      "LEARNER_SOURCE, CONNECTED from information_schema.wesql_cluster_global a " +
      "join information_schema.wesql_cluster_health b on a.IP_PORT = b.IP_PORT";
    const rows = await ask(leader!, members);
    expect(rows.map((row) => [row["ROLE"], row["CONNECTED"], row["ELECTION_WEIGHT"]])).toEqual([
      ["Leader", "YES", 5],
      ["Follower", "YES", 5],
      ["Follower", "YES", 5],
      ["Learner", "YES", 0],
    ]);
  });

  test("roles by the tables, positions by GTID, and a leader that dies", async () => {
    await using cluster = await start({ flavor: "wesql", learners: 1 });
    const [leader, first] = cluster.nodes as SimulatedNode[];
    using watched = watch(cluster, first!);
    await untilShown(watched, ["primary up", "replica up", "replica up", "learner up"]);
    const { monitor } = watched;
    expect(monitor.topology.servers[0]!.position?.kind).toBe("gtid");
    cluster.kill(leader!);
    await until("the new leader is known", () => {
      const { primary } = monitor.topology;
      return primary !== null && primary !== leader!.name && primary === cluster.leader?.name;
    });
    await cluster.restart(leader!);
    await until("all are up", () => monitor.topology.servers.every(({ state }) => state === "up"));
  });
});

describe("aurora", () => {
  const zone = "abc123.eu-west-1.rds.example";

  test("instances are found by the cluster's own name, lag as the storage tells it", async () => {
    await using cluster = await start({ flavor: "aurora" });
    const [writer, first] = cluster.nodes as SimulatedNode[];
    // The cluster's name leads to the writer, each instance's name to itself.
    const names = new Map([
      [`shop.cluster-${zone}`, writer!.port],
      ...cluster.nodes.map((node): [string, number] => [`${node.title}.${zone}`, node.port]),
    ]);
    first!.lagMs = 42;
    using watched = watch(cluster, writer!, names);
    await untilShown(watched, ["primary up", "replica up", "replica up"]);
    const { servers, flavor } = watched.monitor.topology;
    expect(flavor).toBe("aurora");
    expect(servers.find(({ name }) => name === `node-1.${zone}:3306`))
      .toMatchObject({ lagMs: 42, lagMeans: "server", readOnly: true });
    expect(servers.find(({ role }) => role === "primary")?.aliases)
      .toEqual([`shop.cluster-${zone}:3306`]);
    cluster.kill(writer!);
    await until("the new writer is known", () => {
      const { primary } = watched.monitor.topology;
      return cluster.leader !== undefined && primary === `${cluster.leader.title}.${zone}:3306`;
    });
    const query = "SELECT SERVER_ID, SESSION_ID, LAST_UPDATE_TIMESTAMP, " +
      "REPLICA_LAG_IN_MILLISECONDS, CPU FROM INFORMATION_SCHEMA.REPLICA_HOST_STATUS";
    expect((await ask(cluster.leader!, query)).map((row) => row["SESSION_ID"]))
      .toContain("MASTER_SESSION_ID");
  });
});

describe("tidb", () => {
  test("every server takes writes; members come and go", async () => {
    await using cluster = await start({ flavor: "tidb" });
    const [, first, second] = cluster.nodes as SimulatedNode[];
    using watched = watch(cluster, first!);
    await untilShown(watched, ["primary up", "primary up", "primary up"]);
    const { monitor } = watched;
    expect(monitor.topology.servers.every(({ writes, reads }) => writes && reads)).toBe(true);
    cluster.kill(second!);
    await untilShown(watched, ["primary up", "primary up", "primary down"]);
    expect(monitor.topology.servers.filter(({ writes }) => writes)).toHaveLength(2);
    expect(await ask(first!, "SELECT * FROM information_schema.cluster_info WHERE TYPE = 'tidb'"))
      .toHaveLength(2);
  });

  test("a server whose status page says that it ends gets no new work", async () => {
    await using cluster = await start({ flavor: "tidb", followers: 1 });
    const [first, second] = cluster.nodes as SimulatedNode[];
    let status = 200;
    using page = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => new Response("{}", { status }),
    });
    second!.statusPort = page.port!;
    using watched = watch(cluster, first!);
    await untilShown(watched, ["primary up", "primary up"]);
    status = 500;
    await untilShown(watched, ["primary up", "primary draining"]);
    status = 200;
    await untilShown(watched, ["primary up", "primary up"]);
  });
});

describe("galera", () => {
  test("the tables that other tools read, on MySQL and on MariaDB", async () => {
    await using cluster = await start({ flavor: "galera" });
    for (const schema of ["performance_schema", "information_schema"]) {
      const [row] = await ask(
        cluster.nodes[0]!,
        `SELECT variable_value AS state FROM ${schema}.global_status ` +
          "WHERE variable_name = 'wsrep_local_state'",
      );
      expect(row).toEqual({ state: "4" });
    }
  });

  test("without a majority nobody is written to", async () => {
    await using cluster = await start({ flavor: "galera" });
    const [first, second, third] = cluster.nodes as SimulatedNode[];
    using watched = watch(cluster, first!);
    await untilShown(watched, ["primary up", "replica up", "replica up"]);
    cluster.kill(second!);
    cluster.kill(third!);
    await until("all down", () => watched.shown().every((shown) => shown?.endsWith("down")));
    expect(watched.monitor.topology.primary).toBeNull();
    await cluster.restart(second!);
    await until("written to again", () => watched.monitor.topology.primary === first!.name);
  });
});
