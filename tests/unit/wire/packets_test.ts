// Packets decoded and encoded against the bytes of real servers.

import { describe, expect, test } from "bun:test";
import {
  type Conversation,
  readRecordings,
  turnBytes,
  turnPackets,
} from "../../../fixtures/packets/mod.ts";
import {
  AuthPacket,
  Capability,
  Command,
  decodeAuthSwitch,
  decodeChangeUser,
  decodeColumnDefinition,
  decodeErr,
  decodeGreeting,
  decodeHandshakeResponse,
  decodeOk,
  encodeAuthMoreData,
  encodeAuthSwitch,
  encodeChangeUser,
  encodeColumnDefinition,
  encodeColumnShape,
  encodeEarlyErr,
  encodeEof,
  encodeErr,
  encodeGreeting,
  encodeHandshakeResponse,
  encodeOk,
  encodeSslRequest,
  Expect,
  expectedAnswer,
  frame,
  isSslRequest,
  MalformedPacketError,
  MariadbCapability,
  PacketReader,
  PacketWriter,
  ServerStatus,
  SSL_REQUEST_LENGTH,
} from "../../../mod/wire/mod.ts";

const recordings = readRecordings();
const conversations = recordings.flatMap(({ server, conversations }) =>
  conversations.map((conversation) => ({ server, conversation }))
);

function payloadOf(turn: string): Buffer {
  return turnPackets(turn)[0]!.payload;
}

/** All packets servers sent behind logins that match. */
function serverPackets(
  wanted: (payload: Buffer, conversation: Conversation) => boolean,
): { payload: Buffer; conversation: Conversation; name: string }[] {
  return conversations.flatMap(({ conversation }) =>
    conversation.exchanges.flatMap(({ name, turns }) =>
      turns.filter((_, i) => i % 2 === 1).flatMap(turnPackets)
        .filter(({ payload }) => wanted(payload, conversation))
        .map(({ payload }) => ({ payload, conversation, name }))
    )
  );
}

/** The same bytes, or a message with both in hexadecimal. */
function expectBytes(encoded: Uint8Array, recorded: Uint8Array): void {
  expect(Buffer.from(encoded).toString("hex")).toBe(Buffer.from(recorded).toString("hex"));
}

describe("greeting", () => {
  test("of both servers", () => {
    for (const { server, conversation } of conversations) {
      const payload = payloadOf(conversation.login[0]!);
      const greeting = decodeGreeting(payload);
      expectBytes(encodeGreeting(greeting), payload);
      expect(greeting.salt.length).toBe(20);
      expect(greeting.salt.includes(0)).toBe(false);
      expect(greeting.status & ServerStatus.AUTOCOMMIT).toBe(ServerStatus.AUTOCOMMIT);
      if (server === "mariadb") {
        expect(greeting.serverVersion).toMatch(/^10\.11\.\d+-MariaDB/);
        expect(greeting.authPlugin).toBe("mysql_native_password");
        expect(greeting.mariadbCapabilities & MariadbCapability.STMT_BULK_OPERATIONS).not.toBe(0);
      } else {
        expect(greeting.serverVersion).toMatch(/^9\.7\.\d+/);
        expect(greeting.authPlugin).toBe("caching_sha2_password");
        expect(greeting.mariadbCapabilities).toBe(0);
        expect(greeting.capabilities & Capability.QUERY_ATTRIBUTES).not.toBe(0);
      }
    }
  });

  test("cut off anywhere", () => {
    for (const recording of recordings) {
      const payload = payloadOf(recording.conversations[0]!.login[0]!);
      const { authPlugin } = decodeGreeting(payload);
      for (let length = 0; length < payload.length - authPlugin.length - 1; length++) {
        expect(() => decodeGreeting(payload.subarray(0, length))).toThrow(MalformedPacketError);
      }
    }
  });

  test("of another protocol version", () => {
    expect(() => decodeGreeting(Buffer.from("\x095.0.0\0", "latin1"))).toThrow(
      "Server speaks protocol version 9, not 10",
    );
  });
});

