// Who asks for a position waits for others only where they come.

import { expect, test } from "bun:test";
import { Gathering } from "../../../mod/route/gathering.ts";

/** Rounds in which all clients ask that wait for nothing; how many were over before enough came. */
function play(clients: number, rounds: number): { readonly timeouts: number; enough: number } {
  const gathering = new Gathering();
  let timeouts = 0;
  for (let round = 0; round < rounds; round++) {
    if (clients >= gathering.enough) gathering.succeeded();
    else {
      timeouts++;
      gathering.timedOut(clients);
    }
  }
  return { timeouts, enough: gathering.enough };
}

test.each([1, 3, 8, 16, 20])("%d clients wait in vain hardly ever", (clients) => {
  const { timeouts, enough } = play(clients, 10_000);
  expect(timeouts).toBeLessThan(20);
  expect(enough).toBeLessThanOrEqual(clients);
});

test("many clients wait for many", () => {
  expect(play(64, 10_000)).toEqual({ timeouts: 0, enough: 32 });
});

test("where more clients come more are waited for", () => {
  const gathering = new Gathering();
  while (gathering.enough > 4) gathering.timedOut(1);
  for (let round = 0; round < 3 * 128; round++) gathering.succeeded();
  expect(gathering.enough).toBe(32);
});

test("nearly enough is no reason to wait for fewer", () => {
  const gathering = new Gathering();
  gathering.timedOut(28);
  expect(gathering.enough).toBe(32);
});
