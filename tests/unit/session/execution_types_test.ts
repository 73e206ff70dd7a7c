// The types of an execution's parameters on connections that sessions take turns on.

import { expect, test } from "bun:test";
import {
  type SessionStatement,
  withTypes,
} from "../../../mod/session/prepared/session_statement.ts";

/** COM_STMT_EXECUTE of a statement with one parameter. @param types None: those given before hold. */
function execution(types: readonly number[]): Buffer {
  const isNew = types.length > 0 ? 1 : 0;
  const payload = [0x17, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, isNew, ...types, 42, 0, 0, 0];
  return Buffer.from([payload.length, 0, 0, 0, ...payload]);
}

const statement = () => ({ parameters: 1, types: undefined }) as unknown as SessionStatement;
const LONG = [3, 0];

test("the types of another session are told anew only where they differ", () => {
  const [one, other, third] = [statement(), statement(), statement()];
  const give = (of: SessionStatement, types: readonly number[], known: Uint8Array | undefined) =>
    withTypes(execution(types), of, { hasAttributes: false, known });
  // Each has given its types somewhere.
  const { types: known } = give(one, LONG, undefined);
  give(other, LONG, undefined);
  give(third, [5, 0], undefined);
  const same = give(other, [], known);
  expect([same.packet, same.types === known]).toEqual([execution([]), true]);
  const told = give(third, [], known);
  expect(told.packet).toEqual(execution([5, 0]));
  expect(give(one, [], told.types).packet).toEqual(execution(LONG));
});
