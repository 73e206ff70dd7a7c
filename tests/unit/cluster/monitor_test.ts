// The monitor over servers that are no more than their answers, with a clock that the test moves.

import { describe, expect, test } from "bun:test";
import {
  ClusterMonitor,
  type MonitorOptions,
  type MonitorSettings,
  type Topology,
} from "../../../mod/cluster/mod.ts";
import { FakeNetwork, type FakeServer, LAG_QUERY, ManualClock } from "./fake_servers.ts";

const SETTINGS: MonitorSettings = {
  flavor: "auto",
  intervalMs: 1000,
  quickIntervalMs: 250,
  timeoutMs: 800,
  failuresMax: 3,
  lagMaxMs: 5000,
  slowStartMs: 3000,
  lagQuery: "",
  discover: true,
  forgetAfterMs: 60_000,
  eventsMax: 50,
  servers: [],
};

interface Scene {
  readonly clock: ManualClock;
  readonly network: FakeNetwork;
  readonly primary: FakeServer;
  readonly one: FakeServer;
  readonly two: FakeServer;
  /** Starts a monitor with these servers as seeds. */
  watch(
    seeds: readonly string[],
    over?: Partial<MonitorSettings>,
    more?: Partial<MonitorOptions>,
  ): ClusterMonitor;
}

/** A primary with two replicas. */
function scene(): Scene {
  const clock = new ManualClock();
  const network = new FakeNetwork(clock);
  const primary = network.add("a:3306", { gtids: "1-10" });
  const one = network.add("b:3306", { readOnly: true, source: primary, gtids: "1-10" });
  const two = network.add("c:3306", { readOnly: true, source: primary, gtids: "1-10" });
  return {
    clock,
    network,
    primary,
    one,
    two,
    watch(seeds, over = {}, more = {}) {
      const monitor = new ClusterMonitor({
        seeds: seeds.map((name) => {
          const [host = "", port] = name.split(":");
          return { kind: "tcp", host, port: Number(port) };
        }),
        settings: { ...SETTINGS, ...over },
        connector: network,
        clock,
        random: () => 0.5,
        ...more,
      });
      monitor.start();
      return monitor;
    },
  };
}

function shown({ servers }: Topology): Record<string, string> {
  return Object.fromEntries(
    servers.map(({ name, role, state }) => [name, `${role} ${state}`]).sort(),
  );
}

function told(monitor: ClusterMonitor, since = 0): string[] {
  return monitor.events.all.filter(({ number }) => number > since).map((event) =>
    [event.kind, event.server ?? "", event.from, event.to].join(" ").trim()
  );
}

const ALL_UP = { "a:3306": "primary up", "b:3306": "replica up", "c:3306": "replica up" };

