// What people see and say: EXPLAIN ROUTE, SHOW ROUTES, the proxy's own variables; learned routines
// and the question that many share.

import { describe, expect, test } from "bun:test";
import type { Position } from "../../../mod/cluster/mod.ts";
import {
  type Asker,
  explainRoute,
  isServerSchema,
  learnRoutines,
  ownVariableStatement,
  REASON_NAMES,
  reasonInWords,
  RouteCounts,
  RouteReason,
  routeStatement,
  SharedQuestion,
} from "../../../mod/route/mod.ts";
import { decide, MODE, primary, routerOver, server, session, statement } from "./topologies.ts";

describe("EXPLAIN ROUTE", () => {
  const router = routerOver([primary("p"), server("r1")]);
  const explain = (text: string, state = session()) =>
    Object.fromEntries(explainRoute(decide(router, text, state), {
      rules: router.options.rules,
      hint: statement(text).hint,
      isCached: true,
      pinnedBy: state.pinnedTo ? "temporary table" : "",
    }));

  test("a read", () => {
    expect(explain("SELECT a FROM t")).toEqual({
      target: "replica",
      server: "r1",
      reason: "only reads",
      "reason code": "read",
      "replica read": "yes",
      rule: "",
      hint: "",
      consistency: "session",
      action: "none",
      "pinned by": "",
      cached: "yes",
    });
  });

  test("others", () => {
    const write = explain("UPDATE t SET a = LAST_INSERT_ID()");
    expect(write["reason"]).toBe("changes rows");
    expect(write["replica read"]).toBe("no: writes, insert_id");
    const wish = explain("/*FORCE_SLAVE*/ SELECT f(1)");
    expect(wish["reason"]).toContain("it could change something: calls a function");
    expect(wish["hint"]).toBe("target replica");
    const asks = explain("/*+ mysqlproxy(consistency=global, timeout=5s) */ SELECT a FROM t");
    expect(asks["action"]).toBe("ask this server for its position, at most 5000 ms");
    const pinned = explain("SELECT 1", session({ pinnedTo: router.primary! }));
    expect([pinned["reason"], pinned["pinned by"]])
      .toEqual(["the session is held on its connection", "temporary table"]);
  });

  test("every reason has words and a name", () => {
    for (const [name, reason] of Object.entries(RouteReason)) {
      expect(REASON_NAMES[reason]).toBe(name.toLowerCase().replaceAll("_", "-"));
      if (reason !== RouteReason.BARRED) expect(reasonInWords(reason)).not.toBe("");
    }
  });
});

test("SHOW ROUTES counts by target and reason, and adds up workers", () => {
  const router = routerOver([primary("p"), server("r1")]);
  const [one, other] = [new RouteCounts(), new RouteCounts()];
  for (let i = 0; i < 3; i++) one.count(decide(router, "SELECT a FROM t"));
  other.count(decide(router, "UPDATE t SET a = 1"));
  one.add(other.rows());
  expect(one.rows()).toEqual([
    { target: "primary", reason: "barred", words: "not a replica read", statements: 1 },
    { target: "replica", reason: "read", words: "only reads", statements: 3 },
  ]);
});

describe("the proxy's own variables", () => {
  const read = (text: string) => {
    const bytes = Buffer.from(text);
    return ownVariableStatement(bytes, { start: 0, end: bytes.length }, MODE);
  };
  test("SELECT", () => {
    expect(read("SELECT @@mysqlproxy.position")).toEqual({
      kind: "read",
      variable: "position",
      column: "@@mysqlproxy.position",
    });
    expect(read("select @@MySQLProxy.Consistency as level;")).toEqual({
      kind: "read",
      variable: "consistency",
      column: "level",
    });
    expect(read("SELECT @@mysqlproxy.speed")).toMatchObject({ kind: "wrong" });
    expect(read("SELECT @@mysqlproxy.position, 1")).toMatchObject({ kind: "wrong" });
    expect(read("SELECT @@version")).toBeUndefined();
    expect(read("SELECT '@@mysqlproxy.position'")).toBeUndefined();
    expect(read("INSERT INTO t VALUES (1)")).toBeUndefined();
  });

  test("SET", () => {
    expect(read("SET @@mysqlproxy.consistency = 'global'")).toEqual({
      kind: "set-consistency",
      level: "global",
    });
    expect(read("SET SESSION mysqlproxy.consistency = eventual")).toEqual({
      kind: "set-consistency",
      level: "eventual",
    });
    expect(read("SET @@session.mysqlproxy.consistency = DEFAULT")).toEqual({
      kind: "set-consistency",
      level: undefined,
    });
    expect(read("SET @@mysqlproxy.position = 'a:5'")).toEqual({
      kind: "set-position",
      token: "a:5",
    });
    expect(read("SET @@mysqlproxy.consistency = 'strong'")).toMatchObject({ kind: "wrong" });
    expect(read("SET @@mysqlproxy.speed = 1")).toMatchObject({ kind: "wrong" });
    expect(read("SET @@mysqlproxy.consistency = 'global', autocommit = 0")).toMatchObject({
      kind: "wrong",
    });
    expect(read("SET autocommit = 0")).toBeUndefined();
  });
});

