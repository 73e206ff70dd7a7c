// A failover tool that tells ProxySQL what it does, before a real cluster: its statements in their
// order, and what they come to.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { startProxy } from "../proxy_process.ts";
import { serverKinds } from "../servers/mod.ts";
import { type Cluster, follow, setReadOnly, startAsyncCluster } from "./clusters.ts";
import { until } from "./watching.ts";

const [kind] = serverKinds();
const WRITER = 10;
const READER = 20;

describe.skipIf(kind === undefined)("tools for ProxySQL before a cluster", () => {
  let cluster: Cluster;
  let folder: string;

  beforeAll(async () => {
    cluster = await startAsyncCluster(kind!, 1);
    folder = mkdtempSync(join(tmpdir(), "mp-hook-"));
  });

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  async function served() {
    const file = join(folder, "proxy.toml");
    const config = "# hostgroups of our tools\n[admin]\n" +
      `writer_hostgroup = ${WRITER}\nreader_hostgroup = ${READER}\n`;
    writeFileSync(file, config);
    const proxy = await startProxy({
      backends: cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
      args: [
        ...["-c", file, "--state-dir", join(folder, "state"), "-u", "app", "-p", "app"],
        ...["--admin", "127.0.0.1:0"],
      ],
    });
    const port = await proxy.loggedPort("admin port");
    const connection = await createConnection({
      host: "127.0.0.1",
      port,
      user: "app",
      password: "app",
    });
    const run = async (sql: string, values: readonly (string | number)[] = []) =>
      (await connection.query<RowDataPacket[]>(sql, [...values]))[0];
    const servers = async () =>
      (await run(
        "SELECT hostgroup_id, hostname, port, status, weight FROM runtime_mysql_servers ORDER BY hostgroup_id, hostname, port",
      )).map((row) => `${row["hostgroup_id"]} ${row["port"]} ${row["status"]} ${row["weight"]}`);
    return {
      file,
      config,
      run,
      servers,
      async [Symbol.asyncDispose]() {
        connection.destroy();
        await proxy.stop();
      },
    };
  }

  test("weights and drains; rows that say what is not so are refused", async () => {
    const [primary, replica] = cluster.nodes;
    await using here = await served();
    const { run, servers, file, config } = here;
    const usual = [`${WRITER} ${primary!.port} ONLINE 1`, `${READER} ${replica!.port} ONLINE 1`];
    await until("both are seen", async () => Bun.deepEquals(await servers(), usual));
    const own = "WHERE hostname = '127.0.0.1' AND port = ?";
    await run(`UPDATE mysql_servers SET weight = 5 ${own}`, [replica!.port]);
    expect(await servers()).toEqual(usual);
    await run("LOAD MYSQL SERVERS TO RUNTIME");
    const heavy = [usual[0]!, `${READER} ${replica!.port} ONLINE 5`];
    await until("it is heavier", async () => Bun.deepEquals(await servers(), heavy));
    await run("SAVE MYSQL SERVERS TO DISK");
    expect(readFileSync(file, "utf8")).toBe(
      `${config}\n[[server]]\naddress = "${replica!.name}"\nweight = 5\n`,
    );
    // Gone from the table is drained; there again is not.
    await run(`DELETE FROM mysql_servers ${own}`, [replica!.port]);
    await run("LOAD MYSQL SERVERS TO RUNTIME");
    const drained = [usual[0]!, `${READER} ${replica!.port} OFFLINE_SOFT 5`];
    await until("it is drained", async () => Bun.deepEquals(await servers(), drained));
    await run(
      "REPLACE INTO mysql_servers (hostgroup_id, hostname, port) VALUES (?, '127.0.0.1', ?)",
      [READER, replica!.port],
    );
    await run("LOAD MYSQL SERVERS TO RUNTIME");
    await until("all is as before", async () => Bun.deepEquals(await servers(), usual));
    const wrong: readonly (readonly [string, string])[] = [
      [
        `INSERT INTO mysql_servers (hostgroup_id, hostname) VALUES (${READER}, 'db9')`,
        "db9:3306: backends is given by --backend",
      ],
      [`UPDATE mysql_servers SET hostgroup_id = 7`, "there is no hostgroup 7"],
      [`UPDATE mysql_servers SET max_connections = 7`, "pool.connections_max"],
      [`UPDATE mysql_servers SET status = 'OFFLINE_HARD'`, "OFFLINE_SOFT, or delete the row"],
      [`UPDATE mysql_servers SET weight = 5000`, "from 0 to 1000"],
      [`DELETE FROM mysql_servers`, "no server would be left"],
      [`UPDATE mysql_servers SET hostgroup_id = ${WRITER}`, "is not the primary"],
    ];
    for (const [statement, reason] of wrong) {
      await run(statement);
      const failure = await run("LOAD MYSQL SERVERS TO RUNTIME").catch((error: Error) => error);
      expect([statement, String(failure)]).toEqual([statement, expect.stringContaining(reason)]);
      await run("SAVE MYSQL SERVERS TO MEMORY");
    }
    expect(await servers()).toEqual(usual);
  }, 60_000);

  test(
    "a failover: before it the old primary is drained, after it the new one stands for it",
    async () => {
      const [old, next] = cluster.nodes;
      await using here = await served();
      const { run, servers } = here;
      await until(
        "both are seen",
        async () =>
          Bun.deepEquals(await servers(), [
            `${WRITER} ${old!.port} ONLINE 1`,
            `${READER} ${next!.port} ONLINE 1`,
          ]),
      );
      // Before.
      await run(
        "UPDATE mysql_servers SET status = 'OFFLINE_SOFT' WHERE hostname = ? AND port = ? AND hostgroup_id = ?",
        ["127.0.0.1", old!.port, WRITER],
      );
      await run("LOAD MYSQL SERVERS TO RUNTIME");
      await until(
        "it is drained",
        async () => (await servers()).includes(`${WRITER} ${old!.port} OFFLINE_SOFT 1`),
      );
      await old!.kill();
      await follow(next!, undefined);
      await setReadOnly(next!, false);
      // After: at once, before the proxy need have seen the new primary.
      await run("DELETE FROM mysql_servers WHERE hostname = ? AND port = ? AND hostgroup_id = ?", [
        "127.0.0.1",
        old!.port,
        WRITER,
      ]);
      await run("REPLACE INTO mysql_servers (hostgroup_id, hostname, port) VALUES (?, ?, ?)", [
        WRITER,
        "127.0.0.1",
        next!.port,
      ]);
      await run("LOAD MYSQL SERVERS TO RUNTIME");
      expect(await servers()).toContain(`${WRITER} ${next!.port} ONLINE 1`);
      await run("SAVE MYSQL SERVERS TO DISK");
      const [row] = await run(
        "SELECT status FROM stats_mysql_connection_pool WHERE srv_port = ?",
        [old!.port],
      );
      expect(row!["status"]).not.toBe("ONLINE");
    },
    60_000,
  );
});