describe("handshake response", () => {
  test("as sent to both servers", () => {
    for (const { conversation } of conversations) {
      const payload = payloadOf(conversation.login[1]!);
      const response = decodeHandshakeResponse(payload);
      expect(response.capabilities).toBe(conversation.capabilities);
      expect(response.mariadbCapabilities).toBe(conversation.mariadbCapabilities);
      expect(Buffer.from(response.attributes).toString("latin1")).toBe(
        "\x0c_client_name\x08recorder",
      );
      expectBytes(encodeHandshakeResponse(response), payload);
    }
  });

  const base = {
    mariadbCapabilities: 0,
    packetMax: 1 << 24,
    collation: 255,
    user: Buffer.from("us\xe9r", "latin1"),
    authResponse: Buffer.from("0123456789"),
    database: Buffer.from("db"),
    authPlugin: "mysql_native_password",
    attributes: Buffer.from("\x01a\x01b", "latin1"),
    zstdLevel: 7,
  };
  const optional = [
    "SECURE_CONNECTION",
    "PLUGIN_AUTH_LENENC",
    "CONNECT_WITH_DB",
    "PLUGIN_AUTH",
    "CONNECT_ATTRS",
    "ZSTD_COMPRESSION",
  ] as const;

  test("with every set of optional parts", () => {
    for (let set = 0; set < 1 << optional.length; set++) {
      const capabilities = optional.reduce(
        (all, name, i) => set & (1 << i) ? all | Capability[name] : all,
        Capability.PROTOCOL_41 | Capability.LONG_PASSWORD,
      );
      const decoded = decodeHandshakeResponse(encodeHandshakeResponse({ ...base, capabilities }));
      const has = (flag: number) => (capabilities & flag) !== 0;
      expect(decoded).toEqual({
        ...base,
        capabilities,
        database: has(Capability.CONNECT_WITH_DB) ? base.database : Buffer.alloc(0),
        authPlugin: has(Capability.PLUGIN_AUTH) ? base.authPlugin : "",
        attributes: has(Capability.CONNECT_ATTRS) ? base.attributes : Buffer.alloc(0),
        zstdLevel: has(Capability.ZSTD_COMPRESSION) ? base.zstdLevel : 0,
      });
    }
  });

  test("cut off in its fixed part", () => {
    const payload = payloadOf(conversations[0]!.conversation.login[1]!);
    for (let length = 0; length < SSL_REQUEST_LENGTH; length++) {
      expect(() => decodeHandshakeResponse(payload.subarray(0, length)))
        .toThrow(MalformedPacketError);
    }
  });

  test("of a client from before 4.1", () => {
    const payload = Buffer.from("\x05\x00\x00\x00\x01root\0", "latin1");
    expect(() => decodeHandshakeResponse(payload)).toThrow(
      "Client does not speak the 4.1 protocol",
    );
  });

  test("SSLRequest", () => {
    const capabilities = Capability.PROTOCOL_41 | Capability.SSL;
    const request = encodeSslRequest({ ...base, capabilities });
    expect(request.length).toBe(SSL_REQUEST_LENGTH);
    expect(isSslRequest(request)).toBe(true);
    const plain = encodeSslRequest({ ...base, capabilities: Capability.PROTOCOL_41 });
    expect(isSslRequest(plain)).toBe(false);
    for (const { conversation } of conversations) {
      expect(isSslRequest(payloadOf(conversation.login[1]!))).toBe(false);
    }
  });
});

describe("authentication", () => {
  const turns = conversations.flatMap(({ conversation }) =>
    conversation.login.filter((turn, i) => i % 2 === 0 && i > 0 && turn !== "").map(payloadOf)
  );

  test("switches", () => {
    const switches = turns.filter((payload) => payload[0] === AuthPacket.SWITCH);
    const plugins = new Set<string>();
    for (const payload of switches) {
      const request = decodeAuthSwitch(payload);
      plugins.add(request.plugin);
      expectBytes(encodeAuthSwitch(request), payload);
      expect(request.data.length).toBe(21);
      expect(request.data[20]).toBe(0);
    }
    expect([...plugins].sort()).toEqual([
      "caching_sha2_password",
      "mysql_native_password",
      "sha256_password",
    ]);
  });

  test("more data: fast success, full authentication, a public key", () => {
    const more = turns.filter((payload) => payload[0] === AuthPacket.MORE_DATA);
    for (const payload of more) expectBytes(encodeAuthMoreData(payload.subarray(1)), payload);
    const contents = more.map((payload) => payload.subarray(1).toString("latin1"));
    expect(contents).toContain("\x03");
    expect(contents).toContain("\x04");
    expect(contents.some((content) => content.startsWith("-----BEGIN PUBLIC KEY-----"))).toBe(true);
  });

  test("the switch of servers from before 4.1 has no name", () => {
    const request = decodeAuthSwitch(Uint8Array.of(0xfe));
    expect(request.plugin).toBe("mysql_old_password");
    expect(request.data.length).toBe(0);
  });

  test("logins end with OK or the right error", () => {
    for (const { conversation } of conversations) {
      const last = payloadOf(conversation.login.at(-1)!);
      if (/wrong|unknown account/.test(conversation.name)) {
        expect(decodeErr(last)).toMatchObject({ code: 1045, sqlState: "28000" });
      } else if (conversation.name === "unknown database") {
        expect(decodeErr(last)).toMatchObject({ code: 1049, sqlState: "42000" });
      } else expect(last[0]).toBe(AuthPacket.OK);
    }
  });
});

