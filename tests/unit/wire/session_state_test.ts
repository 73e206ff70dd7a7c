// Session state in OK packets, against packets recorded from both servers: what they tell a client
// with SESSION_TRACK, and what the same statements give to one without.

import { describe, expect, test } from "bun:test";
import { readRecordings, turnBytes, turnPackets } from "../../../fixtures/packets/mod.ts";
import {
  Capability,
  decodeSessionState,
  decodeStateText,
  decodeSystemVariables,
  encodeOk,
  encodeSessionState,
  encodeSystemVariables,
  frame,
  HEADER_LENGTH,
  MalformedPacketError,
  NO_TRANSACTION,
  okForClient,
  ServerStatus,
  type SessionStateEntry,
  sessionStateOf,
  StateEntry,
  transactionEntry,
  transactionStateAfter,
} from "../../../mod/wire/mod.ts";
import { statePackets } from "./state_packets.ts";

const TRACKED = Capability.PROTOCOL_41 | Capability.SESSION_TRACK;
const keepAll = (entries: readonly SessionStateEntry[]) => entries;
const keepNothing = () => [];
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

function conversation(server: string, name: string) {
  const recording = readRecordings().find((each) => each.server === server)!;
  return recording.conversations.find((each) => each.name === name)!;
}

/** The last turn of a recorded exchange. */
function answerTo(server: string, statement: string): Buffer {
  const found = conversation(server, "session state").exchanges.find(({ turns }) =>
    turnBytes(turns[0]!).includes(statement)
  );
  if (found === undefined) throw new Error(`No answer to "${statement}" was recorded`);
  return turnBytes(found.turns.at(-1)!);
}

/** What a recorded answer of one OK packet tells, in words. */
function told(server: string, statement: string): string[] {
  return sessionStateOf(answerTo(server, statement)).map(({ type, data }) =>
    type === StateEntry.SYSTEM_VARIABLES
      ? decodeSystemVariables(data).map(({ name, value }) => `${name}=${text(value)}`).join()
      : `${type} ${text(type === StateEntry.STATE_CHANGE ? data : decodeStateText(data))}`
  );
}

for (const server of ["mariadb", "mysql"] as const) {
  describe(`session state of ${server}`, () => {
    const answers = conversation(server, "session state").exchanges
      .filter(({ turns }) => turns.length > 1);

    test("what is told is read", () => {
      expect(told(server, "SET NAMES latin1")).toEqual(expect.arrayContaining([
        "character_set_client=latin1",
        "character_set_connection=latin1",
        "character_set_results=latin1",
        `${StateEntry.STATE_CHANGE} 1`,
      ]));
      expect(told(server, "SET character_set_results = NULL")).toContain("character_set_results=");
      expect(told(server, "USE other")).toContain(`${StateEntry.SCHEMA} other`);
      expect(told(server, "SET @a = 1")).toContain(`${StateEntry.STATE_CHANGE} 1`);
      expect(told(server, "\x03BEGIN")).toEqual(expect.arrayContaining([
        `${StateEntry.TRANSACTION_STATE} T_______`,
        `${StateEntry.TRANSACTION_CHARACTERISTICS} START TRANSACTION;`,
      ]));
      const [long] = told(server, "SET SESSION optimizer_switch")
        .filter((entry) => entry.startsWith("optimizer_switch="));
      expect(long!.length).toBeGreaterThan(300);
      expect(long).toContain("index_merge=off");
    });

    test("all entries kept: the packet as it came", () => {
      const packets = answers.flatMap(({ turns }) => statePackets(turnBytes(turns.at(-1)!)));
      expect(packets.length).toBeGreaterThan(25);
      for (const packet of packets) {
        const shown = okForClient(packet, {
          sessionTrack: true,
          deprecateEof: true,
          told: keepAll,
        });
        expect(Buffer.from(shown).toString("hex")).toBe(packet.toString("hex"));
      }
    });

    for (const sessionTrack of [true, false]) {
      test(`none kept, client ${sessionTrack ? "with" : "without"} SESSION_TRACK: the bytes that the server gives where it tells nothing`, () => {
        const untold = conversation(server, "session state that is not told").exchanges
          .filter(({ turns }) => turns.length > 1);
        expect(untold.length).toBe(answers.length);
        let rewritten = 0;
        for (const [i, { name, turns }] of answers.entries()) {
          // There may have been a procedure to drop or not, and statement ids go on counting.
          if (name === "procedure" || name === "prepare") continue;
          let answer = turnBytes(turns.at(-1)!);
          for (const packet of statePackets(answer)) {
            const at = answer.indexOf(packet);
            const plain = okForClient(packet, {
              sessionTrack,
              deprecateEof: true,
              told: sessionTrack ? keepNothing : keepAll,
            });
            const behind = answer.subarray(at + packet.length);
            answer = Buffer.concat([answer.subarray(0, at), plain, behind]);
            rewritten++;
          }
          const expected = untold[i]!.turns.at(-1)!;
          expect(`${name}: ${answer.toString("hex")}`).toBe(`${name}: ${expected}`);
        }
        expect(rewritten).toBeGreaterThan(25);
      });
    }

    test("rows end with an EOF packet for a client without DEPRECATE_EOF", () => {
      const rows = answerTo(server, "SELECT n FROM numbers");
      const [end] = statePackets(rows);
      const shown = okForClient(end!, {
        sessionTrack: true,
        deprecateEof: false,
        told: keepAll,
      });
      const payload = Buffer.from(shown.subarray(HEADER_LENGTH));
      const old = conversation(server, "session state with EOF packets").exchanges
        .find(({ name }) => name === "rows in a transaction")!;
      const last = turnPackets(old.turns[1]!).at(-1)!.payload;
      const flag = ServerStatus.SESSION_STATE_CHANGED;
      expect(payload.readUInt16LE(3) & flag).toBe(0);
      payload.writeUInt16LE(payload.readUInt16LE(3) | (last.readUInt16LE(3) & flag), 3);
      expect(payload.toString("hex")).toBe(last.toString("hex"));
      expect(shown[3]).toBe(end![3]!);
    });
  });
}

