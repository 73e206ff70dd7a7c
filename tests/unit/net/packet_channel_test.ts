// PacketChannel: packets in turn over any stream, and how it ends.

import { describe, expect, test } from "bun:test";
import { ChannelClosedError, PacketChannel } from "../../../mod/net/mod.ts";
import { frame, PacketTooLargeError } from "../../../mod/wire/mod.ts";
import { Random, randomChunks, testSeed } from "../../fuzz/random.ts";
import { MemoryStream } from "./memory_stream.ts";

function newChannel(lengthMax = 1000) {
  const stream = new MemoryStream();
  const closed: string[] = [];
  const channel = new PacketChannel(lengthMax, (reason) => closed.push(reason)).attach(stream);
  return { stream, channel, closed };
}

async function readText(channel: PacketChannel): Promise<string> {
  return Buffer.from(await channel.read()).toString();
}

describe("PacketChannel", () => {
  test("packets come one at a time, however the stream is cut", async () => {
    const random = new Random(testSeed("channel"));
    const payloads = ["", "a", "bc".repeat(100), "", "end"];
    const bytes = Buffer.concat(payloads.map((text, i) => frame(Buffer.from(text), i * 2)));
    for (let round = 0; round < 100; round++) {
      const { stream, channel } = newChannel();
      const chunks = randomChunks(bytes, random);
      const early = random.below(chunks.length + 1);
      for (const chunk of chunks.slice(0, early)) stream.owner.onBytes(chunk);
      const reading = (async () => {
        const found: string[] = [];
        for (const _ of payloads) found.push(await readText(channel));
        return found;
      })();
      for (const chunk of chunks.slice(early)) {
        await Promise.resolve();
        stream.owner.onBytes(chunk);
      }
      expect(await reading).toEqual(payloads);
    }
  });

  test("answers have the next sequence id", async () => {
    const { stream, channel } = newChannel();
    channel.send(Buffer.from("first"));
    stream.owner.onBytes(Buffer.from(frame(Buffer.from("x"), 1)));
    await channel.read();
    channel.send(Buffer.from("second"));
    stream.owner.onBytes(Buffer.from(frame(Buffer.from("y"), 255)));
    await channel.read();
    channel.send(Buffer.from("third"));
    expect(stream.written.map((packet) => packet[3]!)).toEqual([0, 2, 0]);
  });

  test("the bytes behind the last packet are for the next owner", async () => {
    const { stream, channel } = newChannel();
    stream.owner.onBytes(Buffer.concat([frame(Buffer.from("mine"), 0), Buffer.from("next's")]));
    expect(await readText(channel)).toBe("mine");
    expect(Buffer.from(channel.takeRest()).toString()).toBe("next's");
    expect(channel.takeRest().length).toBe(0);
  });

  test("an end while somebody reads, and before", async () => {
    const { stream, channel, closed } = newChannel();
    const reading = channel.read();
    stream.owner.onClosed("gone");
    expect(reading).rejects.toThrow(ChannelClosedError);
    await reading.catch(() => {});
    expect(channel.read()).rejects.toThrow("gone");
    expect([channel.closed, closed]).toEqual([true, ["gone"]]);
  });

  test("packets that came before the end can be read after it", async () => {
    const { stream, channel } = newChannel();
    stream.owner.onBytes(Buffer.from(frame(Buffer.from("last words"), 0)));
    stream.owner.onClosed("gone");
    expect(await readText(channel)).toBe("last words");
    expect(channel.read()).rejects.toThrow(ChannelClosedError);
  });

  test("a packet that is too long fails the read by its header", async () => {
    const { stream, channel } = newChannel(10);
    const reading = channel.read();
    stream.owner.onBytes(Buffer.from([11, 0, 0, 0]));
    expect(reading).rejects.toThrow(PacketTooLargeError);
    await reading.catch(() => {});
  });
});
