// Where a statement begins behind query attributes.

import { expect, test } from "bun:test";
import { queryWithAttribute, readRecordings, turnPackets } from "../../../fixtures/packets/mod.ts";
import { statementStart } from "../../../mod/session/command/statement_start.ts";
import { Command, PacketWriter } from "../../../mod/wire/mod.ts";
import { Random, testSeed } from "../../fuzz/random.ts";

function startIn(payload: Uint8Array): number {
  return statementStart(payload, 0, payload.length);
}

test("statementStart() without attributes", () => {
  const payload = Buffer.from("\x03\x00\x01SELECT 1", "latin1");
  expect(startIn(payload)).toBe(3);
});

test("statementStart() of recorded statements", () => {
  const recording = readRecordings().find(({ server }) => server === "mysql")!;
  const { exchanges } = recording.conversations.find(({ name }) => name === "query attributes")!;
  const statements = exchanges.map(({ turns }) => turnPackets(turns[0]!)[0]!.payload)
    .filter((payload) => payload[0] === Command.QUERY)
    .map((payload) => payload.subarray(startIn(payload)).toString());
  expect(statements.length).toBeGreaterThan(10);
  for (const statement of statements) {
    expect(statement).toMatch(/^(SELECT|SET|CREATE|DROP|START|COMMIT|INSERT)\b/);
  }
});

test("statementStart() behind an attribute of each type", () => {
  const lengths: readonly (readonly [type: number, bytes: readonly number[]])[] = [
    [1, [1]],
    [2, [1, 2]],
    [3, [1, 2, 3, 4]],
    [4, [1, 2, 3, 4]],
    [5, [1, 2, 3, 4, 5, 6, 7, 8]],
    [6, []],
    [8, [1, 2, 3, 4, 5, 6, 7, 8]],
    [7, [11, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8]],
    [10, [4, 0, 0, 1, 1]],
    [11, [0]],
    [12, [7, 0, 0, 1, 1, 2, 3, 4]],
    [15, [3, 65, 66, 67]],
    [246, [2, 49, 50]],
    [252, [0xfc, 2, 0, 1, 2]],
    [254, [0]],
  ];
  for (const [type, value] of lengths) {
    const head = new PacketWriter().u8(Command.QUERY).u8(2).u8(1).u8(2).u8(1)
      .u16(type | 0x8000).lenencBytes(Buffer.from("name")).u16(254).u8(0)
      .raw(Uint8Array.from(value)).done();
    const payload = Buffer.concat([head, Buffer.from("KILL 5")]);
    expect(payload.subarray(startIn(payload)).toString()).toBe("KILL 5");
  }
});

test("statementStart() of anything cut off or mutated is within the packet", () => {
  const random = new Random(testSeed("query attributes"));
  const packet = queryWithAttribute("SELECT 1", { name: "trace", value: "abc" });
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.from(packet.subarray(4, 5 + random.below(packet.length - 4)));
    for (let i = random.below(4); i > 0; i--) {
      if (bytes.length > 1) bytes[1 + random.below(bytes.length - 1)] = random.below(256);
    }
    const start = startIn(bytes);
    // A packet of the command byte alone is as good as one cut off in its attributes.
    expect(start >= 1 && start <= Math.max(bytes.length, 3)).toBe(true);
  }
});
