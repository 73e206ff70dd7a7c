// Starts a new binlog and waits until nothing but statements is written to it.

import type { RealServer } from "./real_server.ts";

const WAIT_MS_MAX = 20_000;
const POLL_MS = 10;

/** Starts a new binlog and gives its name. Throws an Error if it does not come to rest in 20 s. */
export async function freshBinlog(server: RealServer): Promise<string> {
  await server.sql("FLUSH BINARY LOGS");
  const logs = await server.sql("SHOW BINARY LOGS");
  const name = String(logs.at(-1)!["Log_name"]);
  const deadline = Date.now() + WAIT_MS_MAX;
  while (!await atRest(server, name)) {
    if (Date.now() > deadline) throw new Error(`"${name}" has no checkpoint of its own`);
    await Bun.sleep(POLL_MS);
  }
  return name;
}

/**
 * MariaDB writes a checkpoint event into a new binlog when the storage engines no longer need the
 * binlog before it, some time after FLUSH BINARY LOGS has returned.
 */
async function atRest(server: RealServer, name: string): Promise<boolean> {
  if (server.kind === "mysql") return true;
  const events = await server.sql(`SHOW BINLOG EVENTS IN '${name}'`);
  return events.some((row) => row["Event_type"] === "Binlog_checkpoint" && row["Info"] === name);
}
