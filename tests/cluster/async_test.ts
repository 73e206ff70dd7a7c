// Asynchronous clusters of real MySQL and MariaDB servers, a primary and two replicas: what the
// monitor says of them while things happen to them, and how soon.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { serverKinds } from "../servers/mod.ts";
import type { ClusterNode } from "./node.ts";
import { type Cluster, follow, setReadOnly, startAsyncCluster } from "./clusters.ts";
import { StallingProxy } from "../stalling_proxy.ts";
import { INTERVAL_MS, lagErrors, until, Watching, Writer } from "./watching.ts";

/** What happens is to be told within two intervals, and the time it takes to ask. */
const SOON_MS = 2 * INTERVAL_MS;
/** What hangs is noticed when a look has begun and its time is over. */
const NOTICED_MS = SOON_MS + 200;
const PAUSE_MS = 5000;
const LAG_ERROR_MS = 300;

describe.each(serverKinds())("a cluster of %s", (kind) => {
  const replica = kind === "mysql" ? "REPLICA" : "SLAVE";
  let cluster: Cluster;
  let watching: Watching;
  /** To the primary and to the second replica. */
  let ways: readonly StallingProxy[];

  beforeAll(async () => {
    cluster = await startAsyncCluster(kind, 2);
    const [{ port: first }, seed, { port: last }] = cluster.nodes as [
      ClusterNode,
      ClusterNode,
      ClusterNode,
    ];
    ways = await Promise.all([StallingProxy.start(first), StallingProxy.start(last)]);
    // From a replica, so that the primary and the other replica have to be found.
    watching = new Watching(seed, new Map([[first, ways[0]!.port], [last, ways[1]!.port]]));
    await watching.settled(3);
  });

  afterAll(async () => {
    watching?.[Symbol.dispose]();
    for (const way of ways ?? []) way[Symbol.dispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  test("flavor, members and roles are found from one replica", () => {
    const [a, b, c] = cluster.nodes;
    expect(watching.monitor.topology).toMatchObject({
      flavor: kind === "mysql" ? "async" : "mariadb",
      primary: a!.name,
    });
    expect(watching.shown()).toEqual({
      [a!.name]: "primary up",
      [b!.name]: "replica up",
      [c!.name]: "replica up",
    });
    expect(watching.server(a!)).toMatchObject({ writes: true, readOnly: false, lagMs: 0 });
    expect(watching.server(b!)).toMatchObject({ reads: true, writes: false, readOnly: true });
    expect(watching.server(b!)?.error).toBe("");
  });

  test("the lag of a replica whose applier rests for 5 s is the true one", async () => {
    const node = cluster.nodes[1]!;
    await using writer = await Writer.start(cluster.first);
    await until("rows on the replica", async () => {
      return Number(await node.value("SELECT COUNT(*) FROM test.ticks").catch(() => 0)) > 100;
    });
    await node.sql(`STOP ${replica} SQL_THREAD`);
    const first = await writer.firstMissing(node);
    const lags = await watching.lagsOf(node, PAUSE_MS);
    await node.sql(`START ${replica} SQL_THREAD`);
    const errors = lagErrors(lags, first);
    const worst = Math.max(...errors);
    console.log(`${kind}: ${errors.length} lags, none off by more than ${Math.round(worst)} ms`);
    expect(errors.length).toBeGreaterThanOrEqual(8);
    expect(lags.at(-1)!.lagMs).toBeGreaterThan(3900);
    expect(worst).toBeLessThanOrEqual(LAG_ERROR_MS);
    await until("no lag any more", () => watching.server(node)?.lagMs === 0);
  });

  test("a replica whose replication is stopped lags, and is left out while there is another", async () => {
    const node = cluster.nodes[1]!;
    await watching.settled(3);
    const sinceMs = performance.now();
    await node.sql(`STOP ${replica}`);
    const stoppedMs = performance.now();
    const toldMs = await watching.eventAfter(
      sinceMs,
      "the replica lags",
      ({ kind, server, to }) =>
        kind === "state-changed" && server === node.name && to === "lagging",
    );
    expect(toldMs - stoppedMs).toBeLessThan(SOON_MS);
    expect(watching.server(node)).toMatchObject({ reads: false });
    expect(watching.server(node)?.reason).toMatch(/applier|receiver/);
    await node.sql(`START ${replica}`);
    await watching.settled(3);
  });

  test("a replica that hangs is suspect and then down; when it goes on it comes back", async () => {
    const node = cluster.nodes[1]!;
    const connections = async () =>
      Number((await node.sql("SHOW GLOBAL STATUS LIKE 'Connections'"))[0]?.["Value"]);
    const before = await connections();
    const frozenMs = performance.now();
    node.freeze();
    expect(await watching.stateAfter(frozenMs, node, "suspect") - frozenMs).toBeLessThan(
      NOTICED_MS,
    );
    await watching.stateAfter(frozenMs, node, "down");
    const thawedMs = performance.now();
    node.thaw();
    const backMs = await watching.stateAfter(thawedMs, node, "recovering");
    expect(backMs - thawedMs).toBeLessThan(SOON_MS);
    await watching.settled(3);
    // It was not flooded with connections meanwhile, which it would count as errors of this host.
    expect(await connections() - before).toBeLessThanOrEqual(1);
  });

  test("a primary that hangs is suspect and then down; nobody takes its place", async () => {
    const { first } = cluster;
    const frozenMs = performance.now();
    first.freeze();
    expect(await watching.stateAfter(frozenMs, first, "suspect") - frozenMs).toBeLessThan(
      NOTICED_MS,
    );
    // Its clients will see: as long as it may live nothing else is right.
    expect(watching.server(first)).toMatchObject({ role: "primary", writes: true });
    await watching.stateAfter(frozenMs, first, "down");
    expect(watching.monitor.topology.primary).toBeNull();
    expect(watching.monitor.topology.servers.some(({ writes }) => writes)).toBe(false);
    const thawedMs = performance.now();
    first.thaw();
    const backMs = await watching.eventAfter(
      thawedMs,
      "failover ended",
      ({ kind, server }) => kind === "failover-ended" && server === first.name,
    );
    expect(backMs - thawedMs).toBeLessThan(SOON_MS);
    await watching.settled(3);
  });

  test.each([
    { who: "primary", at: 0, way: 0 },
    { who: "replica", at: 2, way: 1 },
  ])("a $who whose network is cut is suspect, and nobody else is", async ({ who, at, way }) => {
    const node = cluster.nodes[at]!;
    await watching.settled(3);
    const cutMs = performance.now();
    ways[way]!.stall();
    try {
      expect(await watching.stateAfter(cutMs, node, "suspect") - cutMs).toBeLessThan(NOTICED_MS);
      const others = watching.told.filter(({ atMs, event }) =>
        atMs > cutMs && event.kind === "state-changed" && event.server !== node.name
      );
      expect(others).toEqual([]);
      // Its last answer is marked with its age.
      const { answeredMs } = watching.server(node)!;
      await until("an old answer", () => Date.now() - answeredMs! > 1500);
      expect(watching.server(node)).toMatchObject({ answeredMs, role: who });
    } finally {
      ways[way]!.resume();
    }
    await watching.settled(3);
  });

  test("a primary that is killed is down in a moment, and back after its restart", async () => {
    const node = cluster.first;
    const killedMs = performance.now();
    await node.kill();
    const downMs = await watching.eventAfter(
      killedMs,
      "down told",
      ({ server, to }) => server === node.name && to === "down",
    );
    expect(downMs - killedMs).toBeLessThan(SOON_MS);
    expect(watching.monitor.topology.primary).toBeNull();
    await watching.eventAfter(
      killedMs,
      "failover began",
      (event) => event.kind === "failover-began",
    );
    await node.start();
    const startedMs = performance.now();
    const backMs = await watching.eventAfter(
      killedMs,
      "failover ended",
      ({ kind, server }) => kind === "failover-ended" && server === node.name,
    );
    expect(backMs - startedMs).toBeLessThan(SOON_MS);
    await watching.settled(3);
  });

  test("a switchover by hand is followed, and no moment has two primaries", async () => {
    const [a, b, c] = cluster.nodes;
    await setReadOnly(a!, true);
    await until("the replica to have all", async () => {
      const position = kind === "mysql" ? "@@gtid_executed" : "@@gtid_current_pos";
      return await a!.value(`SELECT ${position}`) === await b!.value(`SELECT ${position}`);
    });
    await follow(b!, undefined);
    const sinceMs = performance.now();
    await setReadOnly(b!, false);
    const openMs = performance.now();
    await follow(a!, b!);
    await follow(c!, b!);
    const toldMs = await watching.eventAfter(
      sinceMs,
      "the new primary",
      ({ kind, server }) => kind === "failover-ended" && server === b!.name,
    );
    expect(toldMs - openMs).toBeLessThan(SOON_MS);
    await until("all in their new roles", () => {
      const { [a!.name]: old, [b!.name]: now, [c!.name]: other } = watching.shown();
      return old === "replica up" && now === "primary up" && other === "replica up";
    }, { limitMs: 5000, describe: () => JSON.stringify(watching.shown()) });
    expect(watching.writersMax).toBe(1);
  });
});
