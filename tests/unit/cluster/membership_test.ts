// Which servers belong together.

import { describe, expect, test } from "bun:test";
import { type Reading, readPosition } from "../../../mod/cluster/mod.ts";
import { clusterIdOf, wrongReason } from "../../../mod/cluster/membership.ts";
import { type Known, Roster } from "../../../mod/cluster/roster.ts";
import { ManualClock } from "./fake_servers.ts";

const UUIDS = ["3e11fa47-71ca-11e1-9e33-c80aa9429562", "4e11fa47-71ca-11e1-9e33-c80aa9429563"];

function roster(...servers: readonly { clusterId?: string; gtids?: string }[]) {
  const all = new Roster(new ManualClock());
  const known = servers.map(({ clusterId, gtids }, at) => {
    const added = all.add({ address: { kind: "tcp", host: `db${at}`, port: 3306 } }, "seed")!;
    const identity = { id: `id ${at}`, place: `db${at}` };
    added.reading = { identity, ...(clusterId ? { clusterId } : {}) } as Reading;
    added.position = gtids === undefined ? undefined : readPosition({ kind: "gtid", text: gtids });
    return added;
  });
  return { all, known };
}

const reason = (all: Roster, known: Known, clusterId?: string, reference?: Known) =>
  wrongReason(known, { clusterId, reference, roster: all });

describe("clusterIdOf()", () => {
  test("is that of the first seed, and stays as long as any server has it", () => {
    const { known } = roster({ clusterId: "a" }, { clusterId: "b" }, { clusterId: "b" });
    expect(clusterIdOf(known, undefined)).toBe("a");
    expect(clusterIdOf(known, "b")).toBe("b");
    expect(clusterIdOf(known, "gone")).toBe("a");
    expect(clusterIdOf([], "kept")).toBe("kept");
  });
});

describe("wrongReason()", () => {
  test("another cluster's id", () => {
    const { all, known: [one, two] } = roster({ clusterId: "a" }, { clusterId: "b" });
    expect(reason(all, one!, "a")).toBeUndefined();
    expect(reason(all, two!, "a")).toBe("is of cluster b, not of a");
  });

  test("no transaction in common with the primary, and no replication between them", () => {
    const { all, known: [primary, other, empty] } = roster(
      { gtids: `${UUIDS[0]}:1-5` },
      { gtids: `${UUIDS[1]}:1-5` },
      { gtids: "" },
    );
    expect(reason(all, other!, undefined, primary)).toBe("shares no transaction with db0:3306");
    expect(reason(all, empty!, undefined, primary)).toBeUndefined();
    // Before its first transaction a new replica has none in common either.
    const address = { kind: "tcp", host: "db0", port: 3306 } as const;
    other!.reading = { ...other!.reading!, source: { address, id: "id 0", connected: true } };
    expect(reason(all, other!, undefined, primary)).toBeUndefined();
  });
});
