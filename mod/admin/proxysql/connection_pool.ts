// stats_mysql_connection_pool: what goes to each server. Tools read every column but names and status
// as a number, so none is NULL.

import type { PoolStatus } from "../../backend/mod.ts";
import type { StageTotals } from "../../observe/mod.ts";
import { type Source, type Table, table } from "../table.ts";
import { grown } from "./baselines.ts";
import { type GroupedServer, groupedServers, serverFinder } from "./hostgroups.ts";
import { RESET } from "./statement_stats.ts";

interface PoolFacts extends GroupedServer {
  readonly used: number;
  readonly idle: number;
  readonly opened: number;
  readonly failed: number;
  readonly statements: number;
  readonly usedMax: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

const NONE = "There is no such figure: 0.";

function connectionPool(name: string, doc: string, resets = false): Table {
  return table<PoolFacts>(name, {
    schema: "stats",
    doc,
    resets,
    rows: resets ? poolFactsSince : poolFacts,
    columns: {
      hostgroup: ["INTEGER", "The server's hostgroup.", ({ hostgroup }) => hostgroup],
      srv_host: ["TEXT", "Its host, or the path of its socket.", ({ host }) => host],
      srv_port: ["INTEGER", "Its port; 0: a socket.", ({ port }) => port],
      status: [
        "TEXT",
        "`ONLINE`; `OFFLINE_SOFT`: drained; `SHUNNED`: it gets no new work.",
        ({ status }) => status,
      ],
      ConnUsed: ["INTEGER", "Connections that sessions have.", ({ used }) => used],
      ConnFree: ["INTEGER", "Connections that wait for one.", ({ idle }) => idle],
      ConnOK: ["INTEGER", "Connections opened since the start.", ({ opened }) => opened],
      ConnERR: [
        "INTEGER",
        "Logins that the server has refused or not answered; 0 with session pooling.",
        ({ failed }) => failed,
      ],
      MaxConnUsed: [
        "INTEGER",
        "Connections that sessions had at the same time, at most.",
        ({ usedMax }) => usedMax,
      ],
      Queries: ["INTEGER", "Statements that it has answered.", ({ statements }) => statements],
      Queries_GTID_sync: ["INTEGER", NONE, () => 0],
      Bytes_data_sent: ["INTEGER", "Bytes to it, before TLS.", ({ bytesSent }) => bytesSent],
      Bytes_data_recv: ["INTEGER", "Bytes from it.", ({ bytesReceived }) => bytesReceived],
      Latency_us: [
        "INTEGER",
        "Time of one question and its answer, in microseconds; 0: not watched.",
        ({ watched }) => Math.round((watched?.rttMs ?? 0) * 1000),
      ],
    },
  });
}

async function poolFacts(source: Source): Promise<readonly PoolFacts[]> {
  const { running } = source.view;
  const find = serverFinder(source);
  const backends = (await source.surveys()).flatMap((survey) => survey.backends);
  const pools = await source.pools();
  const { stages } = running.metrics();
  const usages = [...running.usage().servers];
  return groupedServers(running).map((server) => {
    const isOwn = (fact: { readonly server: string }) => find(fact.server)?.name === server.name;
    const own = backends.filter(isOwn);
    const used = own.filter(({ session }) => session !== null).length;
    const count = (stage: StageTotals["stage"]) =>
      stages.filter((each) => each.stage === stage && isOwn(each))
        .reduce((sum, { times }) => sum + times.count, 0);
    const ofPools = (value: (pool: PoolStatus) => number) =>
      pools.filter(isOwn).reduce((sum, pool) => sum + value(pool), 0);
    const usage = usages.flatMap(([name, usage]) => isOwn({ server: name }) ? [usage] : []);
    return {
      ...server,
      used,
      idle: own.length - used,
      // Shared connections are counted by their pools, others are timed.
      opened: Math.max(count("connect"), ofPools(({ opened }) => opened)),
      failed: ofPools(({ openFailures }) => openFailures),
      statements: count("execute"),
      usedMax: Math.max(used, ...usage.map(({ usedMax }) => usedMax)),
      bytesSent: usage.reduce((sum, { bytesSent }) => sum + bytesSent, 0),
      bytesReceived: usage.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0),
    };
  });
}

/** Since it was read last. */
async function poolFactsSince(source: Source): Promise<readonly PoolFacts[]> {
  const { baselines: { servers }, view } = source;
  const find = serverFinder(source);
  const all = await poolFacts(source);
  // From here on without a pause: nobody else reads between.
  const usages = [...view.running.usage().servers];
  return all.map((now) => {
    const { opened, failed, statements, bytesSent, bytesReceived } = now;
    const before = servers.get(now.name);
    servers.set(now.name, { opened, failed, statements, bytesSent, bytesReceived });
    const most = usages.flatMap(([name, usage]) =>
      find(name)?.name === now.name ? [usage.takeUsedMax()] : []
    );
    return {
      ...now,
      opened: grown(opened, before?.opened),
      failed: grown(failed, before?.failed),
      statements: grown(statements, before?.statements),
      bytesSent: grown(bytesSent, before?.bytesSent),
      bytesReceived: grown(bytesReceived, before?.bytesReceived),
      usedMax: Math.max(now.used, ...most),
    };
  });
}

/** The table, and its twin whose figures ProxySQL sets to 0 when they are read. */
export const connectionPoolTables: readonly Table[] = [
  connectionPool("stats_mysql_connection_pool", "Connections and statements by server."),
  connectionPool(
    "stats_mysql_connection_pool_reset",
    `${RESET} Connections used and idle, and latency, are those of now.`,
    true,
  ),
];