/** The answer's first packet is OK if it starts with 0. */
function answersWithOk(request: string): boolean {
  const expected = expectedAnswer(payloadOf(request)[0]!);
  return expected === Expect.OK || expected === Expect.RESULT;
}

describe("OK, ERR and EOF", () => {
  test("OK of every kind", () => {
    const oks = conversations.flatMap(({ conversation }) =>
      conversation.exchanges
        .filter(({ turns }) => turns.length > 1 && answersWithOk(turns[0]!))
        .map(({ turns }) => ({ conversation, payload: payloadOf(turns[1]!) }))
        .filter(({ payload }) => payload[0] === 0)
    );
    expect(oks.length).toBeGreaterThan(200);
    for (const { payload, conversation } of oks) {
      const ok = decodeOk(payload, conversation.capabilities);
      expectBytes(encodeOk(ok, conversation.capabilities), payload);
    }
    const decoded = oks.map((it) => decodeOk(it.payload, it.conversation.capabilities));
    expect(decoded.some((ok) => ok.lastInsertId === 70_001)).toBe(true);
    expect(decoded.some((ok) => ok.affectedRows === 2)).toBe(true);
    expect(decoded.some((ok) => ok.sessionState.length > 0)).toBe(true);
    expect(decoded.some((ok) => Buffer.from(ok.info).toString().startsWith("Rows matched: 2")))
      .toBe(true);
    expect(decoded.some((ok) => ok.status & ServerStatus.IN_TRANS)).toBe(true);
  });

  test("ERR", () => {
    const errors = serverPackets((payload) =>
      payload[0] === 0xff && payload.readUInt16LE(1) !== 0xffff
    );
    expect(errors.length).toBeGreaterThan(50);
    for (const { payload } of errors) expectBytes(encodeErr(decodeErr(payload)), payload);
    const codes = new Set(errors.map(({ payload }) => decodeErr(payload).code));
    for (const code of [1047, 1049, 1062, 1064, 1094, 1146, 1243, 1644, 1690]) {
      expect(codes).toContain(code);
    }
  });

  test("an early ERR has no SQLSTATE", () => {
    const payload = encodeEarlyErr({ code: 1040, sqlState: "08004", message: "Too many" });
    expectBytes(payload, Buffer.from("\xff\x10\x04Too many", "latin1"));
    expect(decodeErr(payload)).toEqual({ code: 1040, sqlState: "HY000", message: "Too many" });
  });

  test("EOF", () => {
    const eofs = serverPackets((payload) => payload[0] === 0xfe && payload.length === 5);
    expect(eofs.length).toBeGreaterThan(50);
    for (const { payload } of eofs) {
      const eof = { warnings: payload.readUInt16LE(1), status: payload.readUInt16LE(3) };
      expectBytes(encodeEof(eof), payload);
    }
  });

  test("cut off anywhere", () => {
    const ok = Buffer.from("\0\xfc\x01\x01\xfd\x01\x02\x03\x02\0\0\0", "latin1");
    for (let length = 1; length < ok.length; length++) {
      expect(() => decodeOk(ok.subarray(0, length), 0)).toThrow(MalformedPacketError);
    }
    expect(() => decodeErr(Uint8Array.of(0xff, 1))).toThrow(MalformedPacketError);
  });
});

describe("column definitions", () => {
  test("of both servers, with extended metadata too", () => {
    const definitions = serverPackets((payload) =>
      payload.subarray(0, 4).toString("latin1") === "\x03def"
    );
    expect(definitions.length).toBeGreaterThan(1000);
    for (const { payload } of definitions) {
      const column = decodeColumnDefinition(payload);
      expectBytes(encodeColumnDefinition(column), payload);
    }
    const names = definitions.map(({ payload }) =>
      Buffer.from(decodeColumnDefinition(payload).name).toString()
    );
    for (const name of ["1", "n", "word", "amount", "JSON_ARRAY(1)"]) {
      expect(names).toContain(name);
    }
  });

  test("the fixed part", () => {
    const [one] = serverPackets((payload) =>
      payload.subarray(0, 4).toString("latin1") === "\x03def"
    )
      .filter(({ name }) => name === "one row");
    const { tail } = decodeColumnDefinition(one!.payload);
    const shape = encodeColumnShape({ collation: 63, length: 1, type: 3, flags: 129, decimals: 0 });
    expectBytes(tail, shape);
  });

  test("cut off anywhere in the names", () => {
    const [one] = serverPackets((payload) =>
      payload.subarray(0, 4).toString("latin1") === "\x03def"
    );
    const { tail } = decodeColumnDefinition(one!.payload);
    for (let length = 0; length < one!.payload.length - tail.length; length++) {
      expect(() => decodeColumnDefinition(one!.payload.subarray(0, length)))
        .toThrow(MalformedPacketError);
    }
  });
});

