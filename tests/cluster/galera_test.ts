// A pair of real Galera nodes: what the monitor says of it while things happen to it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { flavorNamed } from "../../mod/cluster/mod.ts";
import { serverKinds } from "../servers/mod.ts";
import { type Cluster, galeraLibrary, rejoinGalera, startGalera } from "./clusters.ts";
import type { ClusterNode } from "./node.ts";
import { StallingProxy } from "../stalling_proxy.ts";
import { INTERVAL_MS, lagErrors, until, Watching, Writer } from "./watching.ts";

const SOON_MS = 2 * INTERVAL_MS;
/** What hangs is noticed when a look has begun and its time is over. */
const NOTICED_MS = SOON_MS + 200;
const LAG_ERROR_MS = 300;
const isInstalled = galeraLibrary() !== undefined && serverKinds().includes("mariadb");
if (!isInstalled) console.log("skipped: Galera is not installed");

async function status(node: ClusterNode, name: string): Promise<unknown> {
  return (await node.sql(`SHOW GLOBAL STATUS LIKE '${name}'`))[0]?.["Value"];
}

describe.skipIf(!isInstalled)("a pair of Galera nodes", () => {
  let cluster: Cluster;
  let watching: Watching;
  /** The node that the proxy writes to, and the other one. */
  let writer: ClusterNode;
  let other: ClusterNode;
  /** To each node, by its port. */
  let ways: Map<number, StallingProxy>;

  beforeAll(async () => {
    cluster = await startGalera(2);
    ways = new Map();
    for (const { port } of cluster.nodes) ways.set(port, await StallingProxy.start(port));
    watching = new Watching(
      cluster.first,
      new Map([...ways].map(([port, way]) => [port, way.port])),
    );
    await watching.settled(2);
    writer = cluster.named(watching.monitor.topology.primary);
    other = cluster.nodes.find((node) => node !== writer)!;
  });

  afterAll(async () => {
    watching?.[Symbol.dispose]();
    for (const way of ways?.values() ?? []) way[Symbol.dispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  test("flavor and members are found from one, and one of them is written to", async () => {
    const { topology } = watching.monitor;
    expect(topology).toMatchObject({
      flavor: "galera",
      clusterId: await status(writer, "wsrep_cluster_state_uuid"),
    });
    expect(await status(writer, "wsrep_local_index")).toBe("0");
    expect(watching.shown()).toEqual({
      [writer.name]: "primary up",
      [other.name]: "replica up",
    });
    expect(topology.servers.filter(({ writes }) => writes).length).toBe(1);
  });

  test("the lag of a node that applies nothing for 5 s is the true one", async () => {
    // Otherwise the group would wait for it.
    await other.sql("SET GLOBAL wsrep_desync = ON");
    await until("recovering", () => watching.server(other)?.state === "recovering");
    expect(watching.server(other)?.reason).toBe("Donor/Desynced: wsrep_desync is on");
    {
      await using ticks = await Writer.start(writer);
      await until("rows on the node", async () => {
        return Number(await other.value("SELECT COUNT(*) FROM test.ticks").catch(() => 0)) > 50;
      });
      await other.sql("FLUSH TABLES WITH READ LOCK");
      const first = await ticks.firstMissing(other);
      const lags = await watching.lagsOf(other, 5000);
      await other.sql("UNLOCK TABLES");
      const errors = lagErrors(lags, first);
      const worst = Math.max(...errors);
      console.log(`galera: ${errors.length} lags, none off by more than ${Math.round(worst)} ms`);
      expect(lags.at(-1)!.lagMs).toBeGreaterThan(3900);
      expect(worst).toBeLessThanOrEqual(LAG_ERROR_MS);
    }
    await other.sql("SET GLOBAL wsrep_desync = OFF");
    await watching.settled(2);
  });

  test("a causal read is what waits for a position", async () => {
    const position = watching.server(writer)?.position;
    const wait = flavorNamed("galera").waitForPosition(position!, 1000)!;
    expect(wait.reached(await other.value(wait.sql))).toBe(true);
  });

  test("a writer whose network is cut is suspect, and the other one is not", async () => {
    await watching.settled(2);
    const way = ways.get(writer.port)!;
    const cutMs = performance.now();
    way.stall();
    try {
      expect(await watching.stateAfter(cutMs, writer, "suspect") - cutMs).toBeLessThan(NOTICED_MS);
      expect(watching.server(other)).toMatchObject({ state: "up" });
    } finally {
      way.resume();
    }
    await watching.settled(2);
    expect(watching.monitor.topology.primary).toBe(writer.name);
  });

  test(
    "a writer that hangs is suspect; without it there is no majority until somebody decides",
    async () => {
      const frozenMs = performance.now();
      writer.freeze();
      expect(await watching.stateAfter(frozenMs, writer, "suspect") - frozenMs)
        .toBeLessThan(NOTICED_MS);
      await until(
        "the component is not the primary one",
        async () => await status(other, "wsrep_cluster_status") !== "Primary",
        { pollMs: 20 },
      );
      const knownMs = performance.now();
      expect(await watching.stateAfter(frozenMs, other, "down") - knownMs).toBeLessThan(SOON_MS);
      await until("nobody is written to", () => watching.monitor.topology.primary === null);
      await other.sql("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'");
      await until(
        "the other is written to",
        () => watching.monitor.topology.primary === other.name,
      );
      writer.thaw();
      await watching.settled(2);
      writer = cluster.named(watching.monitor.topology.primary);
      other = cluster.nodes.find((node) => node !== writer)!;
      expect(watching.writersMax).toBe(1);
    },
    60_000,
  );

  test("when the writer is shut down the other one takes its place", async () => {
    const sinceMs = performance.now();
    await writer.kill("SIGTERM");
    const goneMs = performance.now();
    const toldMs = await watching.eventAfter(
      sinceMs,
      "the new writer",
      ({ kind, server }) => kind === "failover-ended" && server === other.name,
    );
    expect(toldMs - goneMs).toBeLessThan(SOON_MS);
    await rejoinGalera(writer, other);
    await watching.settled(2);
    const { servers } = watching.monitor.topology;
    expect(servers.filter(({ writes }) => writes).length).toBe(1);
  });

  test("without a majority nobody is written to, until somebody decides", async () => {
    const primary = cluster.named(watching.monitor.topology.primary);
    const survivor = cluster.nodes.find((node) => node !== primary)!;
    const killedMs = performance.now();
    await primary.kill();
    await until(
      "the component is not the primary one",
      async () => await status(survivor, "wsrep_cluster_status") !== "Primary",
      { pollMs: 20 },
    );
    const knownMs = performance.now();
    const toldMs = await watching.eventAfter(
      killedMs,
      "the survivor is out",
      ({ server, to }) => server === survivor.name && to === "down",
    );
    expect(toldMs - knownMs).toBeLessThan(SOON_MS);
    expect(watching.monitor.topology.primary).toBeNull();
    expect(watching.server(survivor)?.reason).toBe("in a component that is non-Primary");
    await survivor.sql("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'");
    const decidedMs = performance.now();
    const againMs = await watching.eventAfter(
      killedMs,
      "the survivor is the writer",
      ({ kind, server }) => kind === "failover-ended" && server === survivor.name,
    );
    expect(againMs - decidedMs).toBeLessThan(SOON_MS);
  });
});
