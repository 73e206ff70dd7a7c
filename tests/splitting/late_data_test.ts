// A replica that applies nothing any more is left by the reads that wait for its data as soon as that
// is known, and it is looked at because they wait: not at the end of `route.wait_timeout`.

import { expect, test } from "bun:test";
import type { RowDataPacket } from "mysql2/promise";
import { serverKinds } from "../servers/mod.ts";
import { applier, startPair } from "./pair.ts";

/** Far more than a look takes on a busy machine, half of what is configured below. */
const READ_MS_MAX = 5000;

test.each(serverKinds())("%s: an applier that stops under a read", async (kind) => {
  await using pair = await startPair(kind, {
    route: 'wait_timeout = "10s"',
    config: '[monitor]\ninterval = "10s"\n',
  });
  const client = await pair.connect();
  try {
    await pair.replica.sql(applier(kind, "STOP"));
    await client.query("INSERT INTO t VALUES (1)");
    const started = performance.now();
    const [rows] = await client.query<RowDataPacket[]>("SELECT id FROM t");
    expect(performance.now() - started).toBeLessThan(READ_MS_MAX);
    expect(rows.length).toBe(1);
    const [routes] = await client.query<RowDataPacket[]>("SHOW ROUTES");
    const waited = routes.filter((row) => Object.values(row).includes("read-after-wait"));
    expect(waited.length).toBe(1); // it was there
    const admin = await pair.admin();
    const [servers] = await admin.query<RowDataPacket[]>("SELECT name, outstanding FROM servers");
    admin.destroy();
    expect(servers.map((row) => row["outstanding"])).toEqual([0, 0]);
  } finally {
    client.destroy();
  }
}, 60_000);
