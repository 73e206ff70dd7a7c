// Consistency: what a read must see, which servers have it, what is waited for.

import { describe, expect, test } from "bun:test";
import { GtidSet, type Position, type TopologyServer } from "../../../mod/cluster/mod.ts";
import {
  formatToken,
  prefixOf,
  readToken,
  REASON_NAMES,
  RouteAction,
  type Router,
  type RouteServer,
  type RouteState,
  waitStatement,
} from "../../../mod/route/mod.ts";
import { SOURCES_MAX } from "../../../mod/route/sources.ts";
import { Random, testSeed } from "../../fuzz/random.ts";
import {
  decide,
  gtids,
  LOOK_MS,
  primary,
  routerOver,
  server,
  session,
  topology,
  uuid,
} from "./topologies.ts";

const random = new Random(testSeed("positions"));

function wrote(router: Router, state: RouteState, text: string | undefined, nowMs = 6000): void {
  router.positions.noteWrite(
    state.position,
    text === undefined ? undefined : Buffer.from(text),
    nowMs,
  );
}

/** The primary has answered how far it is. */
function asked(router: Router, state: RouteState, position: Position, askedMs: number): boolean {
  const server = router.primary!;
  return router.positions.noteAsked(state.position, { server, position, askedMs });
}

/** Where a read goes, why, and what it waits for. */
function told(router: Router, state: RouteState, text = "SELECT a FROM t"): string {
  const { server, reason, action, timeoutMs } = decide(router, text, state);
  const words = [server!.name, REASON_NAMES[reason]];
  if (action === RouteAction.ASK) words.push("ask");
  if (action === RouteAction.WAIT) {
    const { positions } = router;
    const { flavor } = router.topology!;
    words.push(
      waitStatement(server!, state.position.needs, { positions, flavor, timeoutMs })?.sql ?? "?",
    );
  }
  return words.join(" ");
}

/** A primary at 1-100 and two replicas, all looked at at 5000 ms. */
function cluster(
  r1: Position,
  r2: Position,
  of: Position = gtids("1-100"),
  answeredMs = 5000,
): readonly TopologyServer[] {
  return [
    primary("p", { position: of, answeredMs }),
    server("r1", { position: r1, answeredMs }),
    server("r2", { position: r2, answeredMs }),
  ];
}

const WAIT = `SELECT WAIT_FOR_EXECUTED_GTID_SET('${uuid(1)}`;

