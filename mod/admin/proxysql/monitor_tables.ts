// The logs of ProxySQL's monitor: here the last look at each server, one row each.

import {
  findServer,
  type FlavorName,
  type ReadPosition,
  readPosition,
  type TopologyServer,
} from "../../cluster/mod.ts";
import { transactionsBehind } from "../tables/cluster.ts";
import { type ColumnOf, type Table, table } from "../table.ts";
import { type GroupedServer, groupedServers } from "./hostgroups.ts";

interface Watched extends GroupedServer {
  readonly watched: TopologyServer;
  /** How far the primary's data goes; undefined: not known, or nobody asks. */
  readonly primary: ReadPosition | undefined;
}

const PLACE: Readonly<Record<string, ColumnOf<Watched>>> = {
  hostname: ["TEXT", "The server's host, or the path of its socket.", ({ host }) => host],
  port: ["INTEGER", "Its port; 0: a socket.", ({ port }) => port],
  time_start_us: [
    "INTEGER",
    "When it answered last, in microseconds since 1970; 0: never.",
    ({ watched }) => Math.round((watched.answeredMs ?? 0) * 1000),
  ],
};

const ERROR: Readonly<Record<string, ColumnOf<Watched>>> = {
  error: [
    "TEXT",
    "Why it does not answer. NULL: it does.",
    ({ watched }) => watched.failure === null ? null : watched.error,
  ],
};

const rttUs = ({ watched }: Watched) => Math.round((watched.rttMs ?? 0) * 1000);

function look(
  name: string,
  middle: Readonly<Record<string, ColumnOf<Watched>>>,
  flavor?: FlavorName,
): Table {
  return table<Watched>(name, {
    schema: "monitor",
    doc: flavor === undefined
      ? "The last look at each server."
      : "The last look at each server of a replication group; of other clusters there are none.",
    rows: ({ view: { running } }) => {
      const topology = running.cluster?.topology;
      if (flavor !== undefined && topology?.flavor !== flavor) return [];
      const position = topology && flavor !== undefined
        ? findServer(topology, topology.primary ?? "")?.position
        : undefined;
      const primary = position ? readPosition(position) : undefined;
      return groupedServers(running).flatMap((server) =>
        server.watched === undefined ? [] : [{ ...server, watched: server.watched, primary }]
      );
    },
    columns: { ...PLACE, ...middle, ...ERROR },
  });
}

const yesNo = (is: boolean) => is ? "YES" : "NO";
const RTT = "How long the answer took, in microseconds.";

/** All of them. */
export const monitorTables: readonly Table[] = [
  look("mysql_server_connect_log", { connect_success_time_us: ["INTEGER", RTT, rttUs] }),
  look("mysql_server_ping_log", { ping_success_time_us: ["INTEGER", RTT, rttUs] }),
  look("mysql_server_read_only_log", {
    success_time_us: ["INTEGER", RTT, rttUs],
    read_only: [
      "INTEGER",
      "1 if it says so. NULL: not known.",
      ({ watched: { readOnly } }) => readOnly,
    ],
  }),
  look("mysql_server_replication_lag_log", {
    success_time_us: ["INTEGER", RTT, rttUs],
    repl_lag: [
      "INTEGER",
      "How late its data is, in whole seconds. NULL: not known.",
      ({ watched: { lagMs } }) => lagMs === null ? null : Math.floor(lagMs / 1000),
    ],
  }),
  look("mysql_server_group_replication_log", {
    success_time_us: ["INTEGER", RTT, rttUs],
    viable_candidate: [
      "TEXT",
      "`YES` if it gets work.",
      ({ watched: { reads, writes } }) => yesNo(reads || writes),
    ],
    read_only: [
      "TEXT",
      "`YES` if it says so. NULL: not known.",
      ({ watched: { readOnly } }) => readOnly === null ? null : yesNo(readOnly),
    ],
    transactions_behind: [
      "INTEGER",
      "Transactions of the primary that it lacked; 0 where that is not known.",
      ({ watched: { position }, primary }) => transactionsBehind(position, primary) ?? 0,
    ],
  }, "group"),
];
