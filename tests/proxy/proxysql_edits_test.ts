// Writing to the configuration by ProxySQL's statements: edits, LOAD, SAVE, and what is refused.

import { createHash } from "node:crypto";
import { createConnection, type ResultSetHeader, type RowDataPacket } from "mysql2/promise";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ProxyProcess, startProxy } from "../proxy_process.ts";
import { type RawClient, refusal, ServerError } from "./raw_client.ts";
import { kinds, loginAs, subject } from "./subjects.ts";

const FILE = `# the proxy of the tests
[auth]
mode = "static" # accounts of this file

[limits]
clients_max = 100 # few

# the application
[[user]]
name = "app" # as on the server
password = "app"
`;

let folder: string;
let file: string;
let proxy: ProxyProcess;
let admin: RawClient;

beforeAll(async () => {
  const { server } = await subject(kinds[0]!);
  folder = mkdtempSync(join(tmpdir(), "mp-edits-"));
  file = join(folder, "proxy.toml");
  writeFileSync(file, FILE, { mode: 0o640 });
  proxy = await startProxy({
    backends: [server],
    args: ["-c", file, "--admin", "127.0.0.1:0", "--idle-timeout", "1h"],
  });
  admin = await loginAs({ user: "admin", password: "" }, {
    port: await proxy.loggedPort("admin port"),
  });
});

afterAll(async () => {
  admin?.[Symbol.dispose]();
  await proxy?.stop();
  rmSync(folder, { recursive: true });
});

const text = () => readFileSync(file, "utf8");
/** mysql_native_password's. */
const hashOf = (password: string) => {
  const sha1 = (data: string | Uint8Array) => createHash("sha1").update(data).digest();
  return `*${sha1(sha1(password)).toString("hex").toUpperCase()}`;
};
const property = (name: string) =>
  admin.value(`SELECT value FROM properties WHERE name = '${name}'`);
const variable = (name: string, table = "global_variables") =>
  admin.value(`SELECT variable_value FROM ${table} WHERE variable_name = '${name}'`);
/** The error that a statement is answered with. */
async function failure(statement: string, client = admin): Promise<ServerError> {
  const answer = await client.query(statement).catch((error: unknown) => error);
  if (answer instanceof ServerError) return answer;
  throw new Error(`Not refused: ${statement}`);
}
const message = async (statement: string) => (await failure(statement)).message;

test("variables: edited, in force, in the file with its comments", async () => {
  await admin.query(
    "UPDATE global_variables SET variable_value = '55' WHERE variable_name = 'mysql-max_connections'",
  );
  expect(await variable("mysql-max_connections")).toBe("55");
  expect(await variable("mysql-max_connections", "runtime_global_variables")).toBe("100");
  expect(await property("limits.clients_max")).toBe("100");
  await admin.query("LOAD MYSQL VARIABLES TO RUNTIME");
  expect(await property("limits.clients_max")).toBe("55");
  expect(await variable("mysql-max_connections", "runtime_global_variables")).toBe("55");
  expect(await admin.value("SELECT changed_by FROM revisions ORDER BY number DESC LIMIT 1"))
    .toBe("admin");
  expect(await variable("mysql-max_connections", "disk.global_variables")).toBe("100");
  expect(text()).toBe(FILE);
  await admin.query("SAVE MYSQL VARIABLES TO DISK");
  expect(text()).toBe(FILE.replace("= 100", "= 55"));
  expect(statSync(file).mode & 0o777).toBe(0o640);
  await admin.query("SET mysql-connection_max_age_ms = 90000");
  expect(await admin.value("SELECT @@mysql-connection_max_age_ms")).toBe("90000");
  await admin.query("SAVE MYSQL VARIABLES FROM RUNTIME");
  expect(await admin.value("SELECT @@mysql-connection_max_age_ms")).toBe("3600000");
  await admin.query("CONFIG ROLLBACK");
  expect(await variable("mysql-max_connections")).toBe("100");
  await admin.query("LOAD MYSQL VARIABLES FROM DISK");
  expect(await variable("mysql-max_connections")).toBe("55");
  await admin.query("LOAD MYSQL VARIABLES TO RUN");
  expect(await property("limits.clients_max")).toBe("55");
});

