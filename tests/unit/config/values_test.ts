// Durations, sizes, addresses and networks: what is read, what is refused, what is written back.

import { describe, expect, test } from "bun:test";
import {
  formatAddress,
  formatDuration,
  formatNetwork,
  formatSize,
  nearest,
  parseAddress,
  parseDuration,
  parseNetwork,
  parseSize,
} from "../../../mod/config/mod.ts";

describe("durations", () => {
  test("are read and written", () => {
    for (
      const [text, ms] of [
        ["0", 0],
        ["500ms", 500],
        ["10s", 10_000],
        ["1m30s", 90_000],
        ["8h", 28_800_000],
        ["1d1ms", 86_400_001],
      ] as const
    ) {
      expect(parseDuration(text)).toBe(ms);
      expect(formatDuration(ms)).toBe(text);
    }
    expect(parseDuration("90s")).toBe(90_000);
    expect(formatDuration(90_000)).toBe("1m30s");
  });

  test("other texts are refused", () => {
    for (const text of ["", "10", "s", "-1s", "1.5s", "10 s", "10S", "1h ", "1y", "٣s"]) {
      expect(() => parseDuration(text)).toThrow(SyntaxError);
    }
  });
});

describe("sizes", () => {
  test("are read and written", () => {
    for (
      const [text, bytes] of [
        ["0", 0],
        ["1B", 1],
        ["1000B", 1000],
        ["16KiB", 16_384],
        ["64MiB", 67_108_864],
        ["1GiB", 1_073_741_824],
      ] as const
    ) {
      expect(parseSize(text)).toBe(bytes);
      expect(formatSize(bytes)).toBe(text);
    }
    expect(parseSize("65536")).toBe(65_536);
    expect(parseSize("64 MiB")).toBe(67_108_864);
  });

  test("other texts are refused", () => {
    for (const text of ["", "MiB", "-1", "1.5MiB", "1mib", "1MB", "1 M"]) {
      expect(() => parseSize(text)).toThrow(SyntaxError);
    }
  });
});

describe("addresses", () => {
  test("are read and written", () => {
    for (
      const text of ["db1:3306", "127.0.0.1:0", "[::1]:65535", "[fe80::1%eth0]:1", "unix:/a b"]
    ) {
      expect(formatAddress(parseAddress(text, 1))).toBe(text);
    }
  });

  test("a missing port is the default, a missing host every IPv4 address", () => {
    expect(parseAddress("db1", 3306)).toEqual({ kind: "tcp", host: "db1", port: 3306 });
    expect(parseAddress("[::1]", 3306)).toEqual({ kind: "tcp", host: "::1", port: 3306 });
    expect(parseAddress(":1", 3306)).toEqual({ kind: "tcp", host: "0.0.0.0", port: 1 });
    expect(parseAddress("/run/x", 3306)).toEqual({ kind: "unix", path: "/run/x" });
  });

  test("other texts are refused", () => {
    const long = `unix:/${"x".repeat(107)}`;
    for (
      const text of [
        "",
        "::1",
        "::1:3306",
        "[::1",
        "[::1]x",
        "a:",
        "a:b",
        "a:65536",
        "a:-1",
        "a b:1",
        "mysql://a",
        "unix:",
        long,
      ]
    ) {
      expect(() => parseAddress(text, 1)).toThrow(SyntaxError);
    }
  });
});

describe("networks", () => {
  test("are read and written", () => {
    for (const text of ["10.0.0.0/8", "0.0.0.0/0", "::/0", "fd00::/8", "::1/128"]) {
      expect(formatNetwork(parseNetwork(text))).toBe(text);
    }
    expect(formatNetwork(parseNetwork("127.0.0.1"))).toBe("127.0.0.1/32");
  });

  test("other texts are refused", () => {
    for (const text of ["", "db1", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "1.2.3.4/x"]) {
      expect(() => parseNetwork(text)).toThrow(SyntaxError);
    }
  });
});

describe("nearest()", () => {
  const known = ["clients_max", "clients_per_user_max", "login_timeout", "idle_timeout", "mode"];
  test("sees typing errors and words in another order", () => {
    expect(nearest("client_max", known)).toBe("clients_max");
    expect(nearest("max_clients", known)).toBe("clients_max");
    expect(nearest("login-timeout", known)).toBe("login_timeout");
    expect(nearest("idel_timeout", known)).toBe("idle_timeout");
    expect(nearest("Mode", known)).toBe("mode");
  });

  test("does not guess wildly", () => {
    expect(nearest("zzz", known)).toBeUndefined();
    expect(nearest("", known)).toBeUndefined();
    expect(nearest("colour", known)).toBeUndefined();
  });
});
