// Tables and statements of ProxySQL that few tools ask for: their columns as ProxySQL has them, and what
// is in those that have something here.

import { createConnection } from "mysql2/promise";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProxyProcess } from "../proxy_process.ts";
import type { RealServer } from "../servers/mod.ts";
import { type RawClient, refusal, ServerError } from "./raw_client.ts";
import { kinds, loginAs, ownAccount, ownProxy, subject, until } from "./subjects.ts";

const folder = mkdtempSync(join(tmpdir(), "mp-columns-"));
const file = join(folder, "proxy.toml");
let server: RealServer;
let proxy: ProxyProcess;
let admin: RawClient;
let stats: RawClient;

const FILE = `# ours
[admin]
password = "all's \\"well\\""
stats_password = 'some # thing' # for exporters
writer_hostgroup = 10
reader_hostgroup = 20
[pool]
mode = "transaction"
# password = "an old one"
`;

beforeAll(async () => {
  ({ server } = await subject(kinds[0]!));
  writeFileSync(file, FILE);
  proxy = await ownProxy(server, {
    args: [...ownAccount(server), "--admin", "127.0.0.1:0", "-c", file],
  });
  await proxy.untilLogged(/mode=synced/);
  const port = await proxy.loggedPort("admin port");
  admin = await loginAs({ user: "admin", password: 'all\'s "well"' }, { port });
  stats = await loginAs({ user: "stats", password: "some # thing" }, { port });
});

afterAll(async () => {
  for (const each of [admin, stats]) each?.[Symbol.dispose]();
  await proxy?.stop();
  rmSync(folder, { recursive: true });
});

/** As its source has them (2.7). */
const COLUMNS: Readonly<Record<string, string>> = {
  stats_mysql_free_connections:
    "fd hostgroup srv_host srv_port user schema init_connect time_zone sql_mode autocommit idle_ms " +
    "statistics mysql_info",
  stats_mysql_prepared_statements_info:
    "global_stmt_id schemaname username digest ref_count_client ref_count_server num_columns " +
    "num_params query",
  stats_mysql_gtid_executed: "hostname port gtid_executed events",
  stats_mysql_client_host_cache: "client_address error_count last_updated",
  stats_mysql_client_host_cache_reset: "client_address error_count last_updated",
  stats_proxysql_servers_metrics:
    "hostname port weight comment response_time_ms Uptime_s last_check_ms Queries " +
    "Client_Connections_connected Client_Connections_created",
  "monitor.mysql_server_group_replication_log":
    "hostname port time_start_us success_time_us viable_candidate read_only transactions_behind error",
  runtime_checksums_values: "name version epoch checksum",
  mysql_servers_ssl_params:
    "hostname port username ssl_ca ssl_cert ssl_key ssl_capath ssl_crl ssl_crlpath ssl_cipher " +
    "tls_version comment",
  runtime_mysql_servers_ssl_params:
    "hostname port username ssl_ca ssl_cert ssl_key ssl_capath ssl_crl ssl_crlpath ssl_cipher " +
    "tls_version comment",
  "stats_history.system_cpu_hour": "timestamp tms_utime tms_stime",
  "stats_history.system_memory": "timestamp allocated resident active mapped metadata retained",
  "stats_history.myhgm_connections_day":
    "timestamp MyHGM_myconnpoll_destroy MyHGM_myconnpoll_get MyHGM_myconnpoll_get_ok " +
    "MyHGM_myconnpoll_push MyHGM_myconnpoll_reset",
  "stats_history.mysql_connections":
    "timestamp Client_Connections_aborted Client_Connections_connected Client_Connections_created " +
    "Server_Connections_aborted Server_Connections_connected Server_Connections_created " +
    "ConnPool_get_conn_failure ConnPool_get_conn_immediate ConnPool_get_conn_success Questions " +
    "Slow_queries GTID_consistent_queries",
};

test("columns are ProxySQL's, in its order", async () => {
  for (const [table, columns] of Object.entries(COLUMNS)) {
    const [result] = await stats.results(`SELECT * FROM ${table}`);
    expect([table, result!.columns.join(" ")]).toEqual([table, columns]);
  }
  expect(await admin.query("SHOW TABLES FROM stats_history")).toContainEqual(["mysql_query_cache"]);
  expect(await admin.query("USE stats_history")).toEqual([]);
  await admin.query("USE main");
});

