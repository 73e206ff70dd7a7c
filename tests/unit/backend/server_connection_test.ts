// ServerConnection: answers go to whoever asked, the same in every cut; what sinks do meanwhile.

import { describe, expect, test } from "bun:test";
import { ServerConnection } from "../../../mod/backend/mod.ts";
import {
  Capability,
  encodeErr,
  encodeOk,
  encodeSessionState,
  Expect,
  expectedAnswer,
  frame,
  ServerStatus,
  StateEntry,
} from "../../../mod/wire/mod.ts";
import { type Exchange, readRecordings, turnBytes } from "../../../fixtures/packets/mod.ts";
import { mutate } from "../../fuzz/mutate.ts";
import { Random, randomChunks, testSeed } from "../../fuzz/random.ts";
import { MemoryStream } from "../net/memory_stream.ts";
import { statePackets } from "../wire/state_packets.ts";
import { AnswerLog, HolderLog } from "./answer_log.ts";
import { randomAnswer } from "./random_answers.ts";

const seed = testSeed("server connection");
const TRACKED = Capability.PROTOCOL_41 | Capability.SESSION_TRACK;

/** A connection on no network. */
function connect(
  options: { capabilities?: number; mariadbCapabilities?: number; stopAtState?: boolean } = {},
) {
  const stream = new MemoryStream();
  const holder = new HolderLog();
  const connection = new ServerConnection(stream, {
    facts: {
      server: "db:3306",
      threadId: 1,
      capabilities: options.capabilities ?? TRACKED | Capability.DEPRECATE_EOF,
      mariadbCapabilities: options.mariadbCapabilities ?? 0,
      kind: "test",
      secure: false,
    },
    holder,
    user: "somebody",
  });
  connection.tracker.stopAtState = options.stopAtState ?? true;
  const log = new AnswerLog();
  log.connection = connection;
  return { connection, stream, holder, log };
}

function okWithState(text: string, sequence = 1): Buffer {
  const sessionState = encodeSessionState([
    { type: StateEntry.SCHEMA, data: Buffer.from(`\x04${text}`) },
  ]);
  const status = ServerStatus.SESSION_STATE_CHANGED | ServerStatus.AUTOCOMMIT;
  return Buffer.from(frame(encodeOk({ sessionState, status }, TRACKED), sequence));
}

const OK = Buffer.from(frame(encodeOk({ affectedRows: 3 }, TRACKED), 1));

/** Pipelined answers fed in chunks: everything that was told, and how the last one ended. */
function follow(
  kind: Parameters<typeof connect>[0],
  answers: readonly { readonly expect: number }[],
  chunks: readonly Buffer[],
) {
  const { connection, holder, log } = connect(kind);
  for (const answer of answers) connection.expect(answer.expect, log);
  for (const chunk of chunks) connection.onBytes(chunk);
  return { events: log.events, facts: log.facts, unasked: holder.unasked.join(""), connection };
}

/** An exchange's answer where it is one. */
function recordedAnswer({ turns }: Exchange): { expect: number; bytes: Buffer } | undefined {
  const request = turnBytes(turns[0]!);
  if (turns.length < 2 || request.readUIntLE(0, 3) + 4 < request.length) return undefined;
  const bytes = Buffer.concat(turns.filter((_, i) => i % 2 === 1).map(turnBytes));
  const expected = expectedAnswer(request[4]!);
  return { expect: expected === Expect.UNKNOWN ? Expect.OK : expected, bytes };
}

