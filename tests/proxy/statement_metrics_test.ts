// What is measured of statements, as the admin port shows it, before real servers.

import { expect, test } from "bun:test";
import type { RawClient } from "./raw_client.ts";
import { kinds, loginAs, ownAccount, ownProxy, subject, until } from "./subjects.ts";

interface Row {
  readonly [column: string]: string | null;
}

async function rowsOf(admin: RawClient, text: string): Promise<readonly Row[]> {
  const [result] = await admin.results(text);
  return result!.rows.map((row) =>
    Object.fromEntries(result!.columns.map((name, at) => [name, row[at] ?? null]))
  );
}

const STATEMENTS = [
  "SELECT 17 + id FROM measured WHERE id IN (1, 2, 3) AND name LIKE 'a%' /* hidden */",
  "SELECT `id` AS x, COUNT(*) FROM measured t WHERE t.id > -5 GROUP BY t.id LIMIT 2",
  "INSERT INTO measured VALUES (1, 'a'), (2, 'b'), (3, 'it''s')",
  "UPDATE measured SET name = CONCAT(name, 'x') WHERE id BETWEEN 1 AND 2",
  "SELECT 'no such column', nowhere FROM measured",
];

for (const kind of kinds) {
  for (const workers of ["1", "2"]) {
    // Each mode with each number of workers before one of the servers.
    for (const mode of [(workers === "1") === (kind === "mysql") ? "transaction" : "session"]) {
      test(`${kind}: digests, stages and errors, ${mode} pooling, ${workers} worker(s)`, async () => {
        const { server } = await subject(kind);
        await using proxy = await ownProxy(server, {
          args: [...ownAccount(server), "--admin", "127.0.0.1:0", "--workers", workers],
          config: `[pool]\nmode = "${mode}"\n`,
        });
        await proxy.untilLogged(/mode=synced/);
        const port = await proxy.loggedPort("admin port");
        using admin = await loginAs(server.accounts.monitor, { port });
        using client = await loginAs(server.accounts.app, proxy, { database: "test" });
        if (kind === "mysql") { // its table may be full of other tests' statements
          await server.sql("TRUNCATE performance_schema.events_statements_summary_by_digest");
        }
        await client.query("CREATE TEMPORARY TABLE measured (id INT, name VARCHAR(99))");
        const errors: number[] = [];
        for (const text of [STATEMENTS[2]!, ...STATEMENTS, STATEMENTS[0]!.replace("17", "18")]) {
          await client.query(text).catch(({ code }: { code: number }) => errors.push(code));
        }
        expect(errors).toEqual([1054]);
        const about = "FROM digests WHERE text LIKE '%measured%'";
        await until(
          "all statements are counted",
          async () => await admin.value(`SELECT sum(count) ${about}`) === "8",
        );
        const [selects] = await rowsOf(
          admin,
          `SELECT * ${about} AND text LIKE 'select ? + %'`,
        );
        expect(selects).toMatchObject({
          count: "2",
          errors: "0",
          rows_sent: "3",
          user: server.accounts.app.user,
          target: `127.0.0.1:${server.port}`,
        });
        expect(Number(selects!["p50_us"])).toBeGreaterThan(0);
        expect(Number(selects!["sum_us"])).toBeGreaterThanOrEqual(Number(selects!["max_us"]));
        const [inserts] = await rowsOf(admin, `SELECT * ${about} AND text LIKE 'insert%'`);
        expect(inserts).toMatchObject({ count: "2", rows_affected: "6" });
        const [failed] = await rowsOf(admin, `SELECT * ${about} AND text LIKE '%nowhere%'`);
        expect(failed).toMatchObject({ count: "1", errors: "1" });
        expect(await rowsOf(admin, "SELECT count FROM errors WHERE code = 1054")).toEqual([
          { count: "1" },
        ]);
        const counts = await rowsOf(
          admin,
          "SELECT count, p99_us >= p50_us AS sorted FROM stages WHERE stage IN ('execute', 'total')",
        );
        expect(counts).toHaveLength(2);
        for (const row of counts) {
          expect(Number(row["count"])).toBeGreaterThanOrEqual(8);
          expect(row["sorted"]).toBe("1");
        }
        await client.query("SELECT REPEAT('x', 1000000) UNION ALL SELECT REPEAT('y', 1000000)");
        const stage = (name: string) =>
          rowsOf(admin, `SELECT count, max_us, target FROM stages WHERE stage = '${name}'`);
        await until("a long answer is measured", async () => (await stage("stream")).length === 1);
        const [streamed] = await stage("stream");
        const [executed] = await stage("execute");
        expect(Number(streamed!["count"])).toBeGreaterThanOrEqual(1);
        expect(Number(streamed!["max_us"])).toBeLessThanOrEqual(Number(executed!["max_us"]));
        const [connected] = await stage("connect");
        expect(connected!["target"]).toBe(`127.0.0.1:${server.port}`);
        expect(Number(connected!["count"])).toBeGreaterThanOrEqual(1);
        expect(Number(connected!["max_us"])).toBeGreaterThan(0);
        const [session] = await rowsOf(
          admin,
          `SELECT * FROM frontends WHERE user = '${server.accounts.app.user}'`,
        );
        expect(Number(session!["commands"])).toBe(9);
        expect(Number(session!["bytes_received"])).toBeGreaterThan(STATEMENTS.join().length);
        if (kind === "mysql") await compareDigests(admin, client);
        else expect(await admin.value(`SELECT max(of_server) ${about}`)).toBe("0");
      });
    }
  }
}

