// ResponseTracker against recorded answers, cut in every way. What it must find is taken from the
// whole answers by decoding their packets, without the tracker.

import { describe, expect, test } from "bun:test";
import {
  type Conversation,
  type Exchange,
  readRecordings,
  turnBytes,
  turnPackets,
} from "../../../fixtures/packets/mod.ts";
import {
  Capability,
  Command,
  decodeErr,
  decodeOk,
  encodeErr,
  encodeOk,
  Expect,
  expectedAnswer,
  frame,
  PAYLOAD_MAX,
  ResponseTracker,
  ServerStatus,
} from "../../../mod/wire/mod.ts";
import { mutate } from "../../fuzz/mutate.ts";
import { Random, randomChunks, testSeed } from "../../fuzz/random.ts";

const seed = testSeed("response tracker");

/** One answer, and what a follower of it must find. */
interface Answer {
  readonly name: string;
  readonly expect: number;
  readonly bytes: Buffer;
  /** Bytes up to where the client has to send its file. */
  readonly fileAt: number | undefined;
  readonly errorCode: number;
  /** Undefined where the answer carries none. */
  readonly status: number | undefined;
  readonly statementId: number | undefined;
  readonly sequence: number;
}

const recordings = readRecordings();
const cases = recordings.flatMap(({ server, conversations }) =>
  conversations.filter(({ exchanges }) => exchanges.length > 0).map((conversation) => ({
    name: `${server}, ${conversation.name}`,
    conversation,
    answers: conversation.exchanges.flatMap((exchange) => answersOf(exchange, conversation)),
  }))
);

/** An exchange's answers: one for each packet of the request. */
function answersOf(exchange: Exchange, conversation: Conversation): Answer[] {
  const [request, ...rest] = exchange.turns;
  const commands = turnPackets(request!).map(({ payload }) => payload[0]!);
  if (rest.length === 0) return [];
  const bytes = Buffer.concat(rest.filter((_, i) => i % 2 === 0).map(turnBytes));
  const ends = commands.length === 1 ? [bytes.length] : [endOfFirst(bytes), bytes.length];
  let from = 0;
  return commands.map((command, i) => {
    const part = bytes.subarray(from, ends[i]);
    from = ends[i]!;
    const fileAt = rest.length > 1 ? turnBytes(rest[0]!).length : undefined;
    return { name: exchange.name, fileAt, bytes: part, ...findings(command, part, conversation) };
  });
}

/** Answers begin with sequence id 1: the first packet with it behind another one starts the second. */
function endOfFirst(bytes: Buffer): number {
  let at = 0;
  do at += 4 + bytes.readUIntLE(at, 3); while (bytes[at + 3] !== 1);
  return at;
}

function findings(command: number, bytes: Buffer, { capabilities }: Conversation) {
  const packets = turnPackets(bytes.toString("hex"));
  const [first] = packets;
  const last = packets.at(-1)!;
  const kind = expectedAnswer(command);
  const isError = last.payload[0] === 0xff;
  const prepared = kind === Expect.PREPARE && !isError;
  const endsWithStatus = !isError && kind !== Expect.TEXT && kind !== Expect.PREPARE;
  return {
    expect: kind === Expect.UNKNOWN ? Expect.OK : kind,
    errorCode: isError ? decodeErr(last.payload).code : 0,
    status: endsWithStatus ? statusOf(last.payload, capabilities) : undefined,
    statementId: prepared ? first!.payload.readUInt32LE(1) : undefined,
    sequence: last.sequence,
  };
}

function statusOf(payload: Buffer, capabilities: number): number {
  const isEof = payload[0] === 0xfe && payload.length === 5;
  return isEof ? payload.readUInt16LE(3) : decodeOk(payload, capabilities).status;
}

function newTracker({ capabilities, mariadbCapabilities }: Conversation): ResponseTracker {
  return new ResponseTracker(capabilities, mariadbCapabilities);
}

