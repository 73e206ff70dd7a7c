// A client with or without any of the capability flags sees what the server would have sent to it:
// answers direct and through the proxy are equal byte for byte.

import { beforeAll, describe, expect, test } from "bun:test";
import {
  Capability,
  decodeGreeting,
  Expect,
  MariadbCapability,
  PacketWriter,
} from "../../mod/wire/mod.ts";
import type { ProxyProcess } from "../proxy_process.ts";
import { freshDatabase, type RealServer } from "../servers/mod.ts";
import { RawClient, type RawOptions, USUAL_FLAGS } from "./raw_client.ts";
import { kinds, loginAs, subject } from "./subjects.ts";

const without = (flag: number) => (USUAL_FLAGS & ~flag) >>> 0;
const including = (flag: number) => (USUAL_FLAGS | flag) >>> 0;

const clients: readonly { readonly name: string; readonly options: Partial<RawOptions> }[] = [
  { name: "the usual flags", options: {} },
  ...([
    "DEPRECATE_EOF",
    "SESSION_TRACK",
    "PLUGIN_AUTH_LENENC",
    "LOCAL_FILES",
    "MULTI_STATEMENTS",
  ] as const)
    .map((name) => ({
      name: `without ${name}`,
      options: { capabilities: without(Capability[name]) },
    })),
  ...([
    "CONNECT_ATTRS",
    "FOUND_ROWS",
    "IGNORE_SPACE",
    "INTERACTIVE",
    "QUERY_ATTRIBUTES",
    "ODBC",
  ] as const)
    .map((name) => ({
      name: `with ${name}`,
      options: { capabilities: including(Capability[name]), attributes: { of: "the client" } },
    })),
  {
    name: "with OPTIONAL_RESULTSET_METADATA",
    options: { capabilities: including(Capability.OPTIONAL_RESULTSET_METADATA) },
  },
  {
    name: "without DEPRECATE_EOF and SESSION_TRACK, as of old",
    options: { capabilities: without(Capability.DEPRECATE_EOF | Capability.SESSION_TRACK) },
  },
  {
    name: "with MariaDB's extended flags",
    options: {
      capabilities: without(Capability.LONG_PASSWORD),
      mariadbCapabilities: MariadbCapability.EXTENDED_METADATA | MariadbCapability.CACHE_METADATA |
        MariadbCapability.PROGRESS | MariadbCapability.STMT_BULK_OPERATIONS,
    },
  },
];

/**
 * Values of `pool.mode`, each with the flags of MariaDB that are not offered in it: a server leaves
 * metadata out that it has told a connection, whosever that was.
 */
const MODES = [["transaction", MariadbCapability.CACHE_METADATA], ["session", 0]] as const;

for (const kind of kinds) {
  describe(kind, () => {
    let server: RealServer;
    let proxy: ProxyProcess;

    beforeAll(async () => {
      ({ server, proxy } = await subject(kind));
      await freshDatabase(server, "flags");
      await server.sql("CREATE TABLE flags.t (id INT PRIMARY KEY, v VARCHAR(20), j JSON)");
      await server.sql(
        "INSERT INTO flags.t VALUES (1, 'a', '{}'), (2, 'b', NULL), (3, NULL, NULL)",
      );
    });

    for (const { name, options } of clients) {
      test.each(MODES)(`${name}, %s`, async (mode, notOffered) => {
        const { mariadbCapabilities: wanted } = options;
        const offered = wanted === undefined
          ? options
          : { ...options, mariadbCapabilities: wanted & ~notOffered };
        const { proxy } = await subject(kind, [], { MYSQLPROXY_POOL_MODE: mode });
        const direct = await talk(server, server, offered);
        const proxied = await talk(server, proxy, offered);
        expect(proxied).toEqual(direct);
        expect(direct.length).toBeGreaterThan(30);
      });
    }

    test.each(MODES)("the greeting is the server's but for what is the proxy's own, %s", async (
      mode,
      notOffered,
    ) => {
      const { proxy } = await subject(kind, [], { MYSQLPROXY_POOL_MODE: mode });
      const greetings = [];
      for (const target of [server, proxy]) {
        const client = await RawClient.open({ port: target.port, user: "", password: "" });
        greetings.push(decodeGreeting((await client.packets.read()).payload));
        client.close();
      }
      const [real, shown] = greetings;
      const own = Capability.SSL | Capability.COMPRESS | Capability.ZSTD_COMPRESSION;
      expect(shown!.serverVersion).toBe(real!.serverVersion);
      expect(shown!.capabilities & ~own).toBe(real!.capabilities & ~own);
      expect(shown!.capabilities & own).toBe(own);
      expect(shown!.mariadbCapabilities).toBe(real!.mariadbCapabilities & ~notOffered);
      expect(shown!.collation).toBe(real!.collation);
      expect(shown!.status).toBe(real!.status);
      expect(shown!.authPlugin).toBe(real!.authPlugin);
      expect(shown!.threadId).not.toBe(real!.threadId);
      expect(shown!.salt).not.toEqual(real!.salt);
      expect([...shown!.salt].every((byte) => byte > 0 && byte < 128)).toBe(true);
    });

    test("INTERACTIVE takes interactive_timeout, others wait_timeout", async () => {
      await server.sql("SET GLOBAL interactive_timeout = 4321");
      try {
        const { app } = server.accounts;
        const capabilities = including(Capability.INTERACTIVE);
        using interactive = await loginAs(app, proxy, { capabilities });
        using other = await loginAs(app, proxy);
        expect(await interactive.value("SELECT @@wait_timeout")).toBe("4321");
        expect(await other.value("SELECT @@wait_timeout")).toBe("28800");
        // A connection kept for reuse may not hand its timeout on.
        await interactive.quit();
        using next = await loginAs(app, proxy, { capabilities });
        expect(await next.value("SELECT @@wait_timeout")).toBe("4321");
      } finally {
        await server.sql("SET GLOBAL interactive_timeout = 28800");
      }
    });

    test("connection attributes are the client's", async () => {
      const statement = "SELECT attr_value FROM performance_schema.session_connect_attrs " +
        "WHERE processlist_id = CONNECTION_ID() AND attr_name = 'program_name'";
      const capabilities = including(Capability.CONNECT_ATTRS);
      for (const name of ["first", "second"]) {
        const client = await loginAs(server.accounts.app, proxy, {
          capabilities,
          attributes: { program_name: name },
        });
        expect(await client.query(statement)).toEqual([[name]]);
        await client.quit(); // the second login reuses the connection
      }
    });

    test("query attributes reach the server", async () => {
      const capabilities = including(Capability.QUERY_ATTRIBUTES);
      const texts: string[][] = [];
      for (const target of [server, proxy]) {
        using client = await loginAs(server.accounts.app, target, { capabilities });
        const attributes = (client.capabilities & Capability.QUERY_ATTRIBUTES) !== 0;
        const writer = new PacketWriter().u8(3);
        if (attributes) {
          // Two attributes: a string and a NULL.
          writer.u8(2).u8(1).u8(0b10).u8(1)
            .u16(253).lenencBytes(Buffer.from("colour"))
            .u16(6).lenencBytes(Buffer.from("nothing"))
            .lenencBytes(Buffer.from("green"));
        }
        writer.text("SELECT CONNECTION_ID() > 0, @@version");
        const packets = await client.command(writer.done(), Expect.RESULT);
        texts.push(packets.map(({ bytes }) => bytes.toString("latin1")));
      }
      expect(texts[1]).toEqual(texts[0]!);
    });
  });
}

