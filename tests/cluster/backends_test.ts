// Servers that come and go with the configuration while clients work: by the file, by SIGHUP, by
// CONFIG APPLY and by ProxySQL's tables.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { type ProxyProcess, startProxy } from "../proxy_process.ts";
import { serverKinds } from "../servers/mod.ts";
import { type Cluster, startAsyncCluster } from "./clusters.ts";
import type { ClusterNode } from "./node.ts";
import { until } from "./watching.ts";

const CLIENTS = 32;

interface Served extends AsyncDisposable {
  readonly proxy: ProxyProcess;
  readonly file: string;
  show(sql: string, values?: readonly (string | number)[]): Promise<readonly unknown[][]>;
  connect(): Promise<Connection>;
  /** Writes the file with these servers. */
  write(backends: readonly ClusterNode[]): string;
}

const listOf = (nodes: readonly ClusterNode[]) => nodes.map(({ name }) => `"${name}"`).join(", ");

async function serve(
  backends: readonly ClusterNode[],
  { more, workers = 1 }: { readonly more: string; readonly workers?: number },
): Promise<Served> {
  const folder = mkdtempSync(join(tmpdir(), "mp-backends-"));
  const file = join(folder, "proxy.toml");
  const text = (nodes: readonly ClusterNode[]) =>
    `# our servers\nbackends = [${listOf(nodes)}] # all of them\n${more}`;
  writeFileSync(file, text(backends));
  const proxy = await startProxy({
    backends: [],
    args: ["-c", file, "--admin", "127.0.0.1:0", "--workers", String(workers)],
  });
  const port = await proxy.loggedPort("admin port");
  const password = more.includes("[admin]") ? "own" : "";
  const admin = await createConnection({ host: "127.0.0.1", port, user: "admin", password });
  return {
    proxy,
    file,
    async show(sql, values = []) {
      const [rows] = await admin.query<RowDataPacket[]>({ sql, rowsAsArray: true }, [...values]);
      return Array.isArray(rows) ? rows as unknown as unknown[][] : [];
    },
    connect: () =>
      createConnection({
        host: proxy.host,
        port: proxy.port,
        user: "app",
        password: "app",
        database: "test",
      }),
    write(nodes) {
      writeFileSync(file, text(nodes));
      return text(nodes);
    },
    async [Symbol.asyncDispose]() {
      admin.destroy();
      await proxy.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Connections that a server has from the proxy, its clients' and its own. */
const connectionsAt = async (node: ClusterNode) =>
  (await node.sql("SHOW PROCESSLIST")).filter((row) => row["User"] === "app").length;

/** Transactions and reads of many clients until it is ended; any error is thrown there. */
async function startLoad(here: Served) {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => here.connect()));
  let ended = false;
  const counts = { writes: 0, reads: new Map<number, number>() };
  const work = async (client: Connection) => {
    while (!ended) {
      await client.query("BEGIN");
      await client.query("INSERT INTO t (v) VALUES (7)");
      await client.query("SELECT max(id) FROM t");
      await client.query("COMMIT");
      counts.writes++;
      const [rows] = await client.query<RowDataPacket[]>(
        "/*+ mysqlproxy(target=replica) */ SELECT @@port AS port FROM t LIMIT 1",
      );
      const port = Number(rows[0]!["port"]);
      counts.reads.set(port, (counts.reads.get(port) ?? 0) + 1);
    }
  };
  const all = Promise.all(clients.map(work));
  all.catch(() => ended = true);
  const readsAt = ({ port }: ClusterNode) => counts.reads.get(port) ?? 0;
  /** Waits until as many more transactions are through. */
  const more = async (writes: number) => {
    const before = counts.writes;
    await until("the load goes on", () => ended || counts.writes >= before + writes);
    if (ended) await all;
  };
  return {
    readsAt,
    more,
    untilReadAt: (node: ClusterNode) => {
      const before = readsAt(node);
      return until(`reads go to ${node.name}`, () => ended || readsAt(node) > before);
    },
    async end() {
      ended = true;
      await all;
      for (const client of clients) client.destroy();
      return counts.writes;
    },
  };
}

const [kind] = serverKinds();

describe.skipIf(kind === undefined)("backends change while the proxy serves", () => {
  let cluster: Cluster;
  let nodes: readonly ClusterNode[];

  beforeAll(async () => {
    cluster = await startAsyncCluster(kind!, 2);
    nodes = cluster.nodes;
    await cluster.first.sql(
      "CREATE DATABASE IF NOT EXISTS test; " +
        "CREATE TABLE test.t (id INT PRIMARY KEY AUTO_INCREMENT, v INT); " +
        "INSERT INTO test.t (v) VALUES (1)",
    );
  }, 60_000);

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
  });

  const SHARED = '[pool]\nmode = "transaction"\n[account]\nuser = "app"\npassword = "app"\n' +
    '[cluster]\nslow_start = "0"\n' +
    '[route]\nsplit = true\nconsistency = "eventual"\nprimary_reads = "fallback"\n[admin]\npassword = "own"\n';

  test("replicas come and go under load: no client sees an error, nothing stays open", async () => {
    const [primary, one, two] = nodes as [ClusterNode, ClusterNode, ClusterNode];
    await using here = await serve([primary, one], { more: SHARED, workers: 2 });
    const { proxy, show, file } = here;
    const load = await startLoad(here);
    const servers = async () =>
      (await show("SELECT hostname || ':' || port FROM runtime_mysql_servers ORDER BY port"))
        .map(([name]) => String(name)).sort();
    const are = (...wanted: readonly ClusterNode[]) =>
      until(
        "the servers are these",
        async () => Bun.deepEquals(await servers(), wanted.map(({ name }) => name).sort()),
      );
    const left = (node: ClusterNode) =>
      until(
        `nothing of the proxy is at ${node.name}`,
        async () => await connectionsAt(node) === 0,
      );
    await load.untilReadAt(one);

    // By SIGHUP.
    here.write([primary, two]);
    process.kill(proxy.pid, "SIGHUP");
    await proxy.untilLogged(/configuration applied .*revision=2 by=SIGHUP keys=backends/);
    await are(primary, two);
    await load.untilReadAt(two);
    await left(one);
    const readsAtOne = load.readsAt(one);
    await load.more(200);
    expect(load.readsAt(one)).toBe(readsAtOne);

    // By a statement with the whole text.
    const text = here.write([primary, one, two]);
    await show(`CONFIG APPLY '${text.replaceAll("'", "''")}'`);
    await load.untilReadAt(one);

    // By ProxySQL's table, in force and then in the file.
    await show("DELETE FROM mysql_servers WHERE port = ?", [two.port]);
    await show("LOAD MYSQL SERVERS TO RUNTIME");
    await are(primary, one);
    await left(two);
    expect(readFileSync(file, "utf8")).toBe(text);
    await show("SAVE MYSQL SERVERS TO DISK");
    expect(readFileSync(file, "utf8")).toBe(text.replace(`, "${two.name}"`, ""));
    await show(
      "INSERT INTO mysql_servers (hostgroup_id, hostname, port, weight) VALUES (1, '127.0.0.1', ?, 3)",
      [two.port],
    );
    await show("LOAD MYSQL SERVERS TO RUNTIME");
    await load.untilReadAt(two);
    expect(await show("SELECT weight FROM runtime_mysql_servers WHERE port = ?", [two.port]))
      .toEqual([[3]]);
    await show("SAVE MYSQL SERVERS TO DISK");
    expect(readFileSync(file, "utf8")).toBe(
      `${text}\n[[server]]\naddress = "${two.name}"\nweight = 3\n`,
    );

    // What would leave nobody to write to is refused, and nothing of it is done.
    await show("DELETE FROM mysql_servers WHERE port = ?", [primary.port]);
    const refusal = await show("LOAD MYSQL SERVERS TO RUNTIME").catch((error: Error) => error);
    expect(String(refusal)).toContain(`${primary.name} takes the writes and would be gone`);
    await show("SAVE MYSQL SERVERS TO MEMORY");
    await are(primary, one, two);
    await show("CONFIG ROLLBACK TO 1");
    await are(primary, one);
    await load.more(100);
    const writes = await load.end();
    expect(Number(await primary.value("SELECT count(*) FROM test.t WHERE v = 7"))).toBe(writes);
  }, 90_000);

  test("rules come and go for sessions that are there", async () => {
    const [primary, one] = nodes as [ClusterNode, ClusterNode];
    await using here = await serve([primary, one], { more: SHARED });
    const client = await here.connect();
    const targetOf = async (sql: string) => {
      const [rows] = await client.query<RowDataPacket[]>({
        sql: `EXPLAIN ROUTE ${sql}`,
        rowsAsArray: true,
      });
      const facts = Object.fromEntries(rows as unknown as [string, string][]);
      return facts["target"] as string;
    };
    const read = "SELECT v FROM t WHERE id = 1";
    await until("reads are split", async () => await targetOf(read) === "replica");
    await here.show(
      "INSERT INTO mysql_query_rules (active, apply, match_digest, destination_hostgroup) " +
        "VALUES (1, 1, 'SELECT v FROM t WHERE id = ?', 0)",
    );
    await here.show("LOAD MYSQL QUERY RULES TO RUNTIME");
    expect(await targetOf(read)).toBe("primary");
    expect(await targetOf("SELECT v FROM t WHERE v = 1")).toBe("replica");
    await client.query(read);
    await here.show("CONFIG ROLLBACK");
    expect(await targetOf(read)).toBe("replica");
    // Who asks for the newest data waits to know what it is; that is a stage of its own.
    await client.query("SET @@mysqlproxy.consistency = 'global'");
    await until("it is measured", async () => {
      await client.query(read);
      const [row] = await here.show("SELECT max_us FROM stages WHERE stage = 'consistency'");
      return Number(row?.[0] ?? 0) > 0;
    });
    // Routing as a whole, too.
    await here.show("SET route.primary_reads = 'prefer'");
    expect(await targetOf(read)).toBe("primary");
    client.destroy();
  }, 30_000);

  test("sessions that cannot move stay until they leave, or for drain.timeout", async () => {
    const [primary, one] = nodes as [ClusterNode, ClusterNode];
    const more = 'watch = true\n[pool]\nmode = "session"\n[drain]\ntimeout = "1s"\n';
    await using here = await serve([one], { more });
    const { proxy } = here;
    const port = async (client: Connection) =>
      (await client.query<RowDataPacket[]>("SELECT @@port AS port"))[0][0]!["port"];
    const [idle, busy, leaving] = await Promise.all([
      here.connect(),
      here.connect(),
      here.connect(),
    ]);
    const lost = new Promise((resolve) => idle.on("error", resolve));
    await busy.query("BEGIN");
    expect(await port(busy)).toBe(one.port);
    here.write([primary]);
    await proxy.untilLogged(/configuration applied .*by=file keys=backends/);
    await proxy.untilLogged(/all sessions go to another server/);
    const late = await here.connect();
    expect(await port(late)).toBe(primary.port);
    expect(await port(leaving)).toBe(one.port);
    await leaving.end();
    await lost;
    // A transaction ends first.
    expect(await port(busy)).toBe(one.port);
    const over = new Promise((resolve) => busy.on("error", resolve));
    await busy.query("COMMIT");
    await over;
    await until(`nothing is left at ${one.name}`, async () => await connectionsAt(one) === 0);
    expect(await port(late)).toBe(primary.port);
    late.destroy();
  }, 30_000);

  test("a server that does not answer takes nobody's place", async () => {
    const [primary, one] = nodes as [ClusterNode, ClusterNode];
    await using here = await serve([primary], { more: "" });
    const client = await here.connect();
    const nobody = { ...one, name: "127.0.0.1:1" } as ClusterNode;
    await here.show(`CONFIG APPLY 'backends = ["${nobody.name}"]'`);
    await here.proxy.untilLogged(/the new server does not answer yet, the one before stays/);
    const other = await here.connect();
    await other.query("SELECT 1");
    await client.query("SELECT 1");
    await here.show(`CONFIG APPLY 'backends = ["${primary.name}"]'`);
    await client.query("SELECT 1");
    client.destroy();
    other.destroy();
  });
});
