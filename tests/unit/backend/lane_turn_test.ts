// When the worker lies down at the end of a turn, and when it had better not.

import { afterAll, afterEach, expect, spyOn, test } from "bun:test";
import { endOfTurn, type TurnEnd } from "../../../mod/backend/lane_turn.ts";

const wait = spyOn(Atomics, "wait").mockImplementation(() => "timed-out");
afterEach(() => wait.mockClear());
afterAll(() => wait.mockRestore());

/**
 * The turns' ends of some lanes; resolves when all are over.
 *
 * @param left Statements left on each. @param options.answered Statements answered on each.
 */
async function turnEnds(
  left: readonly number[],
  { again, answered = 1 }: { readonly again?: TurnEnd; readonly answered?: number } = {},
): Promise<void> {
  const over = left.map((load) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    endOfTurn({
      isDue: false,
      answered,
      onTurnEnd() {
        if (again) endOfTurn(again);
        setImmediate(resolve);
        return load;
      },
    });
    return promise;
  });
  await Promise.all(over);
}

test("as long as every server that has answered has plenty to do", async () => {
  await turnEnds([8]);
  expect(wait).toHaveBeenCalledTimes(1);
  await turnEnds([16, 8, 9]);
  expect(wait).toHaveBeenCalledTimes(2);
});

test("not where one of them has little to do", async () => {
  await turnEnds([7]);
  await turnEnds([16, 0, 16]);
  expect(wait).not.toHaveBeenCalled();
});

test("not where the turn has brought several answers", async () => {
  await turnEnds([16], { answered: 3 });
  expect(wait).toHaveBeenCalledTimes(1);
  await turnEnds([16], { answered: 4 });
  await turnEnds([16, 16], { answered: 2 });
  expect(wait).toHaveBeenCalledTimes(1);
});

test("not where something is to be done at once", async () => {
  await turnEnds([16], { again: { isDue: false, answered: 0, onTurnEnd: () => 0 } });
  expect(wait).not.toHaveBeenCalled();
});