/** Logs in and sends a list of statements; gives every packet as text. */
async function talk(
  server: RealServer,
  target: { readonly port: number },
  options: Partial<RawOptions>,
): Promise<string[]> {
  using client = await loginAs(server.accounts.app, target, { ...options, database: "flags" });
  const seen = [`login: ${client.ok.payload.toString("hex")}`];
  const lines = Buffer.from("7,seven\n8,eight\n");
  const statements = [
    "SET NAMES utf8mb4",
    "SELECT id, v, j FROM t ORDER BY id",
    "SELECT id FROM t WHERE id > 100",
    "UPDATE t SET v = 'b' WHERE id <= 2",
    "UPDATE t SET v = IF(v = 'b', 'x', 'b') WHERE id = 1",
    "UPDATE t SET v = 'a' WHERE id = 1",
    "SELECT COUNT (*) FROM t",
    "SELECT 1; SELECT 2; DO 0",
    "SELECT 1/0, 'warned'",
    "USE test",
    "USE flags",
    "SET @@session.autocommit = 0",
    "START TRANSACTION",
    "INSERT INTO t (id) VALUES (99)",
    "ROLLBACK",
    "SET @@session.autocommit = 1",
    "SELECT * FROM missing",
    "LOAD DATA LOCAL INFILE 'given.csv' INTO TABLE t FIELDS TERMINATED BY ',' (id, v)",
    "DELETE FROM t WHERE id IN (7, 8)",
    "ALTER TABLE t ENGINE = InnoDB, FORCE",
    "SET @@session.session_track_system_variables = 'autocommit,sql_mode'",
    "SET @@session.sql_mode = 'ANSI'",
    "SELECT @@wait_timeout, @@session.sql_mode, CONNECTION_ID() > 5 AS own",
  ];
  if (
    server.kind === "mysql" && options.capabilities &&
    options.capabilities & Capability.OPTIONAL_RESULTSET_METADATA
  ) {
    statements.push(
      "SET @@session.resultset_metadata = NONE",
      "SELECT id, v FROM t ORDER BY id",
      "SELECT 1 WHERE 0",
      "SET @@session.resultset_metadata = FULL",
      "SELECT id, v FROM t ORDER BY id",
    );
  }
  for (const sql of statements) {
    const packets = await client.command(client.queryPayload(sql), Expect.RESULT, lines);
    seen.push(...packets.map(({ bytes }) => `${sql}: ${bytes.toString("hex")}`));
  }
  for (const sql of ["SELECT id, v FROM t WHERE id > ? ORDER BY id", "DO ?", "SELECT 1"]) {
    const prepared = await client.command(
      Buffer.concat([Buffer.of(0x16), Buffer.from(sql)]),
      Expect.PREPARE,
    );
    const id = prepared[0]!.payload.readUInt32LE(1);
    // Statement ids are the server's to choose: they are left out.
    seen.push(
      ...prepared.map(({ payload }, i) => payload.subarray(i === 0 ? 5 : 0).toString("hex")),
    );
    for (let turn = 0; turn < 2; turn++) {
      const execute = new PacketWriter().u8(0x17).u32(id).u8(0).u32(1);
      if (sql.includes("?")) execute.u8(0).u8(1).u16(8).u64(1);
      const packets = await client.command(execute.done(), Expect.RESULT);
      seen.push(...packets.map(({ bytes }) => `${sql}: ${bytes.toString("hex")}`));
    }
  }
  const fields = await client.command(Buffer.from("\x04t\0%"), Expect.FIELDS);
  seen.push(...fields.map(({ bytes }) => `fields: ${bytes.toString("hex")}`));
  return seen;
}
