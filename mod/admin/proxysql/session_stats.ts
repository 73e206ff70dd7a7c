// stats_mysql_processlist, _users, _global and stats_memory_metrics: clients and sums. Nothing is NULL:
// tools read these into plain strings and numbers.

import type { CounterValues } from "../../observe/mod.ts";
import type { WorkerSurvey } from "../../proxy/mod.ts";
import type { FrontendFacts } from "../../session/mod.ts";
import { type Source, table } from "../table.ts";
import { type GroupedServer, serverFinder } from "./hostgroups.ts";

interface ProcessRow extends FrontendFacts {
  readonly worker: number;
  readonly found: GroupedServer | undefined;
}

/** `address:port` in its parts; a unix socket has no port. */
function clientPlace(host: string): readonly [host: string, port: number] {
  const [, address, port] = /^\[?(.*?)\]?:(\d+)$/.exec(host) ?? [];
  return address === undefined ? [host, 0] : [address, Number(port)];
}

/** One row a client. */
const processlist = table<ProcessRow>("stats_mysql_processlist", {
  schema: "stats",
  doc: "Clients' sessions.",
  rows: async (source) => {
    const find = serverFinder(source);
    return (await source.surveys()).flatMap(({ worker, frontends }) =>
      frontends.map((facts) => ({ ...facts, worker, found: find(facts.server) }))
    );
  },
  columns: {
    ThreadID: ["INTEGER", "The worker it is on.", ({ worker }) => worker],
    SessionID: ["INTEGER", "The connection id, which KILL takes.", ({ id }) => id],
    user: ["TEXT", "The account's name; empty before the login.", ({ user }) => user],
    db: ["TEXT", "Its default schema; empty: none, or not known.", ({ db }) => db ?? ""],
    cli_host: [
      "TEXT",
      "The client's address; `localhost` for a unix socket.",
      ({ host }) => clientPlace(host)[0],
    ],
    cli_port: ["INTEGER", "Its port; 0: a unix socket.", ({ host }) => clientPlace(host)[1]],
    hostgroup: [
      "INTEGER",
      "The hostgroup of the server it has a connection to; -1: it has none.",
      ({ found }) => found?.hostgroup ?? -1,
    ],
    l_srv_host: ["TEXT", "Not known: empty.", () => ""],
    l_srv_port: ["INTEGER", "Not known: 0.", () => 0],
    srv_host: ["TEXT", "That server's host; empty: none.", ({ found }) => found?.host ?? ""],
    srv_port: ["INTEGER", "Its port.", ({ found }) => found?.port ?? 0],
    command: [
      "TEXT",
      "The command under way; `Sleep`: none, or not known.",
      ({ command }) => command ?? "Sleep",
    ],
    time_ms: [
      "INTEGER",
      "How long it runs, or since when nothing does, in milliseconds.",
      ({ statementMs, idleMs }) => Math.round(statementMs ?? idleMs),
    ],
    info: [
      "TEXT",
      "The start of the statement under way, at most 1024 bytes; empty: none.",
      ({ statement }) => statement ?? "",
    ],
    status_flags: ["INTEGER", "There is no such figure: 0.", () => 0],
    extended_info: [
      "TEXT",
      "Why it keeps its server connection, as JSON; empty: nothing holds it.",
      ({ pins }) => pins.length === 0 ? "" : JSON.stringify({ pins }),
    ],
  },
});

interface UserRow {
  readonly name: string;
  readonly connections: number;
  readonly max: number;
}

/** One row an account name that is connected or configured. */
const users = table<UserRow>("stats_mysql_users", {
  schema: "stats",
  doc: "Clients by account name: those that are connected, and those of the configuration.",
  rows: async ({ view: { running }, surveys }) => {
    const { users, limits } = running.config;
    const counts = new Map(users.map(({ name }) => [name, 0]));
    for (const { user } of (await surveys()).flatMap(({ frontends }) => frontends)) {
      if (user !== "") counts.set(user, (counts.get(user) ?? 0) + 1);
    }
    const max = limits.clientsPerUserMax || limits.clientsMax;
    return [...counts].map(([name, connections]) => ({ name, connections, max }));
  },
  columns: {
    username: ["TEXT", "The account's name.", ({ name }) => name],
    frontend_connections: ["INTEGER", "Its clients.", ({ connections }) => connections],
    frontend_max_connections: [
      "INTEGER",
      "`limits.clients_per_user_max`, or where that is 0 `limits.clients_max`.",
      ({ max }) => max,
    ],
  },
});