describe("learnRoutines()", () => {
  const routine = (name: string, access: string, definition: string | null) => ({
    schema: "d",
    name,
    access,
    definition,
  });
  const known = learnRoutines([
    routine("pure", "NO SQL", "RETURN a + 1"),
    routine("reads", "READS SQL DATA", "BEGIN RETURN (SELECT MAX(a) FROM t); END"),
    routine("contains", "CONTAINS SQL", "RETURN a + 1"),
    routine("writes", "MODIFIES SQL DATA", "BEGIN INSERT INTO t VALUES (1); RETURN 1; END"),
    routine("lies", "READS SQL DATA", "BEGIN INSERT INTO t VALUES (1); RETURN 1; END"),
    routine("hidden", "NO SQL", null),
    routine("assigns", "NO SQL", "BEGIN SET @x = 1; RETURN 1; END"),
    routine("calls_lies", "READS SQL DATA", "RETURN lies() + 1"),
    routine("calls_calls", "READS SQL DATA", "RETURN calls_lies() + 1"),
    routine("calls_pure", "READS SQL DATA", "RETURN pure(1)"),
  ], [
    { schema: "d", name: "v", definition: "select `d`.`t`.`a` AS `a` from `d`.`t`" },
    { schema: "d", name: "v_pure", definition: "select `d`.`pure`(1) AS `a`" },
    { schema: "d", name: "v_writes", definition: "select `d`.`writes`() AS `a`" },
    { schema: "d", name: "v_of_view", definition: "select `a` from `d`.`v_writes`" },
    { schema: "d", name: "v_hidden", definition: "" },
  ]);

  test("functions that only read", () => {
    const names = [
      "pure",
      "reads",
      "contains",
      "writes",
      "lies",
      "hidden",
      "assigns",
      "calls_lies",
    ];
    names.push("calls_calls", "calls_pure");
    expect(names.filter((name) => known.isHarmless(name))).toEqual(["pure", "reads", "calls_pure"]);
  });

  test("views that do more", () => {
    expect([...known.unsafeNames].sort()).toEqual(["v_hidden", "v_of_view", "v_writes"]);
  });
});