/** Feeds one answer in chunks; throws where the tracker finds anything else than what is there. */
function follow(tracker: ResponseTracker, answer: Answer, chunks: readonly Uint8Array[]): void {
  tracker.begin(answer.expect);
  let fed = 0;
  for (const chunk of chunks) {
    check(!tracker.done, answer, `ended after ${fed} of ${answer.bytes.length} bytes`);
    const end = tracker.feed(chunk, 0, chunk.length);
    check(end === chunk.length, answer, `took ${end} of ${chunk.length} bytes at ${fed}`);
    fed += chunk.length;
    if (fed === answer.fileAt) {
      check(tracker.wantsLocalFile, answer, "does not want a file");
      tracker.localFileSent();
    }
  }
  check(tracker.done, answer, "did not end");
  check(tracker.atBoundary, answer, "did not end at a boundary");
  const { errorCode, status, statementId, sequence } = answer;
  check(tracker.errorCode === errorCode, answer, `error ${tracker.errorCode}, not ${errorCode}`);
  check(tracker.sequence === sequence, answer, `sequence ${tracker.sequence}, not ${sequence}`);
  if (status !== undefined) {
    check(tracker.status === status, answer, `status ${tracker.status}, not ${status}`);
  }
  if (statementId !== undefined) {
    check(tracker.statementId === statementId, answer, `statement ${tracker.statementId}`);
  }
}

function check(right: boolean, { name }: Answer, complaint: string): asserts right {
  if (!right) throw new Error(`Answer to "${name}": ${complaint}`);
}

/** The file is sent when all bytes before it have been seen: no chunk goes across. */
function cutAt(answer: Answer, places: readonly number[]): Uint8Array[] {
  const all = [...new Set([...places, answer.fileAt ?? 0, answer.bytes.length])]
    .sort((a, b) => a - b);
  return all.slice(all[0] === 0 ? 1 : 0).map((end, i, ends) =>
    answer.bytes.subarray(i === 0 ? 0 : ends[i - 1], end)
  );
}

describe("ResponseTracker", () => {
  test("recordings have answers of every shape", () => {
    const shapes = new Set(cases.flatMap(({ answers }) => answers.map(({ expect }) => expect)));
    expect([...shapes].sort()).toEqual([
      Expect.OK,
      Expect.RESULT,
      Expect.PREPARE,
      Expect.ROWS,
      Expect.FIELDS,
      Expect.TEXT,
    ]);
    expect(cases.flatMap(({ answers }) => answers).filter((it) => it.fileAt).length)
      .toBeGreaterThan(6);
  });

  for (const { name, conversation, answers } of cases) {
    describe(name, () => {
      test("whole answers", () => {
        const tracker = newTracker(conversation);
        for (const answer of answers) follow(tracker, answer, cutAt(answer, []));
      });

      test("one byte at a time", () => {
        const tracker = newTracker(conversation);
        for (const answer of answers) {
          follow(tracker, answer, cutAt(answer, [...answer.bytes.keys()]));
        }
      });

      test("cut in two at every byte", () => {
        const tracker = newTracker(conversation);
        for (const answer of answers) {
          for (let at = 1; at < answer.bytes.length; at++) {
            follow(tracker, answer, cutAt(answer, [at]));
          }
        }
      });

      test("cut at random", () => {
        const random = new Random(seed);
        const tracker = newTracker(conversation);
        for (const answer of answers) {
          for (let round = 0; round < 40; round++) {
            const places = Array.from(
              { length: 1 + random.below(8) },
              () => random.below(answer.bytes.length),
            );
            follow(tracker, answer, cutAt(answer, places));
          }
        }
      });

      test("one after the other in a stream cut at random", () => {
        const random = new Random(seed);
        const pipelined = answers.filter(({ fileAt }) => fileAt === undefined);
        const stream = Buffer.concat(pipelined.map(({ bytes }) => bytes));
        const ends = pipelined.map(({ bytes }) => bytes.length);
        for (let round = 0; round < 30; round++) {
          const tracker = newTracker(conversation);
          const lengths: number[] = [];
          let length = 0;
          tracker.begin(pipelined[0]!.expect);
          for (const chunk of randomChunks(stream, random)) {
            for (let at = 0; at < chunk.length;) {
              const end = tracker.feed(chunk, at, chunk.length);
              length += end - at;
              at = end;
              if (!tracker.done) continue;
              lengths.push(length);
              length = 0;
              const next = pipelined[lengths.length];
              if (next) tracker.begin(next.expect);
            }
          }
          expect(lengths).toEqual(ends);
        }
      });
    });
  }
});

