// The audit log and the slow log of a running proxy.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import { mysqlFolder, whyMissing } from "../setup/cache.ts";
import { kinds, loginAs, ownAccount, ownProxy, subject, until } from "./subjects.ts";

interface Entry {
  readonly event: string;
  readonly text?: string;
  readonly [field: string]: unknown;
}

function folder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "mp-audit-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

/** All entries of a folder's audit logs: with several workers each has a file. */
function entriesIn(path: string): readonly Entry[] {
  return readdirSync(path).filter((name) => name.startsWith("audit")).flatMap((name) =>
    readFileSync(join(path, name), "utf8").trim().split("\n").filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Entry)
  );
}

const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("the audit log", () => {
  for (const kind of kinds) {
    for (const [mode, workers] of [["transaction", "1"], ["session", "2"]]) {
      test(`${kind}: has each statement and what became of it, ${mode} pooling`, async () => {
        const { server } = await subject(kind);
        using place = folder();
        await using proxy = await ownProxy(server, {
          args: [...ownAccount(server), "--workers", workers!],
          config: `[pool]\nmode = "${mode}"\n[audit]\nfile = "${place.path}/audit.log"\n` +
            'text_max = "200B"\nexcept_users = ["second"]\n',
        });
        await proxy.untilLogged(/mode=synced/);
        {
          using client = await loginAs(server.accounts.app, proxy, { database: "test" });
          await client.query(`SELECT 1 UNION SELECT 2 /* traceparent='${TRACE}' */`);
          await client.query("SELECT nowhere").catch(() => {});
          const { user, password } = server.accounts.app;
          const driver = await createConnection({
            user,
            password,
            host: proxy.host,
            port: proxy.port,
          });
          await driver.execute("SELECT ?, ?, ?", ["it's", 7, null]);
          await driver.execute("SELECT 'password', ?", ["secret"]);
          await driver.end();
          await client.query("SELECT 'it is not hidden'");
          await client.query("DO (SELECT COUNT(*) FROM (SELECT 'my password is secret') x)");
          await client.query(`SELECT '${"long ".repeat(100)}'`);
          const lost = client.query("SELECT SLEEP(29), 'lost'").catch(() => {});
          await until(
            "it runs",
            async () =>
              (await server.sql("SHOW FULL PROCESSLIST")).some(({ Info }) =>
                String(Info).startsWith("SELECT SLEEP(29), 'lost'")
              ),
          );
          client.socket.destroy();
          await lost;
          using other = await loginAs(server.accounts.second, proxy);
          await other.query("SELECT 'not logged'");
        }
        await until(
          "the sessions' ends are written",
          () => entriesIn(place.path).filter(({ event }) => event === "logout").length === 2,
        );
        const entries = entriesIn(place.path);
        const find = (start: string) => entries.find(({ text }) => text?.startsWith(start));
        const common = {
          event: "statement",
          user: server.accounts.app.user,
          client: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
          server: `127.0.0.1:${server.port}`,
          command: "query",
          db: mode === "transaction" ? "test" : "",
          time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        };
        expect(find("SELECT 1 UNION")).toMatchObject({
          ...common,
          rows: 2,
          us: expect.any(Number),
          trace: TRACE,
          digest: expect.stringMatching(/^[0-9a-f]{64}$/),
        });
        if (mode === "transaction") {
          expect(find("SELECT ?, ?, ?")).toMatchObject({
            command: "execute",
            params: ["it's", 7, null],
            bytes: expect.any(Number),
          });
          expect(find("SELECT '***', ?")).toMatchObject({ params: ["***"] });
        }
        expect(find("SELECT nowhere")).toMatchObject({ ...common, error: 1054 });
        expect(find("SELECT 'it is not hidden'")).toMatchObject({ ...common, rows: 1 });
        expect(JSON.stringify(entries)).not.toContain("secret");
        expect(find("SELECT 'long")!.text!.length).toBe(200);
        expect(find("SELECT 'long")!["text_bytes"]).toBe(509);
        expect(find("SELECT SLEEP(29)")).toMatchObject({ ...common, outcome: "lost" });
        expect(
          entries.filter(({ event }) => event !== "statement").map(({ event }) => event).sort(),
        )
          .toEqual(["login", "login", "logout", "logout"]);
        expect(JSON.stringify(entries)).not.toContain("not logged");
      });
    }
  }

  test("a share of the statements, and all that fail", async () => {
    const { server } = await subject(kinds[0]!);
    using place = folder();
    await using proxy = await ownProxy(server, {
      config: `[audit]\nfile = "${place.path}/audit.log"\nsample = 10\n`,
    });
    using client = await loginAs(server.accounts.app, proxy);
    for (let i = 0; i < 50; i++) await client.query(`SELECT ${i}`);
    for (let i = 0; i < 5; i++) await client.query("SELECT nowhere").catch(() => {});
    await proxy.stop();
    const texts = entriesIn(place.path).flatMap(({ text }) => text ?? []);
    expect(texts.filter((text) => text === "SELECT nowhere")).toHaveLength(5);
    expect(texts.filter((text) => text !== "SELECT nowhere")).toHaveLength(5);
  });

  for (const mode of ["session", "transaction"]) {
    test(`has where the time went, where it went anywhere, ${mode} pooling`, async () => {
      const { server } = await subject(kinds[0]!);
      using place = folder();
      await using proxy = await ownProxy(server, {
        config: `[pool]\nmode = "${mode}"\nconnections_max = 2\n` +
          `[audit]\nfile = "${place.path}/audit.log"\n`,
      });
      const { app } = server.accounts;
      using first = await loginAs(app, proxy);
      using second = await loginAs(app, proxy);
      await first.query("SELECT 'at once'");
      await first.query(
        `SELECT '${"x".repeat(1000)}' FROM ${"(SELECT 1 UNION ALL SELECT 2) a"} ${
          Array.from({ length: 12 }, (_, at) => `JOIN (SELECT 1 UNION ALL SELECT 2) t${at}`).join(
            " ",
          )
        }`,
      );
      if (mode === "transaction") {
        using third = await loginAs(app, proxy);
        for (const each of [first, second]) {
          await each.query("BEGIN");
          await each.query("SELECT 1 FROM DUAL FOR UPDATE");
        }
        const waiting = third.query("SELECT SLEEP(0.05), 'waited' FOR UPDATE");
        await second.query("SELECT SLEEP(0.2)");
        await second.query("COMMIT");
        await waiting;
        await first.query("COMMIT");
      }
      await proxy.stop();
      const entries = entriesIn(place.path);
      const find = (part: string) => entries.find(({ text }) => text?.includes(part))!;
      const login = entries.find(({ event }) => event === "login")!;
      expect(login["us"]).toBeGreaterThan(0);
      expect(login["us"]).toBeLessThan(30_000_000);
      expect(Object.keys(find("at once")).filter((name) => name.endsWith("_us"))).toEqual([]);
      const long = find("xxx");
      expect(long["stream_us"]).toBeGreaterThan(0);
      expect(long["stream_us"]).toBeLessThanOrEqual(long["us"] as number);
      expect(long["execute_us"]).toBeUndefined();
      if (mode === "transaction") {
        const waited = find("'waited'") as unknown as Readonly<Record<string, number>>;
        expect(waited["queue_us"]).toBeGreaterThan(100_000);
        expect(waited["execute_us"]).toBeGreaterThanOrEqual(50_000);
        expect(waited["queue_us"]! + waited["execute_us"]!).toBeLessThanOrEqual(waited["us"]! + 2);
      }
    });
  }

  for (const mode of ["session", "transaction"]) {
    test(`rules say of statements whether they are logged, ${mode} pooling`, async () => {
      const { server } = await subject(kinds[0]!);
      using place = folder();
      const { app, second } = server.accounts;
      await using proxy = await ownProxy(server, {
        args: ["--admin", "127.0.0.1:0"],
        config: `[pool]\nmode = "${mode}"\n[audit]\nfile = "${place.path}/audit.log"\n` +
          `except_users = ["${second.user}"]\n` +
          '[[rule]]\nstatement = "payroll"\naudit = "always"\n' +
          '[[rule]]\ndigest = "SELECT 1"\naudit = "never"\n' +
          `[[rule]]\nuser = "${app.user}"\nstatement = "nowhere"\naudit = "never"\n`,
      });
      using client = await loginAs(app, proxy);
      using other = await loginAs(second, proxy);
      for (const each of [client, other]) {
        await each.query("SELECT 'payroll'");
        await each.query("SELECT 7");
        await each.query("SELECT 'plain'");
        await each.query("SELECT nowhere").catch(() => {});
      }
      using admin = await loginAs({ user: "admin", password: "" }, {
        port: await proxy.loggedPort("admin port"),
      });
      expect(await admin.query("SELECT rule_id, log FROM mysql_query_rules")).toEqual([
        ["1", "1"],
        ["2", "0"],
        ["3", "0"],
      ]);
      await admin.query("UPDATE mysql_query_rules SET log = NULL WHERE rule_id = 1");
      await admin.query("UPDATE mysql_query_rules SET log = 1 WHERE rule_id = 2");
      await admin.query("LOAD MYSQL QUERY RULES TO RUNTIME");
      for (const each of [client, other]) {
        await each.query("SELECT 'payroll, too'");
        await each.query("SELECT 8");
      }
      await proxy.stop();
      const entries = entriesIn(place.path).filter(({ event }) => event === "statement");
      const texts = (user: string) =>
        entries.flatMap((each) => each["user"] === user ? each.text : []);
      // A digest is the same for every value: SELECT 'payroll' and SELECT 7 are one.
      expect(texts(app.user)).toEqual([
        "SELECT 'payroll'",
        "SELECT 'payroll, too'",
        "SELECT 8",
      ]);
      expect(texts(second.user)).toEqual(["SELECT 'payroll'", "SELECT 'payroll, too'", "SELECT 8"]);
    });
  }

  for (const kind of kinds) {
    for (const mode of ["session", "transaction"]) {
      test(`${kind}: who is not let in, and why, ${mode} pooling`, async () => {
        const { server } = await subject(kind);
        using place = folder();
        await using proxy = await ownProxy(server, {
          args: ["--admin", "127.0.0.1:0"],
          config: `[pool]\nmode = "${mode}"\n[audit]\nfile = "${place.path}/audit.log"\n` +
            'users = ["second"]\n[auth]\nfailures_max = 3\n[admin]\npassword = "right"\n',
        });
        const { app, second } = server.accounts;
        const wrong = { ...app, password: "wrong" };
        const codes: number[] = [];
        const refuse = async (login: Promise<unknown>) => {
          const error = await login.then(() => undefined, (error: unknown) => error);
          codes.push((error as { readonly code: number }).code);
        };
        await refuse(loginAs(wrong, proxy));
        await refuse(loginAs(second, proxy, { database: "no_such_database" }));
        using client = await loginAs(second, proxy);
        const toApp = Buffer.concat([
          Buffer.of(0x11),
          Buffer.from(`${app.user}\0\0\0`),
          Buffer.of(45, 0),
          Buffer.from("mysql_native_password\0"),
        ]);
        await refuse(client.changeUser(toApp, "wrong"));
        await refuse(loginAs({ user: "nobody", password: "x" }, proxy));
        await refuse(loginAs({ user: "somebody", password: "x" }, proxy));
        await refuse(loginAs(second, proxy));
        const port = await proxy.loggedPort("admin port");
        await refuse(loginAs({ user: "admin", password: "wrong" }, { port }));
        expect(codes).toEqual([1045, 1049, 1045, 1045, 1045, 1129, 1045]);
        await proxy.stop();
        const failed = entriesIn(place.path).filter(({ event }) => event === "login_failed");
        const inOrder = failed.toSorted((one, other) =>
          String(one["time"]) < String(other["time"]) ? -1 : 1
        );
        expect(inOrder.map(({ user, code }) => [user, code])).toEqual([
          [app.user, 1045],
          [second.user, 1049],
          [app.user, 1045],
          ["nobody", 1045],
          ["somebody", 1045],
          ["", 1129],
          ["admin", 1045],
        ]);
        expect(inOrder[0]!["reason"]).toContain("Access denied for user 'app'");
        for (const entry of inOrder) {
          expect(entry).toMatchObject({
            client: expect.stringMatching(/^127\.0\.0\.1/),
            session: expect.any(Number),
            reason: expect.any(String),
          });
        }
        expect(JSON.stringify(entriesIn(place.path))).not.toContain("wrong");
      });
    }
  }

  test("a file that cannot be written is said at the start", async () => {
    const { server } = await subject(kinds[0]!);
    const started = ownProxy(server, { config: '[audit]\nfile = "/no/such/folder/audit.log"\n' });
    const failure = await started.then(() => "", (error: Error) => error.message);
    expect(failure).toContain("ended with 3");
    expect(failure).toContain('Cannot write to "/no/such/folder/audit.log"');
  });
});

