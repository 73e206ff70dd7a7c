// Tables that ProxySQL sets to 0 when they are read, for tools that add up what they read.

import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ProxyProcess } from "../proxy_process.ts";
import { type RawClient, ServerError } from "./raw_client.ts";
import { kinds, loginAs, ownProxy, subject, until } from "./subjects.ts";

let proxy: ProxyProcess;
let admin: RawClient;
let stats: RawClient;
let client: RawClient;

beforeAll(async () => {
  const { server } = await subject(kinds[0]!);
  proxy = await ownProxy(server, { args: ["--admin", "127.0.0.1:0", "--http", "127.0.0.1:0"] });
  const port = await proxy.loggedPort("admin port");
  admin = await loginAs({ user: "admin", password: "" }, { port });
  stats = await loginAs({ user: "stats", password: "" }, { port });
  client = await loginAs(server.accounts.app, proxy);
});

afterAll(async () => {
  for (const each of [admin, stats, client]) each?.[Symbol.dispose]();
  await proxy?.stop();
});

async function run(text: string, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await client.query(text).catch(() => {});
}

const OURS = "digest_text LIKE '%`reset_me`%' OR digest_text LIKE '% reset_me%'";
const counted = async (table: string, by = admin) =>
  Number(await by.value(`SELECT sum(count_star) FROM ${table} WHERE ${OURS}`) ?? 0);
/** What our own table has, which goes on since the start. */
const all = async () =>
  Number(
    await admin.value(
      `SELECT sum(count) FROM digests WHERE ${OURS.replaceAll("digest_text", "text")}`,
    ),
  );

test("digests: each statement is read once, whoever reads, and our own table goes on", async () => {
  await counted("stats_mysql_query_digest_reset");
  await run("SELECT 1 AS reset_me", 5);
  await until("they are counted", async () => await all() === 5);
  // A mistake sets nothing to 0.
  const wrong = await admin.query("SELECT nothing FROM stats_mysql_query_digest_reset")
    .catch((error: unknown) => error);
  expect(wrong).toBeInstanceOf(ServerError);
  // At the same time, from both accounts: one of them gets it.
  const both = await Promise.all([
    counted("stats_mysql_query_digest_reset"),
    counted("stats_mysql_query_digest_reset", stats),
  ]);
  expect(both.toSorted()).toEqual([0, 5]);
  expect(await counted("stats_mysql_query_digest_reset")).toBe(0);
  await run("SELECT 1 AS reset_me", 3);
  await run("SELECT SLEEP(0.1) AS reset_me", 1);
  await until("these too", async () => await all() === 9);
  const [rows] = await admin.results(
    `SELECT count_star, sum_time, min_time, max_time, sum_rows_sent, first_seen, last_seen ` +
      `FROM stats.stats_mysql_query_digest_reset WHERE ${OURS} ORDER BY 1`,
  );
  const [slow, quick] = rows!.rows.map((row) => row.map(Number));
  expect([slow![0], quick![0]]).toEqual([1, 3]);
  expect([slow![4], quick![4]]).toEqual([1, 3]);
  expect(slow![1]!).toBeGreaterThan(90_000);
  expect(slow![3]!).toBeGreaterThan(90_000);
  for (const [, sum, min, max, , first, last] of [slow!, quick!]) {
    expect(min!).toBeLessThanOrEqual(max!);
    expect(max!).toBeLessThanOrEqual(sum!);
    expect(first!).toBeLessThanOrEqual(last!);
  }
  expect(await counted("stats_mysql_query_digest")).toBe(9);
  expect(await all()).toBe(9);
});

test("TRUNCATE sets the table and its twin to 0, for admin alone", async () => {
  const before = await all();
  await run("SELECT 2 AS reset_me", 2);
  await until("they are counted", async () => await all() === before + 2);
  const refused = await stats.query("TRUNCATE TABLE stats_mysql_query_digest")
    .catch((error: unknown) => (error as ServerError).code);
  expect(refused).toBe(1227);
  for (
    const text of ["TRUNCATE stats_mysql_query_digest", "TRUNCATE TABLE stats.stats_mysql_errors"]
  ) {
    await admin.query(text);
  }
  expect(await counted("stats_mysql_query_digest")).toBe(0);
  expect(await counted("stats_mysql_query_digest_reset")).toBe(0);
  expect(await admin.query("SELECT * FROM stats_mysql_errors")).toEqual([]);
  const kept = await all();
  expect(kept).toBeGreaterThan(0);
  await run("SELECT 3 AS reset_me", 1);
  await until("it is counted", async () => await all() === kept + 1);
  expect(await counted("stats_mysql_query_digest")).toBe(1);
  expect(await counted("stats_mysql_query_digest_reset")).toBe(1);
});

test("errors", async () => {
  const errors = async (table: string) =>
    await admin.query(`SELECT errno, count_star FROM ${table} WHERE errno = 1146`);
  const own = async () =>
    Number(await admin.value("SELECT count FROM errors WHERE code = 1146") ?? 0);
  await run("SELECT * FROM mysql.reset_me_nothing", 3);
  await until("they are counted", async () => await own() === 3);
  expect(await errors("stats_mysql_errors_reset")).toEqual([["1146", "3"]]);
  expect(await errors("stats_mysql_errors_reset")).toEqual([]);
  await run("SELECT * FROM mysql.reset_me_nothing", 2);
  await until("these too", async () => await own() === 5);
  expect(await errors("stats_mysql_errors_reset")).toEqual([["1146", "2"]]);
  expect(await errors("stats_mysql_errors")).toEqual([["1146", "5"]]);
});

test("connections, statements and bytes by server; /metrics goes on", async () => {
  const columns = "ConnOK, Queries, Bytes_data_recv, MaxConnUsed, ConnUsed";
  const read = async (table: string) =>
    (await admin.query(`SELECT ${columns} FROM ${table}`))[0]!.map(Number);
  const metric = async () => {
    const url = `http://127.0.0.1:${await proxy.loggedPort("HTTP port")}/metrics`;
    const lines = (await (await fetch(url)).text()).split("\n");
    const line = lines.find((each) => each.startsWith("mysqlproxy_server_received_bytes_total"));
    return Number(line!.split(" ").at(-1));
  };
  await read("stats_mysql_connection_pool_reset");
  const before = await metric();
  const [, queries] = await read("stats_mysql_connection_pool");
  await client.query("BEGIN");
  await run("SELECT REPEAT('x', 100000)", 3);
  await until(
    "they are counted",
    async () => (await read("stats_mysql_connection_pool"))[1]! >= queries! + 4,
  );
  const [, grown, bytes, most, used] = await read("stats_mysql_connection_pool_reset");
  expect([grown, most, used]).toEqual([4, 1, 1]);
  expect(bytes!).toBeGreaterThan(300_000);
  expect(bytes!).toBeLessThan(320_000);
  expect((await read("stats_mysql_connection_pool_reset")).slice(0, 3)).toEqual([0, 0, 0]);
  expect(await metric()).toBeGreaterThanOrEqual(before + bytes!);
  await client.query("ROLLBACK");
});