describe("recorded answers in any cut", () => {
  for (const { server, conversations } of readRecordings()) {
    for (const conversation of conversations) {
      const answers = conversation.exchanges.map(recordedAnswer)
        .filter((answer) => answer !== undefined);
      if (answers.length === 0) continue;
      const tracks = (conversation.capabilities & Capability.SESSION_TRACK) !== 0;
      const isEofLeg = (conversation.capabilities & Capability.DEPRECATE_EOF) === 0;

      for (const stopAtState of [true, false]) {
        const kind = { ...conversation, stopAtState };
        const name = `${server}, ${conversation.name}, ${stopAtState ? "stopping" : "passing"}`;

        test(name, () => {
          const random = new Random(seed);
          for (const answer of answers) {
            const whole = follow(kind, [answer], [answer.bytes]);
            const hex = answer.bytes.toString("hex");
            expect(whole.events.at(-1)).toBe("end");
            const told = whole.events.slice(0, -1).map((event) => event.split(" ")[1]);
            expect(told.join("")).toBe(hex);
            const stops = whole.events.filter((event) => event.startsWith("ok "));
            if (!stopAtState) expect(stops).toEqual([]);
            else if (tracks && !isEofLeg) {
              expect(stops).toEqual(
                statePackets(answer.bytes).map((packet) => `ok ${packet.toString("hex")}` as const),
              );
            }
            for (let round = 0; round < 12; round++) {
              const chunks = round === 0
                ? [...answer.bytes].map((byte) => Buffer.of(byte))
                : randomChunks(answer.bytes, random);
              const cut = follow(kind, [answer], chunks);
              expect(cut.events).toEqual(whole.events);
              expect(cut.facts).toEqual(whole.facts);
            }
          }
        });
      }
    }
  }

  test("servers' EOF packets with the flag of session state are stopped at", () => {
    const { conversations } = readRecordings().find(({ server }) => server === "mariadb")!;
    const conversation = conversations.find(({ name }) =>
      name === "session state with EOF packets"
    )!;
    const rows = conversation.exchanges.find(({ name }) => name === "rows in a transaction")!;
    const answer = recordedAnswer(rows)!;
    const { events } = follow(conversation, [answer], [answer.bytes]);
    expect(events.map((event) => event.split(" ")[0])).toEqual([
      "bytes",
      "ok",
      "bytes",
      "ok",
      "end",
    ]);
    expect(events[3]).toBe("ok 05000007fe00002340");
  });
});

describe("answers made at random in any cut", () => {
  for (const capabilities of [TRACKED, TRACKED | Capability.DEPRECATE_EOF]) {
    const leg = capabilities & Capability.DEPRECATE_EOF ? "no EOF packets" : "EOF packets";

    test(`${leg}: OK packets are told apart, rows counted`, () => {
      const random = new Random(seed);
      for (let round = 0; round < 250; round++) {
        const answers = Array.from(
          { length: 1 + random.below(3) },
          () => randomAnswer(random, capabilities),
        );
        const stream = Buffer.concat(answers.map(({ bytes }) => bytes));
        const chunks = randomChunks(stream, random);
        const { events, connection } = follow({ capabilities }, answers, chunks);
        const complaint = `seed ${seed}, round ${round}`;
        expect(complaint + events.join("\n"))
          .toBe(complaint + answers.flatMap((answer) => answer.events).join("\n"));
        const last = answers.at(-1)!;
        if (connection.tracker.errorCode !== 0) continue;
        expect(connection.tracker.warnings).toBe(last.warnings);
        if (connection.tracker.sawRows || last.expect === Expect.ROWS) {
          expect(connection.tracker.rows).toBe(last.rows);
        }
        expect(connection.tracker.atBoundary).toBe(true);
      }
    });

    test(`${leg}: without stopping all pass as bytes, with the same facts`, () => {
      const random = new Random(seed + 1);
      for (let round = 0; round < 150; round++) {
        const answer = randomAnswer(random, capabilities);
        const stopping = follow({ capabilities }, [answer], randomChunks(answer.bytes, random));
        const passing = follow(
          { capabilities, stopAtState: false },
          [answer],
          randomChunks(answer.bytes, random),
        );
        expect(passing.facts).toEqual(stopping.facts);
        expect(passing.events).toEqual([`bytes ${answer.bytes.toString("hex")}`, "end"]);
      }
    });

    test(`${leg}: what is told to be in front of an OK packet is, and nothing is told otherwise`, () => {
      const random = new Random(seed + 3);
      let together = 0;
      for (let round = 0; round < 150; round++) {
        const answer = randomAnswer(random, capabilities);
        const { connection, log } = connect({ capabilities });
        let isDue = false;
        const { onAnswerBytes, onOkPacket, onAnswerEnd } = log;
        log.onAnswerBytes = (bytes) => {
          expect(isDue).toBe(false);
          onAnswerBytes.call(log, bytes);
        };
        log.onBytesBeforeOk = (bytes) => {
          log.onAnswerBytes(bytes);
          isDue = true;
        };
        log.onOkPacket = (packet) => {
          if (isDue) together++;
          isDue = false;
          onOkPacket!.call(log, packet);
        };
        log.onAnswerEnd = () => {
          expect(isDue).toBe(false);
          onAnswerEnd.call(log);
        };
        connection.expect(answer.expect, log);
        for (const chunk of randomChunks(answer.bytes, random)) connection.onBytes(chunk);
        expect(log.events).toEqual([...answer.events]);
      }
      expect(together).toBeGreaterThan(0);
    });

    test(`${leg}: damaged answers are told the same in any cut`, () => {
      const random = new Random(seed + 2);
      for (let round = 0; round < 300; round++) {
        const answer = randomAnswer(random, capabilities);
        const bytes = mutate(answer.bytes, random);
        if (bytes.length === 0) continue;
        const whole = follow({ capabilities }, [answer], [bytes]);
        const cut = follow({ capabilities }, [answer], randomChunks(bytes, random));
        // A packet that never comes whole is given up to its last byte, or kept from its first.
        const known = (events: readonly string[]) => events.slice(0, events.lastIndexOf("end") + 1);
        expect(known(cut.events)).toEqual(known(whole.events));
        expect(cut.unasked).toBe(whole.unasked);
      }
    });
  }
});