type Pair = readonly [name: string, value: string | number];

interface GlobalFacts {
  readonly source: Source;
  readonly surveys: readonly WorkerSurvey[];
  readonly counters: CounterValues;
}

/** ProxySQL's name of each value that there is. */
const GLOBALS: Readonly<Record<string, (facts: GlobalFacts) => number>> = {
  ProxySQL_Uptime: () => Math.floor(process.uptime()),
  Active_Transactions: ({ surveys }) => count(surveys, ({ inTransaction }) => inTransaction),
  Client_Connections_aborted: ({ counters }) =>
    counters.loginsFailed + counters.loginsTimedOut + counters.clientsRefusedFull +
    counters.clientsRefusedPerUser + counters.clientsRefusedBlocked,
  Client_Connections_connected: ({ counters }) => counters.clients,
  Client_Connections_created: ({ counters }) => counters.clientsAccepted,
  Client_Connections_non_idle: ({ surveys }) => count(surveys, ({ stage }) => stage !== "sleep"),
  Server_Connections_aborted: ({ counters }) => counters.serverConnectionsLost,
  Server_Connections_connected: ({ surveys }) =>
    surveys.reduce((sum, { backends }) => sum + backends.length, 0),
  Server_Connections_created: ({ counters }) => counters.serverConnectionsOpened,
  Server_Connections_delayed: ({ counters }) => counters.poolWaits,
  Servers_table_version: ({ source }) => source.view.running.cluster?.topology.epoch ?? 0,
  Questions: ({ counters }) => counters.commands,
  Slow_queries: ({ source }) => slowStatements(source),
  Queries_frontends_bytes_recv: ({ counters }) => counters.bytesFromClients,
  Queries_frontends_bytes_sent: ({ counters }) => counters.bytesToClients,
  Queries_backends_bytes_recv: ({ source }) => bytesOfServers(source, "bytesReceived"),
  Queries_backends_bytes_sent: ({ source }) => bytesOfServers(source, "bytesSent"),
  Backend_query_time_nsec: ({ source }) =>
    source.view.running.metrics().stages.filter(({ stage }) => stage === "execute")
      .reduce((sum, { times }) => sum + times.sumUs * 1000, 0),
  ConnPool_get_conn_immediate: ({ counters }) => counters.serverConnectionsReused,
  ConnPool_get_conn_success: ({ counters }) =>
    counters.serverConnectionsReused + counters.serverConnectionsOpened,
  ConnPool_get_conn_failure: ({ counters }) => counters.poolWaitsTimedOut,
  MyHGM_myconnpoll_get: ({ counters }) =>
    counters.serverConnectionsReused + counters.serverConnectionsOpened,
  MyHGM_myconnpoll_get_ok: ({ counters }) =>
    counters.serverConnectionsReused + counters.serverConnectionsOpened,
  MyHGM_myconnpoll_reset: ({ counters }) => counters.poolRestores,
  MySQL_Thread_Workers: ({ surveys }) => surveys.length,
  Access_Denied_Wrong_Password: ({ counters }) => counters.loginsFailed,
  Access_Denied_Max_Connections: ({ counters }) => counters.clientsRefusedFull,
  Access_Denied_Max_User_Connections: ({ counters }) => counters.clientsRefusedPerUser,
  Stmt_Client_Active_Total: ({ surveys }) =>
    surveys.flatMap(({ frontends }) => frontends)
      .reduce((sum, { prepared }) => sum + (prepared ?? 0), 0),
  max_connect_timeouts: ({ counters }) => counters.poolWaitsTimedOut,
  mysql_killed_backend_queries: ({ counters }) => counters.statementsKilled,
  mysql_listener_paused: ({ source: { view: { running } } }) =>
    Number(running.paused() || running.draining()),
};