describe("ClusterMonitor", () => {
  test("finds the flavor and all members from any one of them", async () => {
    for (const seed of ["a:3306", "b:3306"]) {
      const { clock, watch } = scene();
      const monitor = watch([seed]);
      await clock.pass(1500);
      expect(shown(monitor.topology)).toEqual(ALL_UP);
      expect(monitor.topology).toMatchObject({ flavor: "async", primary: "a:3306" });
      expect(told(monitor)[0]).toBe(`flavor-found ${seed}  async`);
      monitor.stop();
    }
  });

  test("a primary that is killed is down at once; when it is back, it gets work slowly", async () => {
    const { clock, watch, primary } = scene();
    const monitor = watch(["a:3306"]);
    await clock.pass(2500);
    const since = monitor.events.all.length;
    primary.kill();
    await clock.pass(30);
    expect(shown(monitor.topology)["a:3306"]).toBe("primary down");
    expect(monitor.topology.primary).toBeNull();
    expect(monitor.topology.servers.filter(({ reads }) => reads).map(({ name }) => name))
      .toEqual(["b:3306", "c:3306"]);
    await clock.pass(5000);
    primary.mode = "up";
    await clock.pass(300);
    expect(shown(monitor.topology)["a:3306"]).toBe("primary recovering");
    expect(monitor.topology.primary).toBe("a:3306");
    await clock.pass(3500);
    expect(told(monitor, since)).toEqual([
      "state-changed a:3306 up suspect",
      "state-changed a:3306 suspect down",
      "failover-began a:3306 a:3306",
      "state-changed a:3306 down recovering",
      "failover-ended a:3306 a:3306 a:3306",
      "state-changed a:3306 recovering up",
    ]);
    monitor.stop();
  });

  test("a failover is told with its duration, and the old primary loses its role", async () => {
    const { clock, watch, primary, one, two } = scene();
    const monitor = watch(["a:3306"]);
    await clock.pass(2500);
    primary.kill();
    await clock.pass(4000);
    one.readOnly = false;
    one.source = undefined;
    two.source = one;
    await clock.pass(600);
    expect(shown(monitor.topology)).toEqual({
      "a:3306": "none down",
      "b:3306": "primary up",
      "c:3306": "replica up",
    });
    const ended = monitor.events.all.find(({ kind }) => kind === "failover-ended");
    expect(ended).toMatchObject({ server: "b:3306", from: "a:3306", to: "b:3306" });
    expect(ended?.durationMs).toBeWithin(3900, 4400);
    monitor.stop();
  });

  test("the old primary that comes back writable is not believed", async () => {
    const { clock, watch, primary, one, two } = scene();
    const monitor = watch(["a:3306"]);
    await clock.pass(2500);
    primary.kill();
    [one.readOnly, one.source, two.source] = [false, undefined, one];
    one.gtids = two.gtids = "1-12";
    await clock.pass(1000);
    primary.mode = "up";
    await clock.pass(1000);
    expect(monitor.topology.primary).toBe("b:3306");
    expect(monitor.topology.servers.find(({ name }) => name === "a:3306"))
      .toMatchObject({ role: "none", writes: false, reads: false });
    monitor.stop();
  });

  test("a server that hangs is suspect, then down, and delays nobody else", async () => {
    const { clock, network, watch, one, two } = scene();
    const monitor = watch(["a:3306"]);
    await clock.pass(2500);
    one.mode = "silent";
    const looks = two.looks;
    await clock.pass(1900); // an interval and a timeout
    expect(shown(monitor.topology)["b:3306"]).toBe("replica suspect");
    await clock.pass(1900);
    expect(shown(monitor.topology)["b:3306"]).toBe("replica down");
    expect(two.looks - looks).toBeGreaterThanOrEqual(4);
    expect(monitor.topology.servers.find(({ name }) => name === "b:3306")?.error)
      .toContain("no answer within 800 ms");
    // It is not flooded with connections meanwhile, which would count as errors of this host.
    await clock.pass(30_000);
    expect(network.opened.get("b:3306")).toBeLessThanOrEqual(5);
    expect(network.opened.get("c:3306")).toBe(1);
    monitor.stop();
  });

  test("a primary that is said to be silent is left as soon as another one says that it is it", async () => {
    const { clock, watch, primary, one, two } = scene();
    const monitor = watch(["a:3306", "b:3306", "c:3306"]);
    await clock.pass(5000);
    const said = () => monitor.report({ server: "a:3306", code: 0, isSilent: true });
    // Who answers is not silent, whatever sessions say.
    said();
    await clock.pass(500);
    expect(monitor.topology.servers[0]).toMatchObject({ failure: null, state: "up" });
    primary.mode = "silent";
    said();
    await clock.pass(150);
    // That alone changes nothing: it may only be slow.
    expect(monitor.topology.primary).toBe("a:3306");
    expect(monitor.topology.servers[0]).toMatchObject({ failure: "timeout", writes: true });
    expect(shown(monitor.topology)).toEqual(ALL_UP);
    one.source = undefined;
    one.readOnly = false;
    two.source = one;
    await clock.pass(100);
    expect(monitor.topology.primary).toBe("b:3306");
    expect(monitor.topology.servers.filter(({ writes }) => writes)).toHaveLength(1);
    // It goes on, and does not know that it is replaced.
    primary.mode = "up";
    await clock.pass(2000);
    expect(monitor.topology.primary).toBe("b:3306");
    expect(monitor.topology.servers.filter(({ writes }) => writes)).toHaveLength(1);
    monitor.stop();
  });

  test("of two writable servers a silent one is not left for what the other has said before", async () => {
    const { clock, watch, primary, one, two } = scene();
    two.source = primary;
    const monitor = watch(["a:3306", "b:3306", "c:3306"]);
    await clock.pass(5000);
    one.readOnly = false;
    one.source = undefined;
    await clock.pass(1000);
    expect(monitor.topology.primary).toBe("a:3306"); // c follows it
    primary.mode = "silent";
    one.mode = "silent";
    monitor.report({ server: "a:3306", code: 0, isSilent: true });
    await clock.pass(400);
    // Who follows whom is not known either any more: rather none than that one.
    expect(monitor.topology.primary).toBeNull();
    monitor.stop();
  });

  test("looks every second, and four times a second while something is wrong", async () => {
    const { clock, watch, one, two } = scene();
    const monitor = watch(["a:3306"]);
    await clock.pass(5000);
    let before = two.looks;
    await clock.pass(10_000);
    expect(two.looks - before).toBeWithin(9, 12);
    one.kill();
    await clock.pass(300);
    before = two.looks;
    await clock.pass(10_000);
    expect(two.looks - before).toBeWithin(38, 42);
    // What is wrong for long, and nothing else changes, is looked at as usual.
    await clock.pass(30_000);
    before = two.looks;
    await clock.pass(10_000);
    expect(two.looks - before).toBeWithin(9, 12);
    monitor.stop();
  });

  test("a report of the data plane is followed at once, at all servers if roles may differ", async () => {
    const { clock, watch, primary, one, two } = scene();
    const monitor = watch(["a:3306"]);
    await clock.pass(5100);
    const before = [primary.looks, one.looks, two.looks];
    monitor.report({ server: "b:3306", code: 0 });
    await clock.pass(10);
    expect([primary.looks, one.looks, two.looks]).toEqual([before[0], before[1]! + 1, before[2]]);
    await clock.pass(300);
    const after = [primary.looks, one.looks, two.looks];
    monitor.report({ server: "a:3306", code: 1290 });
    await clock.pass(10);
    expect([primary.looks, one.looks, two.looks]).toEqual(after.map((looks) => looks + 1));
    monitor.stop();
  });

  test("a new primary is found at once, since clients wait for it; who takes long is not", async () => {
    const { clock, watch, primary, one } = scene();
    const monitor = watch(["a:3306"]);
    await clock.pass(5100);
    primary.readOnly = true;
    await clock.pass(1100);
    expect(monitor.topology.primary).toBeNull();
    const before = one.looks;
    await clock.pass(1000);
    expect(one.looks - before).toBeGreaterThan(12); // 50 ms, and what a look takes
    one.readOnly = false;
    one.source = undefined;
    await clock.pass(80);
    expect(monitor.topology.primary).toBe("b:3306");
    one.readOnly = true;
    await clock.pass(1100);
    expect(monitor.topology.primary).toBeNull();
    // Clients wait for failover.max_wait, 20 s.
    await clock.pass(19_000);
    const still = one.looks;
    await clock.pass(1000);
    expect(one.looks - still).toBeGreaterThan(12);
    await clock.pass(11_000);
    const after = one.looks;
    await clock.pass(1000);
    expect(one.looks - after).toBeWithin(3, 6); // as while anything is wrong
    monitor.stop();
  });

  test("reports that never end lead to no more looks than when something is wrong", async () => {
    const { clock, watch, one } = scene();
    const monitor = watch(["a:3306"]);
    await clock.pass(5100);
    const before = one.looks;
    for (let at = 0; at < 100; at++) {
      monitor.report({ server: "b:3306", code: at % 2 === 0 ? 0 : 1290 });
      await clock.pass(20);
    }
    // The first one at once, then one for each quick interval, and what is usual in two seconds.
    expect(one.looks - before).toBeWithin(8, 12);
    await clock.pass(300);
    const after = one.looks;
    monitor.report({ server: "b:3306", code: 0 });
    await clock.pass(10);
    expect(one.looks).toBe(after + 1);
    monitor.stop();
  });

  test("two writable servers that nothing tells apart: writes stop, and begin again after", async () => {
    const { clock, network, watch } = scene();
    network.servers.length = 0;
    const a = network.add("a:3306", { gtids: "1-10:20" });
    network.add("b:3306", { gtids: "1-12" });
    const monitor = watch(["a:3306", "b:3306"]);
    await clock.pass(1500);
    expect(monitor.topology.primary).toBeNull();
    expect(monitor.topology.servers.some(({ writes }) => writes)).toBe(false);
    expect(monitor.topology.primaryReason).toContain("nothing tells which one is right");
    a.readOnly = true;
    await clock.pass(1500);
    expect(monitor.topology.primary).toBe("b:3306");
    monitor.stop();
  });
});