test("users: inserted, changed and deleted", async () => {
  await admin.query("INSERT INTO mysql_users (username, password) VALUES ('more', 'it''s')");
  expect(await admin.value("SELECT count(*) FROM runtime_mysql_users")).toBe("1");
  expect((await refusal(loginAs({ user: "more", password: "it's" }, proxy))).code).toBe(1045);
  await admin.query("LOAD MYSQL USERS TO RUNTIME");
  // The proxy lets it in; the server does not know it.
  await proxy.untilLogged(/configuration applied .*keys=user/);
  expect(proxy.log()).toContain(
    "INSERT INTO mysql_users (username, password) VALUES ('***', '***')",
  );
  expect(await admin.query("SELECT username, password FROM runtime_mysql_users ORDER BY 1"))
    .toEqual([["app", hashOf("app")], ["more", hashOf("it's")]]);
  await admin.query("SAVE MYSQL USERS TO DISK");
  const withMore = text();
  expect(withMore).toEndWith('\n[[user]]\nname = "more"\npassword = "it\'s"\n');
  expect(withMore).toStartWith("# the proxy of the tests\n");
  // Its hash, as a tool writes it that has read it, is no change: the password stays.
  await admin.query(
    `UPDATE mysql_users SET password = '${hashOf("it's")}' WHERE username = 'more'`,
  );
  await admin.query("LOAD MYSQL USERS TO RUNTIME");
  await admin.query("SAVE MYSQL USERS TO DISK");
  expect(text()).toBe(withMore);
  // The other way round, from the file.
  await admin.query("DELETE FROM mysql_users WHERE username = 'more'");
  await admin.query("LOAD MYSQL USERS TO RUNTIME");
  await admin.query("LOAD MYSQL USERS FROM DISK");
  await admin.query("LOAD MYSQL USERS TO RUNTIME");
  await admin.query("SAVE MYSQL USERS TO DISK");
  expect(text()).toBe(withMore);
  // A password that is in force and hidden is what is saved.
  await admin.query("UPDATE mysql_users SET password = 'new' WHERE username = 'more'");
  await admin.query("LOAD MYSQL USERS TO RUNTIME");
  await admin.query("SAVE MYSQL USERS TO DISK");
  expect(text()).toBe(withMore.replace("it's", "new"));
  await admin.query("UPDATE mysql_users SET password = 'it''s' WHERE username = 'more'");
  await admin.query("UPDATE mysql_users SET use_ssl = 1 WHERE username = 'more'");
  await admin.query("LOAD MYSQL USERS TO RUNTIME");
  await admin.query("SAVE MYSQL USERS TO DISK");
  expect(text()).toBe(
    withMore.replace('[[user]]\nname = "more"', '[[user]]\nrequire = "ssl"\nname = "more"'),
  );
  // A hash is shown as it is.
  await admin.query(
    `UPDATE mysql_users SET password = '${hashOf("other")}' WHERE username = 'more'`,
  );
  await admin.query("LOAD MYSQL USERS TO RUNTIME");
  expect(await admin.value("SELECT password FROM mysql_users WHERE username = 'more'"))
    .toBe(hashOf("other"));
  await admin.query("SAVE MYSQL USERS TO DISK");
  expect(text()).toContain(`hash = "${hashOf("other")}"`);
  // Who may only read sees neither hashes nor what is being written.
  await admin.query("UPDATE mysql_users SET password = 'being written' WHERE username = 'more'");
  using stats = await loginAs({ user: "stats", password: "" }, {
    port: await proxy.loggedPort("admin port"),
  });
  for (const table of ["mysql_users", "runtime_mysql_users", "disk.mysql_users"]) {
    expect(await stats.query(`SELECT DISTINCT password FROM ${table}`)).toEqual([["********"]]);
  }
  await admin.query("DELETE FROM mysql_users WHERE username = 'more'");
  await admin.query("LOAD MYSQL USERS TO RUNTIME; ");
  await admin.query("SAVE MYSQL USERS TO DISK");
  expect(text()).not.toContain("more");
  expect(text()).toContain('name = "app" # as on the server');
  // Old and new proxies of this file agree.
  expect(await admin.query("CONFIG RELOAD")).toEqual([]);
});