describe("session", () => {
  test("a replica that is known to have the session's writes", () => {
    const router = routerOver(cluster(gtids("1-100"), gtids("1-90")));
    const state = session();
    wrote(router, state, `${uuid(1)}:100`);
    for (let i = 0; i < 10; i++) expect(told(router, state)).toBe("r1 read");
  });

  test("no replica has it: one is waited for, and known to have it then", () => {
    const router = routerOver(cluster(gtids("1-100"), gtids("1-90")));
    const state = session();
    wrote(router, state, `${uuid(1)}:105`);
    const decision = decide(router, "SELECT a FROM t", state);
    expect(decision.action).toBe(RouteAction.WAIT);
    const from = decision.server!.name === "r1" ? 101 : 91;
    expect(told(routerOver([...cluster(gtids("1-100"), gtids("1-90"))].slice(0, 2)), state))
      .toBe(`r1 read-after-wait ${WAIT}:101-105', 1)`);
    expect(from).toBeGreaterThan(90);
    router.positions.noteReached(state.position, router.serverNamed("r2")!);
    for (let i = 0; i < 10; i++) expect(told(router, state)).toBe("r2 read");
  });

  test("nobody waits for a replica that is late, nor for one that gets no newer", () => {
    const servers = cluster(gtids("1-100"), gtids("1-100"));
    const late = servers.map((each): TopologyServer =>
      each.name === "r1" ? { ...each, state: "lagging" } : each
    );
    const router = routerOver(late);
    const state = session();
    expect(told(router, state)).toMatch(/^r[12] read$/);
    wrote(router, state, `${uuid(1)}:105`);
    for (let i = 0; i < 10; i++) expect(told(router, state)).toContain("r2 read-after-wait");
    const alone = routerOver(late.slice(0, 2));
    const other = session();
    wrote(alone, other, `${uuid(1)}:105`);
    expect(told(alone, other)).toBe("p behind");
  });

  test("one GTID after the other", () => {
    const router = routerOver(cluster(gtids("1-100"), gtids("1-100")));
    const state = session();
    for (const number of [101, 102, 103]) wrote(router, state, `${uuid(1)}:${number}`);
    expect(formatToken(state.position.needs, router.positions)).toBe(`${uuid(1)}:103`);
    wrote(router, state, `${uuid(2)}:7`);
    wrote(router, state, `${uuid(1)}:tagged:4,${uuid(2)}:8-9`);
    expect(formatToken(state.position.needs, router.positions))
      .toBe(`${uuid(1)}:103,${uuid(2)}:9,${uuid(1)}:tagged:4`);
  });

  test("holes of the primary's own are no lack if they stay, holes of a replica are", () => {
    const all = gtids("1-50:60-100");
    const holed = gtids("1-50:60-95:97-100");
    const router = routerOver(cluster(all, holed, all));
    const state = session();
    wrote(router, state, `${uuid(1)}:100`);
    // A commit may have been overtaken by those behind it.
    expect(told(router, state)).toContain(`WAIT_FOR_EXECUTED_GTID_SET('${uuid(1)}:51-100`);
    router.update(topology(cluster(all, holed, all, 6000)));
    wrote(router, state, `${uuid(1)}:100`);
    for (let i = 0; i < 10; i++) expect(told(router, state)).toBe("r1 read");
    wrote(router, state, `${uuid(1)}:96`);
    expect(told(router, state)).toBe("r1 read");
  });

  // Members of a group number in blocks of their own, and one that is the primary again goes on in
  // the block it had.
  test("what comes later may have a lower number", () => {
    const both = gtids("1-50:1000001-1000020");
    const router = routerOver(cluster(both, both, both));
    const state = session();
    wrote(router, state, `${uuid(1)}:51`);
    expect(told(router, state)).toMatch(/^r[12] read-after-wait/);
    expect(told(router, state)).toContain(`${uuid(1)}:51-51'`);
    const other = session();
    const token = formatToken(state.position.needs, router.positions);
    router.positions.noteNeed(other.position, readToken(token, router.positions), 6000);
    expect(told(router, other)).toMatch(/^r[12] read-after-wait/);
    router.update(topology(cluster(both, gtids("1-51:1000001-1000020"), both, 7000)));
    for (const each of [state, other]) expect(told(router, each)).toBe("r2 read");
    // The position of the primary, as it is asked for it.
    const third = session();
    asked(router, third, gtids("1-52:1000001-1000020"), 7000);
    expect(told(router, third)).toContain(`${uuid(1)}:52-52'`);
  });

  test("a new block is waited for without what lies before it", () => {
    const router = routerOver(cluster(gtids("1-90"), gtids("1-90")));
    const state = session();
    wrote(router, state, `${uuid(1)}:1000001`);
    expect(told(router, state)).toContain(`${uuid(1)}:91-100:1000001-1000001'`);
  });

  test("timeout 0: the primary at once", () => {
    const router = routerOver(cluster(gtids("1-90"), gtids("1-90")), {
      route: { waitTimeoutMs: 0 },
    });
    const state = session();
    wrote(router, state, `${uuid(1)}:100`);
    expect(told(router, state)).toBe("p behind");
    expect(told(router, state, "/*+ mysqlproxy(timeout=1ms) */ SELECT a FROM t")).toContain("WAIT");
    expect(told(router, state, "/*+ mysqlproxy(consistency=eventual) */ SELECT a FROM t"))
      .toMatch(/^r\d read$/);
  });

  test("a write whose position is not told: the primary is asked", () => {
    const router = routerOver(cluster(gtids("1-100"), gtids("1-100")));
    const state = session();
    wrote(router, state, undefined);
    expect(told(router, state)).toBe("p read ask");
    expect(asked(router, state, gtids("1-100"), 6000)).toBe(true);
    expect(told(router, state)).toMatch(/^r\d read$/);
  });

  test("more sources than there is room for: the primary", () => {
    const router = routerOver(cluster(gtids("1-100"), gtids("1-100")));
    const state = session();
    for (let source = 0; source <= SOURCES_MAX; source++) {
      wrote(router, state, `${source.toString(16).padStart(8, "0")}${uuid(1).slice(8)}:1`);
    }
    expect(told(router, state)).toMatch(/ \?$|^p behind$/);
  });

  test("what a failover has lost is not waited for for ever", () => {
    const router = routerOver(cluster(gtids("1-100"), gtids("1-100")));
    const state = session();
    wrote(router, state, `${uuid(1)}:105`, 5000);
    expect(told(router, state)).toContain("WAIT");
    const later = 5000 + LOOK_MS + 1;
    router.update(topology([
      server("p", { state: "down", reads: false }),
      primary("r1", { position: gtids("1-100"), answeredMs: later }),
      server("r2", { position: gtids("1-100"), answeredMs: later }),
    ]));
    expect(told(router, state)).toBe("r2 read");
    expect(router.lostNeeds).toBe(1);
    // Not before the new primary has said so after the write.
    wrote(router, state, `${uuid(1)}:106`, later);
    expect(told(router, state)).toContain("WAIT");
  });

  test("a server that was down begins from nothing", () => {
    const router = routerOver(cluster(gtids("1-100"), gtids("1-90")));
    const state = session();
    wrote(router, state, `${uuid(1)}:100`);
    router.update(topology([
      primary("p", { position: gtids("1-100"), answeredMs: 6000 }),
      server("r1", { state: "down", reads: false }),
      server("r2", { position: gtids("1-90"), answeredMs: 6000 }),
    ]));
    router.update(topology(cluster(gtids("1-20"), gtids("1-90"), gtids("1-100"), 7000)));
    expect(told(router, state)).toContain("wait");
    expect(router.serverNamed("r1")!.prefix[0]).toBe(20);
  });
});