describe("ClusterMonitor and addresses", () => {
  test("a virtual address is understood as such, and followed when it moves", async () => {
    const { clock, network, watch, primary, one, two } = scene();
    for (const server of network.servers) server.reportHost = server.name.split(":")[0];
    network.aliases.set("vip:3306", primary);
    const monitor = watch(["vip:3306"]);
    await clock.pass(2000);
    expect(shown(monitor.topology)).toEqual(ALL_UP);
    const aliasesOf = (name: string) =>
      monitor.topology.servers.find((server) => server.name === name)?.aliases;
    expect(aliasesOf("a:3306")).toEqual(["vip:3306"]);
    network.aliases.set("vip:3306", one);
    primary.kill();
    [one.readOnly, one.source, two.source] = [false, undefined, one];
    await clock.pass(2000);
    expect(monitor.topology.primary).toBe("b:3306");
    expect(aliasesOf("b:3306")).toEqual(["vip:3306"]);
    expect(monitor.topology.servers.length).toBe(3);
    monitor.stop();
  });

  test("a reported address that leads nowhere does not replace the one that works", async () => {
    const { clock, watch, primary } = scene();
    primary.reportHost = "inside";
    const monitor = watch(["a:3306"]);
    await clock.pass(3000);
    expect(shown(monitor.topology)).toEqual(ALL_UP);
    monitor.stop();
  });

  test("a reported address that leads to somebody else is not taken for the member", async () => {
    const { clock, network, watch, one } = scene();
    network.add("local:3306", { gtids: "1-3" });
    one.reportHost = "local";
    const monitor = watch(["a:3306"]);
    await clock.pass(3000);
    expect(shown(monitor.topology)).toEqual(ALL_UP);
    monitor.stop();
  });

  test("a copy with the same server_uuid is of another cluster", async () => {
    const { clock, network, watch, primary } = scene();
    const copy = network.add("copy:3306", { gtids: "1-10" });
    Object.assign(copy, { uuid: primary.uuid });
    const monitor = watch(["a:3306", "copy:3306"]);
    await clock.pass(2500);
    expect(shown(monitor.topology)).toEqual({ ...ALL_UP, "copy:3306": "none wrong-cluster" });
    const strange = monitor.topology.servers.find(({ name }) => name === "copy:3306");
    expect(strange?.reason).toContain("has the identity of a:3306");
    expect(monitor.topology.primary).toBe("a:3306");
    monitor.stop();
  });

  test("members that are gone are forgotten, seeds never", async () => {
    const { clock, watch, one, two } = scene();
    const monitor = watch(["a:3306", "b:3306"]);
    await clock.pass(2500);
    one.kill();
    two.kill();
    await clock.pass(59_000);
    expect(Object.keys(shown(monitor.topology))).toEqual(["a:3306", "b:3306", "c:3306"]);
    await clock.pass(5000);
    expect(Object.keys(shown(monitor.topology))).toEqual(["a:3306", "b:3306"]);
    expect(told(monitor).at(-1)).toBe("server-removed c:3306 down");
    two.mode = "up";
    await clock.pass(8000);
    expect(shown(monitor.topology)["c:3306"]).toStartWith("replica");
    monitor.stop();
  });

  test("addresses of an earlier run are asked when the seeds do not answer", async () => {
    const { clock, watch, two } = scene();
    const monitor = watch(["gone:3306"], {}, { saved: [two.address] });
    await clock.pass(2500);
    expect(shown(monitor.topology)).toEqual({ ...ALL_UP, "gone:3306": "none down" });
    monitor.stop();
  });
});

