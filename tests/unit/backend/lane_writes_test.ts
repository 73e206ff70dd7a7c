// How statements of a lane are put together: in few writes, and the server never has to wait.

import { describe, expect, test } from "bun:test";
import {
  EXCLUSIVE,
  Lane,
  type LaneSink,
  type PooledConnection,
  ServiceTime,
} from "../../../mod/backend/mod.ts";
import { endOfTurn } from "../../../mod/backend/lane_turn.ts";

/** A lane whose writes are kept; the server answers when it is told to. */
function laneOf() {
  const writes: number[] = [];
  const connection = {
    outstanding: 0,
    closed: false,
    holder: undefined,
    expect() {
      connection.outstanding++;
    },
    stream: { pending: 0, write: (bytes: Uint8Array) => void writes.push(bytes.length) },
  };
  const lane = new Lane({ connection, touch() {} } as unknown as PooledConnection, {
    onRoom() {},
    onTurn() {},
    onEmpty() {},
    onLost() {},
  });
  const turn = async (sent: number, answered: number) => {
    for (let i = 0; i < answered; i++) {
      connection.outstanding--;
      lane.noteAnswer(EXCLUSIVE);
    }
    for (let i = 0; i < sent; i++) lane.send(new Uint8Array(1), {} as LaneSink);
    await new Promise<void>((resolve) =>
      endOfTurn({ isDue: false, answered: 0, onTurnEnd: () => (resolve(), 0) })
    );
    return writes.splice(0);
  };
  return { lane, turn };
}

describe("a lane", () => {
  test("sends what came in a turn in one write, the first one too", async () => {
    const { turn } = laneOf();
    expect(await turn(4, 0)).toEqual([4]);
  });

  test("keeps statements while the server has more to do than those", async () => {
    const { turn, lane } = laneOf();
    await turn(8, 0);
    expect(await turn(2, 0)).toEqual([]);
    expect(lane.unsent).toBe(2);
    expect(await turn(0, 3)).toEqual([]); // five are at the server
    expect(await turn(0, 2)).toEqual([]); // three
    expect(await turn(0, 1)).toEqual([2]);
    expect(lane.unsent).toBe(0);
  });

  test("sends them where they are as many as the server has", async () => {
    const { turn } = laneOf();
    await turn(8, 0);
    expect(await turn(7, 0)).toEqual([]);
    expect(await turn(1, 0)).toEqual([8]);
  });
});

describe("the time that a statement takes at the server", () => {
  const after = (turns: readonly number[]) => {
    const time = new ServiceTime();
    for (let i = 0; i < 1000; i++) time.note(turns[i % turns.length]!);
    return time.us;
  };

  test("is not longer where most answers had to wait for a processor", () => {
    expect(after([4000, 150, 5000, 6000, 140])).toBeLessThan(400);
  });

  test("is long where nearly all take long", () => {
    expect(after([4000, 4000, 4000, 4000, 4000, 4000, 4000, 150])).toBeGreaterThan(2500);
  });

  test("follows one that becomes slower, and quicker", () => {
    const time = new ServiceTime();
    for (let i = 0; i < 100; i++) time.note(100);
    for (let i = 0; i < 1000; i++) time.note(2000);
    expect(time.us).toBeGreaterThan(1500);
    for (let i = 0; i < 100; i++) time.note(100);
    expect(time.us).toBeLessThan(150);
  });
});
