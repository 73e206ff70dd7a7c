// The logs of ProxySQL's monitor: here the last look at each server, one row each.

import type { TopologyServer } from "../../cluster/mod.ts";
import { type ColumnOf, type Table, table } from "../table.ts";
import { type GroupedServer, groupedServers } from "./hostgroups.ts";

type Watched = GroupedServer & { readonly watched: TopologyServer };

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

function look(name: string, middle: Readonly<Record<string, ColumnOf<Watched>>>): Table {
  return table<Watched>(name, {
    schema: "monitor",
    doc: "The last look at each server.",
    rows: ({ view }) =>
      groupedServers(view.running).filter((server): server is Watched =>
        server.watched !== undefined
      ),
    columns: { ...PLACE, ...middle, ...ERROR },
  });
}

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
];