test("what cannot be is refused, with the reason, and nothing of it is done", async () => {
  const before = text();
  const refused: readonly (readonly [statement: string, reason: string])[] = [
    [
      "UPDATE global_variables SET variable_value = 'x' WHERE variable_name = 'mysql-threads'",
      "'mysql-threads' cannot be written",
    ],
    [
      "UPDATE global_variables SET variable_value = 'x' WHERE variable_name = 'mysql-max_connections'",
      "must be a number",
    ],
    ["INSERT INTO global_variables VALUES ('mysql-nothing', '1')", "no variable 'mysql-nothing'"],
    ["DELETE FROM global_variables", "cannot be deleted"],
    ["SET mysql-nothing = 1", "Unknown system variable 'mysql-nothing'"],
    ["DELETE FROM mysql_replication_hostgroups", "admin.writer_hostgroup"],
    ["DELETE FROM runtime_mysql_servers", "read-only"],
    ["DELETE FROM disk.mysql_users", "read-only"],
    ["UPDATE mysql_servers SET status = 'GONE'", "CHECK constraint failed"],
    ["INSERT INTO mysql_users (username) VALUES ('app')", "Duplicate entry"],
    ["DELETE FROM mysql_users; DELETE FROM mysql_servers", "one statement at a time"],
    ["LOAD MYSQL SERVERS TO RUNTIME", "The servers are not watched"],
    ["INSERT INTO scheduler (id) VALUES (1)", "read-only"],
    ["LOAD MYSQL FIREWALL TO RUNTIME", "Nothing here is like that"],
    ["PROXYSQL READONLY", "is not possible here"],
  ];
  for (const [statement, reason] of refused) {
    expect([statement, await message(statement)]).toEqual([
      statement,
      expect.stringContaining(reason),
    ]);
  }
  await admin.query(
    "INSERT INTO mysql_users (username, password, max_connections) VALUES ('b', 'b', 7)",
  );
  expect(await message("LOAD MYSQL USERS TO RUNTIME")).toContain("limits.clients_per_user_max");
  await admin.query(
    "UPDATE mysql_users SET max_connections = 10000, password = '********' WHERE username = 'b'",
  );
  expect(await message("LOAD MYSQL USERS TO RUNTIME")).toContain(
    "a new account needs its password",
  );
  await admin.query("SAVE MYSQL USERS TO MEMORY");
  // All or nothing: one value of two is out of its bounds.
  await admin.query("SET mysql-max_connections = 0");
  await admin.query("SET mysql-long_query_time = 5");
  expect(await message("LOAD MYSQL VARIABLES TO RUNTIME")).toContain("limits.clients_max");
  expect(await property("slow_log.threshold")).toBe("1s");
  await admin.query("SAVE MYSQL VARIABLES TO MEMORY");
  // A flag counts more than the file.
  await admin.query("SET mysql-wait_timeout = 5000");
  expect(await message("LOAD MYSQL VARIABLES TO RUNTIME")).toContain("is given by --idle-timeout");
  await admin.query("SAVE MYSQL VARIABLES TO MEMORY");
  expect(text()).toBe(before);
});

