// Router: what goes where, and why.

import { describe, expect, test } from "bun:test";
import type { Rule } from "../../../mod/config/mod.ts";
import {
  REASON_NAMES,
  RouteAction,
  type RouteDecision,
  type Router,
  Rules,
} from "../../../mod/route/mod.ts";
import { Bar, HINTABLE_BARS } from "../../../mod/sql/mod.ts";
import { Random, testSeed } from "../../fuzz/random.ts";
import { readCases } from "../sql/read_cases.ts";
import { decide, primary, routerOver, server, session } from "./topologies.ts";

const SERVERS = [primary("p"), server("r1"), server("r2")];

/** `server reason`, with `wait` or `ask` where something is to be done before. */
function told({ server, reason, action }: RouteDecision): string {
  const words = [server?.name ?? "none", REASON_NAMES[reason]];
  if (action !== RouteAction.NONE) words.push(action === RouteAction.WAIT ? "wait" : "ask");
  return words.join(" ").replace(/^r\d/, "r");
}

function rule(more: Partial<Rule>): Rule {
  return {
    name: "",
    user: "",
    schema: "",
    clients: [],
    digest: "",
    statement: "",
    target: "any",
    tags: [],
    consistency: "default",
    audit: "default",
    ...more,
  };
}

describe("Router", () => {
  const router = routerOver(SERVERS);
  for (
    const [statement, expected] of [
      ["SELECT a FROM t", "r read"],
      ["INSERT INTO t VALUES (1)", "p barred"],
      ["SELECT a FROM t FOR UPDATE", "p barred"],
      ["SELECT f(1)", "p barred"],
      ["SELECT * FROM information_schema.tables", "p barred"],
      ["BEGIN", "p barred"],
      ["/*FORCE_MASTER*/ SELECT a FROM t", "p hint"],
      ["/*FORCE_SLAVE*/ SELECT a FROM t", "r hint"],
      ["/*FORCE_SLAVE*/ SELECT @@hostname", "r hint"],
      ["/*FORCE_SLAVE*/ SELECT * FROM performance_schema.threads", "r hint"],
      ["/*FORCE_SLAVE*/ UPDATE t SET a = 1", "p unsafe-wish"],
      ["/*FORCE_SLAVE*/ SELECT f(1)", "p unsafe-wish"],
      ["/*FORCE_SLAVE*/ SELECT GET_LOCK('a', 1)", "p unsafe-wish"],
      ["/*FORCE_SLAVE*/ SELECT a FROM t FOR UPDATE", "p unsafe-wish"],
      ["/*FORCE_SLAVE*/ CALL p()", "p unsafe-wish"],
      ["/*FORCE_SLAVE*/ SELECT NEXT VALUE FOR s", "p unsafe-wish"],
      ["/*+ mysqlproxy(server='r2') */ SELECT a FROM t", "r hint"],
      ["/*+ mysqlproxy(server='p') */ SELECT a FROM t", "p hint"],
      ["/*+ mysqlproxy(server='r2') */ UPDATE t SET a = 1", "p unsafe-wish"],
      ["/*+ mysqlproxy(server='nobody') */ SELECT a FROM t", "r read"],
      ["/*+ mysqlproxy(consistency=global) */ SELECT a FROM t", "p read ask"],
    ] as const
  ) {
    test(statement, () => expect(told(decide(router, statement))).toBe(expected));
  }

  test("a named server is the one", () => {
    const decisions = Array.from(
      { length: 10 },
      () => decide(router, "/*+ mysqlproxy(server='r2') */ SELECT 1"),
    );
    expect(decisions.every(({ server }) => server?.name === "r2")).toBe(true);
  });

  test("transactions, autocommit and pins leave nothing to decide", () => {
    const read = "SELECT a FROM t";
    const replica = router.serverNamed("r1")!;
    const at = (state: Parameters<typeof session>[0]) => told(decide(router, read, session(state)));
    expect(at({ inTransaction: true })).toBe("p in-transaction");
    expect(at({ autocommit: false })).toBe("p autocommit-off");
    expect(at({ autocommit: false, inTransaction: true })).toBe("p in-transaction");
    expect(at({ inTransaction: true, readOnlyServer: replica })).toBe("r read-only-transaction");
    expect(at({ pinnedTo: replica })).toBe("r pinned");
    expect(at({ pinnedTo: router.primary! })).toBe("p pinned");
    expect(at({ inTransaction: true, isTransactionUnsent: true })).toBe("r split-transaction");
    expect(at({ inServerSchema: true })).toBe("p server-schema");
    expect(at({ autoIsNull: true })).toBe("p barred");
    const hinted = "/*FORCE_SLAVE*/ SELECT a FROM t";
    expect(told(decide(router, hinted, session({ inTransaction: true })))).toBe("p in-transaction");
  });

  test("a temporary table, and a READ ONLY transaction's beginning", () => {
    const decided = (request: object, of: Router = router) =>
      told(decide(of, "SELECT a FROM t", session(), request));
    expect(decided({ usesTemporary: true })).toBe("p temporary-table");
    expect(decided({ hasWaited: true })).toBe("p wait-failed");
    expect(decided({ isRefused: true })).toBe("p refused");
    const begin = (of: Router) =>
      told(decide(of, "START TRANSACTION READ ONLY", session(), { beginsReadOnly: true }));
    expect(begin(router)).toBe("r read-only-transaction");
    expect(begin(routerOver(SERVERS, { route: { transactions: "primary" } }))).toBe("p barred");
  });

  test("at global the primary is asked also where a read stays there, if another may be it", () => {
    const read = "/*+ mysqlproxy(consistency=global) */ SELECT a FROM t";
    const prefers = routerOver(SERVERS, { route: { primaryReads: "prefer" } });
    expect(told(decide(prefers, read))).toBe("p prefers-primary ask");
    expect(told(decide(prefers, read, session(), { hasAsked: true }))).toBe("p prefers-primary");
    const hinted = "/*+ mysqlproxy(target=primary, consistency=global) */ SELECT a FROM t";
    expect(told(decide(router, hinted))).toBe("p hint ask");
    const unfit = routerOver([primary("p"), server("r1", { reads: false })]);
    expect(told(decide(unfit, read))).toBe("p no-replica ask");
    expect(told(decide(routerOver([primary("p")]), read))).toBe("p no-replica");
    const write = "/*+ mysqlproxy(consistency=global) */ UPDATE t SET a = 1";
    expect(told(decide(prefers, write))).toBe("p barred");
  });

  test("without splitting all goes to the primary", () => {
    const off = routerOver(SERVERS, { route: { split: false } });
    expect(told(decide(off, "SELECT a FROM t"))).toBe("p split-off");
    expect(told(decide(off, "/*FORCE_SLAVE*/ SELECT a FROM t"))).toBe("p split-off");
  });

  test("information_schema, where it may leave the primary", () => {
    const free = routerOver(SERVERS, { route: { informationSchema: "replica" } });
    expect(told(decide(free, "SELECT * FROM information_schema.tables"))).toBe("r read");
    expect(told(decide(free, "SELECT * FROM mysql.user"))).toBe("p barred");
  });
});

