// Filters, orders, columns and windows of lists; curves.

import { describe, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { adminReference } from "../../../mod/admin/mod.ts";
import { bar, chart, columnsOf, sparkline } from "../../../tui/curve.ts";
import { detailLines } from "../../../tui/details.ts";
import { compileFilter, filterSql } from "../../../tui/filter.ts";
import { widthOf } from "../../../tui/format.ts";
import { headLine, place, rowLine, sorted, windowTop } from "../../../tui/grid.ts";
import { LISTS } from "../../../tui/lists/all.ts";
import { nextSort, pick, portionsFor } from "../../../tui/picked.ts";
import { advance } from "../../../tui/model.ts";
import type { Row } from "../../../tui/snapshot.ts";
import { withoutTones } from "../../../tui/theme.ts";
import { scene } from "../../tui/scene.ts";

const model = scene(152).reduce(advance, undefined as ReturnType<typeof advance> | undefined)!;

describe("filters", () => {
  const rows: readonly Row[] = [
    { id: 1, user: "app", state: "execute", age_s: 70, pins: null, statement: "SELECT 'it''s'" },
    { id: 2, user: "App2", state: "sleep", age_s: 5, pins: "user lock", statement: null },
    { id: 3, user: "report", state: "wait", age_s: 61, pins: null, statement: "UPDATE t" },
  ];
  const cases: readonly (readonly [filter: string, ids: readonly number[]])[] = [
    ["", [1, 2, 3]],
    ["app", [1, 2]],
    ["user:app", [1, 2]],
    ["user=app", [1]],
    ["age>60", [1, 3]],
    ["age>60 user:rep", [3]],
    ["!state=sleep", [1, 3]],
    ["query:update", [3]],
    ["pin:lock", [2]],
    ["it''s", [1]],
    ["age>x", []],
    ["nothing:here", []],
    ["!nothing:here", [1, 2, 3]],
    ["state:", []],
    ["!", [1, 2, 3]],
  ];

  test("mean the same to the screen and to SQL", () => {
    const database = new Database(":memory:");
    database.run(
      "CREATE TABLE frontends (id INTEGER, user TEXT, state TEXT, age_s REAL, pins TEXT, statement TEXT)",
    );
    for (const row of rows) {
      database.run("INSERT INTO frontends VALUES (?, ?, ?, ?, ?, ?)", Object.values(row));
    }
    const known = Object.keys(rows[0]!);
    for (const [filter, ids] of cases) {
      const shown = rows.filter(compileFilter(filter)).map(({ id }) => id);
      expect([filter, shown]).toEqual([filter, [...ids]]);
      const condition = filterSql(filter, known) || "1";
      const found = database.query<{ id: number }, []>(
        `SELECT id FROM frontends WHERE ${condition} ORDER BY id`,
      ).all().map(({ id }) => id);
      expect([filter, found]).toEqual([filter, [...ids]]);
    }
  });
});

describe("frontends", () => {
  test("are asked for by filter and order, in portions", () => {
    const chosen = { at: 0, filter: "user:o'x", sort: { key: "age_s", descending: true } };
    expect(portionsFor(LISTS.frontends, chosen)).toEqual({
      frontends: {
        where: "(instr(lower(ifnull(user, '')), 'o''x') > 0)",
        order: "age_s IS NULL, age_s DESC",
        limit: 100,
      },
    });
    const untouched = { at: 0, filter: "" };
    expect(portionsFor(LISTS.frontends, { at: 75, filter: "" }).frontends!.limit).toBe(200);
    expect(portionsFor(LISTS.waiting, untouched).frontends!.where).toBe("state <> 'sleep'");
    expect(portionsFor(LISTS.statements, untouched).digests!.order).toContain("sum_us DESC");
    expect(portionsFor(LISTS.pools, untouched)).toEqual({});
  });

  test("the longest under way comes first, idle ones last", () => {
    const { rows } = pick(LISTS.frontends, { at: 0, filter: "" }, model);
    expect(rows[0]!["id"]).toBe(1_073_741_828);
    expect(rows.at(-1)!["state"]).toBe("sleep");
  });

  test("the cursor stays on its row when the order changes, at its place when the row is gone", () => {
    const list = LISTS.frontends;
    const selected = "1073741840";
    const byAge = pick(list, {
      at: 4,
      filter: "",
      selected,
      sort: { key: "age_s", descending: true },
    }, model);
    const byId = pick(
      list,
      { at: 4, filter: "", selected, sort: { key: "id", descending: false } },
      model,
    );
    expect(byAge.cursor).not.toBe(byId.cursor);
    expect(byAge.selected!["id"]).toBe(1_073_741_840);
    expect(byId.selected!["id"]).toBe(1_073_741_840);
    expect(pick(list, { at: 4, filter: "", selected: "gone" }, model).cursor).toBe(4);
    expect(pick(list, { at: 4, filter: "zzz", selected }, model).cursor).toBe(-1);
  });
});

describe("tables", () => {
  test("every list fits every width, and says all rows in it", () => {
    for (const list of Object.values(LISTS)) {
      const rows = list.rows(model);
      for (const width of [40, 60, 78, 118, 158, 200]) {
        const placement = place(list.columns, rows, { width, sort: list.sort });
        const lines = [
          headLine(placement, list.sort),
          ...rows.map((row) => rowLine(row, placement, { width, selected: false })),
        ].map(withoutTones);
        const least = placement.placed.reduce((sum, { width }) => sum + width + 1, -1);
        expect(new Set(lines.map(widthOf)).size).toBe(1);
        if (list.columns.some(({ drop = 0 }) => drop > 0) && width >= 78) {
          expect(least).toBeLessThanOrEqual(width);
        }
      }
    }
  });

  test("every row has a key of its own", () => {
    for (const list of Object.values(LISTS)) {
      const keys = list.rows(model).map((row) => list.keyOf(row));
      expect(new Set(keys).size).toBe(keys.length);
    }
  });

  test("rows without a value come last in both directions", () => {
    const columns = [{
      key: "n",
      title: "N",
      width: 3,
      text: () => "",
      order: (row: Row) => row["n"] as number | null,
    }];
    const rows = [{ n: null }, { n: 1 }, { n: 3 }, { n: 2 }];
    const by = (descending: boolean) =>
      sorted(rows, columns, { key: "n", descending }).map(({ n }) => n);
    expect(by(false)).toEqual([1, 2, 3, null]);
    expect(by(true)).toEqual([3, 2, 1, null]);
  });

  test("sorting goes through all columns and comes back", () => {
    const list = LISTS.pools;
    let sort = list.sort;
    const seen = new Set<string | undefined>();
    for (let step = 0; step < list.columns.length; step++) {
      sort = nextSort(list.columns, sort, 1);
      seen.add(sort.key);
    }
    expect(seen.size).toBe(list.columns.length);
    expect(nextSort(list.columns, nextSort(list.columns, sort, 1), -1).key).toBe(sort.key);
  });

  test("the window moves only as far as the cursor needs", () => {
    const size = { height: 5, count: 20 };
    expect(windowTop(0, { top: 0, ...size })).toBe(0);
    expect(windowTop(5, { top: 0, ...size })).toBe(1);
    expect(windowTop(3, { top: 1, ...size })).toBe(1);
    expect(windowTop(0, { top: 7, ...size })).toBe(0);
    expect(windowTop(19, { top: 0, ...size })).toBe(15);
    expect(windowTop(2, { top: 9, height: 5, count: 3 })).toBe(0);
  });
});

describe("curves", () => {
  const shape = { width: 4, spanMs: 4000, nowMs: 10_500 };

  test("have the largest value of each column; what was not measured is blank", () => {
    const points = [[7000, 1], [8100, 4], [8900, 2], [10_200, 8]].map(([atMs, value]) => ({
      atMs: atMs!,
      value: value!,
    }));
    expect(columnsOf(points, shape)).toEqual([1, 4, 4, 8]);
    expect(sparkline(points, shape)).toBe("▂▄▄▇");
    expect(sparkline([], shape)).toBe("    ");
    expect(sparkline([{ atMs: 10_000, value: 0 }], shape)).toBe("   ▁");
  });

  test("do not change while no new column begins", () => {
    const points = [{ atMs: 8100, value: 4 }, { atMs: 9100, value: 2 }];
    expect(sparkline(points, { ...shape, nowMs: 10_100 })).toBe(
      sparkline(points, { ...shape, nowMs: 10_900 }),
    );
  });

  test("several lines high, on a scale of round numbers", () => {
    const points = [{ atMs: 9000, value: 75 }, { atMs: 10_000, value: 150 }];
    const { lines, top } = chart(points, { ...shape, height: 2 });
    expect(top).toBe(200);
    expect(lines).toEqual(["   ▄", "  ▆█"]);
  });

  test("bars are never longer than their place", () => {
    expect(bar(0.5, 4)).toBe("██░░");
    expect(bar(7, 4)).toBe("████");
    expect(bar(-1, 4)).toBe("░░░░");
  });
});

test("the scene's rows have the columns of the proxy's tables, and no others", () => {
  const known = new Map(
    adminReference().split(/^## /m).slice(1).map((section) => [
      section.slice(0, section.indexOf("\n")),
      new Set([...section.matchAll(/^\| `(\w+)`/gm)].map(([, column]) => column!)),
    ]),
  );
  for (const [name, rows] of Object.entries(scene(152).at(-1)!.tables)) {
    const columns = known.get(name);
    if (columns === undefined) continue; // asked for by a statement of its own
    const strange = new Set(
      rows.flatMap((row) => Object.keys(row)).filter((key) => !columns.has(key)),
    );
    expect([name, ...strange]).toEqual([name]);
  }
  const read = LISTS.properties.columns.map(({ key }) => key);
  expect(read.filter((key) => !known.get("properties")!.has(key))).toEqual([]);
});

