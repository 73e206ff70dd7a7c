// The admin port as a database: what SQL finds there, who may ask, and that ordinary clients can.

import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { describe, expect, test } from "bun:test";
import type { ProxyProcess } from "../proxy_process.ts";
import { mysqlFolder, whyMissing } from "../setup/cache.ts";
import { programFolder } from "../setup/programs.ts";
import { RawClient, refusal } from "./raw_client.ts";
import { kinds, loginAs, ownAccount, ownProxy, subject, until } from "./subjects.ts";

/** The unix socket of a proxy's admin port, as its log names it. */
async function socketOf(proxy: ProxyProcess): Promise<string> {
  const line = await proxy.untilLogged(/admin port .*address=unix:/);
  return line.match(/address=unix:(\S+)/)![1]!;
}

async function outputOf(command: readonly string[], stdin = ""): Promise<string> {
  const child = Bun.spawn([...command], {
    stdin: new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, errors, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (status !== 0) throw new Error(`${command[0]} ended with ${status}: ${errors}`);
  return output;
}

for (const kind of kinds) {
  for (const workers of ["1", "2"]) {
    test(`${kind}: SQL about sessions, connections, pools and servers, ${workers} worker(s)`, async () => {
      const { server } = await subject(kind);
      await using proxy = await ownProxy(server, {
        args: [...ownAccount(server), "--admin", "127.0.0.1:0", "--workers", workers],
        config: '[pool]\nmode = "transaction"\n',
      });
      await proxy.untilLogged(/mode=synced/);
      const port = await proxy.loggedPort("admin port");
      const { monitor, app } = server.accounts;
      using admin = await loginAs(monitor, { port });
      const value = async (text: string) => await admin.value(text);
      using client = await loginAs(app, proxy);
      const id = await client.value("SELECT CONNECTION_ID()");
      await client.query("SET @held = 1");
      await client.query("BEGIN");
      await client.query("SELECT GET_LOCK('admin_tables', 1)");
      const own = `FROM frontends WHERE id = ${id}`;
      await until(
        "the session is seen in its transaction",
        async () => await value(`SELECT in_transaction ${own}`) === "1",
      );
      expect(await value(`SELECT user ${own}`)).toBe(app.user);
      expect(await value(`SELECT pins ${own}`)).toBe("user lock");
      expect(await value(`SELECT state ${own}`)).toBe("sleep");
      expect(await value("SELECT sessions FROM pins WHERE reason = 'user lock'")).toBe("1");
      // The connection is the server's, and the two tables agree about it.
      const thread = await value(
        "SELECT b.thread FROM frontends f JOIN backends b ON b.session = f.id " +
          `WHERE f.id = ${id} AND b.thread = f.thread AND b.state = 'used'`,
      );
      const [row] = await server.sql(
        `SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST WHERE ID = ${thread}`,
      );
      expect(Number(row!["n"])).toBe(1);
      expect(await value(`SELECT running FROM pools WHERE account = '${app.user}'`)).toBe("1");
      // What it runs is seen while it does.
      const sleeping = client.query("SELECT SLEEP(1.5)");
      await until(
        "the statement is seen",
        async () => await value(`SELECT statement ${own}`) === "SELECT SLEEP(1.5)",
      );
      expect(await value(`SELECT state ${own}`)).toBe("execute");
      expect(await value(`SELECT command ${own}`)).toBe("Query");
      await sleeping;
      await client.query("SELECT RELEASE_LOCK('admin_tables')");
      await client.query("COMMIT");
      await until(
        "nothing holds it any more",
        async () => await value(`SELECT pins ${own}`) === null,
      );
      expect(await value("SELECT workers FROM proxy")).toBe(workers);
      expect(await value("SELECT count(DISTINCT pid) FROM workers")).toBe(workers);
      await until(
        "the server is up",
        async () => await value("SELECT count(*) FROM servers WHERE state = 'up'") === "1",
      );
      expect(await value("SELECT name FROM servers")).toBe(`127.0.0.1:${server.port}`);
      expect(Number(await value("SELECT connections_idle FROM servers"))).toBeGreaterThan(0);
      expect(await value("SELECT severity FROM log WHERE event = 'listening'")).toBe("info");
      const refused = await refusal(loginAs({ ...app, password: "wrong" }, proxy));
      expect(refused.code).toBe(1045);
      const line = "FROM log WHERE event = 'login refused'";
      await until("it is in the log", async () => await value(`SELECT count(*) ${line}`) === "1");
      expect(await value(`SELECT fields ${line}`)).toContain("code=1045");
      expect(await value(`SELECT worker IS NULL ${line}`)).toBe(workers === "1" ? "1" : "0");
      expect(await value("SELECT value FROM properties WHERE name = 'pool.mode'")).toBe(
        "transaction",
      );
    });
  }
}

test("every table can be read whole, and has what DESCRIBE says", async () => {
  const { server } = await subject(kinds[0]!);
  await using proxy = await ownProxy(server, { args: ["--admin", "127.0.0.1:0"] });
  using admin = await loginAs({ user: "admin", password: "" }, {
    port: await proxy.loggedPort("admin port"),
  });
  const tables = (await admin.query("SHOW TABLES")).map(([name]) => name!);
  expect(tables).toContain("frontends");
  for (const table of tables) {
    const columns = (await admin.query(`DESCRIBE ${table}`)).map(([name]) => name);
    const [result] = await admin.results(`SELECT * FROM main.${table} LIMIT 1`);
    expect([table, ...result!.columns]).toEqual([table, ...columns.map((name) => name!)]);
    expect(await admin.query(`SHOW CREATE TABLE ${table}`)).toHaveLength(1);
  }
});

describe("mistakes", () => {
  const cases: readonly (readonly [text: string, code: number])[] = [
    ["SELECT * FROM nowhere", 1146],
    ["SELECT nowhere FROM proxy", 1054],
    ["SELECT nowhere() FROM proxy", 1305],
    ["SELECT * FROM proxy WHERE", 1064],
    ["FROBNICATE", 1064],
    ["DESCRIBE nowhere", 1146],
    ["USE nowhere", 1049],
    ["SHOW TABLES FROM nowhere", 1049],
    ["DELETE FROM proxy", 1290],
    ["WITH a AS (SELECT 1) DELETE FROM proxy", 1290],
    [
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
      1235,
    ],
    ["ATTACH DATABASE '/tmp/never' AS other", 1064],
    ["VACUUM INTO '/tmp/never'", 1064],
    ["PRAGMA query_only = OFF", 1064],
    ["SELECT load_extension('/tmp/never')", 1105],
    ["SELECT @@nowhere", 1193],
    ["SET nothing.here = 1", 1193],
    ["SET PERSIST nothing = 1", 1193],
    ["", 1065],
    [" ; ", 1065],
    ["/* only a comment */", 1065],
    ["SELECT '", 1064],
    ["SET limits.clients_max = 'x'' OR 1=1'", 1105],
    ["CONFIG APPLY 'it''s'", 1105],
    ["KILL 999999999", 1094],
    ["KILL QUERY 5", 1094],
    ["KILL 'x'", 1064],
    // What stands behind the first one would be taken for done.
    ["SELECT count(*) FROM proxy; DELETE FROM proxy", 1064],
  ];
  test("are answered with MySQL's errors", async () => {
    const { server } = await subject(kinds[0]!);
    await using proxy = await ownProxy(server, { args: ["--admin", "127.0.0.1:0"] });
    using admin = await loginAs({ user: "admin", password: "" }, {
      port: await proxy.loggedPort("admin port"),
    });
    for (const [text, code] of cases) {
      const refused = await admin.query(text).then(() => 0, ({ code }: { code: number }) => code);
      expect([text, refused]).toEqual([text, code]);
    }
    expect(await admin.value("SELECT count(*) FROM proxy;")).toBe("1");
    expect(await admin.value("SELECT 'a;''b' -- ; not here")).toBe("a;'b");
    expect(await admin.query("SHOW PROPERTIES LIKE '%''%'")).toEqual([]);
    expect(existsSync("/tmp/never")).toBe(false);
  });
});

describe("accounts", () => {
  test("admin and stats have their passwords; stats only reads", async () => {
    const { server } = await subject(kinds[0]!);
    await using proxy = await ownProxy(server, {
      args: ["--admin", "127.0.0.1:0"],
      config: '[admin]\npassword = "all"\nstats_password = "some"\n',
    });
    const port = await proxy.loggedPort("admin port");
    expect((await refusal(loginAs({ user: "admin", password: "" }, { port }))).code).toBe(1045);
    expect((await refusal(loginAs({ user: "stats", password: "" }, { port }))).code).toBe(1045);
    using admin = await loginAs({ user: "admin", password: "all" }, { port });
    using stats = await loginAs({ user: "stats", password: "some" }, { port });
    expect(await stats.value("SELECT count(*) FROM proxy")).toBe("1");
    for (const order of ["PAUSE POOLS", "DRAIN SERVER 'db1:3306'", "DELETE FROM proxy"]) {
      const refused = await stats.query(order).then(() => 0, ({ code }: { code: number }) => code);
      expect([order, refused]).toEqual([order, 1227]);
    }
    expect(await admin.value("SELECT user()")).toBe("admin@127.0.0.1");
    // A client that speaks TLS gets it, with the certificate that clients of the proxy get.
    using secure = await loginAs({ user: "stats", password: "some" }, { port }, { tls: true });
    expect(await secure.value("SELECT 1")).toBe("1");
    await proxy.untilLogged(/admin command .*user=stats .*statement="PAUSE POOLS" .*1227/);
  });

  test("every command is in the audit log", async () => {
    const { server } = await subject(kinds[0]!);
    const folder = mkdtempSync(join(tmpdir(), "mp-audit-"));
    await using proxy = await ownProxy(server, {
      config: `[audit]\nfile = "${folder}/audit.log"\n`,
    });
    using stats = await RawClient.connect({
      path: await socketOf(proxy),
      user: "stats",
      password: "",
    });
    await stats.query("SELECT 'looked'");
    await stats.query("PAUSE POOLS").catch(() => {});
    await proxy.stop();
    const lines = readFileSync(`${folder}/audit.log.admin`, "utf8").trim().split("\n");
    rmSync(folder, { recursive: true });
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      {
        event: "admin",
        user: "stats",
        client: "localhost",
        text: "SELECT 'looked'",
        outcome: "ok",
      },
      { event: "admin", text: "PAUSE POOLS", outcome: "error 1227" },
    ]);
  });

  test("where others can reach the port there is no account without a password", async () => {
    const { server } = await subject(kinds[0]!);
    const started = ownProxy(server, { args: ["--admin", "0.0.0.0:0"] });
    const failure = await started.then(async (proxy) => {
      await proxy.stop();
      return "started";
    }, (error: Error) => error.message);
    expect(failure).toContain("admin.password: must be given, or account.user");
    await using proxy = await ownProxy(server, {
      args: ["--admin", "0.0.0.0:0"],
      env: { MYSQLPROXY_ADMIN_PASSWORD: "secret" },
    });
    await proxy.untilLogged(/admin port address=0\.0\.0\.0/);
  });

  test("the unix socket is for its owner, who needs no password", async () => {
    const { server } = await subject(kinds[0]!);
    await using proxy = await ownProxy(server, {
      config: '[admin]\npassword = "all"\n',
    });
    const path = await socketOf(proxy);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(path).toContain(`admin-${proxy.port}.sock`);
    using admin = await RawClient.connect({ path, user: "root", password: "" });
    expect(await admin.value("SELECT user()")).toBe("root@localhost");
    await admin.query("RECONNECT POOLS").catch(({ code }) => expect(code).toBe(1105));
    using stats = await RawClient.connect({ path, user: "stats", password: "" });
    expect(await stats.query("PAUSE POOLS").catch(({ code }) => code)).toBe(1227);
    await proxy.stop();
    expect(existsSync(path)).toBe(false);
  });
});

