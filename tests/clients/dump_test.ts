// Goal: backups and replication work through the proxy. Method: what the dump and binlog programs
// of MariaDB and MySQL write through the proxy is byte for byte what they write direct, and a real
// replica whose source is the proxy gets every row.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ProxyProcess, startProxy } from "../proxy_process.ts";
import {
  freshBinlog,
  isReplicating,
  mariadbProgram,
  mysqlProgram,
  type RealServer,
  serverKinds,
  startServer,
} from "../servers/mod.ts";

const SETUP_MS_MAX = 60_000;
const TEST_MS_MAX = 60_000;
const POLL_MS = 50;

const SETTINGS = serverKinds().flatMap((kind) =>
  (["session", "transaction"] as const).map((mode) => ({ kind, mode }))
);

for (const { kind, mode } of SETTINGS) {
  describe(`${kind}, pooled by ${mode}`, () => {
    // A server of its own, in whose binlog nobody else writes.
    let server: RealServer;
    let proxy: ProxyProcess;

    beforeAll(async () => {
      server = await startServer(kind);
      proxy = await startProxy({ backends: [server], config: `[pool]\nmode = "${mode}"\n` });
      for (const statement of CONTENT) await server.sql(statement);
    }, SETUP_MS_MAX);
    afterAll(async () => {
      await proxy?.stop();
      await server?.stop();
    });

    for (const tls of [false, true]) {
      const how = tls ? "TLS" : "plain";

      test(`a dump, ${how}`, async () => {
        const program = kind === "mariadb"
          ? [mariadbProgram("mariadb-dump"), "--no-defaults", "--master-data=2"]
          : [mysqlProgram("mysqldump"), "--no-defaults", "--source-data=2"];
        const options = ["--skip-dump-date", "--routines", "--events", "--triggers", "--hex-blob"];
        const dump = (port: number) => {
          const account = accountOptions(server, { port, user: "app", tls });
          const what = ["--single-transaction", "--databases", "shop", "other"];
          return output([...program, ...account, ...options, ...what]);
        };
        const direct = await dump(server.port);
        expect(direct).toContain("CREATE DEFINER=`root`@`localhost` PROCEDURE `restock`");
        expect(await dump(proxy.port)).toBe(direct);
      }, TEST_MS_MAX);

      test(`the binlog as text, ${how}`, async () => {
        const read = (port: number) => {
          const account = accountOptions(server, { port, user: "repl", tls });
          return output([...binlogProgram(server), ...account, "-vv", "binlog.000001"]);
        };
        const direct = await read(server.port);
        expect(direct).toContain("UPDATE `shop`.`orders`");
        expect(await read(proxy.port)).toBe(direct);
      }, TEST_MS_MAX);

      test(`the binlog's files, ${how}`, async () => {
        await freshBinlog(server);
        const direct = await rawBinlogs(server, { port: server.port, tls });
        expect(direct.size).toBeGreaterThanOrEqual(2);
        expect(await rawBinlogs(server, { port: proxy.port, tls })).toEqual(direct);
      }, TEST_MS_MAX);
    }

    test("a replica", async () => {
      await using replica = await startServer(kind, { replicaOf: proxy });
      await until("it replicates", () => isReplicating(replica));
      const rows = "SELECT * FROM shop.orders ORDER BY id";
      for (let round = 0; round < 3; round++) {
        await server.sql(`INSERT INTO shop.orders (item, price) VALUES ('round ${round}', 1.25)`);
        const wanted = JSON.stringify(await server.sql(rows));
        await until(`round ${round} arrives`, async () => {
          // The table comes with the first events.
          const there = await replica.sql("SHOW TABLES FROM shop").catch(() => []);
          return there.length > 0 && JSON.stringify(await replica.sql(rows)) === wanted;
        });
      }
      // A transaction whose events are longer than a packet may be.
      await server.sql("INSERT INTO shop.blobs SELECT 9, REPEAT('binlog', 3000000)");
      const length = "SELECT LENGTH(b) AS n FROM shop.blobs WHERE id = 9";
      await until("the long row arrives", async () => {
        const [row] = await replica.sql(length);
        return Number(row?.["n"]) === 18_000_000;
      });
      expect(await isReplicating(replica)).toBe(true);
    }, TEST_MS_MAX);
  });
}