test("query rules: written as [[rule]], in force at once, in the file with its comments", async () => {
  const before = text();
  const shown = (table: string) =>
    admin.query(
      `SELECT rule_id, match_pattern, destination_hostgroup, attributes, comment FROM ${table} ORDER BY 1`,
    );
  const insert = (values: string, columns = "") =>
    admin.query(
      `INSERT INTO mysql_query_rules (rule_id, active, apply, destination_hostgroup${columns}) VALUES (${values})`,
    );
  await insert("20, 1, 1, 1, '^SELECT', 'reads'", ", match_pattern, comment");
  await insert("10, 1, 1, 0, 'FOR UPDATE$', 'app'", ", match_pattern, username");
  expect(await shown("runtime_mysql_query_rules")).toEqual([]);
  await admin.query("LOAD MYSQL QUERY RULES TO RUNTIME");
  const both = [["1", "FOR UPDATE$", "0", "", ""], ["2", "^SELECT", "1", "", "reads"]];
  expect(await shown("runtime_mysql_query_rules")).toEqual(both);
  await admin.query("SAVE MYSQL QUERY RULES TO DISK");
  expect(text()).toBe(
    `${before}\n[[rule]]\nuser = "app"\nstatement = "FOR UPDATE$"\ntarget = "primary"\n` +
      '\n[[rule]]\nname = "reads"\nstatement = "^SELECT"\ntarget = "replica"\n',
  );
  // What ProxySQL has not, and people's comments.
  writeFileSync(file, text().replace('"^SELECT"', '"^SELECT" # all of them'));
  await admin.query(
    `UPDATE mysql_query_rules SET attributes = '{"tags":["near"],"consistency":"global"}' WHERE rule_id = 2`,
  );
  await admin.query("DELETE FROM mysql_query_rules WHERE rule_id = 1");
  await admin.query("LOAD MYSQL QUERY RULES TO RUNTIME");
  await admin.query("SAVE MYSQL QUERY RULES TO DISK");
  expect(await shown("disk.mysql_query_rules")).toEqual(
    [["1", "^SELECT", "1", '{"tags":["near"],"consistency":"global"}', "reads"]],
  );
  const refused: readonly (readonly [values: string, columns: string, reason: string])[] = [
    ["5, 0, 1, 1", "", "delete the row"],
    ["5, 1, 0, 1", "", "apply must be 1"],
    ["5, 1, 1, 7", "", "there is no hostgroup 7"],
    ["5, 1, 1, 1, '^SELECT'", ", match_digest", "a pattern goes into match_pattern"],
    ["5, 1, 1, 1, 'SELECT ?', 'SELECT 1'", ", match_digest, replace_pattern", "never changed"],
    ["5, 1, 1, 1, '('", ", match_pattern", "must be a regular expression"],
    ['5, 1, 1, 1, \'{"consistency":"x"}\'', ", attributes", "rule[2].consistency"],
    ["5, 1, 1, 1, 'kitchen'", ", client_addr", "must be a network"],
  ];
  for (const [values, columns, reason] of refused) {
    await insert(values, columns);
    expect([values, await message("LOAD MYSQL QUERY RULES TO RUNTIME")]).toEqual([
      values,
      expect.stringContaining(reason),
    ]);
    await admin.query("SAVE MYSQL QUERY RULES TO MEMORY");
  }
  await admin.query("DELETE FROM mysql_query_rules");
  await admin.query("LOAD MYSQL QUERY RULES TO RUNTIME");
  await admin.query("SAVE MYSQL QUERY RULES TO DISK");
  expect(text().trimEnd()).toBe(before.trimEnd());
  writeFileSync(file, before);
});

