// Flavors before servers that are not at hand: old versions with their spellings, accounts with few
// rights, strange members.

import { describe, expect, test } from "bun:test";
import {
  detectFlavor,
  type Flavor,
  flavorNamed,
  type ProbeSession,
  type Row,
} from "../../../mod/cluster/mod.ts";

const ID = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
const OTHER = "4e11fa47-71ca-11e1-9e33-c80aa9429563";

/** Answers by the beginning of a statement; an error number is an error. */
type Answers = Readonly<Record<string, readonly Row[] | number>>;

function session(answers: Answers): ProbeSession & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    address: { kind: "tcp", host: "db1", port: 3306 },
    memory: new Map(),
    asked,
    query(sql) {
      asked.push(sql);
      const key = Object.keys(answers).find((start) => sql.startsWith(start));
      const answer = key === undefined ? 1064 : answers[key]!;
      if (typeof answer !== "number") return Promise.resolve(answer);
      return Promise.reject(Object.assign(new Error(`error ${answer}`), { errno: answer }));
    },
  };
}

const FACTS: Row = {
  id: ID,
  hostname: "db1",
  port: 3306,
  report_host: null,
  report_port: 3306,
  version: "5.7.44-log",
  read_only: 1,
  super_read_only: 1,
  offline_mode: 0,
  gtid_mode: "ON",
  gtid_executed: `${ID}:1-5`,
  clock: 1_700_000_000.25,
};

describe("async", () => {
  const old: Answers = {
    "SELECT @@global.server_uuid": [FACTS],
    "SHOW SLAVE STATUS": [{
      channel_name: "",
      master_host: "db2",
      master_port: 3306,
      master_uuid: OTHER.toUpperCase(),
      slave_io_running: "Yes",
      slave_sql_running: "Yes",
      seconds_behind_master: 7,
    }],
    "SHOW SLAVE HOSTS": [{ server_id: 3, host: "db3", port: 3307, slave_uuid: OTHER }],
    // performance_schema is there, and has no commit times yet.
    "SELECT (SELECT MAX(UNIX_TIMESTAMP": 1054,
  };

  test("speaks to 5.7 with its own words", async () => {
    const async = flavorNamed("async");
    const asking = session(old);
    const findings = await async.probe(asking);
    expect(findings).toMatchObject({
      version: "5.7.44-log",
      role: "replica",
      readOnly: true,
      condition: { kind: "fine" },
      source: { address: { kind: "tcp", host: "db2", port: 3306 }, id: OTHER, connected: true },
      position: { kind: "gtid", text: `${ID}:1-5` },
      lag: { seconds: 7 },
      clockMs: 1_700_000_000_250,
      gaps: [],
    });
    expect(await async.discover(asking, findings)).toEqual([
      { address: { kind: "tcp", host: "db2", port: 3306 }, id: OTHER },
      { address: { kind: "tcp", host: "db3", port: 3307 }, id: OTHER },
    ]);
    // What it did not know is not asked again at each look.
    const before = asking.asked.length;
    await async.probe(asking);
    expect(asking.asked.slice(before)).toEqual([
      expect.stringContaining("gtid_executed"),
      "SHOW SLAVE STATUS",
    ]);
  });

  test("does with what the account may see, and says what it may not", async () => {
    const asking = session({
      "SELECT @@global.server_uuid": [{ ...FACTS, gtid_mode: "OFF" }],
      "SHOW REPLICA STATUS": 1227,
    });
    const findings = await flavorNamed("async").probe(asking);
    expect(findings).toMatchObject({
      role: "replica",
      gaps: ["status of replication: error 1227"],
    });
    expect(findings.source).toBeUndefined();
    expect(findings.position).toBeUndefined();
  });

  test("an applier that has failed, and a server that is offline", async () => {
    const failed = session({
      ...old,
      "SHOW SLAVE STATUS": [{
        master_host: "db2",
        master_port: 3306,
        slave_io_running: "Yes",
        slave_sql_running: "No",
        last_sql_error: "Duplicate entry '1'\nmore",
      }],
    });
    expect((await flavorNamed("async").probe(failed)).condition)
      .toEqual({ kind: "stopped", reason: "Duplicate entry '1'" });
    const offline = session({
      ...old,
      "SELECT @@global.server_uuid": [{ ...FACTS, offline_mode: 1 }],
    });
    expect((await flavorNamed("async").probe(offline)).condition)
      .toEqual({ kind: "out", reason: "offline_mode is on" });
  });

  test("replicas without report_host are looked for where their threads come from", async () => {
    const asking = session({
      ...old,
      "SHOW SLAVE HOSTS": [{ server_id: 3, host: "", port: 3307, slave_uuid: OTHER }],
      "SELECT host FROM information_schema.processlist": [{ host: "10.0.0.3:51234" }],
    });
    const findings = await flavorNamed("async").probe(asking);
    expect((await flavorNamed("async").discover(asking, findings))[1]).toEqual({
      address: { kind: "tcp", host: "10.0.0.3", port: 3307 },
      id: OTHER,
      certain: false,
    });
  });
});