describe("all that is known of a row", () => {
  const row: Row = {
    id: 1073741827,
    host: "127.0.0.1:51484",
    server: "127.0.0.1:39381",
    state: "execute",
    statement_us: 1500,
    in_transaction: 1,
    bytes_received: 16_000,
    commands: 297,
    statement: "SELECT 1",
  };
  const text = (width: number, height: number) =>
    detailLines(row, { width, height }).map((line) => withoutTones(line)).join("\n");

  for (const [width, height] of [[200, 6], [80, 6], [60, 9]] as const) {
    test(`is not cut off where there is room: ${width} columns, ${height} lines`, () => {
      for (const value of ["127.0.0.1:51484", "127.0.0.1:39381", "1073741827", "SELECT 1"]) {
        expect(text(width, height)).toContain(value);
      }
      for (const line of text(width, height).split("\n")) expect(widthOf(line)).toBeLessThan(width);
    });
  }

  const long: Row = {
    id: 1073741827,
    worker: 1,
    user: "reporting_service",
    host: "[2001:db8:85a3::8a2e:370:7334]:51484",
    db: "warehouse_archive",
    command: "Execute",
    state: "execute",
    age_s: 86_400,
    idle_s: 0.5,
    in_transaction: 1,
    server: "db-replica-17.eu-central-1.internal:3306",
    thread: 4_294_967,
    pins: "temporary table, user lock, handler, set option, user variables",
    waits_for: null,
    charset: "utf8mb4",
    variables: "sql_mode='STRICT_TRANS_TABLES,NO_ZERO_DATE',time_zone='+00:00',autocommit=0," +
      "transaction_isolation='READ-COMMITTED',group_concat_max_len=1048576",
    prepared: 12,
    consistency: "session",
    statement: `SELECT ${
      Array.from({ length: 60 }, (_, at) => `column_${at}`).join(", ")
    } FROM orders`,
    statement_us: 1_500_000,
    commands: 297,
    bytes_received: 16_000,
    bytes_sent: 1_600_000,
    tls: 1,
    running_s: 1.5,
  };
  const longText = (width: number, height: number) =>
    detailLines(long, { width, height }).map((line) => withoutTones(line));
  const unbroken = (lines: readonly string[]) => lines.join("").replaceAll(/\s/g, "");

  test("is there to its last letter where there is room, however long", () => {
    const shown = unbroken(longText(78, Infinity));
    for (const value of [long["host"], long["server"], long["pins"], long["variables"]]) {
      expect(shown).toContain(String(value).replaceAll(/\s/g, ""));
    }
    expect(shown).toContain(String(long["statement"]).replaceAll(/\s/g, ""));
  });

  test("has who, where, why and what in the lines of a small terminal, and says what is missing", () => {
    const lines = longText(78, 14);
    expect(lines).toHaveLength(14);
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(78);
    const shown = unbroken(lines);
    for (const value of [long["host"], long["server"], long["pins"]]) {
      expect(shown).toContain(String(value).replaceAll(/\s/g, ""));
    }
    for (const value of ["utf8mb4", "consistencysession", "prepared12", "intransaction1"]) {
      expect(shown).toContain(value);
    }
    expect(lines.at(-1)).toMatch(/column_\d.*…$/);
  });

  test("tells a statement from its time", () => {
    expect(text(200, 6)).toMatch(/statement time +1\.5ms/);
    expect(text(200, 6)).toMatch(/statement +SELECT 1/);
  });
});
