// The statements about the cluster on the port that clients use: who may administer the server gets
// answers, everybody else what the server says to such a statement.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Capability, Expect, frame, MariadbCapability } from "../../mod/wire/mod.ts";
import { type RawClient, USUAL_FLAGS } from "../proxy/raw_client.ts";
import { inTransaction } from "../proxy/results.ts";
import { kinds, loginAs, ownAccount, ownProxy, subject } from "../proxy/subjects.ts";
import type { ProxyProcess } from "../proxy_process.ts";
import type { RealServer } from "../servers/mod.ts";
import { until } from "./watching.ts";

const WAYS = [
  { mode: "session", workers: "1" },
  { mode: "session", workers: "2" },
  { mode: "transaction", workers: "1" },
  { mode: "transaction", workers: "2" },
] as const;

/** Bytes at the end of a column definition: length, type, flags, decimals. */
const TYPE_LENGTH = 10;
const OURS = ["SHOW CLUSTER", "SHOW RW", "SHOW RO", "SHOW CLUSTER EVENTS", "SHOW TOPOLOGY"];

describe.each(kinds)("before %s", (kind) => {
  let server: RealServer;
  let name: string;

  beforeAll(async () => {
    ({ server } = await subject(kind));
    name = `127.0.0.1:${server.port}`;
    const right = kind === "mysql" ? "CONNECTION_ADMIN" : "CONNECTION ADMIN";
    for (
      const statement of [
        "CREATE USER IF NOT EXISTS 'chief'@'%' IDENTIFIED BY 'chief'",
        `GRANT ${right} ON *.* TO 'chief'@'%'`,
        "CREATE USER IF NOT EXISTS 'clerk'@'%' IDENTIFIED BY 'clerk'",
        "GRANT SELECT ON *.* TO 'clerk'@'%'",
        "GRANT ALL PRIVILEGES ON test.* TO 'clerk'@'%'",
        "CREATE ROLE IF NOT EXISTS 'SUPER, SUPER ON *.* TO '",
        "GRANT 'SUPER, SUPER ON *.* TO ' TO 'clerk'@'%'",
        "CREATE ROLE IF NOT EXISTS 'chiefs'",
        `GRANT ${right} ON *.* TO 'chiefs'`,
        "GRANT 'chiefs' TO 'clerk'@'%'",
      ]
    ) await server.sql(statement);
  });

  describe.each(WAYS)("$mode pooling, $workers workers", ({ mode, workers }) => {
    let proxy: ProxyProcess;

    const as = (user: string) =>
      loginAs({ user, password: user }, proxy, user === "app" ? { database: "test" } : {});

    beforeAll(async () => {
      proxy = await ownProxy(server, {
        args: [...ownAccount(server), "--workers", workers],
        env: { MYSQLPROXY_POOL_MODE: mode },
      });
      await proxy.untilLogged(/mode=synced/);
      using client = await as("app");
      await until("the server is known", async () => {
        return (await client.query("SHOW CLUSTER WHERE state = 'up'")).length === 1;
      });
    });

    afterAll(async () => {
      await proxy?.stop();
    });

    test("an administrator gets rows and may give orders", async () => {
      using client = await as("chief");
      const [shown] = await client.results("/* who? */ show cluster like '127.%';");
      expect(shown!.columns.slice(0, 3)).toEqual(["address", "host", "port"]);
      expect(shown!.rows.map(([address]) => address)).toEqual([name]);
      expect(await client.query("SHOW CLUSTER WHERE role = 'nobody'")).toEqual([]);
      await client.query(`SET SERVER '${name}' WEIGHT 7`);
      await client.query(`drain /* it */ server "${name}"`);
      const [row] = await client.query("-- now\nSHOW RW");
      expect(row).toBeUndefined();
      await client.query(`ENABLE SERVER ${name}`);
      const [writer] = (await client.results("SHOW RW"))[0]!.rows;
      expect(writer!.slice(0, 2)).toEqual([name, "7"]);
      const [topology] = await client.query("SHOW TOPOLOGY");
      expect(JSON.parse(topology![0]!)).toMatchObject({ primary: name });
      expect((await client.results("SHOW CLUSTER EVENTS"))[0]!.columns).toContain("duration(ms)");
      expect((await client.errorOf("DRAIN SERVER 'nobody:1'")).code).toBe(1105);
      expect((await client.errorOf("SHOW CLUSTER WHERE nonsense")).code).toBe(1064);
      expect(await client.value("SELECT 1")).toBe("1");
    });

    test("everybody else gets what the server says, and changes nothing", async () => {
      using client = await as("clerk");
      using direct = await loginAs({ user: "clerk", password: "clerk" }, server);
      const orders = ["DRAIN", "ENABLE"].map((verb) => `${verb} SERVER '${name}'`);
      for (const sql of [...OURS, ...orders, `SET SERVER '${name}' WEIGHT 3`]) {
        const error = await client.errorOf(sql);
        const { code, text } = await direct.errorOf(sql);
        expect({ sql, code: error.code, text: error.text }).toEqual({ sql, code, text });
      }
      using chief = await as("chief");
      expect((await chief.query("SHOW RW"))[0]![1]).not.toBe("3");
    });

    test("a role counts once it is the session's", async () => {
      using client = await as("clerk");
      await client.query("SET ROLE 'chiefs'");
      expect((await client.query("SHOW CLUSTER")).length).toBe(1);
      await client.query("SET ROLE NONE");
      expect((await client.errorOf("SHOW CLUSTER")).code).toBe(1064);
    });

    test("what servers know themselves, and what is no such statement, is theirs", async () => {
      using client = await as("app");
      expect((await client.results("SHOW EVENTS"))[0]!.columns.slice(0, 2)).toEqual(["Db", "Name"]);
      for (const sql of ["SHOW CLUSTERS", "DRAIN SERVER", "SHOW RW RO", "SET SERVER = 1"]) {
        expect((await client.errorOf(sql)).code).toBe(sql.startsWith("SET") ? 1193 : 1064);
      }
      const prepare = Buffer.concat([Uint8Array.of(0x16), Buffer.from("SHOW CLUSTER")]);
      const packets = await client.command(prepare, Expect.PREPARE);
      expect(client.errorCode(packets)).toBe(1064);
    });

    test("a transaction goes on, and answers keep their order", async () => {
      using client = await as("app");
      await client.query("DROP TABLE IF EXISTS shown");
      await client.query("CREATE TABLE shown (n INT)");
      await client.query("BEGIN");
      await client.query("INSERT INTO shown VALUES (1)");
      const [shown] = await client.results("SHOW CLUSTER");
      expect(inTransaction(shown!)).toBe(true);
      const [ordered] = await client.results(`ENABLE SERVER '${name}'`);
      expect(inTransaction(ordered!)).toBe(true);
      expect(await client.value("SELECT COUNT(*) FROM shown")).toBe("1");
      await client.query("ROLLBACK");
      expect(await client.value("SELECT COUNT(*) FROM shown")).toBe("0");
      const sent = ["SELECT 1", "SHOW RW", "SELECT 2", "SHOW CLUSTER", "SELECT 3"];
      client.sendBytes(Buffer.concat(sent.map((sql) => frame(client.queryPayload(sql), 0))));
      const firsts: (string | null)[] = [];
      for (const _ of sent) {
        const [result] = client.parse(await client.answer(Expect.RESULT));
        firsts.push(result!.rows[0]![0]!);
      }
      expect(firsts).toEqual(["1", name, "2", name, "3"]);
    });

    test("connections are counted", async () => {
      using client = await as("app");
      await client.query("BEGIN");
      const counts = async () => {
        const [row] = await client.query("SHOW RW");
        return row!.slice(2, 5).map(Number);
      };
      await until("both are seen", async () => (await counts())[0]! >= 1);
      const max = mode === "session" ? 64 * Number(workers) : 128;
      expect((await counts())[2]).toBe(max);
      // Connections of clients that have left stay for others.
      await until("an idle one", async () => (await counts())[1]! >= 1);
    });
  });

  test("results have the shape that the client's flags ask for", async () => {
    await using proxy = await ownProxy(server, { args: ownAccount(server) });
    await proxy.untilLogged(/mode=synced/);
    const flags = [
      { capabilities: USUAL_FLAGS },
      { capabilities: (USUAL_FLAGS & ~Capability.DEPRECATE_EOF) >>> 0 },
      { capabilities: (USUAL_FLAGS & ~Capability.SESSION_TRACK) >>> 0 },
      { capabilities: (USUAL_FLAGS | Capability.QUERY_ATTRIBUTES) >>> 0 },
      { capabilities: (USUAL_FLAGS | Capability.OPTIONAL_RESULTSET_METADATA) >>> 0 },
      {
        capabilities: (USUAL_FLAGS & ~Capability.LONG_PASSWORD) >>> 0,
        mariadbCapabilities: MariadbCapability.EXTENDED_METADATA | MariadbCapability.CACHE_METADATA,
      },
      { compression: "zlib" as const },
    ];
    for (const options of flags) {
      using client = await loginAs(server.accounts.app, proxy, options);
      const own = await shapeOf(client, "SELECT CAST('x' AS CHAR(9)) AS topology");
      expect(await shapeOf(client, "SHOW TOPOLOGY")).toEqual(own);
    }
  });
});

/** The packets around an answer's one row, but for the column's type, which may differ. */
async function shapeOf(client: RawClient, sql: string) {
  const packets = await client.command(client.queryPayload(sql), Expect.RESULT);
  const row = packets.length - 2;
  return packets.filter((_, at) => at !== row).map(({ payload, sequence }, at) => ({
    sequence,
    length: payload.length,
    bytes: Buffer.from(at === 1 ? payload.subarray(0, -TYPE_LENGTH) : payload).toString("hex"),
  }));
}