describe("clients", () => {
  async function started() {
    const { server } = await subject(kinds[0]!);
    const proxy = await ownProxy(server, {
      args: ["--admin", "127.0.0.1:0"],
      config: '[admin]\npassword = "secret"\n',
    });
    return { proxy, port: await proxy.loggedPort("admin port") };
  }

  for (const [name, program] of [["mariadb", "mariadb"], ["mysql", `${mysqlFolder()}/bin/mysql`]]) {
    test(`the command line client ${name}, with its look at all tables`, async () => {
      const { proxy, port } = await started();
      await using _ = proxy;
      const command = [program!, "-h", "127.0.0.1", "-P", String(port), "-uadmin", "-psecret"];
      const args = [...command, "--auto-rehash", "-D", "main"];
      const output = await outputOf(args, "SELECT version FROM proxy; SHOW DATABASES");
      expect(output).toContain("main");
      expect(await outputOf([...command, "-N", "-e", "SELECT 1+1, DATABASE()"])).toBe("2\tmain\n");
    });
  }

  test("mysql2: numbers are numbers, values are put into the text", async () => {
    const { proxy, port } = await started();
    await using _ = proxy;
    const connection = await createConnection({
      host: "127.0.0.1",
      port,
      user: "admin",
      password: "secret",
      database: "main",
    });
    const [rows] = await connection.query<RowDataPacket[]>(
      "SELECT workers, uptime_s, version FROM proxy WHERE pid <> ?",
      [0],
    );
    expect(rows[0]!["workers"]).toBe(1);
    expect(typeof rows[0]!["uptime_s"]).toBe("number");
    await connection.end();
  });

  const noJava = whyMissing("java");
  if (noJava !== null) console.log(`skipped: Connector/J on the admin port: ${noJava}`);
  test.skipIf(noJava !== null)("Connector/J", async () => {
    const { proxy, port } = await started();
    await using _ = proxy;
    const source = resolve(import.meta.dir, "../clients/java/AdminPort.java");
    const url = `jdbc:mysql://127.0.0.1:${port}/main?user=admin&password=secret`;
    const output = await outputOf(["java", "-cp", `${programFolder("java")}/*`, source, url]);
    const once = [
      "valid true",
      "product MySQL",
      "catalog main",
      "workers 1",
      "warnings null",
      "properties 1",
      "set 0",
      "refused 1146",
      "isolation 4",
    ];
    expect(output.trim().split("\n")).toEqual([...once, ...once]);
  }, 30_000);

  test("PyMySQL", async () => {
    const { proxy, port } = await started();
    await using _ = proxy;
    const program = [
      "import pymysql",
      `c = pymysql.connect(host='127.0.0.1', port=${port}, user='admin', password='secret', database='main', autocommit=True)`,
      "k = c.cursor()",
      "k.execute('SELECT workers, version FROM proxy WHERE pid <> %s', (0,))",
      "print(k.fetchall()[0][0] + 1)",
      "k.execute('SHOW VARIABLES LIKE %s', ('version_comm%',)); print(k.fetchall()[0][1])",
      "c.ping(); c.commit(); c.close()",
    ].join("\n");
    const output = await outputOf(["/usr/bin/python3", "-c", program]);
    expect(output).toStartWith("2\nmysqlproxy ");
  });
});
