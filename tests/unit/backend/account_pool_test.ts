// How many connections a pool opens at a time, and for whom.

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
  readonly kind: string;

  constructor(kind = KIND) {
    this.kind = kind;
  }

  readonly open = (): Promise<PooledConnection> =>
    new Promise((resolve) => {
      this.pending.push(() =>
        resolve({
          kind: this.kind,
          state: STATE,
          residue: 0,
          connection: {
            reusable: true,
            kills: 0,
            closed: false,
            again: () => {},
            request() {},
            stream: { startCommand() {}, write() {}, end() {} },
          },
        } as unknown as PooledConnection)
      );
    });

  lessee(): Lessee {
    return {
      kind: this.kind,
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

function makePool(limits = LIMITS, now = () => performance.now()): AccountPool {
  const pools = new Pools("db1:3306", limits, {
    counters: new Counters(),
    now,
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

test("openings that hang keep nobody from others", async () => {
  let nowMs = 1;
  const pool = makePool({ ...LIMITS, waitTimeoutMs: 60_000 }, () => nowMs);
  const opener = new Opener();
  for (let i = 0; i < 8; i++) pool.lease(opener.lessee());
  const hung = opener.pending.splice(0);
  expect(hung.length).toBe(4);
  nowMs += 1001;
  pool.sweep();
  expect(await opener.finish()).toBe(4);
  expect(opener.granted.length).toBe(4);
  await opener.finish();
  expect(opener.granted.length).toBe(8);
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

test("who can use none of the connections is not passed over for ever", async () => {
  let now = 0;
  const pool = makePool({ ...LIMITS, connectionsMax: 1 }, () => now);
  const [many, other] = [new Opener("many"), new Opener("other")];
  pool.lease(many.lessee());
  await many.finish();
  pool.lease(other.lessee());
  // Others of the connection's own kind always want it again.
  const again = () => {
    pool.lease(many.lessee());
    pool.release(many.granted.at(-1)!);
  };
  for (; now < 90; now += 10) again();
  expect(many.granted.length).toBe(10);
  expect(other.pending).toEqual([]);
  now = 110;
  again();
  expect(await other.finish()).toBe(1);
  expect([many.granted.length, other.granted.length]).toEqual([10, 1]);
  // The one passed over now is patient as well: a connection of another kind costs a login.
  now = 150;
  pool.lease(other.lessee());
  pool.release(other.granted[0]!);
  expect(other.granted.length).toBe(2);
  now = 220;
  pool.release(other.granted[1]!);
  expect(await many.finish()).toBe(1);
  expect(many.granted.length).toBe(11);
});

test("an idle connection serves who comes, though others wait for one of another kind", async () => {
  const pool = makePool({ ...LIMITS, connectionsMax: 2 });
  const [many, other] = [new Opener("many"), new Opener("other")];
  pool.lease(many.lessee());
  pool.lease(many.lessee());
  await many.finish();
  pool.census.add({ kind: "other" } as unknown as PooledConnection); // somebody uses it
  pool.lease({ ...other.lessee(), open: undefined });
  expect(pool.waiting).toBe(1);
  pool.release(many.granted[0]!);
  pool.lease(many.lessee());
  expect([many.granted.length, other.granted.length]).toEqual([3, 0]);
});