/** What is dumped and replicated. */
const CONTENT: readonly string[] = [
  "CREATE DATABASE shop CHARACTER SET utf8mb4",
  "CREATE TABLE shop.orders (id INT PRIMARY KEY AUTO_INCREMENT, item VARCHAR(50), " +
  "price DECIMAL(10, 2), at DATETIME(6) DEFAULT '2024-01-02 03:04:05.000006', j JSON)",
  "INSERT INTO shop.orders (item, price, j) VALUES ('naïve 🐬', 1.5, '[1, 2]'), " +
  "('it''s \"quoted\" \\\\', NULL, NULL)",
  "CREATE TABLE shop.blobs (id INT PRIMARY KEY, b LONGBLOB)",
  "INSERT INTO shop.blobs VALUES (1, 0x00ff01fe), (2, NULL), (3, REPEAT('long', 400000))",
  "CREATE VIEW shop.cheap AS SELECT * FROM shop.orders WHERE price < 10",
  "CREATE TRIGGER shop.upper_case BEFORE INSERT ON shop.orders FOR EACH ROW " +
  "SET NEW.item = UPPER(NEW.item)",
  "CREATE PROCEDURE shop.restock(IN n INT) BEGIN UPDATE shop.orders SET price = n; END",
  "INSERT INTO shop.orders (item) VALUES ('to be deleted')",
  "UPDATE shop.orders SET price = 2.5 WHERE id = 2",
  "DELETE FROM shop.orders WHERE id = 3",
  "CREATE TABLE other.numbers (n INT PRIMARY KEY)",
  "INSERT INTO other.numbers SELECT a.help_topic_id FROM mysql.help_topic a LIMIT 500",
];

function accountOptions(
  server: RealServer,
  { port, user, tls }: {
    readonly port: number;
    readonly user: "app" | "repl";
    readonly tls: boolean;
  },
): string[] {
  const { password } = server.accounts[user];
  const encrypted = server.kind === "mariadb"
    ? tls ? "--ssl" : "--skip-ssl"
    : `--ssl-mode=${tls ? "REQUIRED" : "DISABLED"}`;
  const key = server.kind === "mysql" ? ["--get-server-public-key"] : [];
  const where = ["--protocol=tcp", `--host=${server.host}`, `--port=${port}`];
  return [...where, `--user=${user}`, `--password=${password}`, encrypted, ...key];
}

function binlogProgram(server: RealServer): string[] {
  const program = server.kind === "mariadb"
    ? mariadbProgram("mariadb-binlog")
    : mysqlProgram("mysqlbinlog");
  return [program, "--no-defaults", "--read-from-remote-server"];
}

/** All binlog files as the binlog program copies them: name and digest. */
async function rawBinlogs(
  server: RealServer,
  { port, tls }: { readonly port: number; readonly tls: boolean },
): Promise<Map<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), "mp-binlog-"));
  try {
    const account = accountOptions(server, { port, user: "repl", tls });
    const raw = ["--raw", "--to-last-log", `--result-file=${folder}/`, "binlog.000001"];
    await output([...binlogProgram(server), ...account, ...raw]);
    return new Map(
      readdirSync(folder).sort().map((name) => {
        const bytes = readFileSync(join(folder, name));
        return [name, `${bytes.length} bytes, ${Bun.SHA256.hash(bytes, "hex")}`];
      }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a program prints. Throws an Error with its standard error if it fails. */
async function output(command: readonly string[]): Promise<string> {
  const child = Bun.spawn([...command], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [printed, errors, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (status !== 0) throw new Error(`"${command[0]}" ended with ${status}: ${errors}`);
  return printed;
}

/** Waits until `holds`. Throws an Error after half a test's time. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + TEST_MS_MAX / 2;
  while (!await holds()) {
    if (Date.now() > deadline) throw new Error(`Waited in vain: ${what}`);
    await Bun.sleep(POLL_MS);
  }
}