test("whatever the session, the hint and the servers: what could change something is on no replica", () => {
  const random = new Random(testSeed("router"));
  const hints = [
    "",
    "/*FORCE_SLAVE*/ ",
    "/*+ mysqlproxy(target=replica) */ ",
    "/*+ mysqlproxy(server='r1') */ ",
    "/*+ mysqlproxy(server='r2', target=replica, consistency=eventual) */ ",
  ];
  const rules = [rule({ target: "replica", user: "u" })];
  const levels = ["eventual", "session", "instance", "global", undefined] as const;
  let onReplicas = 0;
  for (let round = 0; round < 8; round++) {
    const router = routerOver(SERVERS, {
      rules,
      route: {
        primaryReads: random.pick(["fallback", "share", "prefer"]),
        informationSchema: random.pick(["primary", "replica"]),
        balance: random.pick(["least-outstanding", "two-choices", "least-lag", "random"]),
      },
    });
    for (const { statement } of readCases()) {
      const user = random.pick(["u", "v"]);
      const state = session({
        rules: router.options.rules.ofSession({ user, schema: "", client: "" }),
        inTransaction: random.oneIn(5),
        autocommit: !random.oneIn(5),
        isTransactionUnsent: random.oneIn(5),
        consistency: random.pick(levels),
      });
      const { server, bars, action } = decide(router, random.pick(hints) + statement, state);
      if (action === RouteAction.ASK || server === router.primary) continue;
      onReplicas++;
      const { INFORMATION_SCHEMA } = Bar;
      expect([statement, bars & ~(HINTABLE_BARS | INFORMATION_SCHEMA)]).toEqual([statement, 0]);
      // Without a wish nothing that is barred leaves the primary at all.
      expect(state.inTransaction && !state.isTransactionUnsent).toBe(false);
    }
  }
  expect(onReplicas).toBeGreaterThan(500);
});

