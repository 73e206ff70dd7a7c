// Damages bytes as a seeded generator chooses.

import { Command } from "../../mod/wire/mod.ts";
import type { Random } from "./random.ts";

type Mutation = (bytes: Buffer, random: Random) => Buffer;

/** Header positions of the packets in a stream; as far as lengths can be believed. */
function headers(bytes: Buffer): number[] {
  const found: number[] = [];
  for (let at = 0; at + 4 <= bytes.length; at += 4 + bytes.readUIntLE(at, 3)) found.push(at);
  return found;
}

function changed(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  if (at < copy.length) copy[at] = value;
  return copy;
}

function spliced(bytes: Buffer, from: number, to: number, inserted: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, from), inserted, bytes.subarray(to)]);
}

const LENGTHS = [0, 1, 2, 3, 0xfa, 0xfb, 0xff, 0x100, 0x7fffff, 0xfffffe, 0xffffff];
const BYTES = [0x00, 0x01, 0x7f, 0x80, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff];

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, random) {
    const at = random.below(bytes.length);
    return changed(bytes, at, bytes[at]! ^ (1 << random.below(8)));
  },
  function anyByte(bytes, random) {
    return changed(bytes, random.below(bytes.length), random.below(256));
  },
  function edgeByte(bytes, random) {
    return changed(bytes, random.below(bytes.length), random.pick(BYTES));
  },
  function cutOff(bytes, random) {
    return bytes.subarray(0, random.below(bytes.length));
  },
  function remove(bytes, random) {
    const from = random.below(bytes.length);
    return spliced(bytes, from, from + 1 + random.below(8), Buffer.alloc(0));
  },
  function insert(bytes, random) {
    const at = random.below(bytes.length + 1);
    const more = Buffer.from(Array.from({ length: 1 + random.below(12) }, () => random.below(256)));
    return spliced(bytes, at, at, more);
  },
  function repeat(bytes, random) {
    const from = random.below(bytes.length);
    const to = Math.min(bytes.length, from + 1 + random.below(40));
    return spliced(bytes, to, to, bytes.subarray(from, to));
  },
  function wrongLength(bytes, random) {
    const copy = Buffer.from(bytes);
    const places = headers(copy);
    if (places.length === 0) return copy;
    copy.writeUIntLE(random.pick(LENGTHS), random.pick(places), 3);
    return copy;
  },
  function nearLength(bytes, random) {
    const copy = Buffer.from(bytes);
    const places = headers(copy);
    if (places.length === 0) return copy;
    const at = random.pick(places);
    const length = copy.readUIntLE(at, 3) + random.below(9) - 4;
    copy.writeUIntLE(Math.min(Math.max(0, length), 0xffffff), at, 3);
    return copy;
  },
  function wrongSequence(bytes, random) {
    const places = headers(bytes);
    return places.length === 0 ? bytes : changed(bytes, random.pick(places) + 3, random.below(256));
  },
  function otherCommand(bytes, random) {
    const places = headers(bytes);
    return places.length === 0
      ? bytes
      : changed(bytes, random.pick(places) + 4, random.pick([random.below(33), 0xfa, 0xff]));
  },
  function emptyPacket(bytes, random) {
    const at = random.pick([0, ...headers(bytes)]);
    return spliced(bytes, at, at, Buffer.from([0, 0, 0, random.below(4)]));
  },
  function samePacketTwice(bytes, random) {
    const places = [...headers(bytes), bytes.length];
    const i = random.below(places.length);
    const to = places[i + 1] ?? bytes.length;
    return spliced(bytes, to, to, bytes.subarray(places[i]!, to));
  },
];

/** A copy with one to four mutations; in one of ten cases none. */
export function mutate(bytes: Buffer, random: Random): Buffer {
  if (random.oneIn(10)) return bytes;
  let result = bytes;
  for (let left = 1 + random.below(4); left > 0 && result.length > 0; left--) {
    result = random.pick(MUTATIONS)(result, random);
  }
  return result;
}

/** The same bytes with another command in place of every COM_PROCESS_INFO. */
export function withoutProcessInfo(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (const at of headers(copy)) {
    if (copy[at + 4] === Command.PROCESS_INFO) copy[at + 4] = Command.STATISTICS;
  }
  return copy;
}
