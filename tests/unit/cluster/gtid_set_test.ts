// Sets of transaction ids: what servers print is read, and the arithmetic is that of plain sets.

import { describe, expect, test } from "bun:test";
import { GtidSet } from "../../../mod/cluster/mod.ts";
import { randomNumbers, seedFromTime } from "./random.ts";

const A = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
const B = "4e11fa47-71ca-11e1-9e33-c80aa9429563";

const parse = (text: string) => GtidSet.parse(text);

describe("GtidSet.parse()", () => {
  test("reads what servers print, line breaks and upper case included", () => {
    const text = `${A.toUpperCase()}:1-5:7,\n${B}:1`;
    expect(parse(text).toString()).toBe(`${A}:1-5:7,${B}:1`);
    expect(parse("").toString()).toBe("");
    expect(parse(" , ").count).toBe(0);
    expect(parse(`${A}:1:tag`).toString()).toBe(`${A}:1`);
  });

  test("joins runs that touch or overlap, in any order", () => {
    expect(parse(`${A}:8-9:1-3:4-5:2`).toString()).toBe(`${A}:1-5:8-9`);
    expect(parse(`${A}:5,${A}:4`).toString()).toBe(`${A}:4-5`);
  });

  test("reads tags, which hold for what follows them", () => {
    const text = `${A}:1-3:blue:1-2:5:Red:7`;
    const set = parse(text);
    expect(set.toString()).toBe(`${A}:1-3:blue:1-2:5:red:7`);
    expect(set.count).toBe(7);
    expect([...set.sources].sort()).toEqual([A, `${A}:blue`, `${A}:red`]);
    expect(set.contains(parse(`${A}:blue:5`))).toBe(true);
    expect(set.contains(parse(`${A}:red:5`))).toBe(false);
  });

  test("refuses other text, and numbers that are not exact", () => {
    const wrong = [
      "x",
      `${A}:`,
      `${A}:0`,
      `${A}:-5`,
      `${A}:a-b`,
      `${A}:${"t".repeat(33)}:1`,
      `${A}:1-9223372036854775806`,
    ];
    for (const text of wrong) expect(() => parse(text)).toThrow(SyntaxError);
  });
});

describe("GtidSet arithmetic", () => {
  test("contains(), union() and subtract() over several sources", () => {
    const whole = parse(`${A}:1-10,${B}:1-5`);
    expect(whole.contains(parse(`${A}:3-4,${B}:5`))).toBe(true);
    expect(whole.contains(parse(`${A}:10-11`))).toBe(false);
    expect(whole.subtract(parse(`${A}:3-4,${B}:1-5`)).toString()).toBe(`${A}:1-2:5-10`);
    expect(parse(`${A}:1-2`).union(parse(`${B}:1,${A}:3`)).toString()).toBe(`${A}:1-3,${B}:1`);
    expect(whole.equals(parse(`${B}:1-5,${A}:1-10`))).toBe(true);
    expect(GtidSet.empty.contains(GtidSet.empty)).toBe(true);
    expect(GtidSet.empty.contains(whole)).toBe(false);
  });

  test("agrees with plain sets of numbers on random runs", () => {
    const seed = seedFromTime();
    console.log(`seed ${seed}`);
    const random = randomNumbers(seed);
    for (let round = 0; round < 2000; round++) {
      const [one, two] = [randomMembers(random), randomMembers(random)];
      const [a, b] = [parse(written(one)), parse(written(two))];
      expect(a.count).toBe(one.size);
      expect(a.contains(b)).toBe(two.isSubsetOf(one));
      expect(a.union(b).equals(parse(written(one.union(two))))).toBe(true);
      expect(a.subtract(b).toString()).toBe(parse(written(one.difference(two))).toString());
    }
  });

  test("sets of 10,000 runs are read, compared and subtracted in milliseconds", () => {
    const runs = (from: number) =>
      `${A}:${
        Array.from({ length: 10_000 }, (_, at) => `${from + at * 10}-${from + at * 10 + 5}`).join(
          ":",
        )
      }`;
    const text = runs(1);
    const started = performance.now();
    const [one, two] = [parse(text), parse(runs(3))];
    const readMs = performance.now() - started;
    expect(one.contains(one)).toBe(true);
    expect(one.subtract(two).count).toBe(20_000);
    expect(one.union(two).count).toBe(80_000);
    const allMs = performance.now() - started;
    console.log(`20,000 runs read in ${readMs.toFixed(1)} ms, all in ${allMs.toFixed(1)} ms`);
    expect(allMs).toBeLessThan(1000);
  });
});

function randomMembers(random: (below: number) => number): Set<number> {
  return new Set(Array.from({ length: random(30) }, () => 1 + random(40)));
}

/** Each member by itself, in the order of insertion. */
function written(members: ReadonlySet<number>): string {
  return members.size === 0 ? "" : `${A}:${[...members].join(":")}`;
}
