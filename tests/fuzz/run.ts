// Throws mutated client streams at a proxy process and looks at what has become of it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startProxy } from "../proxy_process.ts";
import type { RealServer } from "../servers/mod.ts";
import { ClientStreams, FUZZ_ACCOUNT } from "./client_streams.ts";
import { type ControlReport, startControlSession } from "./control_session.ts";
import { misbehave } from "./fuzz_client.ts";
import { acceptedOn, defectsIn, serverConnections, settle } from "./proxy_state.ts";
import { Random } from "./random.ts";

/** How many bad clients there are at a time. */
const PARALLEL = 64;
/** Server connections the proxy may keep when all clients have gone. */
const KEPT_MAX = { session: 8, transaction: 32 };
/** Longer than the login time-out below. */
const SETTLE_MS_MAX = 20_000;

/** Values of `pool.mode`. */
export const POOL_MODES = ["session", "transaction"] as const;
/** A value of `pool.mode`. */
export type PoolMode = (typeof POOL_MODES)[number];

/** One run against one server. */
export interface FuzzOptions {
  /** The same seed gives the same streams. */
  readonly seed: number;
  /** What clients share. */
  readonly poolMode: PoolMode;
  /** Streams to send. */
  readonly rounds: number;
  /** Told now and then how many streams have been sent. */
  readonly onProgress?: (sent: number, rssBytes: number) => void;
}

/** What was seen. */
export interface FuzzReport {
  readonly seconds: number;
  /** Streams whose client was let in first, that the proxy closed, that got an answer. */
  readonly loggedIn: number;
  readonly closed: number;
  readonly answered: number;
  readonly control: ControlReport;
  /** The end of the server's log, if the server has ended. */
  readonly serverDied: string | undefined;
  /** Afterwards: client connections at the proxy, and its connections at the server beyond the pool. */
  readonly clientsLeft: number;
  readonly serverConnectionsLeft: number;
  /** Resident memory after a tenth of the streams, and at the end. */
  readonly rssEarly: number;
  readonly rssEnd: number;
  /** Lines in the proxy's log that only a defect writes. */
  readonly defects: readonly string[];
  /** The proxy's exit status when it was asked to end. */
  readonly exitStatus: number;
}

/** Makes the account and the database that streams refer to. */
async function prepare(server: RealServer): Promise<void> {
  const plugin = server.kind === "mariadb" ? "" : " IDENTIFIED BY ''";
  for (
    const statement of [
      "DROP DATABASE IF EXISTS fuzz",
      "CREATE DATABASE fuzz",
      "CREATE TABLE fuzz.numbers (n INT PRIMARY KEY, word VARCHAR(20), amount DECIMAL(10,2))",
      "INSERT INTO fuzz.numbers VALUES (1, 'one', 1.5), (2, NULL, 2), (3, 'drei', NULL)",
      "CREATE TABLE fuzz.few (a TEXT, b TEXT)",
      "CREATE TABLE fuzz.control (round INT, mark TEXT)",
      "CREATE PROCEDURE fuzz.results() BEGIN SELECT 1 AS a; SELECT n FROM fuzz.numbers; END",
      "CREATE PROCEDURE fuzz.outs(INOUT x INT, OUT y TEXT) BEGIN SET y = 'y'; SELECT 5 AS z; END",
      `DROP USER IF EXISTS ${FUZZ_ACCOUNT}@'%'`,
      `CREATE USER ${FUZZ_ACCOUNT}@'%'${plugin}`,
      `GRANT SELECT, EXECUTE ON fuzz.* TO ${FUZZ_ACCOUNT}@'%'`,
      `GRANT INSERT ON fuzz.few TO ${FUZZ_ACCOUNT}@'%'`,
    ]
  ) await server.sql(statement);
}

async function howServerDied(server: RealServer): Promise<string | undefined> {
  try {
    const locked = Bun.sleep(SERVER_MS_MAX).then(() => {
      throw new Error("It does not answer");
    });
    await Promise.race([server.sql("SELECT 1"), locked]);
    return undefined;
  } catch (error) {
    const lines = readFileSync(join(server.folder, "error.log"), "utf8").split("\n")
      .filter((line) => !/Aborted connection|Access denied/.test(line));
    return [(error as Error).message, ...lines.slice(-LOG_LINES)].join("\n");
  }
}

/** A server that does not answer for so long, to somebody who is not the proxy, is locked up. */
const SERVER_MS_MAX = 10_000;

/** Enough for a crashed server's stack and statement. */
const LOG_LINES = 80;

/** Runs all streams, the control session beside them. */
export async function fuzz(server: RealServer, options: FuzzOptions): Promise<FuzzReport> {
  await prepare(server);
  const keptMax = KEPT_MAX[options.poolMode];
  await using proxy = await startProxy({
    backends: [server],
    config: `[auth]
failures_max = 0
failure_delay = "0"
[limits]
login_timeout = "5s"
[pool]
mode = "${options.poolMode}"
idle_max = ${KEPT_MAX.session}
connections_max = ${KEPT_MAX.transaction}
`,
  });
  const control = await startControlSession(proxy, server.accounts.app);
  const streams = new ClientStreams(server.kind);
  const startedAt = performance.now();
  const count = { sent: 0, loggedIn: 0, closed: 0, answered: 0 };
  let rssEarly = 0;
  const client = async () => {
    while (count.sent < options.rounds) {
      const number = count.sent++;
      // A seed of its own for each stream, so that any one can be sent again alone.
      const random = new Random(options.seed + number);
      const outcome = await misbehave(proxy, streams.next(random), random);
      if (outcome.loggedIn) count.loggedIn++;
      if (outcome.closed) count.closed++;
      if (outcome.received > 0) count.answered++;
      if (number === Math.floor(options.rounds / 10)) rssEarly = proxy.rssBytes();
      if (number % 1000 === 0) options.onProgress?.(number, proxy.rssBytes());
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, client));
  const seconds = (performance.now() - startedAt) / 1000;
  const controlReport = await control.stop();
  const serverDied = await howServerDied(server);
  const clientsLeft = await settle(() => acceptedOn(proxy.port), 0, SETTLE_MS_MAX);
  const connections = serverDied === undefined
    ? await settle(() => serverConnections(server), keptMax, SETTLE_MS_MAX)
    : 0;
  const rssEnd = proxy.rssBytes();
  const exitStatus = await proxy.stop();
  const { loggedIn, closed, answered } = count;
  return {
    seconds,
    loggedIn,
    closed,
    answered,
    control: controlReport,
    serverDied,
    clientsLeft,
    serverConnectionsLeft: Math.max(0, connections - keptMax),
    rssEarly,
    rssEnd,
    defects: defectsIn(proxy.log()),
    exitStatus,
  };
}
