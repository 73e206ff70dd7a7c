// Digests in a worker and in the sums: what counts as one statement, and that both stay bounded.

import { describe, expect, test } from "bun:test";
import {
  type DigestDelta,
  MetricsTotals,
  type NewDigest,
  Stage,
  StatementMetrics,
} from "../../../mod/observe/mod.ts";
import { digestOf, Shape, withoutValues } from "../../../mod/sql/mod.ts";

const MODE = { noBackslashEscapes: false, ansiQuotes: false };
const OK = { errorCode: 0, rows: 1, affectedRows: 0 };

function shapeOf(text: string, mode = MODE): string {
  const shape = new Shape();
  const bytes = Buffer.from(`#${text}`);
  shape.read(bytes, 1, bytes.length, mode);
  return `${shape.low} ${shape.high}`;
}

function digest(text: string): string {
  const bytes = Buffer.from(text);
  return digestOf(bytes, 0, bytes.length, MODE);
}

describe("shapes", () => {
  const groups: readonly (readonly string[])[] = [
    ["SELECT 1", "select 'a'", "SELECT\n12.5 ;", "SELECT /* x 1 */ 0x1f", "SELECT ? -- end"],
    ["SELECT a FROM t WHERE a IN (1)", "SELECT a FROM t WHERE a IN (1, 'b', ?)"],
    ["INSERT INTO t VALUES (1, 2)", "INSERT INTO t VALUES (1,2), (3,4),(5 , 'x')"],
    ["SELECT z, 'it''s \\' it', 1", "SELECT z, 'x', 2, 3"],
    ["SELECT a", "select A"],
    ["SELECT b"],
    ["SELECT ab"],
    ["SELECT a b"],
    ["SELECT t1.a FROM t1"],
    ["SELECT t2.a FROM t2"],
    ["SELECT `a`, 1"],
    ["SELECT `b`, 1"],
    ["SELECT /*+ NO_ICP(t) */ 1"],
    ["SELECT (1), a"],
    ["SELECT (1), (a)"],
    ["SELECT f(1), g(2)"],
    ["SELECT f(1), (2)"],
    ["SELECT a - 1", "SELECT a - 2"],
    ["SELECT a, 1, b, 2"],
  ];
  test("values, lists, rows, blanks and comments make no difference, all else does", () => {
    const shapes = groups.map((texts) => {
      const found = new Set(texts.map((text) => shapeOf(text)));
      expect([texts[0], found.size]).toEqual([texts[0], 1]);
      return [...found][0];
    });
    expect(new Set(shapes).size).toBe(groups.length);
  });

  test("statements of one shape have one digest", () => {
    for (const texts of groups) {
      if (texts[0]!.includes("0x") || texts[0] === "SELECT 1") continue;
      expect(new Set(texts.map(digest)).size).toBe(1);
    }
  });

  test("double quotes make names where sql_mode says so", () => {
    const ansi = { ...MODE, ansiQuotes: true };
    expect(shapeOf('SELECT "a"', ansi)).not.toBe(shapeOf('SELECT "b"', ansi));
    expect(shapeOf('SELECT "a"')).toBe(shapeOf('SELECT "b"'));
  });
});

describe("withoutValues()", () => {
  const cases: readonly (readonly [string, string])[] = [
    [
      "SELECT 'secret', 12.50, 0x1F, x'41', N'a' /* c */ FROM `t 1` -- end",
      "SELECT '?', 1.1, 1, x'', N'?' FROM `t 1`",
    ],
    [
      "SELECT a FROM t WHERE a IN (1,2,3,4) AND b IN ('a', 'b', 'c')",
      "SELECT a FROM t WHERE a IN (1,1) AND b IN ('?', '?')",
    ],
    [
      "SELECT /*+ NO_ICP(t) */ a, DATE '2024-05-06'",
      "SELECT /*+ NO_ICP(t) */ a, DATE '2000-01-01'",
    ],
    ['UPDATE t1 SET a=?, b = "x" WHERE t1.c=5', "UPDATE t1 SET a=?, b = '?' WHERE t1.c=1"],
  ];
  for (const [text, expected] of cases) {
    test(text, () => expect(withoutValues(Buffer.from(text), false)).toBe(expected));
  }
});