describe("COM_CHANGE_USER", () => {
  const request = {
    user: Buffer.from("app"),
    authResponse: Buffer.from("12345678901234567890"),
    database: Buffer.from("test"),
    collation: 45,
    authPlugin: "mysql_native_password",
    attributes: Buffer.from("\x01a\x01b", "latin1"),
  };

  test("with all parts", () => {
    const all = Capability.SECURE_CONNECTION | Capability.PLUGIN_AUTH | Capability.CONNECT_ATTRS;
    const payload = encodeChangeUser(request, all);
    expect(payload[0]).toBe(Command.CHANGE_USER);
    expect(decodeChangeUser(payload, all)).toEqual(request);
    expectBytes(
      payload,
      Buffer.from(
        "\x11app\0\x1412345678901234567890test\0\x2d\0mysql_native_password\0\x04\x01a\x01b",
        "latin1",
      ),
    );
  });

  test("short forms", () => {
    const payload = Buffer.from("\x11app\0\0test\0", "latin1");
    expect(decodeChangeUser(payload, Capability.SECURE_CONNECTION | Capability.PLUGIN_AUTH))
      .toEqual({
        user: Buffer.from("app"),
        authResponse: Buffer.alloc(0),
        database: Buffer.from("test"),
        collation: 0,
        authPlugin: "",
        attributes: Buffer.alloc(0),
      });
  });

  test("an auth response longer than the packet", () => {
    const payload = Buffer.from("\x11app\0\xfftest\0", "latin1");
    expect(() => decodeChangeUser(payload, Capability.SECURE_CONNECTION))
      .toThrow(MalformedPacketError);
  });
});

describe("integers and strings", () => {
  test("length-encoded integers", () => {
    for (
      const [value, hex] of [
        [0, "00"],
        [250, "fa"],
        [251, "fcfb00"],
        [65_535, "fcffff"],
        [65_536, "fd000001"],
        [0xffffff, "fdffffff"],
        [0x1000000, "fe0000000100000000"],
        [2 ** 40 + 5, "fe0500000000010000"],
        [2 ** 53 - 1, "feffffffffffff1f00"],
      ] as const
    ) {
      const bytes = new PacketWriter(1).lenenc(value).done();
      expect(Buffer.from(bytes).toString("hex")).toBe(hex);
      expect(new PacketReader(bytes).lenenc()).toBe(value);
    }
    for (const first of [0xfb, 0xff]) {
      expect(() => new PacketReader(Uint8Array.of(first)).lenenc()).toThrow(MalformedPacketError);
    }
  });

  test("fixed integers", () => {
    const bytes = new PacketWriter(1).u8(0x1ff).u16(0x8001).u24(0x800001).u32(0x80000001)
      .u64(2 ** 52 + 1).done();
    const reader = new PacketReader(bytes);
    expect([reader.u8(), reader.u16(), reader.u24(), reader.u32()])
      .toEqual([0xff, 0x8001, 0x800001, 0x80000001]);
    expect([reader.u32(), reader.u32(), reader.remaining]).toEqual([1, 1 << 20, 0]);
    expect(() => reader.u8()).toThrow("Packet ends too early: 1 bytes wanted, 0 left");
  });

  test("a reader does not leave its part of the bytes", () => {
    const reader = new PacketReader(Buffer.from("ab\0cd"), 1, 4);
    expect(Buffer.from(reader.untilNul()).toString()).toBe("b");
    expect(Buffer.from(reader.untilNul()).toString()).toBe("c");
    expect(reader.remaining).toBe(0);
    expect(() => reader.view(1)).toThrow(MalformedPacketError);
    expect(() => reader.skip(-1)).toThrow(MalformedPacketError);
  });

  test("a huge length does not wrap", () => {
    const bytes = Buffer.from("fe" + "ff".repeat(8) + "00", "hex");
    expect(() => new PacketReader(bytes).lenencView()).toThrow(MalformedPacketError);
  });
});

describe("commands", () => {
  test("what was recorded without an answer is expected to have none, and the rest to have one", () => {
    for (const { conversation } of conversations) {
      for (const { turns } of conversation.exchanges) {
        const command = turnBytes(turns[0]!)[4]!;
        expect(expectedAnswer(command) === Expect.NOTHING).toBe(turns.length === 1);
      }
    }
  });

  test("frames are those that were recorded", () => {
    for (const { conversation } of conversations) {
      for (const { turns } of conversation.exchanges) {
        for (const turn of turns) {
          const packets = turnPackets(turn);
          expectBytes(
            Buffer.concat(packets.map(({ payload, sequence }) => frame(payload, sequence))),
            turnBytes(turn),
          );
        }
      }
    }
  });
});