describe("a large result", () => {
  test("passes in the chunks that came, but for the few bytes that had to wait", () => {
    const random = new Random(seed);
    const row = frame(new Uint8Array(90).fill(0x61), 1);
    const rows = Buffer.concat(Array<Uint8Array>(20_000).fill(row));
    const end = okWithState("test", 9);
    end[4] = 0xfe;
    const { connection, log } = connect();
    connection.expect(Expect.ROWS, log);
    const stream = Buffer.concat([rows, end]);
    const chunks: Buffer[] = [];
    for (let at = 0; at < stream.length;) {
      const length = 60_000 + random.below(6000);
      chunks.push(Buffer.from(stream.subarray(at, at + length)));
      at += length;
    }
    for (const chunk of chunks) connection.onBytes(chunk);
    expect(log.events.at(-1)).toBe("end");
    expect(log.events.at(-2)).toBe(`ok ${end.toString("hex")}`);
    const owned = new Set<ArrayBufferLike>(chunks.map(({ buffer }) => buffer));
    const copied = log.chunks.filter(({ buffer }) => !owned.has(buffer));
    for (const { length } of copied) expect(length).toBeLessThanOrEqual(28);
    expect(copied.length).toBeLessThanOrEqual(chunks.length);
    expect(connection.tracker.rows).toBe(20_000);
  });
});

describe("packets that wait", () => {
  test("nothing of an OK packet with state is told before it is whole", () => {
    const packet = okWithState("test");
    const { connection, log } = connect();
    connection.expect(Expect.OK, log);
    for (const byte of packet.subarray(0, -1)) connection.onBytes(Buffer.of(byte));
    expect(log.events).toEqual([]);
    expect(connection.tracker.atBoundary).toBe(true); // the client may be told of a lost server
    connection.onBytes(packet.subarray(-1));
    expect(log.events).toEqual([`ok ${packet.toString("hex")}`, "end"]);
  });

  test("a sink without a method for it gets the packet as bytes, judged already", () => {
    const { connection } = connect();
    const told: string[] = [];
    connection.expect(Expect.OK, {
      onAnswerBytes: (bytes) =>
        told.push(`${Buffer.from(bytes).toString("hex")} ${connection.tracker.done}`),
      onAnswerEnd: () => told.push("end"),
      onServerLost: () => {},
    });
    const packet = okWithState("test");
    connection.onBytes(packet.subarray(0, 8));
    connection.onBytes(packet.subarray(8));
    expect(told).toEqual([`${packet.toString("hex")} true`, "end"]);
  });

  test("a server that is lost in the middle is told of, the packet's start is not", () => {
    const { connection, holder, log } = connect();
    connection.expect(Expect.OK, log);
    connection.onBytes(okWithState("test").subarray(0, 15));
    connection.onClosed("gone");
    expect(log.events).toEqual(["lost gone"]);
    expect(holder.closed).toEqual(["gone"]);
  });
});