describe("the slow log", () => {
  const noDigest = whyMissing("pt-query-digest");
  if (noDigest !== null) console.log(`skipped: pt-query-digest on the slow log: ${noDigest}`);

  test.skipIf(noDigest !== null)("is read by pt-query-digest", async () => {
    const { server } = await subject(kinds[0]!);
    using place = folder();
    const file = join(place.path, "slow.log");
    await using proxy = await ownProxy(server, {
      config: `[pool]\nmode = "transaction"\n[slow_log]\nfile = "${file}"\nthreshold = "0ms"\n`,
    });
    using client = await loginAs(server.accounts.app, proxy, { database: "test" });
    for (const number of [1, 2, 3]) await client.query(`SELECT ${number}, 'of three'`);
    await client.query("SELECT SLEEP(0.3), 'slow'");
    await proxy.stop();
    const child = Bun.spawn(
      ["pt-query-digest", "--no-version-check", "--limit", "100%", "--output", "json", file],
      { stdout: "pipe", stderr: "pipe" },
    );
    const [output, complaints] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    expect(complaints).toBe("");
    const { classes } = JSON.parse(output) as {
      readonly classes: readonly {
        readonly fingerprint: string;
        readonly query_count: number;
        readonly metrics: { readonly [name: string]: Readonly<Record<string, string>> };
      }[];
    };
    const find = (part: string) => classes.find(({ fingerprint }) => fingerprint.includes(part))!;
    const three = find("select ?, ?");
    expect(three.query_count).toBe(3);
    expect(Number(three.metrics["Rows_sent"]!["sum"])).toBe(3);
    expect(three.metrics["user"]).toEqual({ value: "app" });
    expect(three.metrics["db"]).toEqual({ value: "test" });
    const slow = find("sleep");
    expect(Number(slow.metrics["Query_time"]!["max"])).toBeGreaterThanOrEqual(0.3);
  });

  test("is read by mysqldumpslow", async () => {
    const { server } = await subject(kinds[0]!);
    using place = folder();
    const file = join(place.path, "slow.log");
    await using proxy = await ownProxy(server, {
      config: `[pool]\nmode = "transaction"\n[slow_log]\nfile = "${file}"\nthreshold = "200ms"\n`,
    });
    using client = await loginAs(server.accounts.app, proxy, { database: "test" });
    await client.query("SELECT 'quick'");
    await client.query("SELECT SLEEP(0.3), 'slow'");
    await client.query("SELECT SLEEP(0.25),\n 'slow'");
    await proxy.stop();
    expect(existsSync(file)).toBe(true);
    const text = readFileSync(file, "utf8");
    expect(text).not.toContain("quick");
    expect(text).toContain("use test;");
    const child = Bun.spawn([`${mysqlFolder()}/bin/mysqldumpslow`, "-s", "c", file], {
      stdout: "pipe",
      stderr: "pipe",
    });
    const [output] = await Promise.all([new Response(child.stdout).text(), child.exited]);
    expect(output).toMatch(
      /Count: 1 {2}Time=0\.3\ds .*Rows=1\.0 \(1\), app\[app\]@\[127\.0\.0\.1\]/,
    );
    expect(output).toContain("SELECT SLEEP(N.N)");
  });

  // Query attributes are MySQL's.
  test.skipIf(!kinds.includes("mysql"))("has the trace of query attributes", async () => {
    const { server } = await subject("mysql");
    using place = folder();
    const file = join(place.path, "slow.log");
    await using proxy = await ownProxy(server, {
      config: `[pool]\nmode = "transaction"\n[slow_log]\nfile = "${file}"\nthreshold = "0ms"\n`,
    });
    const { user, password } = server.accounts.app;
    const { host, port } = proxy;
    const driver = await createConnection({ host, port, user, password, database: "test" });
    const traces = [1, 2].map((last) => `${TRACE.slice(0, -1)}${last}`);
    for (const traceparent of traces) {
      await driver.query({ sql: "SELECT 'traced', SLEEP(0.01)", attributes: { traceparent } });
    }
    await driver.query("SELECT 'not traced', SLEEP(0.01)");
    await driver.end();
    await proxy.stop();
    const heads = [...readFileSync(file, "utf8").matchAll(/^# Query_time: .*$/gm)];
    const shown = heads.map(([head]) => / {2}Traceparent: (\S+)$/.exec(head)?.[1]);
    expect(shown).toEqual([...traces, undefined]);
    // To neither of them are statements different for their trace.
    const run = async (...command: readonly string[]) => {
      const child = Bun.spawn([...command, file], { stdout: "pipe", stderr: "pipe" });
      const [output] = await Promise.all([new Response(child.stdout).text(), child.exited]);
      return output;
    };
    const summary = await run(`${mysqlFolder()}/bin/mysqldumpslow`);
    expect(summary.match(/Count: \d+/g)).toEqual(["Count: 3"]);
    if (noDigest !== null) return;
    const ptOutput = await run("pt-query-digest", "--no-version-check", "--output", "json");
    const { classes } = JSON.parse(ptOutput) as {
      readonly classes: readonly { readonly query_count: number }[];
    };
    expect(classes.map(({ query_count }) => query_count)).toEqual([3]);
    const filter = `($event->{Traceparent} || "") eq "${traces[1]}"`;
    const found = await run("pt-query-digest", "--no-version-check", "--filter", filter);
    expect(found).toMatch(/Overall: 1 total, 1 unique/);
  });

  test("names the schema of each statement, so that a new file is not without", async () => {
    const { server } = await subject(kinds[0]!);
    using place = folder();
    const file = join(place.path, "slow.log");
    await using proxy = await ownProxy(server, {
      args: ["--admin", "127.0.0.1:0"],
      config: `[pool]\nmode = "transaction"\n[slow_log]\nfile = "${file}"\nthreshold = "0ms"\n`,
    });
    const port = await proxy.loggedPort("admin port");
    using admin = await loginAs({ user: "admin", password: "" }, { port });
    using client = await loginAs(server.accounts.app, proxy, { database: "test" });
    await client.query("SELECT 'before'");
    await until("it is written", () => readFileSync(file, "utf8").includes("before"));
    renameSync(file, `${file}.aside`);
    await admin.query("PROXYSQL FLUSH LOGS");
    await client.query("SELECT 'behind'");
    await until("it is written", () => readFileSync(file, "utf8").includes("behind"));
    expect(readFileSync(file, "utf8")).toMatch(/use test;\nSET timestamp=\d+;\nSELECT 'behind';/);
  });
});
