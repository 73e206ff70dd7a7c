// At `global` a read that stays on the primary, whatever for, is not older than what another server
// has taken that has become the primary since: the one that is known is asked whether it takes writes.

import { expect, test } from "bun:test";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { follow, setReadOnly, startAsyncCluster, until } from "../cluster/mod.ts";
import { startProxy } from "../proxy_process.ts";
import { serverKinds } from "../servers/mod.ts";

for (const kind of serverKinds()) {
  test(`${kind}: a primary that is none any more, and nobody has looked`, async () => {
    await using cluster = await startAsyncCluster(kind, 1);
    const [former, next] = cluster.nodes;
    await former!.sql(
      "CREATE DATABASE IF NOT EXISTS test; CREATE TABLE test.t (id INT PRIMARY KEY); " +
        "INSERT INTO test.t VALUES (1)",
    );
    await until(
      "the replica has it",
      () => next!.value("SELECT COUNT(*) FROM test.t").then((n) => Number(n) === 1, () => false),
    );
    await using proxy = await startProxy({
      backends: cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })),
      args: ["-u", "app", "-p", "app"],
      config: '[monitor]\ninterval = "60s"\n[cluster]\ndiscover = false\n' +
        '[route]\nsplit = true\nprimary_reads = "prefer"\nconsistency = "global"\n',
    });
    await proxy.untilLogged(/mode=synced/);
    const { host, port } = proxy;
    const client = await createConnection({ host, port, user: "app", password: "app" });
    const route = async () => {
      const [told] = await client.query<RowDataPacket[]>("EXPLAIN ROUTE SELECT id FROM test.t");
      return new Map(told.map((row) => Object.values(row) as [string, string]));
    };
    try {
      await until(
        "reads are routed",
        async () => (await route()).get("reason code") === "prefers-primary",
      );
      expect((await route()).get("action")).toStartWith("ask");
      await setReadOnly(former!, true);
      await follow(next!, undefined);
      await setReadOnly(next!, false);
      await next!.sql("INSERT INTO test.t VALUES (2)");
      const [rows] = await client.query<RowDataPacket[]>("SELECT id FROM test.t ORDER BY id");
      expect(rows.map(({ id }) => id)).toEqual([1, 2]);
    } finally {
      client.destroy();
    }
  }, 60_000);
}