test("free connections and prepared statements; nothing is NULL", async () => {
  const { app } = server.accounts;
  const login = { host: "127.0.0.1", port: proxy.port, user: app.user, password: app.password };
  const clients = await Promise.all([createConnection(login), createConnection(login)]);
  for (const client of clients) await client.execute("SELECT ? + 40 AS prepared_here", [2]);
  const prepared = async () =>
    await stats.query(
      "SELECT username, ref_count_client, num_params, query, digest FROM " +
        "stats_mysql_prepared_statements_info WHERE query LIKE '%prepared_here%'",
    );
  await until("both are told", async () => (await prepared())[0]?.[1] === "2");
  const [row, ...others] = await prepared();
  expect(others).toEqual([]);
  expect(row!.slice(0, 4)).toEqual([app.user, "2", "1", "SELECT ? + 40 AS prepared_here"]);
  expect(row![4]).toMatch(/^0x[0-9A-F]{16}$/);
  const free = async () =>
    await stats.query(
      `SELECT * FROM stats_mysql_free_connections WHERE user = '${app.user}' AND statistics LIKE '%"prepared":1%'`,
    );
  await until("a connection is free", async () => (await free()).length > 0);
  const [connection] = await free();
  expect(connection!.slice(1, 5)).toEqual(["10", "127.0.0.1", String(server.port), app.user]);
  expect(connection).not.toContain(null);
  expect(JSON.parse(connection!.at(-1)!)).toHaveProperty("charset");
  for (const client of clients) client.destroy();
});

test("addresses that logins fail from; reading the reset lets nobody in", async () => {
  const { app } = server.accounts;
  const fail = async () =>
    expect((await refusal(loginAs({ ...app, password: "wrong" }, proxy))).code).toBe(1045);
  const hosts = async (part = "") =>
    await stats.query(
      `SELECT client_address, error_count FROM stats_mysql_client_host_cache${part}`,
    );
  await fail();
  await fail();
  await until("both are told", async () => (await hosts())[0]?.[1] === "2");
  expect(await hosts("_reset")).toEqual([["127.0.0.1", "2"]]);
  expect(await hosts("_reset")).toEqual([]);
  await fail();
  await until("so is the third", async () => (await hosts())[0]?.[1] === "3");
  expect(await hosts("_reset")).toEqual([["127.0.0.1", "1"]]);
});

test("checksums of memory, of what is in force, and of the file", async () => {
  const sum = async (statement: string) => (await admin.query(statement))[0]!;
  const inForce = async (name: string) =>
    await stats.value(`SELECT checksum FROM runtime_checksums_values WHERE name = '${name}'`);
  for (const [subject, name] of [["SERVERS", "servers"], ["VARIABLES", "variables"]] as const) {
    const memory = await sum(`CHECKSUM MYSQL ${subject}`);
    expect(await sum(`CHECKSUM MEMORY MYSQL ${subject}`)).toEqual(memory);
    expect(await inForce(`mysql_${name}`)).toBe(memory[1]!);
  }
  const before = await sum("CHECKSUM MYSQL VARIABLES");
  expect(await sum("CHECKSUM DISK MYSQL VARIABLES")).toEqual(before);
  await admin.query("SET mysql-max_connections = 77");
  const edited = await sum("CHECKSUM MEMORY MYSQL VARIABLES");
  expect(edited[1]).not.toBe(before[1]!);
  expect(await inForce("mysql_variables")).toBe(before[1]!);
  await admin.query("LOAD MYSQL VARIABLES TO RUNTIME");
  await until("it is in force", async () => await inForce("mysql_variables") === edited[1]!);
  expect(await sum("CHECKSUM DISK MYSQL VARIABLES")).toEqual(before);
  expect(await stats.value("SELECT min(version) FROM runtime_checksums_values")).toBe("2");
  expect(await sum("CHECKSUM DISK MYSQL GALERA HOSTGROUPS")).toEqual([
    "mysql_galera_hostgroups",
    `0x${"0".repeat(16)}`,
  ]);
  const unknown = await admin.query("CHECKSUM MYSQL NOTHING").catch((error: unknown) => error);
  expect((unknown as ServerError).code).toBe(1235);
});

test("SHOW PROMETHEUS METRICS, and SELECT CONFIG FILE without passwords", async () => {
  const [metrics] = await stats.results("SHOW PROMETHEUS METRICS");
  expect(metrics!.columns).toEqual(["Data"]);
  expect(metrics!.rows[0]![0]).toContain("# TYPE mysqlproxy_commands_total counter\n");
  await admin.query("CONFIG ROLLBACK"); // what the tests have changed
  expect(await admin.value("SELECT CONFIG FILE")).toBe(
    FILE.replace('"all\'s \\"well\\""', '"********"').replace("'some # thing'", '"********"')
      .replace('"an old one"', '"********"'),
  );
  const refused = await stats.query("SELECT CONFIG FILE").catch((error: unknown) => error);
  expect((refused as ServerError).code).toBe(1227);
});