/** MySQL's own tables know the same statements under the same digests. */
async function compareDigests(admin: RawClient, client: RawClient): Promise<void> {
  const about = "FROM digests WHERE text LIKE '%measured%'";
  await until(
    "the server has said what it calls them",
    async () => await admin.value(`SELECT min(of_server) ${about}`) === "1",
  );
  const ours = await rowsOf(admin, `SELECT digest, text, count ${about}`);
  expect(ours).toHaveLength(6);
  for (const { digest, text } of ours) {
    const theirs = await client.value(
      `SELECT DIGEST_TEXT FROM performance_schema.events_statements_summary_by_digest WHERE DIGEST = '${digest}' LIMIT 1`,
    );
    expect(theirs).toBe(text);
  }
}

test("where statements are not to be measured none is", async () => {
  const { server } = await subject(kinds[0]!);
  await using proxy = await ownProxy(server, {
    args: ["--admin", "127.0.0.1:0"],
    config: "[metrics]\nstatements = false\n",
  });
  const port = await proxy.loggedPort("admin port");
  using admin = await loginAs({ user: "admin", password: "" }, { port });
  using client = await loginAs(server.accounts.app, proxy);
  await client.query("SELECT 1");
  await until(
    "the command is counted",
    async () => Number(await admin.value("SELECT commands FROM proxy")) > 0,
  );
  expect(await admin.value("SELECT count(*) FROM stages")).toBe("0");
  expect(await admin.value("SELECT count(*) FROM digests")).toBe("0");
});

test(
  "50,000 digests stay within their bound, and no statement is missing in the sums",
  async () => {
    const STATEMENTS_SENT = 50_000;
    const CLIENTS = 20;
    const BOUND = 1000;
    const { server } = await subject(kinds[0]!);
    await using proxy = await ownProxy(server, {
      args: [...ownAccount(server), "--admin", "127.0.0.1:0", "--workers", "2"],
      config: `[pool]\nmode = "transaction"\n[metrics]\ndigests_max = ${BOUND}\n`,
    });
    await proxy.untilLogged(/mode=synced/);
    using admin = await loginAs(server.accounts.monitor, {
      port: await proxy.loggedPort("admin port"),
    });
    const numberOf = async (what: string) =>
      Number(await admin.value(`SELECT ${what} FROM digests`));
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, () => loginAs(server.accounts.app, proxy)),
    );
    let sent = 0;
    let ended = 0;
    const load = clients.map(async (client) => {
      while (sent < STATEMENTS_SENT) await client.query(`SELECT 1 AS column_${sent++}`);
      ended++;
    });
    const rows: number[] = [];
    await until("all have been sent", async () => {
      rows.push(await numberOf("count(*)"));
      return ended === CLIENTS;
    }, 90_000);
    await Promise.all(load);
    await until(
      "all are counted",
      async () => await numberOf("sum(count)") === STATEMENTS_SENT,
    );
    rows.push(await numberOf("count(*)"));
    expect(Math.max(...rows)).toBeLessThanOrEqual(BOUND);
    expect(Math.max(...rows)).toBeGreaterThan(BOUND / 2);
    // What has no room is one row, and most of them.
    expect(await numberOf("count(*) FILTER (WHERE digest IS NULL)")).toBe(1);
    expect(await numberOf("sum(count) FILTER (WHERE digest IS NULL)")).toBeGreaterThanOrEqual(
      STATEMENTS_SENT - BOUND,
    );
    // And new ones find their place still.
    await clients[0]!.query("SELECT 1 AS the_last_one");
    await until(
      "it is there",
      async () => await numberOf("count(*) FILTER (WHERE text LIKE '%the_last_one%')") === 1,
    );
    for (const client of clients) client.close();
  },
  120_000,
);