describe("SharedQuestion", () => {
  function asker(told: (Position | undefined)[]): Asker {
    return { positionIs: (position) => told.push(position) };
  }
  const at = (value: number): Position => ({ kind: "index", value });
  /** The turn of the event loop has ended. */
  let endTurn: () => void = () => {};
  const defer = (go: () => void) => {
    endTurn = go;
  };

  test("who asks in the same turn shares it", () => {
    let sent = 0;
    const question = new SharedQuestion(() => sent++, defer);
    const told: (Position | undefined)[] = [];
    for (let i = 0; i < 3; i++) question.ask(asker(told));
    expect(sent).toBe(0);
    endTurn();
    question.answer(at(1));
    expect([told, sent]).toEqual([[at(1), at(1), at(1)], 1]);
  });

  test("who asks while it is on its way gets the next answer", () => {
    let sent = 0;
    const question = new SharedQuestion(() => sent++, defer);
    const told: (Position | undefined)[] = [];
    question.ask(asker(told));
    endTurn();
    expect(sent).toBe(1);
    const later: (Position | undefined)[] = [];
    for (let i = 0; i < 5; i++) question.ask(asker(later));
    expect(sent).toBe(1);
    question.answer(at(1));
    endTurn();
    expect([told, later, sent]).toEqual([[at(1)], [], 2]);
    question.answer(undefined);
    expect([later.length, later[0], sent, question.asked, question.answered])
      .toEqual([5, undefined, 2, 2, 6]);
  });

  test("where many ask the next question waits for more of them, and no longer when few do", () => {
    let gathered: (() => void) | undefined;
    let sent = 0;
    const question = new SharedQuestion(() => sent++, defer, (go) => gathered = go);
    const told: (Position | undefined)[] = [];
    const askAll = (count: number) => {
      for (let i = 0; i < count; i++) question.ask(asker(told));
    };
    askAll(4);
    endTurn();
    askAll(1);
    question.answer(at(1));
    expect([told.length, sent]).toEqual([4, 1]);
    askAll(2);
    gathered!();
    question.answer(at(2));
    expect([told.length, sent]).toEqual([7, 2]);
    gathered = undefined;
    askAll(1);
    endTurn();
    question.answer(at(3));
    expect([told.length, sent, gathered]).toEqual([8, 3, undefined]);
  });

  test("it waits for no more of them than are enough", () => {
    let gathered = 0;
    let sent = 0;
    const question = new SharedQuestion(() => sent++, defer, () => gathered++);
    const told: (Position | undefined)[] = [];
    const askAll = (count: number) => {
      for (let i = 0; i < count; i++) question.ask(asker(told));
    };
    askAll(4);
    endTurn();
    question.answer(at(1));
    askAll(15);
    expect([gathered, sent]).toEqual([1, 1]);
    askAll(1);
    endTurn();
    expect([gathered, sent]).toEqual([1, 2]);
    // As many have come while it was on its way.
    askAll(16);
    question.answer(at(2));
    endTurn();
    expect([told.length, gathered, sent]).toEqual([20, 1, 3]);
    question.answer(at(3));
    expect(told).toHaveLength(36);
  });

  test("where nobody will answer all are told, and who comes later has another question", () => {
    let sent = 0;
    const question = new SharedQuestion(() => sent++, defer);
    const told: (Position | undefined)[] = [];
    const ask = () => question.ask(asker(told));
    ask();
    endTurn();
    ask();
    question.fail();
    expect([told, sent]).toEqual([[undefined, undefined], 1]);
    // In the turn in which it would go out too.
    ask();
    question.fail();
    ask();
    endTurn();
    expect([told.length, sent]).toEqual([3, 2]);
    question.answer(at(1));
    expect(told.at(-1)).toEqual(at(1));
    // Nobody is left to ask for.
    ask();
    question.fail();
    endTurn();
    expect(sent).toBe(2);
    ask();
    endTurn();
    expect(sent).toBe(3);
  });

  test("who asks again when told starts a new question", () => {
    let sent = 0;
    const question = new SharedQuestion(() => sent++, defer);
    const seen: number[] = [];
    const again: Asker = {
      positionIs(position) {
        seen.push(position?.kind === "index" ? position.value : -1);
        if (seen.length < 3) question.ask(again);
      },
    };
    question.ask(again);
    for (const value of [1, 2, 3]) {
      endTurn();
      question.answer(at(value));
    }
    expect([seen, sent]).toEqual([[1, 2, 3], 3]);
  });
});

test("schemas of the server's own", () => {
  expect(["mysql", "SYS", "information_schema", "Performance_Schema"].every(isServerSchema)).toBe(
    true,
  );
  expect(["app", "mysql2", ""].some(isServerSchema)).toBe(false);
});

describe("routeStatement()", () => {
  const read = (text: string) => {
    const bytes = Buffer.from(text);
    return routeStatement(bytes, { start: 0, end: bytes.length }, MODE);
  };
  test("EXPLAIN ROUTE and SHOW ROUTES", () => {
    expect(read("EXPLAIN ROUTE SELECT 1")).toEqual({ kind: "explain", start: 13 });
    expect(read("/* x */ explain route (SELECT 1)")).toEqual({ kind: "explain", start: 21 });
    expect(read("show routes ;")).toEqual({ kind: "show" });
  });

  test("what only looks like them", () => {
    const others = [
      "EXPLAIN route",
      "EXPLAIN SELECT 1",
      "SHOW ROUTES x",
      "SHOW TABLES",
      "SELECT 1",
    ];
    expect(others.map(read)).toEqual(others.map(() => undefined));
  });
});