describe("a worker's digests", () => {
  function run(metrics: StatementMetrics, text: string, server = "db1:3306"): void {
    const bytes = Buffer.from(text);
    const number = metrics.server(server);
    const record = metrics.find(bytes, 0, bytes.length, MODE, number);
    if (metrics.isNew) metrics.describe(record, "app", "shop");
    metrics.addStatement(record, number, 100, OK);
  }

  test("are told once with their sample, then with what has come", () => {
    const metrics = new StatementMetrics(true);
    run(metrics, "SELECT 1");
    run(metrics, "SELECT 2");
    run(metrics, "SELECT 3", "db2:3306");
    const first = metrics.take().digests;
    expect(
      first.map(({ server, count, text, sample, user, db }) =>
        [server, count, text, sample, user, db].join("|")
      ),
    ).toEqual(["db1:3306|2|select ?|SELECT 1|app|shop", "db2:3306|1|select ?|SELECT 1|app|shop"]);
    run(metrics, "SELECT 4");
    const [second, ...none] = metrics.take().digests;
    expect(none).toEqual([]);
    expect(second!.count).toBe(1);
    expect(second!.sample).toBeUndefined();
  });

  test("50,000 of them lose no statement, and what is told stays bounded", () => {
    const metrics = new StatementMetrics(true);
    const totals = new MetricsTotals({ digestsMax: 5000 });
    let told = 0;
    for (let i = 0; i < 50_000; i++) {
      run(metrics, `SELECT column_${i} FROM t`);
      if (i % 1500 === 0) {
        const delta = metrics.take();
        told = Math.max(told, delta.digests.length);
        totals.add(delta, i);
      }
    }
    totals.add(metrics.take(), 50_000);
    expect(told).toBeLessThanOrEqual(4097);
    expect(totals.digests.length).toBeLessThanOrEqual(5001);
    expect(totals.digests.reduce((sum, { times }) => sum + times.count, 0)).toBe(50_000);
    expect(totals.digests.some(({ digest }) => digest?.text === "select column_49500 from t")).toBe(
      true,
    );
  }, 60_000);

  test("a statement that ends after its digest was forgotten is not another one's", () => {
    const metrics = new StatementMetrics(true);
    const bytes = Buffer.from("SELECT slow FROM t");
    const server = metrics.server("db1:3306");
    const record = metrics.find(bytes, 0, bytes.length, MODE, server);
    for (let i = 0; i < 2100; i++) {
      run(metrics, `SELECT column_${i} FROM t`);
      if (i % 1000 === 0) metrics.take();
    }
    metrics.take();
    run(metrics, "SELECT other FROM t");
    metrics.addStatement(record, server, 5_000_000, OK);
    expect(metrics.take().digests.map(({ text, maxUs }) => [text, maxUs])).toEqual([
      ["select other from t", 100],
      ["", 5_000_000],
    ]);
  });

  test("stages have what their statements have, with waits and without", () => {
    const metrics = new StatementMetrics(true);
    run(metrics, "SELECT 1");
    run(metrics, "SELECT a", "db2:3306");
    const bytes = Buffer.from("SELECT 2");
    const server = metrics.server("db1:3306");
    const record = metrics.find(bytes, 0, bytes.length, MODE, server);
    metrics.addStage(Stage.QUEUE, server, 3000);
    metrics.addStage(Stage.EXECUTE, server, 1000);
    metrics.addWaited(record, server, 4000, OK);
    const { stages, digests } = metrics.take();
    const figures = stages.map(({ stage, server, count, sumUs, maxUs }) =>
      [stage, server, count, sumUs, maxUs].join(" ")
    );
    expect(figures).toEqual([
      "queue db1:3306 1 3000 3000",
      "execute db1:3306 2 1100 1000",
      "execute db2:3306 1 100 100",
      "total db1:3306 2 4100 4000",
      "total db2:3306 1 100 100",
    ]);
    expect(digests.map(({ count, sumUs, rowsSent }) => [count, sumUs, rowsSent])).toEqual([
      [2, 4100, 2],
      [1, 100, 1],
    ]);
    expect(metrics.take()).toEqual({ stages: [], digests: [], errors: [] });
  });

  test("a digest that came when too many were new is found a second later", () => {
    const metrics = new StatementMetrics(true);
    for (let i = 0; i < 2001; i++) run(metrics, `SELECT column_${i} FROM t`);
    const texts = () => metrics.take().digests.map(({ text }) => text);
    expect(texts().at(-1)).toBe("");
    run(metrics, "SELECT column_2000 FROM t");
    expect(texts()).toEqual(["select column_2000 from t"]);
  });
});

test("each new digest is asked about once, whichever servers have it", () => {
  const asked: NewDigest[] = [];
  const totals = new MetricsTotals({ digestsMax: 10, onDigest: (digest) => asked.push(digest) });
  const delta = (server: string): DigestDelta => ({
    text: "select ?",
    sample: "SELECT 1",
    server,
    db: "",
    user: "",
    errors: 0,
    rowsSent: 0,
    rowsAffected: 0,
    count: 1,
    sumUs: 1,
    maxUs: 1,
    buckets: [1, 1],
  });
  const parts = { stages: [], errors: [] };
  totals.add({ ...parts, digests: [delta("a:1"), delta("b:1")] }, 1);
  totals.add({ ...parts, digests: [delta("a:1")] }, 2);
  expect(asked.map(({ server, sample }) => [server, sample])).toEqual([["a:1", "SELECT 1"]]);
  asked[0]!.digest.hash = "server's";
  expect(totals.digests.map(({ server, digest }) => [server, digest?.hash])).toEqual([
    ["b:1", "server's"],
    ["a:1", "server's"],
  ]);
});
