// `instance` is all that was written through the proxy, whichever worker wrote it.

import { expect, test } from "bun:test";
import type { Connection, RowDataPacket } from "mysql2/promise";
import { serverKinds } from "../servers/mod.ts";
import { applier, startPair } from "./pair.ts";

/** Enough for each of two workers to have some. */
const READERS = 12;

test.each(serverKinds())("%s: what another worker has written is seen", async (kind) => {
  await using pair = await startPair(kind, {
    route: 'consistency = "instance"',
    args: ["--workers", "2"],
  });
  const clients: Connection[] = [];
  try {
    while (clients.length < READERS) clients.push(await pair.connect());
    await pair.replica.sql(applier(kind, "STOP"));
    await clients[0]!.query("INSERT INTO t VALUES (1)");
    for (const client of clients) {
      const [rows] = await client.query<RowDataPacket[]>("SELECT id FROM t");
      expect(rows.length).toBe(1);
    }
  } finally {
    for (const client of clients) client.destroy();
  }
}, 60_000);
