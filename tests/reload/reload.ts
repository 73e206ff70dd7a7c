// Changes of the configuration in a row while clients work: what they see of it, and what the proxy
// keeps of it.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { type Cluster, startAsyncCluster, until } from "../cluster/mod.ts";
import { childrenOf, startProxy } from "../proxy_process.ts";
import type { ServerKind } from "../servers/mod.ts";

/** How often it is looked at what the proxy holds. */
export const LOOKS = 50;

/** The collector is told that there is no more than this: garbage would hide what stays. */
const MEMORY_BYTES = 256 * 1024 * 1024;

/** What is run. */
export interface ReloadOptions {
  readonly kind: ServerKind;
  readonly changes: number;
  readonly clients: number;
  readonly workers: number;
}

/** What the proxy holds, all its processes together. */
export interface Holdings {
  /** Of these; workers that leave stay as long as their clients do. */
  readonly processes: number;
  readonly rssBytes: number;
  /** Of it, objects of JavaScript in the workers. */
  readonly heapBytes: number;
  /** File descriptors, without those to the servers. */
  readonly fds: number;
  /** The servers' threads of its clients. */
  readonly serverConnections: number;
}

/** What came of it. */
export interface ReloadReport {
  readonly revisions: number;
  readonly statements: number;
  /** Errors that clients got, by message. */
  readonly errors: ReadonlyMap<string, number>;
  /** Behind each fiftieth of the changes; the same clients are there. */
  readonly held: readonly Holdings[];
  /** How long one change took, from the order to its answer: the median, in milliseconds. */
  readonly changeMs: number;
}

