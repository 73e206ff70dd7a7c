// What `doctor` makes of clocks, rooms and versions that no server at hand has.

import { describe, expect, test } from "bun:test";
import type { ProbeSession, Reading, TopologyServer } from "../../../mod/cluster/mod.ts";
import type { Patient } from "../../../mod/cluster/diagnosis/diagnosis.ts";
import {
  examineCapacity,
  examineClock,
  examineReach,
  examineReplication,
} from "../../../mod/cluster/diagnosis/health.ts";
import { examineConsistency, examineVersion } from "../../../mod/cluster/diagnosis/settings.ts";
import { defaultConfig } from "../../../mod/config/mod.ts";
import { TOPOLOGY } from "./sample_topology.ts";

function patient(
  over: Partial<Omit<Patient, "server">> & { readonly server?: Partial<TopologyServer> } = {},
): Patient {
  const version = over.version ?? [8, 4, 3];
  const isMariadb = over.isMariadb ?? false;
  return {
    session: {} as ProbeSession,
    variables: new Map(),
    isMariadb,
    version,
    ...over,
    server: { ...TOPOLOGY.servers[1]!, version: version.join("."), ...over.server },
  };
}

const severities = (lines: readonly { readonly severity: string }[]) =>
  lines.map(({ severity }) => severity);

describe("doctor", () => {
  test("a clock that is off is told in milliseconds", () => {
    const reading = { rttMs: 1 } as Reading;
    expect(severities(examineClock(patient(), { reading, aheadMs: 400 }))).toEqual(["ok"]);
    const [line] = examineClock(patient(), { reading, aheadMs: -90_000 });
    expect(line).toMatchObject({ severity: "warn", found: "90000 ms behind of this machine" });
    expect(examineClock(patient(), { reading, aheadMs: undefined })).toEqual([]);
  });

  test("room for connections is that of the pool, or of the clients", () => {
    const few = patient({ variables: new Map([["max_connections", "151"]]) });
    const session = {
      ...defaultConfig(),
      pool: { ...defaultConfig().pool, mode: "session" },
    } as const;
    const [line] = examineCapacity(few, session);
    expect(line?.found).toBe("max_connections is 151, limits.clients_max is 10000");
    expect(line?.remedy).toContain("SET PERSIST max_connections = 10020;");
    const shared = {
      ...defaultConfig(),
      pool: { ...defaultConfig().pool, mode: "transaction", connectionsMax: 128 },
    } as const;
    expect(severities(examineCapacity(few, shared))).toEqual(["ok"]);
  });

  test("versions that are too old or no longer maintained", () => {
    const version = (numbers: readonly [number, number, number], isMariadb = false) =>
      severities(examineVersion(patient({ version: numbers, isMariadb })));
    expect(version([5, 6, 51])).toEqual(["fail"]);
    expect(version([5, 7, 44])).toEqual(["warn"]);
    expect(version([9, 7, 0])).toEqual(["ok"]);
    expect(version([10, 4, 1], true)).toEqual(["warn"]);
    expect(version([11, 4, 2], true)).toEqual(["ok"]);
  });

  test("without GTIDs all steps to have them are told, in order", () => {
    const [line] = examineConsistency(patient({ variables: new Map([["gtid_mode", "OFF"]]) }));
    expect(line?.remedy).toBe(
      "SET PERSIST enforce_gtid_consistency = ON; SET PERSIST gtid_mode = OFF_PERMISSIVE; " +
        "SET PERSIST gtid_mode = ON_PERMISSIVE; SET PERSIST gtid_mode = ON;",
    );
    const old = patient({ version: [5, 7, 44], variables: new Map([["gtid_mode", "OFF"]]) });
    expect(examineConsistency(old)[0]?.remedy).toStartWith("SET GLOBAL enforce_gtid_consistency");
  });

  test("what kept a server from answering decides what to do", () => {
    const remedies = (["refused", "unreachable", "denied", "full", "timeout"] as const).map(
      (failure) => examineReach({ ...TOPOLOGY.servers[3]!, failure })[0]!.remedy,
    );
    expect(new Set(remedies).size).toBe(remedies.length);
    expect(severities(examineReach(TOPOLOGY.servers[0]!))).toEqual(["ok"]);
  });

  test("a replica that is late, strange, or of unknown lag", () => {
    const found = (server: Partial<TopologyServer>) =>
      severities(examineReplication(patient({ server }), defaultConfig()));
    expect(found({})).toEqual(["ok"]);
    expect(found({ state: "lagging", reason: "more than 10000 ms behind" })).toEqual(["fail"]);
    expect(found({ lagMs: null })).toEqual(["warn"]);
    expect(found({ role: "none", state: "wrong-cluster" })).toEqual(["fail"]);
    expect(found({ role: "primary" })).toEqual([]);
  });
});
