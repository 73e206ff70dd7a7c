// Replicas that hang keep their connections and say nothing. Reads leave them at once, whatever
// form they have; what may not leave waits; and a replica that is only busy keeps its reads.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { type Cluster, type ClusterNode, startAsyncCluster, until } from "../cluster/mod.ts";
import { type ProxyProcess, startProxy } from "../proxy_process.ts";
import { serverKinds } from "../servers/mod.ts";

const READERS = 8;
/** How long reads may take to find another server, of the quickest of several tries. */
const MOVED_MS_MAX = 100;
const TRIES = 8;
/** A look at a server that hangs fails after so long: nothing here is to wait for it. */
const LOOKS = '[monitor]\ntimeout = "5s"\n';

/** Who reads, and how. */
interface Reading {
  readonly pool?: string;
  readonly prepared?: boolean;
  readonly readers?: number;
  readonly config?: string;
}

for (const kind of serverKinds()) {
  describe(`a replica of ${kind} hangs`, () => {
    let cluster: Cluster;
    let replicas: readonly [ClusterNode, ClusterNode];

    beforeAll(async () => {
      cluster = await startAsyncCluster(kind, 2);
      replicas = cluster.nodes.slice(1) as [ClusterNode, ClusterNode];
      await cluster.first.sql(
        "CREATE DATABASE IF NOT EXISTS test; CREATE TABLE test.t (id INT PRIMARY KEY, v INT); " +
          "INSERT INTO test.t VALUES (1, 7)",
      );
    }, 60_000);

    afterEach(() => {
      for (const node of cluster.nodes) node.thaw();
    });

    afterAll(async () => {
      await cluster?.[Symbol.asyncDispose]();
    });

    const start = (config = 'consistency = "eventual"\n', pool = "") =>
      startProxy({
        backends: cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
        config: `[pool]\nmode = "transaction"\n${pool}[account]\nuser = "app"\npassword = "app"\n` +
          `[cluster]\nslow_start = "0"\n${LOOKS}[route]\nsplit = true\n${config}`,
      });

    async function connect({ host, port }: ProxyProcess): Promise<Connection> {
      const client = await createConnection({
        host,
        port,
        user: "app",
        password: "app",
        database: "test",
      });
      await until("reads are split", async () => {
        const [rows] = await client.query<RowDataPacket[]>({
          sql: "EXPLAIN ROUTE SELECT v FROM t",
          rowsAsArray: true,
        });
        return (rows[0] as unknown as string[])[1] === "replica";
      });
      return client;
    }

    /** Reads all the time until it is stopped; the longest that one of them has taken. */
    function reading(clients: readonly Connection[], prepared: boolean) {
      let stopped = false;
      let longestMs = 0;
      let count = 0;
      const sql = "SELECT v FROM t WHERE id = 1";
      const all = Promise.all(clients.map(async (client) => {
        while (!stopped) {
          const began = performance.now();
          const [rows] = prepared
            ? await client.execute<RowDataPacket[]>(sql)
            : await client.query<RowDataPacket[]>(sql);
          expect(rows[0]!["v"]).toBe(7);
          longestMs = Math.max(longestMs, performance.now() - began);
          count++;
        }
      }));
      // Told by `stop`, or by whatever else has failed before.
      all.catch(() => {});
      return {
        get count() {
          return count;
        },
        /** Forgets what was before. */
        reset() {
          longestMs = 0;
        },
        async stop() {
          stopped = true;
          await all;
          return longestMs;
        },
      };
    }

    describe.each([
      ["text", {}],
      ["prepared", { prepared: true }],
      ["lanes", { pool: "pipeline = 16\n" }],
      // Those that are many enough for some to ask the busier one how far it is, to leave it.
      ["questions", { readers: 32, config: 'consistency = "session"\n' }],
    ])("%s", (_name, { pool = "", prepared = false, readers = READERS, config }: Reading) => {
      test("reads leave it at once, and come back", async () => {
        const took: number[] = [];
        // Each with a proxy of its own: one that has given up a replica in vain is more patient.
        for (let time = 0; time < TRIES && !took.some((ms) => ms <= MOVED_MS_MAX); time++) {
          await using proxy = await start(config, pool);
          const clients = await Promise.all(Array.from({ length: readers }, () => connect(proxy)));
          const [victim] = replicas;
          const reads = reading(clients, prepared);
          await until("all read", () => reads.count > 20 * readers);
          reads.reset();
          victim.freeze();
          const from = reads.count;
          await until("they go on", () => reads.count > from + 20 * readers);
          const longestMs = await reads.stop();
          victim.thaw();
          // One that lags since it was stopped the last time has had none to lose.
          if (/does not answer/.test(proxy.log())) {
            took.push(longestMs);
            await until("it answers again", () => /answers again/.test(proxy.log()));
          }
          for (const client of clients) client.destroy();
        }
        console.log(`moved after ${took.map((ms) => ms.toFixed(0)).join(", ")} ms`);
        expect(Math.min(...took)).toBeLessThanOrEqual(MOVED_MS_MAX);
      }, 90_000);
    });

    test("without another replica they go to the primary", async () => {
      await using proxy = await start();
      const clients = await Promise.all(Array.from({ length: READERS }, () => connect(proxy)));
      const reads = reading(clients, false);
      await until("all read", () => reads.count > 5 * READERS);
      for (const replica of replicas) replica.freeze();
      const from = reads.count;
      await until("they go on", () => reads.count > from + 20 * READERS, { limitMs: 4000 });
      for (const replica of replicas) replica.thaw();
      await reads.stop();
      for (const client of clients) client.destroy();
    }, 60_000);

    test("a transaction waits there, and nothing of it is lost", async () => {
      await using proxy = await start('consistency = "eventual"\ntransactions = "read-only"\n');
      const [reader, other] = await Promise.all([connect(proxy), connect(proxy)]);
      await reader.query("START TRANSACTION READ ONLY");
      const [[where]] = await reader.query<RowDataPacket[]>("SELECT @@port AS port FROM t");
      const server = replicas.find(({ port }) => port === where!["port"])!;
      server.freeze();
      const waiting = reader.query<RowDataPacket[]>("SELECT v FROM t");
      const reads = reading([other], false);
      await until("the other one goes on", () => reads.count > 50);
      await until("it was noticed", () => /a replica does not answer/.test(proxy.log()));
      server.thaw();
      expect((await waiting)[0][0]!["v"]).toBe(7);
      await reader.query("COMMIT");
      await reads.stop();
      for (const client of [reader, other]) client.destroy();
    }, 60_000);

    test("a replica that has a slow statement only is none that hangs", async () => {
      await using proxy = await start(
        'consistency = "eventual"\n[[rule]]\nstatement = "slow"\ntarget = "replica"\n',
      );
      const client = await connect(proxy);
      const [rows] = await client.query<RowDataPacket[]>("SELECT SLEEP(1) AS slow FROM t");
      expect(rows[0]!["slow"]).toBe(0);
      expect(proxy.log()).not.toContain("does not answer");
      client.destroy();
    }, 60_000);
  });
}
