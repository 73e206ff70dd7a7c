// Who the primary is, where servers do not agree.

import { describe, expect, test } from "bun:test";
import { type Reading, readPosition, type ServerState } from "../../../mod/cluster/mod.ts";
import { judge, type Witness } from "../../../mod/cluster/judge.ts";

const ASYNC = { flavor: "async", manyWriters: false } as const;
const GROUP = { flavor: "group", manyWriters: false } as const;
const UUID = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

interface Facts extends Partial<Reading> {
  readonly state?: ServerState;
  readonly doubtful?: boolean;
  readonly weight?: number;
  readonly gtids?: string;
  /** What it had at a look at 0. */
  readonly before?: string;
}

const positionOf = (gtids: string) =>
  readPosition({ kind: "gtid", text: gtids === "" ? "" : `${UUID}:${gtids}` });

function witness(
  name: string,
  { state, doubtful, weight, gtids, before, atMs = 0, ...reading }: Facts,
): Witness {
  const identity = { id: name, place: name };
  const condition = { kind: "fine" } as const;
  return {
    name,
    aliases: [],
    reading: { identity, condition, role: "primary", readOnly: false, atMs, ...reading } as Reading,
    position: gtids === undefined ? undefined : positionOf(gtids),
    trail: [
      ...(before === undefined ? [] : [{ position: positionOf(before), atMs: 0 }]),
      ...(gtids === undefined ? [] : [{ position: positionOf(gtids), atMs }]),
    ],
    doubtful: doubtful ?? false,
    state: state ?? "up",
    weight: weight ?? 1,
  };
}

const replicaOf = (name: string, source: string, facts: Facts = {}) =>
  witness(name, { role: "replica", source: sourceOf(source), ...facts });

function sourceOf(id: string, connected = true) {
  return { id, connected, address: { kind: "tcp", host: id, port: 3306 } } as const;
}

describe("judge() of asynchronous servers", () => {
  test("the only writable one is the primary; without one there is none", () => {
    const replica = replicaOf("b", "a");
    expect(judge([witness("a", {}), replica], ASYNC).primary).toBe("a");
    expect(judge([replica], ASYNC).primary).toBeUndefined();
    expect(judge([witness("a", { state: "down" }), replica], ASYNC).primary).toBeUndefined();
  });

  test("a writable replica is no second primary", () => {
    const verdict = judge([witness("b", { source: sourceOf("a") }), witness("a", {})], ASYNC);
    expect(verdict).toMatchObject({ primary: "a", rejected: ["b"] });
  });

  test("of two, the one that more servers follow wins", () => {
    const [a, b] = [witness("a", {}), witness("b", {})];
    const votes = [replicaOf("c", "b"), replicaOf("d", "b"), replicaOf("e", "a")];
    expect(judge([a, b, ...votes], ASYNC)).toMatchObject({ primary: "b", rejected: ["a"] });
  });

  test("without votes the one whose data contains the other's wins", () => {
    const [a, b] = [witness("a", { gtids: "1-10" }), witness("b", { gtids: "1-12" })];
    expect(judge([a, b], ASYNC)).toMatchObject({ primary: "b", rejected: ["a"] });
  });

  test("what one has at a later look is no more than the other may have by then", () => {
    const a = witness("a", { gtids: "1-10", atMs: 100 });
    const later = witness("b", { gtids: "1-12", atMs: 150 });
    expect(judge([a, later], ASYNC).primary).toBeUndefined();
    const same = witness("b", { before: "1-10", gtids: "1-12", atMs: 150 });
    expect(judge([a, same], ASYNC).primary).toBeUndefined();
    const more = witness("b", { before: "1-12", gtids: "1-12", atMs: 150 });
    expect(judge([a, more], ASYNC).primary).toBe("b");
  });

  test("where nothing tells, writes stop, never both", () => {
    const [a, b] = [witness("a", { gtids: "1-10:20" }), witness("b", { gtids: "1-12" })];
    const verdict = judge([a, b], ASYNC);
    expect(verdict.primary).toBeUndefined();
    expect(verdict.rejected).toEqual(["a", "b"]);
    expect(verdict.reason).toBe("a and b are writable, and nothing tells which one is right");
  });

  test("a claim that can no longer be checked loses to one that can", () => {
    const [a, b] = [witness("a", { doubtful: true }), witness("b", {})];
    expect(judge([a, b, replicaOf("c", "a"), replicaOf("d", "a")], ASYNC).primary).toBe("b");
  });

  test("of a ring of writable servers the first one is written to", () => {
    const [a, b] = [
      witness("a", { source: sourceOf("b") }),
      witness("b", { source: sourceOf("a") }),
    ];
    expect(judge([a, b], ASYNC)).toMatchObject({ primary: "a", rejected: ["b"] });
  });
});

describe("judge() of groups", () => {
  test("a primary without the majority is none", () => {
    const view = { number: [1, 3], quorum: false };
    const verdict = judge([witness("a", { view })], GROUP);
    expect(verdict.primary).toBeUndefined();
    expect(verdict.reason).toContain("majority");
  });

  test("the side with the majority wins, then the newest view", () => {
    const minority = witness("a", { view: { number: [1, 9], quorum: false } });
    const majority = witness("b", { view: { number: [1, 4], quorum: true } });
    expect(judge([minority, majority], GROUP).primary).toBe("b");
    const old = witness("a", { view: { number: [1, 3], quorum: true } });
    expect(judge([old, majority], GROUP)).toMatchObject({ primary: "b", rejected: ["a"] });
    const same = witness("c", { view: { number: [1, 4], quorum: true } });
    expect(judge([same, majority], GROUP).primary).toBeUndefined();
  });

  test("where all could write, every proxy chooses the same: by weight, then by rank", () => {
    const ranked = (name: string, writerRank: number, facts: Facts = {}) =>
      witness(name, { writerRank, view: { number: [1], quorum: true }, ...facts });
    const all = [ranked("a", 2), ranked("b", 0), ranked("c", 1)];
    expect(judge(all, GROUP)).toMatchObject({ primary: "b", rejected: ["a", "c"] });
    expect(judge([...all].reverse(), GROUP).primary).toBe("b");
    expect(judge([...all, ranked("d", 7, { weight: 2 })], GROUP).primary).toBe("d");
    const doubtful = [ranked("b", 0, { doubtful: true, state: "suspect" }), ranked("c", 1)];
    expect(judge(doubtful, GROUP).primary).toBe("b");
    const drained = [ranked("b", 0, { state: "draining" }), ranked("c", 1)];
    expect(judge(drained, GROUP).primary).toBe("c");
  });

  test("where all do write, there is nothing to decide", () => {
    const verdict = judge([witness("a", {}), witness("b", {})], {
      flavor: "tidb",
      manyWriters: true,
    });
    expect(verdict.rejected).toEqual([]);
  });
});
