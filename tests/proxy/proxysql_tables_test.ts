// What tools for ProxySQL read: their questions, word for word as they ask them, by clients that they
// are built on.

import { createConnection, type RowDataPacket } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ProxyProcess } from "../proxy_process.ts";
import type { RealServer } from "../servers/mod.ts";
import { mysqlFolder } from "../setup/cache.ts";
import type { RawClient } from "./raw_client.ts";
import { kinds, loginAs, ownAccount, ownProxy, subject, until } from "./subjects.ts";

type Row = Readonly<Record<string, string | number | null>>;

let server: RealServer;
let proxy: ProxyProcess;
let port: number;
let client: RawClient;

beforeAll(async () => {
  ({ server } = await subject(kinds[0]!));
  proxy = await ownProxy(server, {
    args: [...ownAccount(server), "--admin", "127.0.0.1:0"],
    config: '[pool]\nmode = "transaction"\n[admin]\npassword = "all"\nstats_password = "some"\n' +
      "writer_hostgroup = 10\nreader_hostgroup = 20\n",
  });
  await proxy.untilLogged(/mode=synced/);
  port = await proxy.loggedPort("admin port");
  client = await loginAs(server.accounts.app, proxy);
  for (const text of ["SELECT 1", "SELECT 2", "BEGIN", "SELECT * FROM nowhere.nothing"]) {
    await client.query(text).catch(() => {});
  }
});

afterAll(async () => {
  client?.[Symbol.dispose]();
  await proxy?.stop();
});

/** As `stats`, by mysql2. */
async function read(text: string, values: readonly (string | number)[] = [], database?: string) {
  const login = { host: "127.0.0.1", port, user: "stats", password: "some" };
  const connection = await createConnection(
    database === undefined ? login : { ...login, database },
  );
  try {
    return (await connection.query<RowDataPacket[]>(text, [...values]))[0] as readonly Row[];
  } finally {
    connection.destroy();
  }
}

