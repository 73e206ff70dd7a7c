// A replica that says again and again that it is where it was, while reads wait for it to get further.

import { expect, test } from "bun:test";
import type { ToldPosition } from "../../../mod/cluster/mod.ts";
import { Standstill } from "../../../mod/session/failover/standstill.ts";

/** Looks at it until it is found to stand still, or in vain. @returns After how long. */
async function found(
  standstill: Standstill,
  { limitMs, waitsSince }: { readonly limitMs: number; readonly waitsSince: () => number },
): Promise<number> {
  const began = performance.now();
  for (;;) {
    const now = performance.now();
    if (standstill.look(now, waitsSince())) return now - began;
    if (now - began > limitMs) return Infinity;
    await Bun.sleep(5);
  }
}

/** One that is asked, and whose answer is `said.position`. */
function asked(said: { position: ToldPosition | undefined; questions: number }): Standstill {
  return new Standstill((asker) => {
    said.questions++;
    queueMicrotask(() => asker.positionIs(said.position));
  });
}

const at = (text: string): ToldPosition => ({ kind: "gtid", text });

test("one that says the same stands still, until it says something else", async () => {
  const said = { position: at("a:1-5"), questions: 0 };
  const standstill = asked(said);
  const waitsSince = performance.now();
  expect(await found(standstill, { limitMs: 2000, waitsSince: () => waitsSince }))
    .toBeLessThan(2000);
  expect(standstill.stands).toBe(true);
  await Bun.sleep(120);
  standstill.lookAgain(performance.now());
  await Bun.sleep(0);
  expect(standstill.stands).toBe(true);
  said.position = at("a:1-6");
  await Bun.sleep(120);
  standstill.lookAgain(performance.now());
  await Bun.sleep(0);
  expect(standstill.stands).toBe(false);
  // It has gone on soon after: it is given twice the time.
  const again = performance.now();
  expect(await found(standstill, { limitMs: 2000, waitsSince: () => again }))
    .toBeGreaterThanOrEqual(60);
});

test("one that gets further, does not answer, or serves waits, does not", async () => {
  let number = 0;
  const moving = new Standstill((asker) => asker.positionIs(at(`a:1-${++number}`)));
  const began = performance.now();
  const limits = { limitMs: 200, waitsSince: () => began };
  expect(await found(moving, limits)).toBe(Infinity);
  const silent = { position: undefined, questions: 0 };
  expect(await found(asked(silent), limits)).toBe(Infinity);
  const serving = { position: at("a:1-5"), questions: 0 };
  expect(
    await found(asked(serving), { limitMs: 200, waitsSince: () => performance.now() - 5 }),
  ).toBe(Infinity);
  expect(serving.questions).toBe(0);
});

test("what was said before the reads came, or while the proxy was held up, does not count", async () => {
  const said = { position: at("a:1-5"), questions: 0 };
  const standstill = asked(said);
  let waitsSince = performance.now();
  for (let time = 0; time < 20; time++) {
    expect(standstill.look(performance.now(), waitsSince)).toBe(false);
    await Bun.sleep(10);
    if (time % 2 === 0) standstill.excuse();
    else waitsSince = performance.now() - 15;
  }
  expect(said.questions).toBeGreaterThan(0);
});
