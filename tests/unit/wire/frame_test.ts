// Packets in and out of a stream of bytes, however it is cut.

import { describe, expect, test } from "bun:test";
import { readRecordings, turnBytes, turnPackets } from "../../../fixtures/packets/mod.ts";
import {
  frame,
  HEADER_LENGTH,
  PacketAssembler,
  PacketTooLargeError,
  PAYLOAD_MAX,
  payloadLength,
  writeHeader,
} from "../../../mod/wire/mod.ts";
import { Random, randomChunks, testSeed } from "../../fuzz/random.ts";

const seed = testSeed("frames");
const LENGTH_MAX = 1 << 26;

/** Feeds chunks and gives what came out, as text that can be compared. */
function assemble(chunks: readonly Uint8Array[]): string[] {
  const assembler = new PacketAssembler(LENGTH_MAX);
  const found: string[] = [];
  for (const chunk of chunks) {
    assembler.push(chunk);
    for (let payload = assembler.next(); payload; payload = assembler.next()) {
      found.push(`${assembler.sequence}:${Buffer.from(payload).toString("hex")}`);
    }
  }
  expect(assembler.takeRest().length).toBe(0);
  return found;
}

const streams = readRecordings().flatMap(({ conversations }) =>
  conversations.flatMap(({ exchanges }) => exchanges.flatMap(({ turns }) => turns))
);

function expected(turns: readonly string[]): string[] {
  return turns.flatMap(turnPackets)
    .map(({ sequence, payload }) => `${sequence}:${payload.toString("hex")}`);
}

describe("PacketAssembler", () => {
  test("recorded streams, whole", () => {
    const bytes = Buffer.concat(streams.map(turnBytes));
    expect(assemble([bytes])).toEqual(expected(streams));
  });

  test("recorded streams, one byte at a time", () => {
    const few = streams.filter((turn) => turn.length < 2000);
    const bytes = Buffer.concat(few.map(turnBytes));
    const chunks = Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
    expect(assemble(chunks)).toEqual(expected(few));
  });

  test("recorded streams, cut in two at every byte", () => {
    for (const turn of streams.filter((turn) => turn.length < 1000).slice(0, 300)) {
      const bytes = turnBytes(turn);
      const packets = expected([turn]);
      for (let at = 0; at <= bytes.length; at++) {
        expect(assemble([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(packets);
      }
    }
  });

  test("recorded streams, cut at random", () => {
    const random = new Random(seed);
    const bytes = Buffer.concat(streams.map(turnBytes));
    const packets = expected(streams);
    for (let round = 0; round < 10; round++) {
      expect(assemble(randomChunks(bytes, random))).toEqual(packets);
    }
  });

  test("takeRest() gives what lies behind the last packet", () => {
    const assembler = new PacketAssembler(LENGTH_MAX);
    assembler.push(Buffer.concat([frame(Buffer.from("ab"), 0), Buffer.from("rest")]));
    expect(Buffer.from(assembler.next()!).toString()).toBe("ab");
    expect(Buffer.from(assembler.takeRest()).toString()).toBe("rest");
    expect(assembler.next()).toBeUndefined();
  });

  for (
    const length of [PAYLOAD_MAX - 1, PAYLOAD_MAX, PAYLOAD_MAX + 1, PAYLOAD_MAX * 2, 40_000_000]
  ) {
    test(`${length} bytes`, () => {
      const payload = new Uint8Array(length).fill(7);
      payload[length - 1] = 9;
      const bytes = frame(payload, 254);
      const parts = Math.floor(length / PAYLOAD_MAX) + 1;
      expect(bytes.length).toBe(length + parts * HEADER_LENGTH);
      const assembler = new PacketAssembler(length);
      const random = new Random(seed);
      for (let at = 0; at < bytes.length;) {
        expect(assembler.next()).toBeUndefined();
        const end = Math.min(bytes.length, at + 5_000_000 + random.below(10_000_000));
        assembler.push(bytes.subarray(at, end));
        at = end;
      }
      const found = assembler.next()!;
      expect(Buffer.compare(found, payload)).toBe(0);
      expect(assembler.sequence).toBe((254 + parts - 1) & 255);
      expect(assembler.next()).toBeUndefined();
    });
  }

  test("a packet that is too long is refused by its header alone", () => {
    const assembler = new PacketAssembler(100);
    const header = new Uint8Array(HEADER_LENGTH);
    writeHeader(header, 0, { length: 101, sequence: 0 });
    expect(payloadLength(header, 0)).toBe(101);
    assembler.push(header);
    expect(() => assembler.next()).toThrow(PacketTooLargeError);
    expect(() => assembler.next()).toThrow("Packet is too large: 101 bytes, maximum is 100");
  });

  test("parts that are too long together are refused", () => {
    const assembler = new PacketAssembler(PAYLOAD_MAX + 10);
    assembler.push(frame(new Uint8Array(PAYLOAD_MAX + 11), 0));
    expect(() => assembler.next()).toThrow(PacketTooLargeError);
  });
});