describe("exporters", () => {
  test("stats_mysql_global: every value is a number", async () => {
    const rows = await read("SELECT Variable_Name, Variable_Value FROM stats_mysql_global");
    const values = new Map(rows.map((row) => [row["Variable_Name"], row["Variable_Value"]]));
    for (const [name, value] of values) expect([name, Number(value)]).not.toEqual([name, NaN]);
    expect(Number(values.get("Client_Connections_connected"))).toBe(1);
    expect(Number(values.get("Active_Transactions"))).toBe(1);
    expect(Number(values.get("Questions"))).toBeGreaterThanOrEqual(4);
    for (const name of ["ProxySQL_Uptime", "Slow_queries", "Query_Cache_Entries"]) {
      expect(values.has(name)).toBe(true);
    }
  });

  test("stats_mysql_connection_pool: the server is there, and no column is NULL or text", async () => {
    const ask = () =>
      read("SELECT hostgroup, srv_host, srv_port, * FROM stats_mysql_connection_pool");
    await until("the server is watched, and its statements are counted", async () => {
      const [row] = await ask();
      return row?.["hostgroup"] === 10 && Number(row["Queries"]) >= 4;
    });
    const [row, ...others] = await ask();
    expect(others).toEqual([]);
    expect(row).toMatchObject({ srv_host: "127.0.0.1", srv_port: server.port, status: "ONLINE" });
    expect(row!["ConnUsed"]).toBe(1);
    expect(row!["ConnOK"] as number).toBeGreaterThan(0);
    expect(row!["Latency_us"] as number).toBeGreaterThan(0);
    await until(
      "its statements are counted",
      async () => (await ask())[0]!["Queries"] as number >= 4,
    );
    for (const [name, value] of Object.entries(row!)) {
      if (name === "srv_host" || name === "status") continue;
      expect([name, typeof value]).toEqual([name, "number"]);
    }
  });

  test("stats_mysql_processlist in groups, stats_mysql_users, stats_memory_metrics", async () => {
    const { app } = server.accounts;
    expect(
      await read(
        "SELECT COUNT(cli_host) AS connection_count, cli_host FROM stats_mysql_processlist GROUP BY cli_host",
      ),
    ).toEqual([{ connection_count: 1, cli_host: "127.0.0.1" }]);
    const [group] = await read(
      "SELECT user, db, cli_host, hostgroup, COUNT(*) AS count FROM stats_mysql_processlist GROUP BY user, db, cli_host, hostgroup",
    );
    expect(group).toMatchObject({ user: app.user, cli_host: "127.0.0.1", hostgroup: 10, count: 1 });
    expect(group!["db"]).not.toBeNull();
    const users = await read("SELECT username, frontend_connections FROM stats_mysql_users");
    expect(users).toEqual([{ username: app.user, frontend_connections: 1 }]);
    const memory = await read("SELECT Variable_Name, Variable_Value FROM stats_memory_metrics");
    expect(memory.length).toBeGreaterThan(5);
    for (const row of memory) expect(Number(row["Variable_Value"])).not.toBeNaN();
  });

  test("with the database's name before the table, and explicit columns", async () => {
    const questions = await read(
      "SELECT * FROM stats.stats_mysql_global WHERE Variable_Name = 'Questions'",
    );
    expect(questions).toHaveLength(1);
    const commands = "SELECT * FROM stats.stats_mysql_commands_counters WHERE Command = 'SELECT'";
    await until("statements are counted", async () => (await read(commands)).length === 1);
    const [row] = await read(commands);
    const counts = Object.entries(row!).filter(([name]) => name.startsWith("cnt_"));
    expect(counts.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(
      Number(row!["Total_cnt"]),
    );
    await read(
      "SELECT hostgroup, srv_host, srv_port, status, ConnUsed, ConnFree, ConnOK, ConnERR, Queries, Bytes_data_sent, Bytes_data_recv, Latency_us FROM stats.stats_mysql_connection_pool",
    );
    await read(
      "SELECT username, frontend_connections, frontend_max_connections FROM stats.stats_mysql_users",
    );
    await read("SELECT rule_id, hits FROM stats.stats_mysql_query_rules");
    const [digest] = await read(
      "SELECT * FROM stats.stats_mysql_query_digest WHERE digest_text LIKE 'SELECT ?%' ORDER BY count_star DESC",
    );
    expect(digest!["digest"]).toMatch(/^0x[0-9A-F]{16}$/);
    expect(digest!["username"]).toBe(server.accounts.app.user);
    expect(digest!["min_time"] as number).toBeLessThanOrEqual(digest!["max_time"] as number);
    const errors = await read("SELECT hostgroup, errno, count_star FROM stats_mysql_errors");
    expect(errors.length).toBeGreaterThan(0);
    expect(await read("SELECT hostname, read_only FROM monitor.mysql_server_read_only_log"))
      .toEqual([{ hostname: "127.0.0.1", read_only: 0 }]);
  });
});

test("freno: with the default database `stats` and values put into the text", async () => {
  const rows = await read(
    "SELECT srv_host, srv_port, status FROM stats_mysql_connection_pool WHERE hostgroup = ?",
    [10],
    "stats",
  );
  expect(rows).toEqual([{ srv_host: "127.0.0.1", srv_port: server.port, status: "ONLINE" }]);
});

test("the configuration: servers, users, rules, hostgroups, variables", async () => {
  const servers = await read(
    "SELECT hostgroup_id, hostname, port, status, weight FROM runtime_mysql_servers ORDER BY hostgroup_id, hostname, port",
  );
  const own = { hostgroup_id: 10, hostname: "127.0.0.1", port: server.port };
  expect(servers).toEqual([{ ...own, status: "ONLINE", weight: 1 }]);
  expect(await read("SELECT hostgroup_id, hostname, port FROM main.mysql_servers")).toEqual([own]);
  expect(
    await read("SELECT count(*) AS host_count FROM mysql_servers WHERE hostname = '127.0.0.1'"),
  )
    .toEqual([{ host_count: 1 }]);
  expect(await read("SELECT * FROM mysql_replication_hostgroups")).toMatchObject([
    { writer_hostgroup: 10, reader_hostgroup: 20 },
  ]);
  expect(await read("SELECT * FROM mysql_users")).toEqual([]);
  expect(await read("SELECT * FROM runtime_mysql_query_rules")).toEqual([]);
  expect(await read("SELECT hostname, port FROM proxysql_servers")).toEqual([]);
  expect(await read("SELECT writer_hostgroup FROM runtime_mysql_galera_hostgroups")).toEqual([]);
  expect(
    await read(
      "SELECT variable_value FROM global_variables WHERE variable_name = 'mysql-max_connections'",
    ),
  ).toEqual([{ variable_value: "10000" }]);
});

describe("clients", () => {
  for (const [name, program] of [["mariadb", "mariadb"], ["mysql", `${mysqlFolder()}/bin/mysql`]]) {
    test(`the command line client ${name}, with its look at all tables`, async () => {
      const login = ["-h", "127.0.0.1", "-P", String(port), "-ustats", "-psome", "-D", "stats"];
      const text = "SHOW TABLES LIKE 'stats_mysql_glo%'; SHOW DATABASES; " +
        "SELECT srv_port FROM stats_mysql_connection_pool";
      const child = Bun.spawn([program!, ...login, "--auto-rehash", "-N", "-e", text], {
        stdout: "pipe",
        stderr: "pipe",
      });
      const output = await new Response(child.stdout).text();
      expect([await child.exited, output]).toEqual([
        0,
        `stats_mysql_global\nmain\ndisk\nstats\nmonitor\nstats_history\n${server.port}\n`,
      ]);
    });
  }

  test("PyMySQL", async () => {
    const program = [
      "import pymysql",
      `c = pymysql.connect(host='127.0.0.1', port=${port}, user='stats', password='some', database='stats', autocommit=True)`,
      "k = c.cursor(pymysql.cursors.DictCursor)",
      "k.execute('SELECT COUNT(*) AS x_count FROM main.mysql_servers WHERE hostgroup_id = %s AND hostname = %s', (10, '127.0.0.1'))",
      "print(k.fetchone()['x_count'])",
      "k.execute('SELECT * FROM stats_mysql_processlist')",
      "print(k.fetchone()['cli_host'])",
    ].join("\n");
    const child = Bun.spawn(["/usr/bin/python3", "-c", program], { stdout: "pipe" });
    expect(await new Response(child.stdout).text()).toBe("1\n127.0.0.1\n");
  });
});

test("what drivers ask before anything else", async () => {
  const rows = async (text: string) => (await read(text)).map((row) => Object.values(row));
  expect((await rows("select @@version_comment limit 1"))[0]![0]).toStartWith("mysqlproxy");
  expect((await rows("SELECT concat(@@version,' ',@@version_comment)"))[0]![0]).toContain(" mysql");
  // Ansible's modules read numbers up to the hyphen, and these columns by their names.
  const [version] = await read("select version();");
  expect(version!["version()"]).toMatch(/^2\.\d+\.\d+-mysqlproxy-\d+\.\d+\.\d+$/);
  expect(await rows("SELECT @@version")).toEqual([Object.values(version!)]);
  expect(
    await rows(
      "SELECT variable_value FROM global_variables WHERE variable_name = 'admin-version'",
    ),
  ).toEqual([Object.values(version!)]);
  const tables = (await read("show tables")).map((row) => row["tables"]);
  expect(tables).toContain("mysql_servers");
  for (const table of tables) await read(`select * from ${table}`);
  expect(await rows("SELECT DATABASE() AS name")).toEqual([["main"]]);
  expect((await rows("SELECT user(), current_user()"))[0]).toHaveLength(2);
  expect(await rows("SELECT @@max_allowed_packet")).toHaveLength(1);
  expect(await rows("SELECT TIMEDIFF(NOW(), UTC_TIMESTAMP())")).toEqual([["00:00:00"]]);
  expect(
    await rows(
      "SELECT @@max_allowed_packet,@@character_set_client,@@character_set_connection,@@license,@@sql_mode,@@lower_case_table_names",
    ),
  ).toHaveLength(1);
  expect(await rows("SHOW VARIABLES WHERE Variable_name IN ('sql_mode', 'license')"))
    .toHaveLength(2);
  const settings = [
    "SET NAMES utf8mb4",
    "SET AUTOCOMMIT = 1",
    "SET SQL_AUTO_IS_NULL = 0",
    "SET SQL_SAFE_UPDATES = 1",
    "SET character_set_results = NULL",
  ];
  for (const text of settings) await read(text);
});