describe("monotonic reads", () => {
  test("a session stays where it has read, until another is known to have all of it", () => {
    const router = routerOver(cluster(gtids("1-95"), gtids("1-95")));
    const state = session();
    const first = decide(router, "SELECT a FROM t", state).server!;
    router.positions.noteRead(state.position, first, 6000);
    const other = first.name === "r1" ? "r2" : "r1";
    for (let i = 0; i < 20; i++) expect(told(router, state)).toBe(`${first.name} read`);
    // It gets no reads any more. What it had since is not known: the other may be behind it.
    const at = (mine: string, others: string, answeredMs: number) =>
      router.update(topology([
        primary("p", { position: gtids("1-100"), answeredMs }),
        server(first.name, { position: gtids(mine), answeredMs, reads: false }),
        server(other, { position: gtids(others), answeredMs }),
      ]));
    at("1-95", "1-95", 6000 + LOOK_MS);
    expect(told(router, state)).toBe("p read ask");
    at("1-97", "1-96", 6001 + LOOK_MS);
    expect(told(router, state)).toBe("p read ask");
    at("1-97", "1-98", 6002 + LOOK_MS);
    expect(told(router, state)).toBe(`${other} read`);
  });

  test("after a read on the primary it is asked, if no look has told it by then", () => {
    const router = routerOver(cluster(gtids("1-100"), gtids("1-90")));
    const state = session();
    router.positions.noteRead(state.position, router.primary!, 6000);
    expect(told(router, state)).toBe("p read ask");
    asked(router, state, gtids("1-100"), 6001);
    const decision = decide(router, "SELECT a FROM t", state, { hasAsked: true });
    expect([decision.server?.name, decision.action]).toEqual(["r1", RouteAction.NONE]);
    const other = session();
    router.positions.noteRead(other.position, router.primary!, 6000);
    router.update(topology(cluster(gtids("1-100"), gtids("1-99"), gtids("1-100"), 6001 + LOOK_MS)));
    expect(told(router, other)).toBe("r1 read");
  });

  test("without time for a wait, it stays on the primary", () => {
    const router = routerOver(cluster(gtids("1-100"), gtids("1-100")), {
      route: { waitTimeoutMs: 0 },
    });
    const state = session();
    router.positions.noteRead(state.position, router.primary!, 6000);
    expect(told(router, state)).toBe("p behind");
  });

  test("busy sessions leave a server that has much more to do, after it was asked", () => {
    const router = routerOver(cluster(gtids("1-100"), gtids("1-100")));
    const [busy, idle] = [router.serverNamed("r1")!, router.serverNamed("r2")!];
    const state = session();
    router.positions.noteRead(state.position, busy, 6000);
    let at = performance.now();
    /** For the last second. */
    const has = (server: RouteServer, outstanding: number) => {
      server.outstanding = outstanding;
      server.meanOutstanding(at += 1000);
    };
    has(busy, 20);
    has(idle, 12);
    expect(told(router, state)).toBe("r1 read");
    // For a moment: it has just given many answers.
    idle.outstanding = 0;
    expect(told(router, state)).toBe("r1 read");
    has(idle, 5);
    expect(told(router, state)).toBe("r1 read ask");
    asked(router, state, gtids("1-99"), 6001);
    const decision = decide(router, "SELECT a FROM t", state, { hasAsked: true });
    expect([decision.server?.name, decision.action]).toEqual(["r2", RouteAction.NONE]);
  });

  test("what was seen before a write of its own is covered by the write", () => {
    const router = routerOver(cluster(gtids("1-100"), gtids("1-100")));
    const state = session();
    router.positions.noteRead(state.position, router.primary!, 6000);
    wrote(router, state, `${uuid(1)}:100`, 6001);
    expect(told(router, state)).toMatch(/^r\d read$/);
  });
});

