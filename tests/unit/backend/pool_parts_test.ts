// The parts of shared pools that decide by themselves: who waits how, when to ask a server again,
// who gives way to whom, what several workers' pools are together.

import { describe, expect, test } from "bun:test";
import { Credential } from "../../../mod/auth/mod.ts";
import {
  type AcceptedLogin,
  type AccountPoolLimits,
  addPoolStatuses,
  KnownLogins,
  LoginRefusedError,
  OpenGate,
  Pools,
  type PoolStatus,
  PoolTables,
  PoolTally,
  ServerRoom,
} from "../../../mod/backend/mod.ts";
import { Counters } from "../../../mod/observe/mod.ts";

describe("KnownLogins", () => {
  const credential = Credential.password("secret");
  const accepted = { credential, ok: new Uint8Array(7) } as unknown as AcceptedLogin;

  test("takes the server's word for a second, longer where asking would cost a wait", () => {
    const known = new KnownLogins(10_000);
    known.learn("a", accepted, 0);
    expect(known.find("a", credential, { now: 900, mayAsk: true })).toBe(accepted);
    expect(known.find("a", credential, { now: 1100, mayAsk: false })).toBe(accepted);
    expect(known.find("a", credential, { now: 1100, mayAsk: true })).toBeUndefined();
    // One asks, the others need not meanwhile.
    expect(known.find("a", credential, { now: 1101, mayAsk: true })).toBe(accepted);
    expect(known.find("a", credential, { now: 10_001, mayAsk: false })).toBeUndefined();
  });

  test("takes it for the same credential and the same login only, until it is forgotten", () => {
    const known = new KnownLogins(10_000);
    known.learn("a", accepted, 0);
    const ways = { now: 1, mayAsk: false };
    expect(known.find("a", Credential.password("secret"), ways)).toBe(accepted);
    expect(known.find("a", Credential.password("Secret"), ways)).toBeUndefined();
    expect(known.find("b", credential, ways)).toBeUndefined();
    known.forget();
    expect(known.find("a", credential, ways)).toBeUndefined();
  });
});

describe("Pools", () => {
  test("a pool that nobody uses says that it is forgotten, so that who knows it asks anew", () => {
    const limits = { connectionsMin: 0, connectionsMax: 1, workers: 1, loginTrustMs: 0 };
    const pools = new Pools("db:3306", limits as unknown as AccountPoolLimits, {
      counters: new Counters(),
      now: () => 0,
      carryOver: () => Promise.resolve(),
      tables: new PoolTables({ tracksGtids: false }),
    });
    const pool = pools.of("app");
    expect(pool.isForgotten).toBe(false);
    pools.sweep();
    expect(pool.isForgotten).toBe(true);
    expect(pools.of("app")).not.toBe(pool);
    expect(pools.of("app").isForgotten).toBe(false);
  });
});

describe("OpenGate", () => {
  const refusal = (code: number) =>
    new LoginRefusedError({ code, sqlState: "08004", message: `error ${code}` });

  test("is shut longer with each failure, up to 5 s, and open after a success", () => {
    const gate = new OpenGate();
    const waits: number[] = [];
    for (let i = 0; i < 7; i++) {
      gate.failed(new Error("refused"), 0);
      let at = 0;
      while (gate.isShut(at)) at += 50;
      waits.push(at);
    }
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000]);
    expect(gate.lastError).toBe("refused");
    gate.open();
    expect([gate.isShut(0), gate.lastError]).toEqual([false, ""]);
  });

  test("a full server is asked again after 250 ms each time", () => {
    const gate = new OpenGate();
    for (const code of [1040, 1203, 1226]) {
      gate.failed(refusal(code), 0);
      expect([gate.full, gate.isShut(249), gate.isShut(250)]).toEqual([true, true, false]);
    }
    gate.failed(refusal(1045), 0);
    expect(gate.full).toBe(false);
  });
});

describe("ServerRoom", () => {
  test("one connection is claimed for each pool that wants one; the others open none", () => {
    const room = new ServerRoom();
    const [rich, poor] = [{}, {}];
    expect([room.isKeptFrom(rich), room.claim(rich)]).toEqual([false, false]);
    room.want(poor);
    expect([room.isKeptFrom(rich), room.isKeptFrom(poor)]).toEqual([true, false]);
    expect([room.claim(poor), room.claim(rich), room.claim(rich)]).toEqual([false, true, false]);
    room.want(poor); // refused again
    expect(room.claim(rich)).toBe(true);
    room.settle(poor);
    expect(room.isKeptFrom(rich)).toBe(false);
  });
});

test("addPoolStatuses: sums by account, the greatest of maxima, paused if all are", () => {
  const status = (account: string, changes: Partial<PoolStatus>): PoolStatus => ({
    ...new PoolTally(),
    account,
    server: "db1:3306",
    paused: false,
    sessions: 0,
    running: 0,
    idle: 0,
    opening: 0,
    connectionsMin: 1,
    connectionsMax: 4,
    waiting: 0,
    oldestWaitUs: 0,
    lastError: "",
    ...changes,
  });
  const sums = addPoolStatuses([
    status("b", { running: 1 }),
    status("a", { running: 2, waits: 3, waitUsMax: 70, oldestWaitUs: 5, paused: true }),
    status("a", { running: 5, waits: 4, waitUsMax: 60, oldestWaitUs: 9, lastError: "full" }),
  ]);
  expect(sums.map(({ account }) => account)).toEqual(["a", "b"]);
  expect(sums[0]).toMatchObject({
    running: 7,
    waits: 7,
    waitUsMax: 70,
    oldestWaitUs: 9,
    connectionsMax: 8,
    paused: false,
    lastError: "full",
  });
});
