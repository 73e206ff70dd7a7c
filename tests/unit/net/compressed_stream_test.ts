// Compressed packets: round trips in any cut, and content that is no good.

import { describe, expect, test } from "bun:test";
import { deflateSync } from "node:zlib";
import { CompressedStream, type CompressionSettings } from "../../../mod/net/mod.ts";
import { Random, randomChunks, testSeed } from "../../fuzz/random.ts";
import { MemoryStream, RecordingOwner } from "./memory_stream.ts";

const seed = testSeed("compression");
const SETTINGS: readonly CompressionSettings[] = [
  { method: "zlib", level: 0 },
  { method: "zstd", level: 1 },
  { method: "zstd", level: 19 },
];

function newStream(settings: CompressionSettings) {
  const inner = new MemoryStream();
  const owner = new RecordingOwner();
  inner.owner = owner;
  const stream = new CompressedStream(inner, settings);
  return { inner, owner, stream };
}

/** Bytes that compress well, or not at all. */
function content(length: number, random: Random): Buffer {
  const dense = random.oneIn(2);
  return Buffer.from(Array.from({ length }, (_, i) => dense ? random.below(256) : i % 7));
}

for (const settings of SETTINGS) {
  describe(`CompressedStream by ${settings.method} ${settings.level}`, () => {
    test("round trips in any cut", () => {
      const random = new Random(seed);
      for (let round = 0; round < 60; round++) {
        const sender = newStream(settings);
        const receiver = newStream(settings);
        const sent: Buffer[] = [];
        for (let i = 0; i < 1 + random.below(6); i++) {
          const bytes = content(random.pick([0, 1, 49, 50, 51, 300, 5000]), random);
          sent.push(bytes);
          sender.stream.write(bytes);
        }
        const wire = Buffer.concat(sender.inner.written);
        for (const chunk of randomChunks(wire, random)) receiver.inner.owner.onBytes(chunk);
        expect(receiver.owner.bytes.equals(Buffer.concat(sent))).toBe(true);
        expect(receiver.inner.calls).toEqual([]);
      }
    });

    test("cut in two at every byte, and one byte at a time", () => {
      const sender = newStream(settings);
      const sent = Buffer.concat([Buffer.from("short"), Buffer.alloc(200, "long")]);
      sender.stream.write(sent.subarray(0, 5));
      sender.stream.write(sent.subarray(5));
      const wire = Buffer.concat(sender.inner.written);
      for (let at = 0; at <= wire.length; at++) {
        const { inner, owner } = newStream(settings);
        inner.owner.onBytes(wire.subarray(0, at));
        inner.owner.onBytes(wire.subarray(at));
        expect(owner.bytes.equals(sent)).toBe(true);
      }
      const { inner, owner } = newStream(settings);
      for (let at = 0; at < wire.length; at++) inner.owner.onBytes(wire.subarray(at, at + 1));
      expect(owner.bytes.equals(sent)).toBe(true);
    });

    test("more than one compressed packet can hold", () => {
      const sender = newStream(settings);
      const sent = Buffer.alloc(0xffffff + 1000, "abcdefg");
      sender.stream.write(sent);
      expect(sender.inner.written.length).toBe(2);
      const { inner, owner } = newStream(settings);
      for (const packet of sender.inner.written) inner.owner.onBytes(packet);
      expect(owner.bytes.equals(sent)).toBe(true);
    }, 30_000);

    test("sequence ids go on from the peer's and start again with a command", () => {
      const { inner, stream } = newStream(settings);
      const sequences = () => inner.written.map((packet) => packet[3]!);
      stream.write(Buffer.from("a"));
      stream.write(Buffer.from("b"));
      stream.startCommand();
      stream.write(Buffer.from("c"));
      inner.owner.onBytes(Buffer.from("01000005000000" + "61", "hex"));
      stream.write(Buffer.from("d"));
      inner.owner.onBytes(Buffer.from("010000ff000000" + "61", "hex"));
      stream.write(Buffer.from("e"));
      expect(sequences()).toEqual([0, 1, 0, 6, 0]);
    });

    test("mutated bytes close the stream or pass, and nothing is thrown", () => {
      const random = new Random(seed);
      const sender = newStream(settings);
      sender.stream.write(Buffer.alloc(400, "abcdef"));
      sender.stream.write(Buffer.from("short"));
      const wire = Buffer.concat(sender.inner.written);
      let closed = 0;
      for (let round = 0; round < 3000; round++) {
        const bytes = Buffer.from(wire);
        for (let i = 1 + random.below(3); i > 0; i--) {
          bytes[random.below(bytes.length)] = random.below(256);
        }
        const { inner } = newStream(settings);
        for (const chunk of randomChunks(bytes, random)) inner.owner.onBytes(chunk);
        if (inner.calls.includes("destroy")) closed++;
      }
      expect(closed).toBeGreaterThan(500);
    });

    test("a length that is not the content's closes the stream", () => {
      for (const wrong of [399, 401, 1, 0xffffff]) {
        const sender = newStream(settings);
        sender.stream.write(Buffer.alloc(400, "abcdef"));
        const [packet] = sender.inner.written;
        packet!.writeUIntLE(wrong, 4, 3);
        const { inner, owner } = newStream(settings);
        inner.owner.onBytes(packet!);
        expect(inner.calls).toEqual(["destroy"]);
        expect(owner.chunks).toEqual([]);
      }
    });

    test("passes on everything else", () => {
      const { inner, owner, stream } = newStream(settings);
      inner.pending = 17;
      expect(stream.pending).toBe(17);
      stream.pause();
      stream.resume();
      stream.end();
      stream.destroy();
      inner.owner.onDrained();
      inner.owner.onClosed("why");
      expect(inner.calls).toEqual(["pause", "resume", "end", "destroy"]);
      expect([owner.drained, owner.closed]).toEqual([1, ["why"]]);
    });
  });
}

test("nothing is expanded beyond the length that was announced", () => {
  const bomb = deflateSync(Buffer.alloc(50_000_000));
  const header = Buffer.alloc(7);
  header.writeUIntLE(bomb.length, 0, 3);
  header.writeUIntLE(100, 4, 3);
  const { inner, owner } = newStream({ method: "zlib", level: 0 });
  inner.owner.onBytes(Buffer.concat([header, bomb]));
  expect(inner.calls).toEqual(["destroy"]);
  expect(owner.chunks).toEqual([]);
});

test("what follows bad content is not looked at", () => {
  const { inner, owner } = newStream({ method: "zlib", level: 0 });
  const bad = Buffer.from("04000000640000" + "ffffffff", "hex");
  const good = Buffer.from("01000001000000" + "61", "hex");
  inner.owner.onBytes(Buffer.concat([bad, good]));
  expect(inner.calls).toEqual(["destroy"]);
  expect(owner.chunks).toEqual([]);
});
