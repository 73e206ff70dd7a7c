// SWITCHOVER TO where a server fails in the middle: never two that take writes. Clusters of real
// servers are in tests/cluster/switchover_test.ts; these fail at the statement that a test says.

import { expect, test } from "bun:test";
import { formatAddress, type ServerAddress } from "../../../mod/config/mod.ts";
import {
  type ProbeConnection,
  type Row,
  Switchover,
  systemClock,
} from "../../../mod/cluster/mod.ts";
import { TOPOLOGY } from "./sample_topology.ts";

const [PRIMARY, TARGET] = ["db1:3306", "db2:3306"];

/** What a healthy server answers, by how the statement begins. */
const ANSWERS: readonly (readonly [RegExp, Row])[] = [
  [/^SHOW GRANTS/, { grants: "GRANT ALL PRIVILEGES ON *.* TO 'app'@'%'" }],
  [/^SELECT @@server_uuid/, { id: "one" }],
  [/^SELECT @@log_bin/, { bin: 1, updates: 1, gtid: "ON" }],
  [/^SELECT GTID_SUBSET/, { contained: 1 }],
  [/^SELECT WAIT_FOR/, { reached: 0 }],
  [/^SELECT @@global.gtid_executed/, { executed: "" }],
  [/slave_master_info/, { user_name: "repl", user_password: "it's" }],
];

/** Runs a switchover with statements that fail at the target. @returns What was said to whom. */
async function run(failing: readonly RegExp[], { open = 0 } = {}) {
  const said: string[] = [];
  const held: (string | undefined)[] = [];
  const events: string[] = [];
  let primary: string | null = PRIMARY!;
  const session = (address: ServerAddress): ProbeConnection => {
    const name = formatAddress(address);
    const query = (sql: string): Promise<readonly Row[]> => {
      if (name === TARGET && failing.some((each) => each.test(sql))) {
        return Promise.reject(new Error("gone"));
      }
      if (/^(?:SET|STOP|START|RESET|CHANGE)/.test(sql)) said.push(`${name} ${sql}`);
      if (name === TARGET && sql === "SET GLOBAL read_only = 0") primary = TARGET!;
      if (sql === "SHOW REPLICA STATUS") {
        const isReplica = name === TARGET || primary === TARGET;
        return Promise.resolve(isReplica ? [REPLICATES] : []);
      }
      const found = ANSWERS.find(([pattern]) => pattern.test(sql));
      return Promise.resolve(found === undefined ? [] : [found[1]]);
    };
    return {
      address,
      memory: new Map(),
      query,
      queryAll: (all) => Promise.all(all.map(query)),
      close() {},
    };
  };
  const switchover = new Switchover({
    clock: systemClock,
    settings: { drainMs: 30, replicationUser: "", replicationPassword: "" },
    topology: () => ({
      ...TOPOLOGY,
      primary,
      servers: TOPOLOGY.servers.filter(({ name }) => name === PRIMARY || name === TARGET),
    }),
    open: (address) => Promise.resolve(session(address)),
    hold: (target) => void held.push(target),
    transactionsAt: () => Promise.resolve(open),
    note: ({ kind, to = "", reason = "" }) => void events.push(`${kind} ${to}: ${reason}`),
  });
  const answer = await switchover.run({ server: TARGET!, dryRun: false });
  return { answer: answer as { message?: string }, said, held, events };
}

const REPLICATES: Row = {
  channel_name: "",
  source_uuid: "one",
  replica_io_running: "Yes",
  replica_sql_running: "Yes",
  auto_position: 1,
};

test("all goes well: the old primary is closed before the new one opens", async () => {
  const { answer, said, held } = await run([]);
  expect(answer.message).toBeUndefined();
  const closed = said.indexOf(`${PRIMARY} SET GLOBAL super_read_only = 1`);
  const opened = said.indexOf(`${TARGET} SET GLOBAL read_only = 0`);
  expect(closed).toBeGreaterThanOrEqual(0);
  expect(opened).toBeGreaterThan(closed);
  // It connects as the target did; the password is a literal, whatever is in it.
  expect(said.find((each) => each.startsWith(`${PRIMARY} CHANGE`))).toContain(
    "SOURCE_USER='repl', SOURCE_PASSWORD='it''s'",
  );
  expect(held.at(0)).toBe(TARGET);
  expect(held.at(-1)).toBeUndefined();
});

test("a target that is lost before it opens: the old primary is opened again", async () => {
  const { answer, said, held } = await run([/^STOP REPLICA/, /^START REPLICA/]);
  expect(answer.message).toMatch(/follows nobody.*could not be taken back$/);
  expect(said.at(-1)).toBe(`${PRIMARY} SET GLOBAL read_only = 0`);
  expect(held.at(-1)).toBeUndefined();
});

test("a target that fails to open and is closed again: the old primary is opened again", async () => {
  const { answer, said } = await run([/^SET GLOBAL read_only = 0/]);
  expect(answer.message).toMatch(/takes writes.*all was taken back$/);
  const closed = said.indexOf(`${TARGET} SET GLOBAL super_read_only = 1`);
  expect(closed).toBeGreaterThanOrEqual(0);
  expect(said.indexOf(`${PRIMARY} SET GLOBAL read_only = 0`)).toBeGreaterThan(closed);
});

test("a target of which nobody knows whether it opened: the old primary stays closed", async () => {
  const { answer, said, held } = await run([/^SET GLOBAL (?:super_)?read_only/]);
  expect(answer.message).toMatch(/nor what was done before, since it may take writes$/);
  expect(said).toContain(`${PRIMARY} SET GLOBAL super_read_only = 1`);
  expect(said).not.toContain(`${PRIMARY} SET GLOBAL read_only = 0`);
  expect(held.at(-1)).toBeUndefined();
});

test("transactions that do not end are waited for no longer than failover.drain, and told", async () => {
  const { answer, events } = await run([], { open: 3 });
  expect(answer.message).toBeUndefined();
  expect(events).toContain(
    "switchover-step open transactions end: 3 are still open after 30 ms, and fail",
  );
});