for (const workers of ["1", "2"]) {
  test(`PROXYSQL PAUSE and RESUME: new clients are refused, sessions go on, ${workers} worker(s)`, async () => {
    const { server } = await subject(kinds[0]!);
    const { app } = server.accounts;
    await using paused = await startProxy({
      backends: [server],
      args: ["--admin", "127.0.0.1:0", "--http", "127.0.0.1:0", "--workers", workers],
    });
    const port = await paused.loggedPort("admin port");
    const http = await paused.loggedPort("HTTP port");
    using owner = await loginAs({ user: "admin", password: "" }, { port });
    using client = await loginAs(app, paused);
    const ready = async () => await (await fetch(`http://127.0.0.1:${http}/readyz`)).text();
    for (let turn = 0; turn < 2; turn++) {
      await owner.query("PROXYSQL PAUSE");
      await owner.query("PROXYSQL PAUSE");
      const refusal = await loginAs(app, paused).then(() => "let in", (error: unknown) => error);
      expect(String(refusal)).toContain("ECONNREFUSED");
      expect(await ready()).toContain("PROXYSQL PAUSE");
      expect(await client.value("SELECT 'still here'")).toBe("still here");
      await owner.query("PROXYSQL RESUME");
      await owner.query("PROXYSQL RESUME");
      expect(await ready()).not.toContain("PROXYSQL PAUSE");
      for (let i = 0; i < 8; i++) {
        using again = await loginAs(app, paused);
        expect(await again.value("SELECT 1")).toBe("1");
      }
    }
    using other = await loginAs({ user: "admin", password: "" }, { port });
    await other.query("PROXYSQL KILL").catch(() => {});
    expect(await paused.exited).toBe(0);
  });
}

test("rows changed, checksums, SHOW, and moves of what is never edited", async () => {
  const port = await proxy.loggedPort("admin port");
  const connection = await createConnection({ host: "127.0.0.1", port, user: "admin" });
  const checksum = async () =>
    (await connection.query<RowDataPacket[]>("CHECKSUM MYSQL USERS"))[0][0]!["checksum"];
  const before = await checksum();
  const [{ affectedRows }] = await connection.query<ResultSetHeader>(
    "REPLACE INTO mysql_users (username, password) VALUES (?, ?)",
    ["other", "secret"],
  );
  expect(affectedRows).toBe(1);
  expect(await checksum()).not.toBe(before);
  await connection.query("SAVE MYSQL USERS TO MEM");
  expect(await checksum()).toBe(before);
  await connection.end();
  await admin.query("LOAD ADMIN VARIABLES TO RUNTIME");
  await admin.query("SAVE ADMIN VARIABLES TO DISK");
  // With two blanks, as Ansible's module writes it.
  await admin.query("SAVE  SCHEDULER TO DISK");
  for (const subject of ["SCHEDULER", "PROXYSQL SERVERS"]) {
    await admin.query(`LOAD ${subject} TO RUNTIME`);
    await admin.query(`SAVE ${subject} FROM RUNTIME`);
    await admin.query(`LOAD ${subject} FROM DISK`);
    await admin.query(`SAVE ${subject} TO DISK`);
  }
  expect((await admin.query("SHOW MYSQL VARIABLES")).map(([name]) => name))
    .toContain("mysql-max_connections");
  expect(await admin.query("SHOW MYSQL USERS")).toHaveLength(1);
  expect((await admin.query("SHOW MYSQL STATUS")).map(([name]) => name)).toContain("Questions");
});

test("without a file there is nothing to save to, and stats may change nothing", async () => {
  const { server } = await subject(kinds[0]!);
  await using other = await startProxy({ backends: [server], args: ["--admin", "127.0.0.1:0"] });
  const port = await other.loggedPort("admin port");
  using owner = await loginAs({ user: "admin", password: "" }, { port });
  await owner.query("SET mysql-max_connections = 9");
  await owner.query("LOAD MYSQL VARIABLES TO RUNTIME");
  expect(await owner.value("SELECT value FROM properties WHERE name = 'limits.clients_max'"))
    .toBe("9");
  expect((await failure("SAVE MYSQL VARIABLES TO DISK", owner)).message)
    .toContain("no configuration file");
  using stats = await loginAs({ user: "stats", password: "" }, { port });
  const orders = [
    "SET mysql-max_connections = 8",
    "UPDATE mysql_servers SET weight = 2",
    "LOAD MYSQL USERS TO RUNTIME",
    "PROXYSQL SHUTDOWN",
  ];
  for (const order of orders) expect((await failure(order, stats)).code).toBe(1227);
  await owner.query("PROXYSQL SHUTDOWN SLOW");
  expect(await other.exited).toBe(0);
});