describe("ResponseTracker: packets of 16 MiB and more", () => {
  const flags = Capability.PROTOCOL_41 | Capability.DEPRECATE_EOF;
  const head = frame(Uint8Array.of(1), 1);
  const column = frame(Buffer.from("\x03def", "latin1"), 2);
  const okEnd = frame(Uint8Array.of(0xfe, 0, 0, ServerStatus.IN_TRANS, 0, 0, 0), 5);
  const eofEnd = frame(Uint8Array.of(0xfe, 0, 0, ServerStatus.IN_TRANS, 0), 5);

  /** A text row of one value whose packet payload has exactly `length` bytes. */
  function row(length: number, sequence: number): Uint8Array {
    const payload = new Uint8Array(length).fill(0xff);
    const valueLength = length - 9;
    if (valueLength >= 0x1000000) {
      payload.set([0xfe, valueLength, valueLength >>> 8, valueLength >>> 16, 1, 0, 0, 0, 0]);
    } else payload.set([0xfd, length - 4, (length - 4) >>> 8, (length - 4) >>> 16]);
    return frame(payload, sequence);
  }

  for (const deprecateEof of [true, false]) {
    const capabilities = deprecateEof ? flags : Capability.PROTOCOL_41;
    const end = deprecateEof ? okEnd : eofEnd;
    const columnsEnd = deprecateEof ? new Uint8Array() : eofEnd;
    for (const length of [PAYLOAD_MAX - 1, PAYLOAD_MAX, PAYLOAD_MAX + 1, PAYLOAD_MAX * 2, 17e6]) {
      for (const chunkLength of [1 << 16, 999_983, 1 << 30]) {
        const what = `${length} bytes, ${deprecateEof ? "no EOF" : "EOF"}, by ${chunkLength}`;
        test(`a row of ${what}`, () => {
          const bytes = Buffer.concat([head, column, columnsEnd, row(length, 3), end]);
          const tracker = new ResponseTracker(capabilities, 0);
          tracker.begin(Expect.RESULT);
          for (let at = 0; at < bytes.length;) {
            expect(tracker.done).toBe(false);
            const to = Math.min(bytes.length, at + chunkLength);
            expect(tracker.feed(bytes, at, to)).toBe(to);
            at = to;
          }
          expect(tracker.done).toBe(true);
          expect(tracker.atBoundary).toBe(true);
          expect(tracker.status).toBe(ServerStatus.IN_TRANS);
        });
      }
    }
  }

  test("cut at every byte around the parts' headers", () => {
    const bytes = Buffer.concat([head, column, row(PAYLOAD_MAX * 2, 3), okEnd]);
    const firstRow = head.length + column.length;
    for (const around of [firstRow, firstRow + 4 + PAYLOAD_MAX, bytes.length - okEnd.length - 4]) {
      for (let cut = around - 6; cut < around + 34 && cut < bytes.length; cut++) {
        const tracker = new ResponseTracker(flags, 0);
        tracker.begin(Expect.RESULT);
        expect(tracker.feed(bytes, 0, cut)).toBe(cut);
        expect(tracker.done).toBe(false);
        expect(tracker.feed(bytes, cut, bytes.length)).toBe(bytes.length);
        expect(tracker.done).toBe(true);
      }
    }
  });
});

