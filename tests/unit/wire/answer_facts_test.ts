// What a tracker tells of an answer beside its end, against recorded answers whose content is known.

import { describe, expect, test } from "bun:test";
import { readRecordings, turnBytes } from "../../../fixtures/packets/mod.ts";
import {
  Capability,
  encodeOk,
  Expect,
  expectedAnswer,
  frame,
  ResponseTracker,
} from "../../../mod/wire/mod.ts";

/** Follows the recorded answer to a request with this text. */
function followed(server: string, conversation: string, request: string): ResponseTracker {
  const { capabilities, mariadbCapabilities, exchanges } = readRecordings()
    .find((recording) => recording.server === server)!.conversations
    .find(({ name }) => name === conversation)!;
  const { turns } = exchanges.find(({ turns }) => turnBytes(turns[0]!).includes(request))!;
  const tracker = new ResponseTracker(capabilities, mariadbCapabilities);
  tracker.begin(expectedAnswer(turnBytes(turns[0]!)[4]!));
  const answer = turnBytes(turns[1]!);
  for (let at = 0; at < answer.length; at += 7) {
    tracker.feed(answer, at, Math.min(at + 7, answer.length));
  }
  expect(tracker.done).toBe(true);
  return tracker;
}

const CONVERSATIONS = [
  "EOF packets",
  "no EOF packets",
  "session tracking with EOF packets",
  "session tracking",
];

for (const server of ["mariadb", "mysql"]) {
  for (const conversation of CONVERSATIONS) {
    describe(`${server}, ${conversation}`, () => {
      const of = (request: string) => followed(server, conversation, request);

      test("rows and columns", () => {
        expect(of("SELECT * FROM numbers")).toMatchObject({
          rows: 3,
          columnsSeen: 5,
          sawRows: true,
          warnings: 0,
        });
        expect(of("SELECT * FROM numbers WHERE n > 100"))
          .toMatchObject({ rows: 0, columnsSeen: 5, sawRows: true });
        expect(of("SELECT 1,1,1,1,1")).toMatchObject({ rows: 1, columnsSeen: 260 });
      });

      test("affected rows, insert ids and warnings", () => {
        expect(of("UPDATE numbers SET amount = 7"))
          .toMatchObject({ affectedRows: 2, sawRows: false, hasInsertId: false, insertId: 0n });
        expect(of("INSERT INTO ids VALUES (70000), (NULL)"))
          .toMatchObject({ affectedRows: 2, hasInsertId: true, insertId: 70_001n });
        expect(of("SELECT CAST('abc' AS SIGNED)")).toMatchObject({ warnings: 1, rows: 1 });
      });

      test("of several results the last one counts", () => {
        expect(of("SELECT 1; SELECT * FROM numbers; DO 0; SELECT 'end'"))
          .toMatchObject({ rows: 1, columnsSeen: 1, sawRows: true });
        expect(of("CALL results()")).toMatchObject({ sawRows: false, columnsSeen: 1 });
      });

      test("an error", () => {
        expect(of("SELEC 1")).toMatchObject({ errorCode: 1064, sawRows: false, warnings: 0 });
      });
    });
  }
}

describe("an answer's facts", () => {
  function afterOk(payload: Uint8Array): ResponseTracker {
    const tracker = new ResponseTracker(Capability.PROTOCOL_41, 0);
    const packet = frame(payload, 1);
    tracker.begin(Expect.RESULT);
    tracker.feed(packet, 0, packet.length);
    return tracker;
  }

  for (const value of [0, 1, 250, 251, 65_535, 65_536, 2 ** 24, 2 ** 31, 2 ** 32, 2 ** 53 - 1]) {
    test(`numbers of any length: ${value}`, () => {
      const tracker = afterOk(encodeOk({ affectedRows: value, lastInsertId: value }, 0));
      expect(tracker.affectedRows).toBe(value);
      expect(tracker.insertId).toBe(BigInt(value));
      expect(tracker.hasInsertId).toBe(value !== 0);
    });
  }

  test("an insert id of 64 bits", () => {
    const payload = Buffer.from("0001feffffffffffffffff02000300", "hex");
    expect(afterOk(payload)).toMatchObject({ insertId: 2n ** 64n - 1n, warnings: 3 });
  });

  test("the insert id of an earlier statement stays, the next answer begins without", () => {
    const tracker = new ResponseTracker(Capability.PROTOCOL_41, 0);
    const answer = Buffer.concat([
      frame(encodeOk({ lastInsertId: 5, affectedRows: 1, status: 8 }, 0), 1),
      frame(encodeOk({ affectedRows: 7, warnings: 2 }, 0), 2),
    ]);
    tracker.begin(Expect.RESULT);
    tracker.feed(answer, 0, answer.length);
    expect(tracker).toMatchObject({ done: true, insertId: 5n, affectedRows: 7, warnings: 2 });
    tracker.begin(Expect.RESULT);
    expect(tracker).toMatchObject({ hasInsertId: false, affectedRows: 0, warnings: 0, rows: 0 });
  });
});
