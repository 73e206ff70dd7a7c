// How many connections a pool opens at a time.

import { expect, test } from "bun:test";
import {
  type AccountPool,
  type Lessee,
  type PooledConnection,
  Pools,
  PoolTables,
} from "../../../mod/backend/mod.ts";
import { Counters } from "../../../mod/observe/mod.ts";

const LIMITS = {
  connectionsMax: 100,
  connectionsMin: 0,
  waitTimeoutMs: 1000,
  idleTimeoutMs: 1000,
  maxAgeMs: 0,
  loginTrustMs: 0,
  pingTimeoutMs: 1000,
  pipeline: undefined,
  workers: 1,
};
const KIND = "kind";
const STATE = { schema: "s" };

/** What a pool looks at of a connection, and who asks for it. */
class Opener {
  /** Openings under way: each resolves when it is called. */
  readonly pending: (() => void)[] = [];
  readonly granted: PooledConnection[] = [];

  readonly open = (): Promise<PooledConnection> =>
    new Promise((resolve) => {
      this.pending.push(() =>
        resolve({
          kind: KIND,
          state: STATE,
          residue: 0,
          connection: { reusable: true, kills: 0, closed: false, again: () => {} },
        } as unknown as PooledConnection)
      );
    });

  lessee(): Lessee {
    return {
      kind: KIND,
      state: STATE,
      last: undefined,
      waitingSince: 0,
      open: this.open,
      granted: (connection: PooledConnection) => void this.granted.push(connection),
      refused() {},
      onConnectionLost() {},
    } as unknown as Lessee;
  }

  /** All that are under way end. @returns How many. */
  async finish(): Promise<number> {
    const ended = this.pending.splice(0);
    for (const end of ended) end();
    await Bun.sleep(0);
    return ended.length;
  }
}

function makePool(): AccountPool {
  const pools = new Pools("db1:3306", LIMITS, {
    counters: new Counters(),
    now: () => performance.now(),
    carryOver: () => Promise.resolve(),
    tables: new PoolTables({ tracksGtids: false }),
  });
  return pools.of("app");
}

test("a pool opens four connections at first, then as many at a time as there are", async () => {
  const pool = makePool();
  const opener = new Opener();
  for (let i = 0; i < 40; i++) pool.lease(opener.lessee());
  const ended: number[] = [];
  while (opener.pending.length > 0) ended.push(await opener.finish());
  expect(ended).toEqual([4, 4, 8, 16, 8]);
  expect(opener.granted.length).toBe(40);
});

test("connections that are given back serve those that wait: no more are opened", async () => {
  const pool = makePool();
  const opener = new Opener();
  for (let i = 0; i < 40; i++) pool.lease(opener.lessee());
  await opener.finish();
  // Statements are short: each connection serves one after the other.
  while (opener.granted.length < 40) pool.release(opener.granted.at(-1)!);
  expect(await opener.finish()).toBeLessThanOrEqual(4);
  expect(opener.pending).toEqual([]);
});

test("connections are opened ahead where sessions will come from elsewhere", async () => {
  const pool = makePool();
  const opener = new Opener();
  pool.openAhead(KIND);
  expect(opener.pending).toEqual([]); // nobody knows how
  pool.openers.set(KIND, opener.open);
  pool.openAhead(KIND);
  pool.openAhead(KIND);
  expect(await opener.finish()).toBe(4);
  pool.openAhead(KIND);
  expect(opener.pending).toEqual([]);
  pool.lease(opener.lessee());
  expect(opener.granted.length).toBe(1);
});