describe("Router without some servers", () => {
  test("no replica: the primary; no primary: nobody", () => {
    expect(told(decide(routerOver([primary("p")]), "SELECT 1"))).toBe("p no-replica");
    const none = routerOver([server("r1")]);
    expect(told(decide(none, "SELECT a FROM t"))).toBe("r read");
    expect(told(decide(none, "UPDATE t SET a = 1"))).toBe("none barred");
    expect(told(decide(routerOver([]), "SELECT 1"))).toBe("none no-replica");
  });

  test("only servers that the topology gives reads", () => {
    const router = routerOver([primary("p"), server("r1", { reads: false }), server("r2")]);
    for (let i = 0; i < 20; i++) expect(decide(router, "SELECT 1").server?.name).toBe("r2");
    expect(told(decide(router, "/*+ mysqlproxy(server='r1') */ SELECT 1"))).toBe("p no-replica");
  });

  test("a server that has gone is not chosen, one that came is", () => {
    const router = routerOver(SERVERS);
    const gone = router.serverNamed("r1")!;
    gone.outstanding = 3;
    router.update({ ...router.topology!, servers: [primary("p"), server("r3")] });
    expect(router.serverNamed("r1")).toBeUndefined();
    for (let i = 0; i < 10; i++) expect(decide(router, "SELECT 1").server?.name).toBe("r3");
  });

  test("a demoted primary gets no writes, and reads only as a replica", () => {
    const router = routerOver(SERVERS);
    router.update({
      ...router.topology!,
      primary: "r1",
      servers: [server("p"), primary("r1"), server("r2", { reads: false })],
    });
    expect(decide(router, "UPDATE t SET a = 1").server?.name).toBe("r1");
    expect(decide(router, "SELECT 1").server?.name).toBe("p");
  });

  test("names and aliases lead to one server", () => {
    const router = routerOver([primary("p"), server("r1", { aliases: ["vip:1"] })]);
    expect(router.serverNamed("vip:1")).toBe(router.serverNamed("r1"));
    router.update({ ...router.topology!, servers: [primary("p")] });
    expect(router.serverNamed("vip:1")).toBeUndefined();
  });
});

describe("offload", () => {
  function shares(router: Router): Map<string, number> {
    const counts = new Map<string, number>();
    for (let i = 0; i < 3000; i++) {
      const { server } = decide(router, "SELECT a FROM t");
      server!.noteSent(0);
      if (i % 30 === 29) {
        for (const each of [...router.replicas, router.primary!]) each.outstanding = 0;
      }
      counts.set(server!.name, (counts.get(server!.name) ?? 0) + 1);
    }
    return counts;
  }

  test("fallback: the primary takes none", () => {
    expect(shares(routerOver(SERVERS)).get("p")).toBeUndefined();
  });

  test("share: the primary takes nearly a third", () => {
    const taken = shares(routerOver(SERVERS, { route: { primaryReads: "share" } })).get("p")!;
    expect(taken).toBeGreaterThan(800);
    expect(taken).toBeLessThanOrEqual(1000);
  });

  test("prefer: all go there, but for those that a hint or rule sends away", () => {
    const rules = [rule({ target: "replica", statement: "FROM big" })];
    const router = routerOver(SERVERS, { route: { primaryReads: "prefer" }, rules });
    const state = session({
      rules: router.options.rules.ofSession({ user: "", schema: "", client: "" }),
    });
    expect(told(decide(router, "SELECT a FROM t", state))).toBe("p prefers-primary");
    expect(told(decide(router, "SELECT a FROM big", state))).toBe("r rule");
    expect(told(decide(router, "/*FORCE_SLAVE*/ SELECT a FROM t", state))).toBe("r hint");
  });

  test("replica_share", () => {
    let at = 0;
    const router = routerOver(SERVERS, {
      route: { replicaShare: 30 },
      random: () => (at++ % 100) / 100,
    });
    expect(shares(router).get("p")).toBe(2100);
  });
});

