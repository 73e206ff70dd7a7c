// Whether a server is gone whose connection has ended: what those that were waiting on it are told.

import { expect, test } from "bun:test";
import { defaultConfig } from "../../../mod/config/mod.ts";
import { Counters } from "../../../mod/observe/mod.ts";
import { FailoverGate, type Waiting } from "../../../mod/session/mod.ts";

class Waits implements Waiting {
  readonly waitingBytes = 1;
  readonly told: boolean[] = [];
  goOn(): void {}
  giveUp(): void {}
  settle(isGone: boolean): void {
    this.told.push(isGone);
  }
}

test("a server that was found gone just before, or is just after, is gone", () => {
  let nowMs = 0;
  const gate = new FailoverGate(defaultConfig().failover, {
    counters: new Counters(),
    now: () => nowMs,
  });
  const [later, before, other] = [new Waits(), new Waits(), new Waits()];
  gate.doubt(later, "db1:3306");
  gate.doubt(other, "db2:3306");
  expect(later.told).toEqual([]);
  gate.noteGone(["db1:3306", "alias:3306"]);
  expect(later.told).toEqual([true]);
  nowMs = 999;
  gate.doubt(before, "alias:3306");
  expect(before.told).toEqual([true]);
  nowMs = 1000;
  gate.doubt(before, "db1:3306");
  expect(before.told).toEqual([true]);
  expect(other.told).toEqual([]);
  for (const each of [before, other]) expect(gate.leave(each)).toBe(true);
});
