// PROXY headers of both versions, read from any cut and written.

import { describe, expect, test } from "bun:test";
import { decodeProxyHeader, encodeProxyHeader, ProxyHeaderError } from "../../../mod/net/mod.ts";
import { Random, testSeed } from "../../fuzz/random.ts";

const V1 = (text: string) => Buffer.from(`${text}\r\n`, "latin1");
const SIGNATURE = "0d0a0d0a000d0a515549540a";
const V2 = (hex: string) => Buffer.from(SIGNATURE + hex, "hex");

const VALID: readonly {
  readonly name: string;
  readonly bytes: Buffer;
  readonly source?: { readonly address: string; readonly port: number };
}[] = [
  {
    name: "v1 TCP4",
    bytes: V1("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443"),
    source: { address: "192.168.0.1", port: 56324 },
  },
  {
    name: "v1 TCP6",
    bytes: V1("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535"),
    source: { address: "2001:db8::1", port: 1 },
  },
  { name: "v1 UNKNOWN", bytes: V1("PROXY UNKNOWN") },
  { name: "v1 UNKNOWN with addresses", bytes: V1("PROXY UNKNOWN ffff:: ffff:: 1 2") },
  {
    name: "v1 of the greatest length",
    bytes: V1(
      "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535",
    ),
    source: { address: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", port: 65535 },
  },
  {
    name: "v2 TCP4",
    bytes: V2("2111000c" + "c0a80001" + "c0a8000b" + "dc04" + "01bb"),
    source: { address: "192.168.0.1", port: 56324 },
  },
  {
    name: "v2 TCP6",
    bytes: V2("21210024" + "20010db8000000000000000000000001".repeat(2) + "0001" + "ffff"),
    source: { address: "2001:db8:0:0:0:0:0:1", port: 1 },
  },
  {
    name: "v2 TCP4 with more fields",
    bytes: V2("21110013" + "0a000001" + "0a000002" + "0050" + "0051" + "04000401020304"),
    source: { address: "10.0.0.1", port: 80 },
  },
  { name: "v2 LOCAL", bytes: V2("20000000") },
  { name: "v2 LOCAL with an address", bytes: V2("2011000c0a0000010a00000200500051") },
  { name: "v2 unix", bytes: V2(`213100d8${"00".repeat(216)}`) },
  { name: "v2 unspecified", bytes: V2("21000000") },
];

const INVALID: readonly (readonly [name: string, bytes: Buffer])[] = [
  ["a MySQL packet", Buffer.from([0x20, 0, 0, 1, 0x85, 0xa6])],
  ["other text", Buffer.from("GET / HTTP/1.1\r\n")],
  ["v1 without a family", V1("PROXY ")],
  ["v1 of another family", V1("PROXY UDP4 1.2.3.4 1.2.3.5 1 2")],
  ["v1 without a port", V1("PROXY TCP4 1.2.3.4 1.2.3.5")],
  ["v1 with a port too great", V1("PROXY TCP4 1.2.3.4 1.2.3.5 65536 1")],
  ["v1 with a negative port", V1("PROXY TCP4 1.2.3.4 1.2.3.5 -1 1")],
  ["v1 with a port that is no number", V1("PROXY TCP4 1.2.3.4 1.2.3.5 0x x")],
  ["v1 with a name for an address", V1("PROXY TCP4 localhost 1.2.3.5 1 2")],
  ["v1 with an address of the other family", V1("PROXY TCP4 ::1 ::2 1 2")],
  ["v1 with a port in hexadecimal", V1("PROXY TCP4 1.2.3.4 1.2.3.5 0x10 2")],
  ["v1 without an end", Buffer.from(`PROXY TCP4 ${"1".repeat(200)}`)],
  ["v2 of another version", V2("1111000c" + "00".repeat(12))],
  ["v2 with another command", V2("2211000c" + "00".repeat(12))],
  ["v2 with a wrong signature", Buffer.from("0d0a0d0a000d0a515549540b2111", "hex")],
];

describe("decodeProxyHeader()", () => {
  for (const { name, bytes, source } of VALID) {
    test(`${name}, from any cut`, () => {
      const header = { length: bytes.length, ...(source ? { source } : {}) };
      for (let length = 0; length < bytes.length; length++) {
        expect(decodeProxyHeader(bytes.subarray(0, length))).toBeUndefined();
      }
      expect(decodeProxyHeader(bytes)).toEqual(header);
      expect(decodeProxyHeader(Buffer.concat([bytes, Buffer.from("more\r\n")]))).toEqual(header);
    });
  }

  for (const [name, bytes] of INVALID) {
    test(`refuses ${name}`, () => {
      expect(() => decodeProxyHeader(bytes)).toThrow(ProxyHeaderError);
    });
  }

  test("mutated headers are read, waited for or refused", () => {
    const random = new Random(testSeed("PROXY headers"));
    for (let round = 0; round < 50_000; round++) {
      const bytes = Buffer.concat([random.pick(VALID).bytes, Buffer.alloc(random.below(3), "x")]);
      for (let i = 1 + random.below(3); i > 0; i--) {
        bytes[random.below(bytes.length)] = random.below(256);
      }
      try {
        const header = decodeProxyHeader(bytes.subarray(0, random.below(bytes.length + 1)));
        if (header && header.length > bytes.length) throw new RangeError("length");
      } catch (error) {
        if (!(error instanceof ProxyHeaderError)) throw error;
      }
    }
  });
});

describe("encodeProxyHeader()", () => {
  const cases: readonly (readonly [source: string, target: string, read: string | undefined])[] = [
    ["10.1.2.3", "10.1.2.4", "10.1.2.3"],
    ["::ffff:10.1.2.3", "10.1.2.4", "10.1.2.3"],
    ["2001:db8::1", "::1", "2001:db8:0:0:0:0:0:1"],
    ["::", "1:2:3:4:5:6:7:8", "0:0:0:0:0:0:0:0"],
    ["fe80::1:2", "fe80::", "fe80:0:0:0:0:0:1:2"],
    ["10.1.2.3", "::1", undefined],
    ["", "10.1.2.3", undefined],
    ["", "", undefined],
    ["host.example", "10.1.2.3", undefined],
  ];
  for (const [source, target, read] of cases) {
    test(`${source || "a unix socket"} to ${target || "a unix socket"}`, () => {
      const bytes = encodeProxyHeader(
        { address: source, port: 1234 },
        { address: target, port: 3306 },
      );
      expect(decodeProxyHeader(bytes)).toEqual({
        length: bytes.length,
        ...(read === undefined ? {} : { source: { address: read, port: 1234 } }),
      });
    });
  }

  test("the bytes of the specification", () => {
    const bytes = encodeProxyHeader(
      { address: "192.168.0.1", port: 56324 },
      { address: "192.168.0.11", port: 443 },
    );
    expect(Buffer.from(bytes).toString("hex")).toBe(
      `${SIGNATURE}2111000cc0a80001c0a8000bdc0401bb`,
    );
  });
});
