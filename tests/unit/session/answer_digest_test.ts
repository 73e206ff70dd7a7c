// An answer's digest: the same however it comes in pieces, another one for every other answer.

import { describe, expect, test } from "bun:test";
import { AnswerDigest } from "../../../mod/session/failover/answer_digest.ts";
import { encodeOk, frame, type OkPacket, ServerStatus } from "../../../mod/wire/mod.ts";
import { Random, randomChunks, testSeed } from "../../fuzz/random.ts";

const random = new Random(testSeed("answer digest"));

function digestOf(chunks: readonly Uint8Array[]): bigint {
  const digest = new AnswerDigest();
  for (const chunk of chunks) digest.add(chunk);
  return digest.end();
}

describe("the digest of an answer", () => {
  test("does not depend on the pieces in which it comes", () => {
    for (const length of [0, 1, 2047, 2048, 2049, 10_000]) {
      const bytes = Buffer.from(Array.from({ length }, () => Math.floor(random.next() * 256)));
      const whole = digestOf([bytes]);
      for (let times = 0; times < 20; times++) {
        expect(digestOf(randomChunks(bytes, random))).toBe(whole);
      }
      const other = Buffer.from([...bytes, 0]);
      expect(digestOf([other])).not.toBe(whole);
    }
  });

  test("is another one where a byte is", () => {
    const bytes = Buffer.alloc(5000, 7);
    const whole = digestOf([bytes]);
    for (const at of [0, 2047, 2048, 4999]) {
      const other = Buffer.from(bytes);
      other[at]! ^= 1;
      expect(digestOf([other])).not.toBe(whole);
    }
  });

  const ok = (content: Partial<OkPacket>): bigint => {
    const digest = new AnswerDigest();
    digest.addOk(frame(encodeOk(content, 0xffffffff), 1));
    return digest.end();
  };
  const status = ServerStatus.IN_TRANS | ServerStatus.AUTOCOMMIT;
  const plain: Partial<OkPacket> = { status, affectedRows: 3, lastInsertId: 7 };

  test.each<Partial<OkPacket>>([
    { ...plain, affectedRows: 2 },
    { ...plain, lastInsertId: 8 },
    { ...plain, warnings: 1 },
    { ...plain, info: Buffer.from("Rows matched: 3") },
    { ...plain, status: ServerStatus.AUTOCOMMIT },
  ])("is another one where an OK says something else: %p", (other) => {
    expect(ok(other)).not.toBe(ok(plain));
  });

  test("is the same where an OK tells of its server or of the session's state", () => {
    const noIndexUsed = 1 << 5;
    const slow = 1 << 11;
    expect(ok({ ...plain, status: status | noIndexUsed | slow })).toBe(ok(plain));
    const told = { status: status | ServerStatus.SESSION_STATE_CHANGED };
    const sessionState = Uint8Array.of(2, 2, 1, 0x31);
    expect(ok({ ...plain, ...told, sessionState })).toBe(ok(plain));
  });
});