describe("what sinks do when they are told", () => {
  const error = Buffer.from(frame(encodeErr({ code: 1927, sqlState: "70100", message: "x" }), 0));

  test("a request written at an answer's end gets the answer behind", () => {
    const { connection, stream, log } = connect();
    const first = new AnswerLog();
    first.connection = connection;
    first.onAnswerEnd = () => connection.request(Buffer.from("\x01\0\0\0\x0e"), Expect.OK, log);
    connection.expect(Expect.OK, first);
    connection.onBytes(Buffer.concat([OK, okWithState("test")]));
    expect(log.events).toEqual([`ok ${okWithState("test").toString("hex")}`, "end"]);
    expect(stream.written).toHaveLength(1);
  });

  test("at an answer's end the tracker tells of that answer, whatever else is outstanding", () => {
    const { connection, log } = connect();
    connection.expect(Expect.OK, log);
    connection.expect(Expect.RESULT, log);
    connection.expect(Expect.OK, log);
    const failed = frame(encodeErr({ code: 1064, sqlState: "42000", message: "x" }), 1);
    connection.onBytes(Buffer.concat([OK, failed, OK]));
    expect(log.facts.map((facts) => JSON.parse(facts) as Record<string, unknown>)).toMatchObject([
      { errorCode: 0, affectedRows: 3, done: true },
      { errorCode: 1064, affectedRows: 0, done: true },
      { errorCode: 0, affectedRows: 3, done: true },
    ]);
  });

  test("given away at an answer's end, what comes behind is the new holder's", () => {
    const { connection, holder, log } = connect();
    const next = new HolderLog();
    log.onAnswerEnd = () => {
      connection.holder = next;
    };
    connection.expect(Expect.OK, log);
    connection.onBytes(Buffer.concat([OK, error]));
    expect(next.unasked).toEqual([error.toString("hex")]);
    expect(holder.unasked).toEqual([]);
  });

  test("the stream given to another owner at an answer's end: so are the bytes behind", () => {
    const { connection, stream, holder, log } = connect();
    const bytes: string[] = [];
    log.onAnswerEnd = () => {
      stream.owner = {
        onBytes: (rest) => bytes.push(rest.toString("hex")),
        onDrained: () => {},
        onClosed: () => {},
      };
    };
    connection.expect(Expect.OK, log);
    connection.onBytes(Buffer.concat([OK, error]));
    expect(bytes).toEqual([error.toString("hex")]);
    expect(holder.unasked).toEqual([]);
  });

  test("who asks on one that has ended is told so, and nothing is written", () => {
    const { connection, stream, log } = connect();
    connection.onClosed("gone");
    connection.request(OK, Expect.OK, log);
    connection.request(OK, Expect.NOTHING, log);
    expect([log.events, connection.outstanding, stream.written.length]).toEqual([
      ["lost gone"],
      0,
      0,
    ]);
  });

  for (
    const [when, answer] of [
      ["at bytes", OK],
      ["at an OK packet", okWithState("test")],
      ["at the end", OK],
    ] as const
  ) {
    for (const [how, end] of [["abandoned", "abandon"], ["closed", "onClosed"]] as const) {
      test(`${how} ${when}: nothing more is told of what came`, () => {
        const { connection, holder, log } = connect();
        const leave = () => end === "abandon" ? connection.abandon() : connection.onClosed("gone");
        if (when === "at bytes") log.onAnswerBytes = leave;
        else if (when === "at an OK packet") log.onOkPacket = leave;
        else log.onAnswerEnd = leave;
        const second = new AnswerLog();
        second.connection = connection;
        connection.expect(Expect.OK, log);
        connection.expect(Expect.OK, second);
        connection.onBytes(Buffer.concat([answer, OK, error]));
        connection.onBytes(error);
        expect(second.events).toEqual([end === "abandon" ? "lost abandoned" : "lost gone"]);
        expect(holder.unasked).toEqual([]);
        expect(connection.closed).toBe(true);
      });
    }
  }
});
