// Records the failover that docs/top.svg and docs/failover.jsonl.gz show: real servers, real load,
// the primary killed, a replica promoted by hand. Usage: bun tests/tui/record_failover.ts FILE

import { gzipSync } from "node:zlib";
import { readFileSync, writeFileSync } from "node:fs";
import type { Connection } from "mysql2/promise";
import { LiveFeed } from "../../tui/live_feed.ts";
import { Recorder } from "../../tui/recording.ts";
import { TABLES } from "../../tui/snapshot.ts";
import { setReadOnly } from "../cluster/clusters.ts";
import { serverKinds } from "../servers/mod.ts";
import { startLiveProxy } from "./live_proxy.ts";

const SECONDS = 130;
const DEATH_S = 90;
const PROMOTION_MS = 1500;

const file = process.argv[2] ?? "docs/failover.jsonl.gz";
const kind = serverKinds().find((each) => each === "mysql") ?? serverKinds()[0]!;
await using live = await startLiveProxy(kind, { clients: 10, replicas: 2, workers: 2 });
const sessions = await visitors(40);
const feed = new LiveFeed({ address: live.admin, timeoutMs: 5000, ...live.account });
const plain = file.replace(/\.gz$/, "");
const recorder = new Recorder(plain, { overwrite: true });
const started = performance.now();
for (let second = 0; second < SECONDS; second++) {
  if (second === DEATH_S) void fail();
  recorder.write(await feed.read({ tables: new Set(TABLES) }));
  await Bun.sleep(Math.max(0, started + (second + 1) * 1000 - performance.now()));
}
recorder.close();
feed.close();
if (plain !== file) {
  writeFileSync(file, gzipSync(readFileSync(plain), { level: 9 }));
  await Bun.file(plain).delete();
}
for (const session of sessions) session.destroy();

/** The primary dies, and somebody makes a replica the new one. */
async function fail(): Promise<void> {
  await live.cluster.first.kill();
  await Bun.sleep(PROMOTION_MS);
  const [, heir, other] = live.cluster.nodes;
  await live.follow(heir!, undefined);
  await setReadOnly(heir!, false);
  await live.follow(other!, heir!);
}

/** Clients that do a little each, and hold on to what pins them. */
async function visitors(count: number): Promise<readonly Connection[]> {
  const statements = [
    "CREATE TEMPORARY TABLE basket (id INT)",
    "SELECT GET_LOCK('nightly', 0)",
    "BEGIN",
    "SELECT COUNT(*) FROM fruit WHERE stock > 10",
  ];
  const connections: Connection[] = [];
  while (connections.length < count) {
    const connection = await live.client();
    connection.on("error", () => {});
    await connection.query(statements[connections.length % 9] ?? "SELECT 1");
    connections.push(connection);
  }
  return connections;
}
