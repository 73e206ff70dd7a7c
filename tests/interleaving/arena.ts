// Two servers with the same data, one to be reached directly and one behind proxies, and the lanes
// in which programs are played side by side.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { type ProxyProcess, startProxy, WITHOUT_LOGIN_THROTTLE } from "../proxy_process.ts";
import { type RealServer, type ServerKind, startServer } from "../servers/mod.ts";
import { type Front, Lane } from "./lane.ts";
import { POOL_SIZES } from "./program.ts";
import { laneStatements } from "./schema.ts";
import { startSplitFront } from "./split_front.ts";
import { type StageNames, stageNames } from "./stage.ts";

/** What stands before the second server. */
export type Against = "transaction" | "split" | "session" | "direct";

/** How an arena is made. */
export interface ArenaOptions {
  readonly kind: ServerKind;
  readonly against: Against;
  /** `pool.pipeline` of the proxies. @default {"auto"} */
  readonly pipeline?: string | undefined;
  /** Clients that read beside each session of a program. @default {0} */
  readonly crowd?: number;
  /** Programs played at the same time. */
  readonly lanes: number;
  /** The server behind the proxies writes down what it is sent. */
  readonly general?: boolean;
}

/** Servers, proxies and lanes. `await using` ends them. */
export interface Arena extends AsyncDisposable {
  readonly kind: ServerKind;
  readonly lanes: readonly Lane[];
  /** What the proxies have logged. */
  logs(): string[];
  /** What servers that died have said of it. */
  deaths(): string[];
  /** What the server behind the proxies was sent, if it writes that down. */
  general(): string;
}

/** Starts everything. */
export async function openArena(options: ArenaOptions): Promise<Arena> {
  const { kind, against } = options;
  await using stack = new AsyncDisposableStack();
  const servers: RealServer[] = [];
  for (let i = 0; i < 2; i++) {
    const general = i === 1 && options.general === true;
    servers.push(stack.use(await startTwin(kind, { against, general })));
  }
  const behind = servers[1]!;
  const names = Array.from({ length: options.lanes }, (_, lane) => stageNames(lane));
  for (const server of servers) {
    for (const each of names) await runAll(server, laneStatements(kind, each));
  }
  const proxies: ProxyProcess[] = [];
  const startFront = async (connections: number): Promise<Front> => {
    if (against === "direct") return { port: behind.port, async [Symbol.asyncDispose]() {} };
    const config = proxyConfiguration({ ...options, connections, names });
    if (against === "split") return await startSplitFront(behind, config);
    const proxy = await startProxy({
      backends: [behind],
      config,
      args: ["--admin", "127.0.0.1:0"],
    });
    proxies.push(proxy);
    return {
      port: proxy.port,
      standing: () => standingOf(proxy),
      [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
    };
  };
  const fronts = new Map<number, Front>();
  for (const connections of POOL_SIZES) {
    fronts.set(connections, stack.use(await startFront(connections)));
  }
  const { crowd = 0 } = options;
  const cachesMetadata = against !== "transaction" && against !== "split";
  const lanes = await Promise.all(
    names.map(async (each) =>
      stack.use(
        await Lane.open({ servers, names: each, fronts, startFront, cachesMetadata, crowd }),
      )
    ),
  );
  const kept = stack.move();
  return {
    kind,
    lanes,
    logs: () => proxies.map((proxy) => proxy.log()),
    deaths: () => servers.flatMap(deathOf),
    general: () => readFileSync(join(behind.folder, GENERAL_LOG), "utf8"),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Tables of the admin port that tell what somebody may wait for. */
const TABLES = ["pools", "frontends", "backends"];

/** What a proxy's sessions and connections are doing. */
async function standingOf(proxy: ProxyProcess): Promise<string> {
  const port = await proxy.loggedPort("admin port");
  const admin = await createConnection({ host: "127.0.0.1", port, user: "admin", password: "" });
  try {
    const parts: string[] = [];
    for (const table of TABLES) {
      const [rows] = await admin.query<RowDataPacket[]>(`SELECT * FROM ${table}`);
      const set = (row: object) => Object.entries(row).filter(([, value]) => value !== null);
      parts.push(...rows.map((row) => `${table}: ${JSON.stringify(Object.fromEntries(set(row)))}`));
    }
    return parts.join("\n");
  } finally {
    admin.destroy();
  }
}

/** Lines that tell of a crash, and of what. */
function deathOf({ folder }: RealServer): string[] {
  const lines = readFileSync(join(folder, "error.log"), "utf8").split("\n");
  return lines.filter((line) => /got signal|^Query \(|Assertion failure/.test(line));
}

/** A server that differs from its twin in nothing a client sees but its port. */
function startTwin(
  kind: ServerKind,
  { against, general }: { readonly against: Against; readonly general: boolean },
): Promise<RealServer> {
  const withoutLog = kind === "mysql"
    ? ["gtid_mode = OFF", "enforce_gtid_consistency = OFF", "log_replica_updates = OFF"]
    : ["log_slave_updates = OFF"];
  return startServer(kind, {
    tls: false,
    extraConfig: [
      "server_id = 1",
      "report_port = 3306",
      "skip_log_bin",
      ...withoutLog,
      // Only such transactions are split.
      ...(against === "split" ? ["transaction_isolation = READ-COMMITTED"] : []),
      "innodb_file_per_table = OFF",
      // A program whose sessions wait for each other's locks is a mistake: it must not last.
      "innodb_lock_wait_timeout = 3",
      "lock_wait_timeout = 5",
      // MariaDB gives new sessions what was left of old ones: FOUND_ROWS(), counters of statements.
      "thread_cache_size = 0",
      // MySQL keeps in an open table what a trigger made of the last session's variables (charsets
      // among it): both servers must take the same open table.
      "table_open_cache_instances = 1",
      "performance_schema_instrument = '%=OFF'",
      "performance_schema_instrument = 'thread/%=ON'",
      "character_set_server = latin1",
      `general_log = ${general ? "ON" : "OFF"}`,
      `general_log_file = ../${GENERAL_LOG}`,
    ],
  });
}

/** In a server's folder. */
const GENERAL_LOG = "general.log";

function proxyConfiguration(
  { kind, against, pipeline = "auto", connections, names }: ArenaOptions & {
    readonly connections: number;
    readonly names: readonly StageNames[];
  },
): string {
  const plugin = kind === "mariadb" ? "mysql_native_password" : "caching_sha2_password";
  // With accounts of its own the proxy has the passwords it needs for connections of its own.
  const users = names.flatMap(({ first, second }) => [first, second]).map((name) =>
    `[[user]]\nname = "${name}"\npassword = "${name}"\nplugin = "${plugin}"\n`
  );
  const pool = against === "transaction" || against === "split"
    ? `[pool]\nmode = "transaction"\nconnections_max = ${connections}\n` +
      // Shorter than clients wait for an answer; long enough for a machine with other work.
      'wait_timeout = "6s"\n' +
      `pipeline = "${pipeline}"\n`
    : '[pool]\nmode = "session"\n';
  return [
    WITHOUT_LOGIN_THROTTLE + 'mode = "static"\n',
    ...users,
    pool,
    '[client_tls]\nmode = "disabled"\n',
  ].join("\n");
}

async function runAll(server: RealServer, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await server.sql(statement);
}