describe("instance and global", () => {
  test("instance: what other sessions wrote through this proxy", () => {
    const router = routerOver(cluster(gtids("1-100"), gtids("1-90")), {
      route: { consistency: "instance" },
    });
    wrote(router, session(), `${uuid(1)}:100`);
    for (let i = 0; i < 10; i++) expect(told(router, session())).toBe("r1 read");
    wrote(router, session(), `${uuid(1)}:101`);
    const state = session();
    expect(told(router, state)).toContain("-101'");
    expect(told(router, session(), "/*+ mysqlproxy(consistency=session) */ SELECT a FROM t"))
      .toMatch(/^r\d read$/);
  });

  test("global: the primary is asked, then one that has it or is waited for", () => {
    const router = routerOver(cluster(gtids("1-100"), gtids("1-90")), {
      route: { consistency: "global" },
    });
    const state = session();
    expect(told(router, state)).toBe("p read ask");
    asked(router, state, gtids("1-100"), 6000);
    const decision = decide(router, "SELECT a FROM t", state, { hasAsked: true });
    expect([decision.server?.name, decision.action]).toEqual(["r1", RouteAction.NONE]);
    asked(router, state, gtids("1-110"), 6000);
    expect(decide(router, "SELECT a FROM t", state, { hasAsked: true }).action)
      .toBe(RouteAction.WAIT);
  });
});

