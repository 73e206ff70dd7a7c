// What a proxy under test has counted.

import { createConnection, type RowDataPacket } from "mysql2/promise";
import type { ProxyProcess } from "./proxy_process.ts";

/** By their names in SHOW COUNTERS. The proxy must have an admin port, and the account `app`. */
export async function proxyCounters(
  proxy: ProxyProcess,
  like = "replay%",
): Promise<ReadonlyMap<string, number>> {
  const port = await proxy.loggedPort("admin port");
  const admin = await createConnection({ host: "127.0.0.1", port, user: "app", password: "app" });
  try {
    const [rows] = await admin.query<RowDataPacket[]>(`SHOW COUNTERS LIKE '${like}'`);
    return new Map(
      rows.map((row) => Object.values(row)).map(([name, value]) => [String(name), Number(value)]),
    );
  } finally {
    admin.destroy();
  }
}