describe("ClusterMonitor, other seeds", () => {
  const seedsOf = (...servers: readonly FakeServer[]) => servers.map(({ address }) => address);

  test("a server that was removed stays out though others name it, until it is a seed again", async () => {
    const { clock, watch, primary, one, two } = scene();
    const monitor = watch(["a:3306", "b:3306", "c:3306"]);
    await clock.pass(2500);
    expect(shown(monitor.topology)).toEqual(ALL_UP);
    monitor.reconfigure({ settings: SETTINGS, seeds: seedsOf(primary, two) });
    expect(Object.keys(shown(monitor.topology))).toEqual(["a:3306", "c:3306"]);
    await clock.pass(70_000);
    expect(Object.keys(shown(monitor.topology))).toEqual(["a:3306", "c:3306"]);
    monitor.reconfigure({ settings: SETTINGS, seeds: seedsOf(primary, one, two) });
    await clock.pass(5000);
    expect(shown(monitor.topology)).toEqual(ALL_UP);
    monitor.stop();
  });

  test("the primary is not to be removed without another one in its place", async () => {
    const { clock, network, watch, primary, one } = scene();
    const monitor = watch(["a:3306", "b:3306"]);
    await clock.pass(2500);
    expect(monitor.reasonAgainst(seedsOf(one))).toContain("a:3306 takes the writes");
    expect(monitor.reasonAgainst(seedsOf(primary))).toBeUndefined();
    // Another cluster takes over from it.
    const other = network.add("z:3306", { gtids: "1-3" });
    expect(monitor.reasonAgainst(seedsOf(other))).toBeUndefined();
    monitor.reconfigure({ settings: SETTINGS, seeds: seedsOf(other) });
    await clock.pass(5000);
    expect(monitor.topology.primary).toBe("z:3306");
    expect(shown(monitor.topology)["a:3306"]).toBeUndefined();
    monitor.stop();
  });

  test("seeds that are members are none any more, and go on", async () => {
    const { clock, watch, primary, one } = scene();
    const monitor = watch(["a:3306"]);
    await clock.pass(2500);
    // Found by others, so far; then named, and not named again.
    monitor.reconfigure({ settings: SETTINGS, seeds: seedsOf(primary, one) });
    expect(shown(monitor.topology)).toEqual(ALL_UP);
    monitor.reconfigure({ settings: SETTINGS, seeds: seedsOf(primary) });
    expect(Object.keys(shown(monitor.topology))).toEqual(["a:3306", "c:3306"]);
    monitor.stop();
  });
});