describe("each kind of cluster", () => {
  test("mariadb", () => {
    const position = (text: string): Position => ({ kind: "mariadb", text });
    const router = routerOver(
      cluster(position("0-1-100,5-1-3"), position("0-1-90"), position("0-1-100,5-1-3")),
      { flavor: "mariadb" },
    );
    const state = session();
    wrote(router, state, "0-1-100");
    expect(told(router, state)).toBe("r1 read");
    wrote(router, state, "0-2-101,5-1-4");
    expect(told(router, state)).toMatch(/MASTER_GTID_WAIT\('0-2-101,5-1-4', 1\)/);
    expect(formatToken(state.position.needs, router.positions)).toBe("0-2-101,5-1-4");
  });

  test("polardbx: reads after a write ask the leader, and wait for its index", () => {
    const position = (value: number): Position => ({ kind: "index", value });
    const router = routerOver(cluster(position(7), position(7), position(9)), {
      flavor: "polardbx",
    });
    const state = session();
    expect(told(router, state)).toMatch(/^r\d read$/);
    wrote(router, state, undefined);
    expect(told(router, state)).toBe("p read ask");
    asked(router, state, position(12), 6000);
    expect(told(router, state)).toMatch(/SET read_lsn = 12$/);
  });

  test("galera: a node is told to wait after a write, and has it then", () => {
    const position: Position = { kind: "index", value: 5 };
    const router = routerOver(cluster(position, position, position), { flavor: "galera" });
    const state = session();
    expect(told(router, state)).toMatch(/^r\d read$/);
    wrote(router, state, undefined);
    expect(told(router, state)).toMatch(/wsrep_sync_wait/);
    router.positions.noteReached(state.position, router.serverNamed("r2")!);
    for (let i = 0; i < 5; i++) expect(told(router, state)).toBe("r2 read");
    expect(told(router, state, "/*+ mysqlproxy(consistency=global) */ SELECT a FROM t"))
      .toMatch(/wsrep_sync_wait/);
  });

  test("a GTID says nothing where servers are asked for something else", () => {
    const position: Position = { kind: "index", value: 9 };
    for (
      const [flavor, expected] of [
        ["polardbx", /^p read ask$/],
        ["galera", /wsrep_sync_wait/],
        ["static", /^p behind$/],
      ] as const
    ) {
      const router = routerOver(cluster(position, position, position), { flavor });
      const state = session();
      wrote(router, state, `${uuid(1)}:5`);
      expect(told(router, state)).toMatch(expected);
    }
  });

  test("tidb: all have the same; static: nothing is known after a write", () => {
    const none = cluster(gtids("1"), gtids("1"), gtids("1")).map((each) => ({
      ...each,
      position: null,
    }));
    const tidb = routerOver(none, { flavor: "tidb" });
    const state = session();
    wrote(tidb, state, undefined);
    expect(told(tidb, state)).toMatch(/^r\d read$/);
    const fixed = routerOver(none, { flavor: "static" });
    expect(told(fixed, state)).toBe("p behind");
    expect(told(fixed, session())).toMatch(/^r\d read$/);
    expect(told(fixed, session(), "/*+ mysqlproxy(consistency=global) */ SELECT a FROM t"))
      .toBe("p behind");
  });
});

describe("tokens", () => {
  test("carry a session's position to another one", () => {
    const router = routerOver(cluster(gtids("1-100"), gtids("1-90")));
    const [one, other] = [session(), session()];
    wrote(router, one, `${uuid(1)}:100`);
    const token = formatToken(one.position.needs, router.positions);
    router.positions.noteNeed(other.position, readToken(token, router.positions), 6000);
    for (let i = 0; i < 5; i++) expect(told(router, other)).toBe("r1 read");
    expect(formatToken(session().position.needs, router.positions)).toBe("");
  });

  test("what is none is refused", () => {
    const router = routerOver(cluster(gtids("1-100"), gtids("1-90")));
    expect(() => readToken("0-1-5", router.positions)).toThrow(SyntaxError);
    expect(() => readToken("'; DROP TABLE t; --", router.positions)).toThrow(SyntaxError);
    const tidb = routerOver([primary("p")], { flavor: "tidb" });
    expect(() => readToken(`${uuid(1)}:5`, tidb.positions)).toThrow(SyntaxError);
  });
});

describe("prefixOf()", () => {
  const runs = (text: string) =>
    GtidSet.parse(text === "" ? "" : `${uuid(1)}:${text}`).intervals(uuid(1));
  for (
    const [own, all, expected] of [
      ["1-100", "1-100", 100],
      ["1-90", "1-100", 90],
      ["1-105", "1-100", 105],
      ["1-100:103", "1-100", 100],
      ["1-50:60-100", "1-50:60-100", 100],
      ["1-50:61-100", "1-50:60-100", 50],
      ["1-50", "1-50:60-100", 50],
      ["2-50", "1-50", 0],
      ["", "1-50", 0],
      ["1-50", "", 50],
      ["5-50", "", 0],
      ["5", "5", 5],
      ["1-100", "1-50:60-100", 100],
    ] as const
  ) {
    test(`${own} of ${all}`, () => expect(prefixOf(runs(own), runs(all))).toBe(expected));
  }

  test("of anything: all up to it is there, and of what comes next something is not", () => {
    for (let round = 0; round < 3000; round++) {
      const pick = () => Array.from({ length: 40 }, (_, i) => i + 1).filter(() => !random.oneIn(4));
      const [own, all] = [pick(), pick()];
      const prefix = prefixOf(runs(own.join(":")), runs(all.join(":")));
      expect(all.filter((each) => each <= prefix && !own.includes(each))).toEqual([]);
      const last = Math.max(...all);
      if (prefix < last) {
        expect(all.find((each) => each > prefix && !own.includes(each))).toBeNumber();
      }
    }
  });
});