describe("group", () => {
  const member = (id: string, state: string, role: string | undefined): Row => ({
    member_id: id,
    member_host: id === ID ? "db1" : "db2",
    member_port: 3306,
    member_state: state,
    view_id: "17951899714407320:3",
    count_transactions_remote_in_applier_queue: 4,
    ...(role === undefined ? {} : { member_role: role }),
  });
  const answers = (members: readonly Row[], more: Answers = {}): Answers => ({
    "SELECT @@global.server_uuid": [{ ...FACTS, group_name: "G", single: 1 }],
    "SELECT * FROM performance_schema.replication_group_members": members,
    "SELECT mysql_server_uuid": 1049,
    "SELECT (SELECT MAX(UNIX_TIMESTAMP": 1054,
    ...more,
  });
  const probe = (members: readonly Row[], more: Answers = {}) =>
    flavorNamed("group").probe(session(answers(members, more)));

  test("before 8.0 the primary stands in a status variable", async () => {
    const members = [member(ID, "ONLINE", undefined), member(OTHER, "ONLINE", undefined)];
    const status = (value: string): Answers => ({
      "SHOW STATUS LIKE 'group_replication_primary_member'": [{ value }],
    });
    expect(await probe(members, status(ID))).toMatchObject({
      role: "primary",
      roleWord: "PRIMARY",
      view: { number: [17951899714407320, 3], quorum: true },
      lag: { queued: 4 },
      clusterId: "g",
    });
    expect((await probe(members, status(OTHER))).role).toBe("replica");
  });

  test("without half of its members a member has no majority", async () => {
    const alone = [member(ID, "ONLINE", "PRIMARY"), member(OTHER, "UNREACHABLE", "SECONDARY")];
    expect((await probe(alone)).view?.quorum).toBe(false);
  });

  test("states of members", async () => {
    const states = ["ONLINE", "RECOVERING", "OFFLINE", "ERROR", "UNREACHABLE"];
    const kinds = [];
    for (const state of states) {
      kinds.push((await probe([member(ID, state, "SECONDARY")])).condition.kind);
    }
    expect(kinds).toEqual(["fine", "recovering", "out", "out", "out"]);
  });

  test("with several primaries every member has a rank of its own", async () => {
    const members = [member(OTHER, "ONLINE", "PRIMARY"), member(ID, "ONLINE", "PRIMARY")];
    const several = {
      "SELECT @@global.server_uuid": [{ ...FACTS, group_name: "G", single: 0 }],
    };
    expect(await probe(members, several)).toMatchObject({ role: "primary", writerRank: 0 });
  });
});

describe("detectFlavor()", () => {
  const detect = async (answers: Answers) => (await detectFlavor(session(answers))).flavor.name;

  test("takes what nothing else fits for static servers", async () => {
    const plain: Answers = {
      "SELECT @@version AS version, @@global.server_uuid": 1193,
      "SELECT @@version AS version": [{ version: "5.5.0-other" }],
    };
    expect(await detect(plain)).toBe("static");
  });

  test("a plugin that is loaded and not used makes no group", async () => {
    const answers = (closed: number): Answers => ({
      "SELECT @@version AS version, @@global.server_uuid": [{ version: "8.4.0", id: ID }],
      "SELECT @@version AS version": [{ version: "8.4.0" }],
      "SHOW GLOBAL": [],
      "SELECT @@group_replication_group_name": [{ name: "G", closed }],
      "SELECT * FROM performance_schema.replication_group_members": [],
      "SELECT @@global.server_uuid AS id": [{ id: ID }],
    });
    expect(await detect(answers(0))).toBe("async");
    expect(await detect(answers(1))).toBe("group");
  });

  test("a server that ends while it is asked is no static one", async () => {
    const dying = session({});
    dying.query = () => Promise.reject(Object.assign(new Error("gone"), { code: "ECONNRESET" }));
    await expect(detectFlavor(dying)).rejects.toThrow("gone");
  });
});

describe("waitForPosition()", () => {
  const wait = (flavor: Flavor, text: string) =>
    flavor.waitForPosition(
      flavor.name === "mariadb" ? { kind: "mariadb", text } : { kind: "gtid", text },
      1500,
    );

  test("is a statement whose value says whether it was reached", () => {
    const gtid = wait(flavorNamed("async"), `${ID}:1-5`)!;
    expect(gtid.sql).toBe(`SELECT WAIT_FOR_EXECUTED_GTID_SET('${ID}:1-5', 1.5)`);
    expect([gtid.reached(0), gtid.reached("0"), gtid.reached(1), gtid.reached(null)])
      .toEqual([true, true, false, false]);
    const domain = wait(flavorNamed("mariadb"), "0-1-5")!;
    expect(domain.sql).toBe("SELECT MASTER_GTID_WAIT('0-1-5', 1.5)");
    expect([domain.reached("0"), domain.reached("-1")]).toEqual([true, false]);
    expect(flavorNamed("static").waitForPosition({ kind: "index", value: 1 }, 1)).toBeUndefined();
    expect(flavorNamed("async").waitForPosition({ kind: "index", value: 1 }, 1)).toBeUndefined();
  });
});