describe("session state", () => {
  const entries = [
    { type: StateEntry.SCHEMA, data: Buffer.from("\x04test") },
    { type: StateEntry.STATE_CHANGE, data: Buffer.from("1") },
  ];

  function packet(options: { status?: number; info?: string }): Uint8Array {
    return frame(
      encodeOk({
        affectedRows: 70_000,
        lastInsertId: 300,
        status: ServerStatus.SESSION_STATE_CHANGED | (options.status ?? 0),
        warnings: 3,
        info: Buffer.from(options.info ?? ""),
        sessionState: encodeSessionState(entries),
      }, TRACKED),
      9,
    );
  }

  test("several variables in one entry", () => {
    const variables = [
      { name: "autocommit", value: Buffer.from("ON") },
      { name: "sql_mode", value: Buffer.alloc(70_000, "x") },
      { name: "character_set_results", value: Buffer.alloc(0) },
    ];
    const decoded = decodeSystemVariables(encodeSystemVariables(variables));
    expect(decoded.map(({ name, value }) => [name, text(value)]))
      .toEqual(variables.map(({ name, value }) => [name, text(value)]));
  });

  test("some entries kept, one replaced; info, numbers and sequence id stay", () => {
    const shown = okForClient(packet({ info: "Records: 2", status: ServerStatus.IN_TRANS }), {
      sessionTrack: true,
      deprecateEof: true,
      told: (entries) =>
        entries.filter(({ type }) => type === StateEntry.SCHEMA)
          .map(({ type }) => ({ type, data: Buffer.from("\x05other") })),
    });
    const expected = encodeOk({
      affectedRows: 70_000,
      lastInsertId: 300,
      status: ServerStatus.SESSION_STATE_CHANGED | ServerStatus.IN_TRANS,
      warnings: 3,
      info: Buffer.from("Records: 2"),
      sessionState: encodeSessionState([
        { type: StateEntry.SCHEMA, data: Buffer.from("\x05other") },
      ]),
    }, TRACKED);
    expect(Buffer.from(shown)).toEqual(Buffer.from(frame(expected, 9)));
  });

  test("numbers of 64 bits pass as they are", () => {
    const numbers = Buffer.from("00feffffffffffffff7ffeffffffffffffffff", "hex");
    const payload = Buffer.concat([numbers, Buffer.from("02400000", "hex"), Buffer.from("\0\0")]);
    const shown = okForClient(frame(payload, 1), {
      sessionTrack: false,
      deprecateEof: true,
      told: keepAll,
    });
    expect(Buffer.from(shown).toString("hex"))
      .toBe(`17000001${numbers.toString("hex")}02000000`);
  });

  test("a packet that tells of no change tells a transaction's end that others were told of", () => {
    const state = packet({ info: "", status: 0 });
    expect(transactionStateAfter(state, "before")).toBe("before");
    const plain = frame(encodeOk({ info: Buffer.from("x") }, TRACKED), 1);
    const form = { sessionTrack: true, deprecateEof: true };
    const shown = okForClient(plain, { ...form, told: () => [transactionEntry(NO_TRANSACTION)] });
    expect(transactionStateAfter(Buffer.from(shown), "T___W___")).toBe(NO_TRANSACTION);
    expect(okForClient(plain, { ...form, told: () => [] })).toBe(plain);
  });

  test("the transaction's state among other entries, in whole packets and in damaged ones", () => {
    const entries = [
      { type: StateEntry.GTIDS, data: new Uint8Array(300) },
      transactionEntry("T_R_W___"),
      { type: StateEntry.SCHEMA, data: Buffer.from("\x04test") },
    ];
    const form = { sessionTrack: true, deprecateEof: true, told: () => entries };
    const whole = okForClient(frame(encodeOk({ info: Buffer.from("x") }, TRACKED), 1), form);
    expect(transactionStateAfter(whole, NO_TRANSACTION)).toBe("T_R_W___");
    for (let length = 0; length < whole.length; length++) {
      const told = transactionStateAfter(whole.subarray(0, length), NO_TRANSACTION);
      expect(["T_R_W___", NO_TRANSACTION]).toContain(told);
    }
  });

  test("a packet without a change has no entries", () => {
    expect(sessionStateOf(frame(encodeOk({ info: Buffer.from("x") }, TRACKED), 1))).toEqual([]);
  });

  test("cut off anywhere", () => {
    const block = encodeSessionState(entries);
    const ends = new Set([0, 7, block.length]);
    for (let length = 0; length < block.length; length++) {
      if (ends.has(length)) continue;
      expect(() => decodeSessionState(block.subarray(0, length))).toThrow(MalformedPacketError);
    }
    const whole = packet({ info: "abc" });
    const infoAt = whole.length - block.length - 1 - 4;
    for (let length = HEADER_LENGTH + 1; length < whole.length; length++) {
      if (length === infoAt || length === infoAt + 4) continue; // without the optional parts
      expect(() => sessionStateOf(whole.subarray(0, length))).toThrow(MalformedPacketError);
    }
  });
});