describe("ClusterMonitor, lag and orders", () => {
  test("lag in milliseconds from the primary's positions; crossing the bound is an event", async () => {
    const { clock, watch, primary, one, two } = scene();
    const monitor = watch(["a:3306"]);
    let written = 10;
    const write = async (seconds: number, replicas: readonly FakeServer[]) => {
      for (let tenth = 0; tenth < seconds * 10; tenth++) {
        const gtids = `1-${++written}`;
        for (const server of [primary, ...replicas]) server.gtids = gtids;
        await clock.pass(100);
      }
    };
    await write(4, [one, two]);
    await write(3, [two]);
    const lag = () => monitor.topology.servers.find(({ name }) => name === "b:3306");
    expect(lag()?.lagMeans).toBe("position");
    expect(lag()?.lagMs).toBeWithin(1500, 3300);
    await write(4, [two]);
    expect(lag()).toMatchObject({
      state: "lagging",
      reads: false,
      reason: "more than 5000 ms behind",
    });
    expect(told(monitor)).toContainEqual(
      expect.stringMatching(/^lag-crossed b:3306 \d+ ms \d+ ms$/),
    );
    await write(2, [one, two]);
    expect(lag()).toMatchObject({ state: "up", reads: true, lagMs: 0 });
    monitor.stop();
  });

  test("a heartbeat goes before all that is reckoned", async () => {
    const { clock, watch, one } = scene();
    one.heartbeat = 2.5;
    const monitor = watch(["a:3306"], { lagQuery: LAG_QUERY });
    await clock.pass(2500);
    const server = (name: string) => monitor.topology.servers.find((each) => each.name === name);
    expect(server("b:3306")).toMatchObject({ lagMs: 2500, lagMeans: "heartbeat" });
    // Where it gives nothing, positions do.
    expect(server("c:3306")).toMatchObject({ lagMs: 0, lagMeans: "position" });
    expect(server("a:3306")).toMatchObject({ lagMs: 0, lagMeans: null });
    monitor.stop();
  });

  test("static servers are those of the configuration, the first writable one is written to", async () => {
    const { clock, network, watch } = scene();
    network.servers.length = 0;
    for (const name of ["a:3306", "b:3306"]) network.add(name, { gtids: "1-10" });
    network.add("c:3306", { readOnly: true, source: network.servers[0]! });
    const monitor = watch(["b:3306", "a:3306"], { flavor: "static" });
    await clock.pass(2500);
    expect(monitor.topology).toMatchObject({ flavor: "static", primary: "b:3306" });
    expect(Object.keys(shown(monitor.topology))).toEqual(["a:3306", "b:3306"]);
    expect(monitor.topology.servers.filter(({ writes }) => writes)).toHaveLength(1);
    monitor.stop();
  });

  test("what people say of servers holds, is told, and is taken back", async () => {
    const { clock, watch } = scene();
    const kept: unknown[] = [];
    const monitor = watch(["a:3306"], {
      servers: [{ name: "b:3306", weight: 3, tags: ["zone=x"] }],
    }, { onOrders: (orders) => kept.push(orders) });
    await clock.pass(2500);
    const b = () => monitor.topology.servers.find(({ name }) => name === "b:3306");
    expect(b()).toMatchObject({ weight: 3, tags: ["zone=x"], reads: true });
    expect(monitor.drain("b:3306")).toBe("done");
    expect(b()).toMatchObject({ state: "draining", reads: false, reason: "DRAIN SERVER" });
    await clock.pass(3000);
    expect(b()?.state).toBe("draining");
    expect(monitor.setWeight("b:3306", 7)).toBe("done");
    expect(monitor.enable("b:3306")).toBe("done");
    expect(b()).toMatchObject({ state: "up", weight: 7, reads: true });
    expect(monitor.drain("z:3306")).toBe("unknown-server");
    expect(kept).toEqual([
      { "b:3306": { draining: true } },
      { "b:3306": { draining: true, weight: 7 } },
      { "b:3306": { draining: false, weight: 7 } },
    ]);
    monitor.stop();
  });

  test("snapshots count up, are plain values, and the epoch only with what routing hangs on", async () => {
    const { clock, watch, primary } = scene();
    const topologies: Topology[] = [];
    const monitor = watch(["a:3306"], {}, { onTopology: (each) => void topologies.push(each) });
    await clock.pass(5000);
    const { epoch, revision } = monitor.topology;
    primary.gtids = "1-500";
    await clock.pass(2000);
    expect(monitor.topology.revision).toBeGreaterThan(revision);
    expect(monitor.topology.epoch).toBe(epoch);
    expect(topologies.map((each) => each.revision))
      .toEqual(topologies.map((_, at) => at + 1));
    expect(JSON.parse(JSON.stringify(monitor.topology))).toEqual(monitor.topology);
    monitor.stop();
  });

  test("events are kept up to a number, and counted beyond it", async () => {
    const { clock, watch, one } = scene();
    const monitor = watch(["a:3306"], { eventsMax: 5, slowStartMs: 0 });
    await clock.pass(2000);
    for (let round = 0; round < 5; round++) {
      one.kill();
      await clock.pass(1000);
      one.mode = "up";
      await clock.pass(1000);
    }
    expect(monitor.events.all.length).toBe(5);
    expect(monitor.events.count("state-changed")).toBeGreaterThanOrEqual(10);
    expect(monitor.events.all.at(-1)!.number).toBeGreaterThan(15);
    monitor.stop();
  });
});
