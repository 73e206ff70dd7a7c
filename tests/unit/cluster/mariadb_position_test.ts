// Positions of MariaDB's domains.

import { describe, expect, test } from "bun:test";
import { MariadbPosition, readPosition } from "../../../mod/cluster/mod.ts";

const parse = (text: string) => MariadbPosition.parse(text);

describe("MariadbPosition", () => {
  test("parse() reads domains; of several in one domain the furthest counts", () => {
    expect(parse("1-2-50,0-1-100").toString()).toBe("0-1-100,1-2-50");
    expect(parse("0-1-100,0-2-99").toString()).toBe("0-1-100");
    expect(parse("").count).toBe(0);
    for (const wrong of ["0-1", "0-1-x", "a", "0-1-9223372036854775806"]) {
      expect(() => parse(wrong)).toThrow(SyntaxError);
    }
  });

  test("contains() goes by sequence numbers, whichever server wrote", () => {
    expect(parse("0-2-10").contains(parse("0-1-9"))).toBe(true);
    expect(parse("0-1-9").contains(parse("0-2-10"))).toBe(false);
    expect(parse("0-1-9").contains(parse("0-1-9,1-1-1"))).toBe(false);
    expect(parse("0-1-9,1-1-1").contains(parse(""))).toBe(true);
  });

  test("union(), subtract() and countBeyond()", () => {
    const [a, b] = [parse("0-1-10,1-1-5"), parse("0-2-12,2-1-1")];
    expect(a.union(b).toString()).toBe("0-2-12,1-1-5,2-1-1");
    expect(a.subtract(b).toString()).toBe("1-1-5");
    expect(a.countBeyond(b)).toBe(5);
    expect(b.countBeyond(a)).toBe(3);
    expect(a.equals(parse("1-1-5,0-1-10"))).toBe(true);
  });
});

describe("readPosition()", () => {
  test("positions of different kinds contain nothing of each other", () => {
    const index = readPosition({ kind: "index", value: 5 });
    const domains = readPosition({ kind: "mariadb", text: "0-1-5" });
    expect(index.contains(domains)).toBe(false);
    expect(domains.contains(index)).toBe(false);
    expect(index.contains(readPosition({ kind: "index", value: 4 }))).toBe(true);
    expect(index.countBeyond(readPosition({ kind: "index", value: 2 }))).toBe(3);
  });
});