describe("rules", () => {
  const rules = [
    rule({ name: "reports", user: "report", target: "replica", consistency: "eventual" }),
    rule({ digest: "SELECT a FROM t WHERE id = 5", target: "primary" }),
    rule({ statement: "\\bFROM\\s+log\\b", tags: ["big"] }),
    rule({
      schema: "shop",
      clients: [{ family: "ipv4", address: "10.0.0.0", prefixLength: 8 }],
      target: "primary",
    }),
  ];
  const servers = [...SERVERS, server("r3", { tags: ["big"] })];
  const router = routerOver(servers, { rules });
  const of = (user: string, schema = "", client = "1.2.3.4") =>
    session({ rules: router.options.rules.ofSession({ user, schema, client }) });
  const at = (text: string, state = of("app")) => {
    const decision = decide(router, text, state);
    return `${told(decision)} ${decision.rule} ${decision.consistency}`;
  };

  test("the first that fits counts", () => {
    expect(at("SELECT a FROM t")).toBe("r read -1 session");
    expect(at("SELECT a FROM t", of("report"))).toBe("r rule 0 eventual");
    expect(at("UPDATE t SET a = 1", of("report"))).toBe("p unsafe-wish 0 eventual");
    expect(at("select  A from t where ID=77 ;")).toBe("p rule 1 session");
    expect(at("SELECT a FROM t WHERE id = 7 AND 1")).toBe("r read -1 session");
    expect(at("SELECT a FROM t", of("app", "shop", "10.9.9.9"))).toBe("p rule 3 session");
    expect(at("SELECT a FROM t", of("app", "shop", "11.9.9.9"))).toBe("r read -1 session");
    expect(at("SELECT a FROM t", of("app", "shop", ""))).toBe("r read -1 session");
    expect(at("SELECT a FROM t", of("app", "other", "10.9.9.9"))).toBe("r read -1 session");
  });

  test("tags choose servers, while one of them is fit", () => {
    for (let i = 0; i < 10; i++) {
      expect(decide(router, "SELECT a FROM log", of("app")).server?.name).toBe("r3");
    }
    const without = routerOver(SERVERS, { rules });
    expect(told(decide(without, "SELECT a FROM log", of("app")))).toBe("r read");
  });

  test("hints count more than rules, and the session's level more than a rule's", () => {
    expect(at("/*FORCE_MASTER*/ SELECT a FROM t", of("report"))).toBe("p hint 0 eventual");
    const state = of("report");
    state.consistency = "instance";
    expect(at("SELECT a FROM t", state)).toBe("r rule 0 instance");
  });

  test("a rule about the audit log alone leaves routing to the others", () => {
    const rules = [
      rule({ audit: "always" }),
      rule({ user: "app", audit: "never", target: "primary" }),
    ];
    const bytes = Buffer.from("SELECT 1");
    const first = (about: "routes" | "audit", user: string) => {
      const asked = new Rules(rules, about);
      const session = asked.ofSession({ user, schema: "", client: "" });
      return asked.first(asked.ofText(bytes, 0, bytes.length), session);
    };
    expect(first("routes", "app")).toBe(1);
    expect(first("routes", "other")).toBe(-1);
    expect(first("audit", "app")).toBe(0);
  });

  test("many rules", () => {
    const many = new Rules(
      Array.from({ length: 256 }, (_, i) => rule({ user: `u${i}`, statement: `FROM t${i}\\b` })),
    );
    for (const i of [0, 31, 32, 63, 255]) {
      const bytes = Buffer.from(`SELECT 1 FROM t${i}`);
      const text = many.ofText(bytes, 0, bytes.length);
      const session = many.ofSession({ user: `u${i}`, schema: "", client: "" });
      expect(many.first(text, session)).toBe(i);
      expect(many.first(text, many.ofSession({ user: "x", schema: "", client: "" }))).toBe(-1);
      expect(many.nameOf(i)).toBe(String(i + 1));
    }
  });
});
