// Balancing, filters and ejection.

import { describe, expect, test } from "bun:test";
import type { Route } from "../../../mod/config/mod.ts";
import type { TopologyServer } from "../../../mod/cluster/mod.ts";
import type { Router } from "../../../mod/route/mod.ts";
import { Random, testSeed } from "../../fuzz/random.ts";
import { decide, primary, routerOver, server, session } from "./topologies.ts";

const random = new Random(testSeed("balance"));
const fraction = () => random.below(1_000_000) / 1_000_000;

function routerWith(servers: readonly TopologyServer[], route: Partial<Route>): Router {
  return routerOver([primary("p"), ...servers], { route, random: fraction });
}

/** How often each server is chosen; requests end in the order in which they began, some late. */
function shares(router: Router, nowMs = 1000, inFlight = 20): Record<string, number> {
  const counts: Record<string, number> = {};
  const open: { noteAnswered(ms: number, now: number): void }[] = [];
  for (let i = 0; i < 6000; i++) {
    const chosen = decide(router, "SELECT a FROM t", session(), { nowMs }).server!;
    chosen.noteSent(0);
    open.push(chosen);
    if (open.length > inFlight) open.shift()!.noteAnswered(1, 0);
    counts[chosen.name] = (counts[chosen.name] ?? 0) + 1;
  }
  for (const each of open) each.noteAnswered(1, 0);
  return counts;
}

const THREE = [server("r1"), server("r2", { weight: 2 }), server("r3", { weight: 3 })];

describe("by weight", () => {
  for (const balance of ["least-outstanding", "round-robin", "random"] as const) {
    test(balance, () => {
      const { r1 = 0, r2 = 0, r3 = 0 } = shares(routerWith(THREE, { balance }));
      expect(r1).toBeWithin(800, 1250);
      expect(r2).toBeWithin(1800, 2300);
      expect(r3).toBeWithin(2600, 3250);
    });
  }

  test("weight 0: none while there are others", () => {
    const servers = [server("r1", { weight: 0 }), server("r2")];
    expect(shares(routerWith(servers, {}))).toEqual({ r2: 6000 });
    expect(shares(routerWith([server("r1", { weight: 0 })], {}))).toEqual({ r1: 6000 });
  });

  test("a server that is just back gets little at first, then its share", () => {
    const servers = [server("r1"), server("r2", { state: "recovering", warmAtMs: 11_000 })];
    const router = routerWith(servers, { balance: "round-robin" });
    expect(shares(router, 1000)["r2"]).toBeWithin(200, 400);
    expect(shares(router, 6000)["r2"]).toBeWithin(1900, 2100);
    expect(shares(router, 11_000)["r2"]).toBeWithin(2900, 3100);
  });
});

describe("by what is going on", () => {
  test("least-outstanding: the one with less to do", () => {
    const router = routerWith([server("r1"), server("r2")], {});
    router.serverNamed("r1")!.outstanding = 5;
    for (let i = 0; i < 5; i++) {
      const chosen = decide(router, "SELECT 1").server!;
      expect(chosen.name).toBe("r2");
      chosen.noteSent(0);
    }
  });

  test("the primary counts as having one more, where it takes its share", () => {
    const router = routerWith([server("r1")], { primaryReads: "share" });
    for (let i = 0; i < 10; i++) expect(decide(router, "SELECT 1").server!.name).toBe("r1");
    router.serverNamed("r1")!.outstanding = 2;
    expect(decide(router, "SELECT 1").server!.name).toBe("p");
  });

  test("two-choices: the slow one gets less", () => {
    const router = routerWith([server("r1"), server("r2")], { balance: "two-choices" });
    router.serverNamed("r1")!.latencyMs = 1;
    router.serverNamed("r2")!.latencyMs = 10;
    let slow = 0;
    for (let i = 0; i < 1000; i++) if (decide(router, "SELECT 1").server!.name === "r2") slow++;
    expect(slow).toBeWithin(180, 320);
  });

  test("least-lag", () => {
    const servers = [
      server("r1", { lagMs: 50 }),
      server("r2", { lagMs: 5 }),
      server("r3", { lagMs: null }),
    ];
    expect(shares(routerWith(servers, { balance: "least-lag" }))).toEqual({ r2: 6000 });
  });

  test("latencies are a mean", () => {
    const router = routerWith([server("r1")], {});
    const one = router.serverNamed("r1")!;
    for (let i = 0; i < 200; i++) {
      one.noteSent(0);
      one.noteAnswered(i < 100 ? 10 : 2, 0);
    }
    expect(one.latencyMs).toBeWithin(1.99, 2.1);
    expect(one.outstanding).toBe(0);
  });
});

describe("zones", () => {
  const servers = [
    server("r1", { tags: ["zone=a"] }),
    server("r2", { tags: ["zone=b"] }),
    server("r3", { tags: ["zone=b"] }),
  ];
  test("the proxy's own first", () => {
    expect(Object.keys(shares(routerWith(servers, { zone: "a" })))).toEqual(["r1"]);
    expect(Object.keys(shares(routerWith(servers, { zone: "b" }))).sort()).toEqual(["r2", "r3"]);
  });

  test("all, with too few in it", () => {
    expect(Object.keys(shares(routerWith(servers, { zone: "a", zoneMin: 2 }))).length).toBe(3);
    expect(Object.keys(shares(routerWith(servers, { zone: "c" }))).length).toBe(3);
  });
});

describe("ejection", () => {
  const servers = [server("r1"), server("r2"), server("r3"), server("r4")];
  const fail = (router: Router, name: string) => {
    for (let i = 0; i < 5; i++) router.serverNamed(name)!.noteFailed(false);
  };
  const names = (router: Router, nowMs: number) => router.sweep(nowMs).map(({ name }) => name);

  test("after failures in a row, for a time", () => {
    const router = routerWith(servers, {});
    const one = router.serverNamed("r1")!;
    for (let i = 0; i < 4; i++) one.noteFailed(false);
    expect(names(router, 1000)).toEqual([]);
    one.noteFailed(false);
    expect(names(router, 1000)).toEqual(["r1"]);
    expect(Object.keys(shares(router, 10_999)).sort()).toEqual(["r2", "r3", "r4"]);
    expect(Object.keys(shares(router, 11_000)).length).toBe(4);
  });

  test("an answer ends the row", () => {
    const router = routerWith(servers, {});
    fail(router, "r1");
    const one = router.serverNamed("r1")!;
    one.noteSent(0);
    one.noteAnswered(1, 0);
    expect(names(router, 1000)).toEqual([]);
  });

  test("never more than the share, never the last", () => {
    const router = routerWith(servers, {});
    for (const each of servers) fail(router, each.name);
    expect(names(router, 1000)).toEqual(["r1", "r2"]);
    const all = routerWith(servers, { ejectMax: 100 });
    for (const each of servers) fail(all, each.name);
    expect(names(all, 1000)).toEqual(["r1", "r2", "r3"]);
    const single = routerWith([server("r1")], { ejectMax: 100 });
    fail(single, "r1");
    expect(names(single, 1000)).toEqual([]);
    expect(decide(single, "SELECT 1").server!.name).toBe("r1");
  });

  test("one that is much slower than the others", () => {
    const router = routerWith(servers, { ejectLatency: 5 });
    for (const [at, { name }] of servers.entries()) {
      router.serverNamed(name)!.latencyMs = at === 2 ? 60 : 10;
    }
    expect(names(router, 1000)).toEqual(["r3"]);
    expect(names(router, 1001)).toEqual([]);
  });
});