/** Runs it on a primary and a replica. */
export async function reload(options: ReloadOptions): Promise<ReloadReport> {
  await using cluster = await startAsyncCluster(options.kind, 1);
  await cluster.first.sql(
    "CREATE DATABASE IF NOT EXISTS test; CREATE TABLE test.t (id INT PRIMARY KEY AUTO_INCREMENT, v INT);" +
      "INSERT INTO test.t (v) VALUES (1)",
  );
  const folder = mkdtempSync(join(tmpdir(), "mp-reload-"));
  const file = join(folder, "proxy.toml");
  const text = (change: number) => textOf(change, { cluster, folder, workers: options.workers });
  writeFileSync(file, text(0));
  try {
    await using proxy = await startProxy({
      backends: [],
      args: ["-c", file, "--admin", "127.0.0.1:0"],
      env: { BUN_JSC_forceRAMSize: String(MEMORY_BYTES) },
    });
    const port = await proxy.loggedPort("admin port");
    const admin = await createConnection({ host: "127.0.0.1", port, user: "admin", password: "p" });
    const connect = () =>
      createConnection({
        host: proxy.host,
        port: proxy.port,
        user: "app",
        password: "app",
        database: "test",
      });
    const load = await startLoad(connect, options.clients);
    await until("the load runs", () => load.statements() > 10 * options.clients);
    const holdings = async (): Promise<Holdings> => {
      const pids = [proxy.pid, ...childrenOf(proxy.pid)];
      const threads = await Promise.all(
        cluster.nodes.map((node) => node.sql("SHOW PROCESSLIST")),
      );
      const serverConnections = threads.flat().filter((row) => row["User"] === "app").length;
      const fds = pids.reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0);
      const [rows] = await admin.query<RowDataPacket[]>("SELECT sum(heap_bytes) AS h FROM workers");
      return {
        processes: pids.length,
        rssBytes: pids.reduce((sum, pid) => sum + rssOf(pid), 0),
        heapBytes: Number(rows[0]!["h"]),
        fds: fds - serverConnections,
        serverConnections,
      };
    };
    const times: number[] = [];
    const held: Holdings[] = [];
    const part = Math.ceil(options.changes / LOOKS);
    for (let change = 1; change <= options.changes; change++) {
      const since = performance.now();
      // Half of them as the file, the others as a text.
      if (change % 2 === 0) {
        writeFileSync(file, text(change));
        await admin.query("CONFIG RELOAD");
      } else await admin.query("CONFIG APPLY ?", [text(change)]);
      times.push(performance.now() - since);
      if (change % part === 0) held.push(await holdings());
    }
    const before = load.statements();
    await until("the load goes on", () => load.statements() > before + 10 * options.clients);
    const [rows] = await admin.query<RowDataPacket[]>("SELECT config_revision AS r FROM proxy");
    await load.end();
    admin.destroy();
    return {
      revisions: Number(rows[0]!["r"]),
      statements: load.statements(),
      errors: load.errors,
      held,
      changeMs: times.sort((a, b) => a - b)[times.length >> 1]!,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * A configuration that differs from the one before in many keys; every tenth time in its servers, and
 * now and then in the number of workers, in how sessions begin and in how servers are watched.
 */
function textOf(change: number, { cluster: { nodes }, folder, workers }: {
  readonly cluster: Cluster;
  readonly folder: string;
  readonly workers: number;
}): string {
  const servers = Math.floor(change / 10) % 2 === 0 ? nodes : nodes.slice(0, 1);
  const rules = Array.from(
    { length: change % 4 },
    (_, at) =>
      `[[rule]]\nname = "r${at}"\ndigest = "SELECT v + ${at} FROM t"\ntarget = "primary"\n`,
  );
  return [
    `backends = [${servers.map(({ name }) => `"${name}"`).join(", ")}]`,
    // Fewer only once: the clients that stay keep those that leave.
    `workers = ${change === 5 ? 1 : workers + (change % 20 >= 12 && change % 20 < 17 ? 1 : 0)}`,
    change % 30 < 20
      ? '[account]\nuser = "app"\npassword = "app"'
      : '[account]\nuser = "second"\npassword = "second"',
    `[auth]\nmode = "${["auto", "relay", "learned"][Math.floor(change / 7) % 3]}"\n` +
    `sync_interval = "${5 + change % 5}s"\nlearned_ttl = "${50 + change % 9}m"`,
    '[admin]\npassword = "p"',
    `[cluster]\nslow_start = "0"\nlag_max = "${3 + change % 7}s"\n` +
    `flavor = "${change % 40 < 30 ? "auto" : "async"}"\n` +
    `state_dir = "${change % 24 < 12 ? "" : folder}"`,
    `[pool]\nmode = "${change % 12 === 5 ? "session" : "transaction"}"\n` +
    `pipeline = ${['"off"', '"auto"', 4][Math.floor(change / 3) % 3]}\nconnections_max = ${
      24 + change % 9
    }\nmax_age = "${50 + change % 9}s"`,
    `[route]\nsplit = ${change % 8 < 6}\nconsistency = "${["eventual", "session"][change % 2]}"`,
    `[limits]\nclients_max = ${1000 + change}\nbuffer_max = "${64 + change % 64}KiB"`,
    `[failover]\nmax_parked = ${1000 + change}\nreplay = ${change % 9 < 5}`,
    `[monitor]\ninterval = "${900 + change % 200}ms"`,
    `[log]\nlevels = ["cluster=${["info", "warn"][change % 2]}"]`,
    `[metrics]\nstatements = ${change % 3 !== 0}`,
    // Off, or in one file, then in another: each change leaves one behind.
    `[audit]\nfile = "${change % 5 < 2 ? "" : join(folder, `audit.log.${change % 2}`)}"`,
    ...rules,
    "",
  ].join("\n");
}

/** Every so many clients one that comes and goes, beside those that stay. */
const STAYING = 8;

/**
 * Statements and transactions of many clients that stay, and of some that come and go, until it is
 * ended.
 */
async function startLoad(connect: () => Promise<Connection>, clients: number) {
  const errors = new Map<string, number>();
  const connections = await Promise.all(Array.from({ length: clients }, connect));
  let statements = 0;
  let ended = false;
  const note = async (error: unknown) => {
    const { message } = error as Error;
    errors.set(message, (errors.get(message) ?? 0) + 1);
    await Bun.sleep(10);
  };
  const turn = async (client: Connection, at: number) => {
    await client.query("SELECT v FROM t WHERE id = 1");
    await client.execute("SELECT v + ? FROM t WHERE id = 1", [at]);
    await client.query("BEGIN");
    await client.query("INSERT INTO t (v) VALUES (7)");
    await client.query("COMMIT");
    statements += 5;
  };
  const stay = async (client: Connection, at: number) => {
    while (!ended) await turn(client, at).catch(note);
  };
  const comeAndGo = async () => {
    while (!ended) {
      try {
        const client = await connect();
        for (let i = 0; i < 5 && !ended; i++) await turn(client, i);
        await client.end();
      } catch (error) {
        await note(error);
      }
    }
  };
  const all = Promise.all([
    ...connections.map(stay),
    ...Array.from({ length: Math.ceil(clients / STAYING) }, comeAndGo),
  ]);
  return {
    errors,
    statements: () => statements,
    async end() {
      ended = true;
      await all;
      for (const each of connections) each.destroy();
    },
  };
}

function rssOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(status.match(/^VmRSS:\s+(\d+) kB/m)?.[1] ?? 0) * 1024;
}
