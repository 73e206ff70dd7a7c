// Rates between two readings, over restarts and lost workers; what the header is made of.

import { describe, expect, test } from "bun:test";
import { advance, HISTORY_MS, latest, type Model, rateOf } from "../../../tui/model.ts";
import type { Row, Snapshot } from "../../../tui/snapshot.ts";

function snapshot(atS: number, tables: Record<string, readonly Row[]>, pid = 1): Snapshot {
  return { atMs: atS * 1000, tables: { proxy: [{ pid, uptime_s: atS, clients: 5 }], ...tables } };
}

function after(...snapshots: readonly Snapshot[]): Model {
  let model: Model | undefined;
  for (const each of snapshots) model = advance(model, each);
  return model!;
}

const worker = (pid: number, commands: number, uptimeS: number): Row => ({
  pid,
  commands,
  uptime_s: uptimeS,
});

describe("queries a second", () => {
  test("are those of all workers, by each one's own clock", () => {
    const model = after(
      snapshot(10, { workers: [worker(7, 100, 10), worker(8, 50, 10)] }),
      // The second one was asked half a second later.
      snapshot(12, { workers: [worker(7, 300, 12), worker(8, 150, 12.5)] }),
    );
    expect(latest(model).qps).toBe(100 + 40);
  });

  test("are not known after one reading, nor over a restart", () => {
    expect(latest(after(snapshot(10, { workers: [worker(7, 100, 10)] }))).qps).toBeNull();
    const model = after(
      snapshot(10, { workers: [worker(7, 100, 10)] }),
      snapshot(12, { workers: [worker(9, 20, 2)] }, 2),
    );
    expect(latest(model).qps).toBeNull();
    expect(model.elapsedS).toBeNull();
  });

  test("a worker that died takes nothing away, one that came adds nothing at once", () => {
    const model = after(
      snapshot(10, { workers: [worker(7, 1_000_000, 10), worker(8, 50, 10)] }),
      snapshot(11, { workers: [worker(8, 150, 11), worker(9, 70, 0.5)] }),
    );
    expect(latest(model).qps).toBe(100);
  });
});

test("rows that are new in a table of counts have come since", () => {
  const digest = (digest: string, count: number): Row => ({
    digest,
    target: "a",
    count,
    sum_us: 0,
  });
  const model = after(
    snapshot(10, { digests: [digest("x", 10)] }),
    snapshot(12, { digests: [digest("x", 30), digest("y", 4)] }),
  );
  const rate = (row: Row) => rateOf(model, "digests", { row, column: "count" });
  expect(rate(digest("x", 0))).toBe(10);
  expect(rate(digest("y", 0))).toBe(2);
  expect(rate(digest("z", 0))).toBeNull();
});

test("a table that was not looked at has no rate for that time", () => {
  const digests = [{ digest: "x", target: "a", count: 10 }];
  const model = after(
    snapshot(10, { digests }),
    snapshot(11, {}),
    snapshot(12, { digests: [{ digest: "x", target: "a", count: 1000 }] }),
  );
  expect(rateOf(model, "digests", { row: digests[0]!, column: "count" })).toBeNull();
  expect(model.tables.digests).toHaveLength(1);
});

test("errors are none only where they are counted", () => {
  const workers = (commands: number, at: number) => [worker(7, commands, at)];
  const counted = after(
    snapshot(10, { workers: workers(0, 10), servers: [{ name: "a", errors: 0 }] }),
    snapshot(11, { workers: workers(200, 11), servers: [{ name: "a", errors: 2 }] }),
  );
  expect(latest(counted).errorRate).toBe(0.01);
  const unknown = after(
    snapshot(10, { workers: workers(0, 10), servers: [{ name: "a", errors: null }], errors: [] }),
    snapshot(11, { workers: workers(200, 11), servers: [{ name: "a", errors: null }], errors: [] }),
  );
  expect(latest(unknown).errorRate).toBeNull();
});

test("latencies are those of all servers, else of the slowest one", () => {
  const stage = (target: string | null, p95: number, stage = "total"): Row => ({
    stage,
    target,
    p95_us: p95,
  });
  const slowest = after(
    snapshot(1, { stages: [stage("a", 10), stage("b", 30), stage("a", 99, "execute")] }),
  );
  expect(latest(slowest).p95).toBe(30);
  const all = after(snapshot(1, { stages: [stage("a", 10), stage(null, 20), stage("b", 30)] }));
  expect(latest(all).p95).toBe(20);
});

test("with histograms latencies are those of the last seconds, of all servers together", () => {
  const at = (second: number, a: string, b: string) =>
    snapshot(second, {
      stages: [
        { stage: "total", target: "a", histogram: a },
        { stage: "total", target: "b", histogram: b },
        { stage: "execute", target: "a", histogram: "5:100000" },
      ],
    });
  // A day of 100 µs, then seconds in which half of them take 9 ms.
  const first = at(10, "100:1000000", "100:500000");
  expect(latest(after(first)).p95).toBeNull();
  const model = after(first, at(11, "100:1000010,9000:5", "100:500000,9000:5"));
  expect(latest(model)).toMatchObject({ p50: 100, p95: 9000, p99: 9000 });
  // Ten seconds later that is over, and after as long without a statement nothing is known.
  const later = [13, 16, 21].map((second) => at(second, "100:1000090,9000:5", "100:500000,9000:5"));
  expect(latest(after(first, at(11, "100:1000010,9000:5", "100:500000,9000:5"), ...later)).p95)
    .toBeNull();
  expect(latest(after(at(16, "100:10,9000:5", ""), at(21, "100:99,9000:5", ""))).p95).toBe(100);
});

test("who waits is told by the pools, without any by the sessions", () => {
  const pools = [{ waiting: 2, maxwait_us: 800 }, { waiting: 1, maxwait_us: 4200 }];
  expect(latest(after(snapshot(1, { pools })))).toMatchObject({ waiting: 3, longestWait: 4200 });
  const states = [{ state: "wait", sessions: 4, longest_s: 0.5 }];
  expect(latest(after(snapshot(1, { pools: [], states })))).toMatchObject({
    waiting: 4,
    longestWait: 500_000,
  });
  expect(latest(after(snapshot(1, {})))).toMatchObject({ waiting: null, longestWait: null });
});

test("samples go back so far and no further", () => {
  const seconds = HISTORY_MS / 1000;
  const model = after(...Array.from({ length: seconds + 50 }, (_, at) => snapshot(at, {})));
  expect(model.samples).toHaveLength(seconds);
});
