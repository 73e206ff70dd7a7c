// A Group Replication group of three real servers: what the monitor says of it while things happen
// to it, and how soon after the group itself knows.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { serverKinds } from "../servers/mod.ts";
import { type Cluster, follow, join, startGroup } from "./clusters.ts";
import { ClusterNode } from "./node.ts";
import { StallingProxy } from "../stalling_proxy.ts";
import { INTERVAL_MS, lagErrors, until, Watching, Writer } from "./watching.ts";

const SOON_MS = 2 * INTERVAL_MS;
/** What hangs is noticed when a look has begun and its time is over. */
const NOTICED_MS = SOON_MS + 200;
const LAG_ERROR_MS = 300;

/** What a member says about who is the primary, as soon as it says so. */
async function primaryBy(node: ClusterNode): Promise<unknown> {
  return await node.value(
    `SELECT CONCAT(member_host, ':', member_port) FROM performance_schema.replication_group_members
     WHERE member_role = 'PRIMARY' AND member_state = 'ONLINE'`,
  );
}

describe.skipIf(!serverKinds().includes("mysql"))("a group of mysql", () => {
  let cluster: Cluster;
  let watching: Watching;
  /** To the first primary. */
  let way: StallingProxy;
  const attached: ClusterNode[] = [];

  beforeAll(async () => {
    cluster = await startGroup(3);
    const { port } = cluster.first;
    way = await StallingProxy.start(port);
    watching = new Watching(cluster.nodes[1]!, new Map([[port, way.port]]));
    await watching.settled(3);
  });

  afterAll(async () => {
    watching?.[Symbol.dispose]();
    way?.[Symbol.dispose]();
    for (const node of attached) await node[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  test("flavor, members and roles are found from one secondary", () => {
    const [a, b, c] = cluster.nodes;
    const { topology } = watching.monitor;
    expect(topology).toMatchObject({ flavor: "group", primary: a!.name });
    expect(topology.flavorReason).toContain("ONLINE");
    expect(topology.clusterId).toStartWith("aaaaaaaa-");
    expect(watching.shown()).toEqual({
      [a!.name]: "primary up",
      [b!.name]: "replica up",
      [c!.name]: "replica up",
    });
    expect(watching.server(b!)).toMatchObject({ roleWord: "SECONDARY", readOnly: true, error: "" });
  });

  test("the lag of a member that applies nothing for 5 s is the true one", async () => {
    const node = cluster.nodes[2]!;
    await using writer = await Writer.start(cluster.first);
    await until("rows on the member", async () => {
      return Number(await node.value("SELECT COUNT(*) FROM test.ticks").catch(() => 0)) > 100;
    });
    await node.sql("FLUSH TABLES WITH READ LOCK");
    const first = await writer.firstMissing(node);
    const lags = await watching.lagsOf(node, 5000);
    await node.sql("UNLOCK TABLES");
    const errors = lagErrors(lags, first);
    const worst = Math.max(...errors);
    console.log(`group: ${errors.length} lags, none off by more than ${Math.round(worst)} ms`);
    expect(lags.at(-1)!.lagMs).toBeGreaterThan(3900);
    expect(worst).toBeLessThanOrEqual(LAG_ERROR_MS);
    // More than three seconds behind is too late, by the settings of this test.
    expect(
      watching.told.some(({ event }) => event.server === node.name && event.kind === "lag-crossed"),
    ).toBe(true);
    await until("no lag any more", () => watching.server(node)?.state === "up");
  });

  test("a tag of InnoDB Cluster's metadata hides a member", async () => {
    const node = cluster.nodes[2]!;
    const uuid = await node.value("SELECT @@server_uuid");
    await cluster.first.sql(
      `CREATE DATABASE mysql_innodb_cluster_metadata;
       CREATE TABLE mysql_innodb_cluster_metadata.v2_instances
         (mysql_server_uuid VARCHAR(40) PRIMARY KEY, attributes JSON);
       INSERT INTO mysql_innodb_cluster_metadata.v2_instances
         VALUES ('${uuid}', '{"tags": {"_hidden": true}}')`,
    );
    // The schema is looked for again only now and then; a new connection looks at once.
    const threads = await node.sql(
      "SELECT id FROM information_schema.processlist WHERE user = 'app'",
    );
    for (const { id } of threads) await node.sql(`KILL ${id}`);
    await until("draining", () => watching.server(node)?.state === "draining");
    expect(watching.server(node)).toMatchObject({
      reads: false,
      reason: "hidden by its tag _hidden",
    });
    const sinceMs = performance.now();
    await cluster.first.sql("DELETE FROM mysql_innodb_cluster_metadata.v2_instances");
    await watching.eventAfter(
      sinceMs,
      "shown again",
      ({ server, to }) => server === node.name && to === "up",
    );
  });

  test("a primary whose network is cut is suspect, and nobody else is", async () => {
    const { first } = cluster;
    await watching.settled(3);
    const cutMs = performance.now();
    way.stall();
    try {
      expect(await watching.stateAfter(cutMs, first, "suspect") - cutMs).toBeLessThan(NOTICED_MS);
      const others = watching.told.filter(({ atMs, event }) =>
        atMs > cutMs && event.kind === "state-changed" && event.server !== first.name
      );
      expect(others).toEqual([]);
    } finally {
      way.resume();
    }
    await watching.settled(3);
    expect(watching.monitor.topology.primary).toBe(first.name);
  });

  test("a member that hangs is suspect, and the group goes on", async () => {
    const node = cluster.nodes[2]!;
    await watching.settled(3);
    const frozenMs = performance.now();
    node.freeze();
    const toldMs = await watching.stateAfter(frozenMs, node, "suspect")
      .finally(() => node.thaw());
    expect(toldMs - frozenMs).toBeLessThan(NOTICED_MS);
    await watching.settled(3);
    expect(watching.monitor.topology.primary).toBe(cluster.first.name);
  });

  test("a switchover by hand is followed as soon as the group has it", async () => {
    const [, b] = cluster.nodes;
    const uuid = await b!.value("SELECT @@server_uuid");
    const sinceMs = performance.now();
    const known = until(
      "the group's new primary",
      async () => await primaryBy(b!) === b!.name,
      { pollMs: 20 },
    );
    await cluster.first.sql(`SELECT group_replication_set_as_primary('${uuid}')`);
    const knownMs = await known;
    const toldMs = await watching.eventAfter(
      sinceMs,
      "the new primary",
      ({ kind, server }) => kind === "failover-ended" && server === b!.name,
    );
    console.log(`switchover told ${Math.round(toldMs - knownMs)} ms after the group knew`);
    expect(toldMs - knownMs).toBeLessThan(SOON_MS);
    await watching.settled(3);
  });

  test("kill -9 of the primary: down in a moment, the new one as soon as the group has it", async () => {
    const [a, b] = cluster.nodes;
    const killedMs = performance.now();
    await b!.kill();
    const downMs = await watching.eventAfter(
      killedMs,
      "down told",
      ({ server, to }) => server === b!.name && to === "down",
    );
    expect(downMs - killedMs).toBeLessThan(SOON_MS);
    const knownMs = await until("the group's new primary", async () => {
      const primary = await primaryBy(a!);
      return primary !== undefined && primary !== b!.name;
    }, { pollMs: 20 });
    const toldMs = await watching.eventAfter(
      killedMs,
      "failover ended",
      ({ kind }) => kind === "failover-ended",
    );
    console.log(`failover told ${Math.round(toldMs - knownMs)} ms after the group knew`);
    expect(toldMs - knownMs).toBeLessThan(SOON_MS);
    expect(watching.monitor.topology.primary).toBe(String(await primaryBy(a!)));
    const { event } = watching.told.findLast(({ event }) => event.kind === "failover-ended")!;
    expect(event.durationMs).toBeGreaterThan(1000);
    expect(event.from).toBe(b!.name);
  });

  test("a member that comes back recovers, and then is up", async () => {
    const node = cluster.nodes[1]!;
    await node.start();
    const startedMs = performance.now();
    // It answers, and is in no group yet.
    await until("out of the group", () => /OFFLINE/.test(watching.server(node)?.reason ?? ""));
    expect(watching.server(node)).toMatchObject({ state: "down", reads: false, writes: false });
    await join(node);
    await watching.eventAfter(
      startedMs,
      "up told",
      ({ server, to }) => server === node.name && to === "up",
    );
    expect(watching.server(node)).toMatchObject({ role: "replica", reads: true });
  });

  test("a replica that is attached to the group is found, and is a learner", async () => {
    const node = await ClusterNode.create("mysql", ["super_read_only = ON"]);
    const primary = cluster.named(watching.monitor.topology.primary);
    attached.push(node);
    const sinceMs = performance.now();
    await follow(node, primary);
    const followsMs = performance.now();
    const addedMs = await watching.eventAfter(
      sinceMs,
      "the replica is found",
      ({ kind, server }) => kind === "server-added" && server === node.name,
    );
    console.log(`attached replica found after ${Math.round(addedMs - followsMs)} ms`);
    await until("it is up", () => watching.server(node)?.state === "up");
    expect(watching.server(node)).toMatchObject({
      role: "learner",
      roleWord: "attached replica",
      reads: true,
      writes: false,
    });
    await node.sql("STOP REPLICA");
    await until("lagging", () => watching.server(node)?.state === "lagging");
    // Open to writes or not, it is never the primary.
    await node.sql("SET GLOBAL read_only = 0");
    await until("seen", () => watching.server(node)?.readOnly === false);
    expect(watching.monitor.topology.primary).toBe(primary.name);
    expect(watching.server(node)).toMatchObject({ role: "learner", writes: false });
    // From it the whole group is found, too.
    await node.sql("START REPLICA");
    using other = new Watching(node);
    await until("all found from the replica", () => {
      const shown = other.shown();
      return Object.keys(shown).length === 4 && shown[node.name] === "learner up" &&
        shown[primary.name] === "primary up";
    }, { describe: () => JSON.stringify(other.shown()) });
    expect(other.monitor.topology.flavor).toBe("group");
  });

  test("a primary that hangs is suspect; the group's new one is followed, the old one stays out", async () => {
    const old = cluster.named(watching.monitor.topology.primary);
    const other = cluster.nodes.find((node) => node !== old)!;
    const frozenMs = performance.now();
    old.freeze();
    expect(await watching.stateAfter(frozenMs, old, "suspect") - frozenMs).toBeLessThan(NOTICED_MS);
    const knownMs = await until("the group's new primary", async () => {
      const primary = await primaryBy(other);
      return primary !== undefined && primary !== old.name;
    }, { pollMs: 20 });
    const toldMs = await watching.eventAfter(
      frozenMs,
      "the new primary",
      ({ kind }) => kind === "failover-ended",
    );
    console.log(`new primary told ${Math.round(toldMs - knownMs)} ms after the group knew`);
    expect(toldMs - knownMs).toBeLessThan(SOON_MS);
    const now = String(await primaryBy(other));
    expect(watching.monitor.topology.primary).toBe(now);
    const answeredMs = watching.server(old)!.answeredMs!;
    old.thaw();
    // It still takes itself for the primary when it goes on.
    await until("it answers", () => watching.server(old)!.answeredMs! > answeredMs);
    expect(watching.monitor.topology.primary).toBe(now);
    expect(watching.writersMax).toBe(1);
  });
});
