// The load generator against real servers: every kind of work, in both protocols, with and without
// TLS, as fast as answers come and at a rate.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Database, startDatabase } from "../../bench/database.ts";
import { Generator } from "../../bench/load/generator.ts";
import { Load, type LoadOptions, type PhaseResult } from "../../bench/load/load.ts";
import { works } from "../../bench/load/work.ts";
import type { ServerKind } from "../servers/mod.ts";
import { whyMissing } from "../setup/cache.ts";

const MS = 150;

/** A phase in which at least one unit was done, however busy the machine is. */
async function someUnits(load: Load): Promise<PhaseResult> {
  // What is under way at a phase's end does not count.
  for (let ms = MS;; ms *= 2) {
    const result = await load.run({ ms, rate: 0 });
    if (result.units > 0) return result;
  }
}

for (const kind of ["mariadb", "mysql"] as const satisfies readonly ServerKind[]) {
  const missing = whyMissing(kind, "sysbench");
  if (missing !== null) console.log(`skipped: the load generator before ${kind}: ${missing}`);
  describe.skipIf(missing !== null)(`load before ${kind}`, () => {
    let database: Database;
    beforeAll(async () => {
      database = await startDatabase(kind, { connectionsMax: 100 });
    }, 60_000);
    afterAll(async () => await database?.[Symbol.asyncDispose]());

    function options(more: Partial<LoadOptions>): LoadOptions {
      const { endpoint, user, password, name } = database;
      const login = { ...endpoint, user, password, database: name };
      return { ...login, work: "point", prepared: false, clients: 4, ...more };
    }

    for (const work of Object.keys(works)) {
      for (const prepared of [false, true]) {
        test(`${work}, ${prepared ? "prepared, TLS" : "text"}`, async () => {
          const load = await Load.start(options({ work, prepared, tls: prepared }));
          try {
            const { queries, units, latencies } = await someUnits(load);
            expect(latencies.count).toBe(units);
            const statements = works[work]!(0).length;
            // The clients' last units may not have come to their end.
            expect(queries).toBeGreaterThanOrEqual(units * statements);
            expect(latencies.quantile(0.5)).toBeGreaterThan(0);
          } finally {
            load.close();
          }
        }, 60_000);
      }
    }

    test("what a work writes leaves the tables as they were", async () => {
      const load = await Load.start(options({ work: "write-only", prepared: true }));
      await someUnits(load);
      load.close();
      const [row] = await database.sql("SELECT COUNT(*) AS count FROM sbtest.sbtest1");
      expect(Number(row!["count"])).toBe(10_000);
    }, 60_000);

    test("at a rate all units that were due are either done or told as overdue", async () => {
      await using generator = await Generator.start(options({ clients: 8 }), 2);
      const { units, overdue } = await generator.run({ ms: 1000, rate: 100 });
      expect(units).toBeGreaterThan(0);
      expect(units + overdue).toBe(100);
    }, 60_000);

    test("time that a unit waits for its turn counts", async () => {
      const load = await Load.start(options({ clients: 1 }));
      await database.sql("LOCK TABLES sbtest.sbtest1 WRITE");
      const released = Bun.sleep(300).then(() => database.sql("UNLOCK TABLES"));
      const { latencies } = await load.run({ ms: 900, rate: 100 });
      await released;
      load.close();
      // One answer was late by 300 ms, and so were those that were due meanwhile.
      expect(latencies.quantile(0.9)).toBeGreaterThan(50_000);
    }, 60_000);

    test("a statement that fails ends the phase with the reason", async () => {
      const load = await Load.start(options({}));
      await database.sql("RENAME TABLE sbtest.sbtest1 TO sbtest.gone");
      try {
        await expect(load.run({ ms: MS, rate: 0 })).rejects.toThrow("error 1146");
      } finally {
        load.close();
        await database.sql("RENAME TABLE sbtest.gone TO sbtest.sbtest1");
      }
    }, 60_000);
  });
}
