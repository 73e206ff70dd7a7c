// sysbench's read_write over a kill -9 of a group's primary, with failover.replay.

import { expect, test } from "bun:test";
import { testSeed } from "../fuzz/random.ts";
import { whyMissing } from "../setup/cache.ts";
import { runSysbench } from "./sysbench.ts";

/** As few as make it unlikely that two transactions meet in a row: what one has read would be changed. */
const THREADS = 2;
const ROWS = 200_000;
const TEST_MS_MAX = 240_000;

const missing = whyMissing("mysql", "sysbench");
if (missing !== null) console.log(`skipped: sysbench over a kill -9: ${missing}`);

test.skipIf(missing !== null)(
  "sysbench over a kill -9 sees no error but of its COMMITs",
  async () => {
    const seed = testSeed("sysbench over a kill");
    const prepared = seed % 2 === 0;
    console.log(prepared ? "prepared statements" : "text protocol");
    const options = { cluster: "group", prepared, threads: THREADS, rows: ROWS, seed } as const;
    const { report, proxyLog, ...outcome } = await runSysbench(options);
    console.log(outcome);
    // Any other error ends sysbench.
    if (outcome.status !== 0) console.log(report, proxyLog);
    expect(outcome.status).toBe(0);
    expect(outcome.wentOn).toBe(true);
    expect(outcome.unknown).toBeLessThanOrEqual(THREADS);
    expect(outcome.replays + outcome.unknown).toBeGreaterThan(0);
    expect(outcome.replaysFailed).toBe(0);
  },
  TEST_MS_MAX,
);
