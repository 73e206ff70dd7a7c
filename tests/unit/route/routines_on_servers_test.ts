// What real servers tell of stored functions and views, and what is learned from it.

import { expect, test } from "bun:test";
import {
  learnRoutines,
  type RoutineRow,
  ROUTINES_QUERY,
  type ViewRow,
  VIEWS_QUERY,
} from "../../../mod/route/mod.ts";
import { freshDatabase, serverKinds, sharedServer } from "../../servers/mod.ts";

const OBJECTS = [
  "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, a INT, doc JSON, at DATETIME)",
  "CREATE FUNCTION pure(x INT) RETURNS INT DETERMINISTIC NO SQL RETURN x + 1",
  "CREATE FUNCTION sums() RETURNS INT READS SQL DATA RETURN (SELECT SUM(a) FROM t)",
  "CREATE FUNCTION plain(x INT) RETURNS INT DETERMINISTIC RETURN x + 1",
  "CREATE FUNCTION lies() RETURNS INT READS SQL DATA " +
  "BEGIN INSERT INTO t (a) VALUES (1); RETURN 1; END",
  "CREATE FUNCTION calls_lies() RETURNS INT READS SQL DATA RETURN lies() + 1",
  "CREATE VIEW v_table AS SELECT a, COUNT(*) AS c, MAX(at) AS m FROM t WHERE a > 1 GROUP BY a",
  "CREATE VIEW v_join AS SELECT x.a, IFNULL(y.a, 0) AS b FROM t x LEFT JOIN t y USING (id)",
  "CREATE VIEW v_words AS SELECT CAST(a AS CHAR) AS c, CONCAT_WS('-', a, NOW()) AS d, " +
  "JSON_EXTRACT(doc, '$.x') AS j, DATE_ADD(at, INTERVAL 1 DAY) AS n, IF(a, 1, 2) AS i FROM t",
  "CREATE VIEW v_union AS SELECT a FROM t UNION ALL SELECT 5 ORDER BY 1 LIMIT 3",
  "CREATE VIEW v_pure AS SELECT pure(a) AS p FROM t",
  "CREATE VIEW v_lies AS SELECT lies() AS l",
  "CREATE VIEW v_above AS SELECT l FROM v_lies",
  "CREATE VIEW v_lock AS SELECT GET_LOCK('x', 0) AS l",
  "CREATE VIEW v_server AS SELECT @@version AS v",
];

test.each(serverKinds())("%s: harmless functions and views", async (kind) => {
  const server = await sharedServer(kind);
  const database = await freshDatabase(server, "routines");
  await server.sql(`USE ${database}`);
  await server.sql("SET GLOBAL log_bin_trust_function_creators = ON");
  // Some are refused by one kind of server: a view without them is as good.
  const refused: string[] = [];
  for (const object of OBJECTS) await server.sql(object).catch(() => refused.push(object));
  expect(refused.filter((each) => !/v_server|v_lock/.test(each))).toEqual([]);

  const own = <T extends { readonly schema: string }>(rows: readonly T[]) =>
    rows.filter(({ schema }) => schema === database);
  const routines = own(await server.sql(ROUTINES_QUERY) as unknown as RoutineRow[]);
  const views = own(await server.sql(VIEWS_QUERY) as unknown as ViewRow[]);
  expect(routines.map(({ name }) => name).sort())
    .toEqual(["calls_lies", "lies", "plain", "pure", "sums"]);
  const known = learnRoutines(routines, views);
  expect(routines.map(({ name }) => name).filter((name) => known.isHarmless(name, database)).sort())
    .toEqual(["pure", "sums"]);
  const harmless = ["v_table", "v_join", "v_words", "v_union", "v_pure"];
  expect(views.map(({ name }) => name).filter((name) => !known.unsafeNames.has(name)).sort())
    .toEqual(harmless.sort());
  await server.sql(`DROP DATABASE ${database}`);
}, 60_000);