/** Names that monitoring reads and that have no value here. */
const ZEROES = `Client_Connections_hostgroup_locked
  Query_Processor_time_nsec Com_autocommit Com_autocommit_filtered Com_commit Com_commit_filtered
  Com_rollback Com_rollback_filtered Com_backend_change_user Com_backend_init_db
  Com_backend_set_names Com_backend_stmt_prepare Com_backend_stmt_execute Com_backend_stmt_close
  Com_frontend_init_db Com_frontend_set_names Com_frontend_use_db Com_frontend_stmt_prepare
  Com_frontend_stmt_execute Com_frontend_stmt_close ConnPool_get_conn_latency_awareness
  ConnPool_memory_bytes MySQL_Monitor_Workers MySQL_Monitor_connect_check_OK
  MySQL_Monitor_connect_check_ERR MySQL_Monitor_ping_check_OK MySQL_Monitor_ping_check_ERR
  MySQL_Monitor_read_only_check_OK MySQL_Monitor_read_only_check_ERR
  MySQL_Monitor_replication_lag_check_OK MySQL_Monitor_replication_lag_check_ERR
  MyHGM_myconnpoll_push MyHGM_myconnpoll_destroy Query_Cache_Memory_bytes Query_Cache_count_GET
  Query_Cache_count_GET_OK Query_Cache_count_SET Query_Cache_bytes_IN Query_Cache_bytes_OUT
  Query_Cache_Purged Query_Cache_Entries Stmt_Client_Active_Unique Stmt_Server_Active_Total
  Stmt_Server_Active_Unique Stmt_Max_Stmt_id Stmt_Cached Mirror_concurrency Mirror_queue_length
  GTID_consistent_queries GTID_session_collected SQLite3_memory_bytes mysql_backend_buffers_bytes
  mysql_frontend_buffers_bytes mysql_session_internal_bytes generated_error_packets
  mysql_killed_backend_connections`.split(/\s+/);

function count(
  surveys: readonly WorkerSurvey[],
  isMeant: (facts: FrontendFacts) => boolean,
): number {
  return surveys.reduce((sum, { frontends }) => sum + frontends.filter(isMeant).length, 0);
}

function bytesOfServers({ view }: Source, name: "bytesSent" | "bytesReceived"): number {
  const { servers } = view.running.usage();
  return [...servers.values()].reduce((sum, usage) => sum + usage[name], 0);
}

/** Statements beyond the slow log's threshold, as the histograms know it. */
function slowStatements({ view: { running } }: Source): number {
  const thresholdUs = running.config.slowLog.thresholdMs * 1000;
  return running.metrics().stages.filter(({ stage }) => stage === "total").reduce(
    (sum, { times }) => sum + times.count - times.cumulative([thresholdUs])[0],
    0,
  );
}

/** One row a name. */
const globals = table<Pair>("stats_mysql_global", {
  schema: "stats",
  doc: "Sums since the start, and figures of now. In force: " +
    Object.keys(GLOBALS).map((name) => `\`${name}\``).join(", ") +
    ". The others that monitoring reads are there and 0.",
  rows: async (source) => {
    const surveys = await source.surveys();
    const facts = { source, surveys, counters: source.view.running.counters() };
    return [
      ...Object.entries(GLOBALS).map(([name, value]): Pair => [name, value(facts)]),
      ...ZEROES.map((name): Pair => [name, 0]),
    ];
  },
  columns: {
    Variable_Name: ["TEXT", "The name.", ([name]) => name],
    Variable_Value: ["TEXT", "The value.", ([, value]) => String(value)],
  },
});

/** One row a name. */
const memory = table<Pair>("stats_memory_metrics", {
  schema: "stats",
  doc:
    "Memory in bytes: `resident` is that of all workers, `heap` the objects of JavaScript in it; " +
    "those that ProxySQL's allocator tells of are there and 0.",
  rows: async ({ surveys }) => {
    const all = await surveys();
    const sum = (value: (survey: WorkerSurvey) => number) =>
      all.reduce((total, survey) => total + value(survey), 0);
    return [
      ["resident", sum(({ rssBytes }) => rssBytes)],
      ["heap", sum(({ heapBytes }) => heapBytes)],
      ["jemalloc_resident", sum(({ rssBytes }) => rssBytes)],
      ["jemalloc_active", sum(({ heapBytes }) => heapBytes)],
      ["jemalloc_allocated", sum(({ heapBytes }) => heapBytes)],
      ...[
        "jemalloc_mapped",
        "jemalloc_metadata",
        "jemalloc_retained",
        "Auth_memory",
        "SQLite3_memory_bytes",
        "query_digest_memory",
      ].map((name): Pair => [name, 0]),
    ];
  },
  columns: {
    Variable_Name: ["TEXT", "The name.", ([name]) => name],
    Variable_Value: ["TEXT", "The value.", ([, value]) => String(value)],
  },
});

/** All of them. */
export const sessionTables = [processlist, users, globals, memory] as const;