describe("ResponseTracker: single answers", () => {
  test("leaves the bytes of the next answer", () => {
    const ok = frame(encodeOk({ status: ServerStatus.IN_TRANS }, 0), 1);
    const error = frame(encodeErr({ code: 1064, sqlState: "42000", message: "no" }), 1);
    const both = Buffer.concat([ok, error]);
    const tracker = new ResponseTracker(Capability.PROTOCOL_41, 0);
    tracker.begin(expectedAnswer(Command.PING));
    expect(tracker.feed(both, 0, both.length)).toBe(ok.length);
    expect(tracker.done).toBe(true);
    tracker.begin(expectedAnswer(Command.QUERY));
    expect(tracker.feed(both, ok.length, both.length)).toBe(both.length);
    expect(tracker.errorCode).toBe(1064);
    expect(tracker.status).toBe(ServerStatus.IN_TRANS);
  });

  test("a new answer has no error of the one before", () => {
    const tracker = new ResponseTracker(Capability.PROTOCOL_41, 0);
    const error = frame(encodeErr({ code: 1064, sqlState: "42000", message: "no" }), 1);
    tracker.begin(Expect.OK);
    tracker.feed(error, 0, error.length);
    expect(tracker.errorCode).toBe(1064);
    tracker.begin(Expect.OK);
    expect(tracker.errorCode).toBe(0);
    expect(tracker.sequence).toBe(0);
  });

  test("a server that gives up before the local file ends the answer", () => {
    const tracker = new ResponseTracker(Capability.PROTOCOL_41, 0);
    tracker.begin(Expect.RESULT);
    const wish = frame(Uint8Array.of(0xfb, 0x61), 1);
    tracker.feed(wish, 0, wish.length);
    expect(tracker.wantsLocalFile).toBe(true);
    const error = frame(encodeErr({ code: 1148, sqlState: "42000", message: "no" }), 2);
    tracker.feed(error, 0, error.length);
    expect(tracker.done).toBe(true);
    expect(tracker.errorCode).toBe(1148);
  });

  test("a stream does not end", () => {
    const tracker = new ResponseTracker(Capability.PROTOCOL_41, 0);
    tracker.begin(Expect.STREAM);
    const error = frame(encodeErr({ code: 1236, sqlState: "HY000", message: "no" }), 1);
    expect(tracker.feed(error, 0, error.length)).toBe(error.length);
    expect(tracker.done).toBe(false);
  });
});

describe("ResponseTracker: damaged answers", () => {
  test("are followed to some end or not, within their bytes, and nothing is thrown", () => {
    const random = new Random(seed);
    for (const { name, conversation, answers } of cases) {
      for (let round = 0; round < 3000; round++) {
        const answer = random.pick(answers);
        const bytes = mutate(answer.bytes, random);
        const tracker = newTracker(conversation);
        tracker.begin(answer.expect);
        for (const chunk of randomChunks(bytes, random)) {
          for (let at = 0; at < chunk.length;) {
            const end = tracker.feed(chunk, at, chunk.length);
            if (end <= at || end > chunk.length) {
              throw new Error(`${name}: ${end} of ${chunk.length} in ${bytes.toString("hex")}`);
            }
            at = end;
            if (tracker.done) tracker.begin(answer.expect);
          }
        }
      }
    }
  });

  test("the same damaged answer ends at the same place in any cut", () => {
    const random = new Random(seed);
    const placesOf = (tracker: ResponseTracker, expect: number, chunks: readonly Buffer[]) => {
      const places: number[] = [];
      let before = 0;
      tracker.begin(expect);
      for (const chunk of chunks) {
        for (let at = 0; at < chunk.length;) {
          at = tracker.feed(chunk, at, chunk.length);
          if (!tracker.done) continue;
          places.push(before + at);
          tracker.begin(expect);
        }
        before += chunk.length;
      }
      return places;
    };
    for (const { name, conversation, answers } of cases) {
      for (let round = 0; round < 2000; round++) {
        const answer = random.pick(answers);
        const bytes = mutate(answer.bytes, random);
        const whole = placesOf(newTracker(conversation), answer.expect, [bytes]);
        const chunks = randomChunks(bytes, random);
        const cut = placesOf(newTracker(conversation), answer.expect, chunks);
        if (whole.join() !== cut.join()) {
          const lengths = chunks.map((chunk) => chunk.length);
          throw new Error(
            `${name}, ${answer.name}: ${whole} and ${cut} in ${
              bytes.toString("hex")
            } by ${lengths}`,
          );
        }
      }
    }
  });
});
