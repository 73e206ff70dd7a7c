// What the statements about the cluster answer. Whoever speaks the protocol gives a statement and
// gets rows.

import { formatAddress, parseAddress } from "../config/mod.ts";
import type { SqlError } from "../wire/mod.ts";
import type { ClusterEvent } from "./events.ts";
import type { OrderOutcome } from "./settings.ts";
import { formatPosition } from "./position.ts";
import { filterRows, type Rows } from "./row_filter.ts";
import type { ClusterStatement, Shown } from "./statement_text.ts";
import type { Topology, TopologyServer } from "./topology.ts";

/** What the statements ask and change. */
export interface ClusterView {
  readonly topology: Topology;
  readonly events: readonly ClusterEvent[];
  drain(server: string): OrderOutcome;
  enable(server: string): OrderOutcome;
  setWeight(server: string, weight: number): OrderOutcome;
}

/** The connections to a server, all workers together. */
export interface PoolCounts {
  /** In use. */
  readonly running: number;
  readonly idle: number;
  /** What the configuration allows: idle ones, or of each account where they are shared. */
  readonly max: number;
}

/** What is needed beside the cluster. */
export interface StatementContext {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Undefined where the connections are not counted. */
  readonly poolOf?: (server: TopologyServer) => PoolCounts | undefined;
}

/** Rows, an OK without rows, or an error. */
export type ClusterAnswer = Rows | "ok" | SqlError;

/** The answer where nobody looks at the servers. */
export const NOT_WATCHED: SqlError = {
  code: 1105,
  sqlState: "HY000",
  message: "The servers are not watched: it takes the proxy's own account (account.user)",
};

const DEFAULT_PORT = 3306;
const WEIGHT_MAX = 1000;

/** Answers a statement about the cluster. */
export function answerClusterStatement(
  statement: ClusterStatement,
  view: ClusterView,
  context: StatementContext,
): ClusterAnswer {
  switch (statement.kind) {
    case "show":
      return filterRows(shown(statement.what, view, context), statement);
    case "drain":
      return ordered(statement.server, (server) => view.drain(server));
    case "enable":
      return ordered(statement.server, (server) => view.enable(server));
    case "weight": {
      const { server: written, weight } = statement;
      if (weight > WEIGHT_MAX) return failure(1231, `The weight must be from 0 to ${WEIGHT_MAX}`);
      return ordered(written, (server) => view.setWeight(server, weight));
    }
  }
}

function shown(what: Shown, view: ClusterView, context: StatementContext): Rows {
  const { topology } = view;
  switch (what) {
    case "cluster":
      return clusterRows(topology, context.nowMs);
    case "rw":
      return poolRows(topology.servers.filter(({ writes }) => writes), context);
    case "ro":
      return poolRows(readers(topology), context);
    case "topology":
      return { columns: ["topology"], rows: [[JSON.stringify(topology)]] };
    case "events":
      return eventRows(view.events);
  }
}

/** Who gets reads: the primary only where nobody else does. */
function readers({ servers }: Topology): readonly TopologyServer[] {
  const others = servers.filter(({ reads, writes }) => reads && !writes);
  return others.length > 0 ? others : servers.filter(({ reads }) => reads);
}

function clusterRows({ servers }: Topology, nowMs: number): Rows {
  return {
    columns: [
      ...["address", "host", "port", "xport", "paxos port", "role", "token", "commit index"],
      ...["apply index", "rtt(ms)", "delay(ms)", "update time", "state", "reason", "since"],
      ...["native role", "reads", "writes", "weight", "tags", "aliases", "version", "read only"],
      ...["position", "delay by", "error"],
    ],
    rows: servers.map((server) => {
      const { address, position, role, readOnly } = server;
      const index = position?.kind === "index" ? String(position.value) : null;
      return [
        server.name,
        address.kind === "tcp" ? address.host : null,
        address.kind === "tcp" ? String(address.port) : null,
        null,
        null,
        role,
        null,
        role === "primary" ? index : null,
        role === "primary" ? null : index,
        text(server.rttMs),
        text(server.lagMs),
        updateTime(server, nowMs),
        server.state,
        server.reason,
        new Date(server.sinceMs).toISOString(),
        server.roleWord,
        yesOrNo(server.reads),
        yesOrNo(server.writes),
        String(server.weight),
        server.tags.join(","),
        server.aliases.join(","),
        server.version,
        readOnly === null ? null : yesOrNo(readOnly),
        position === null ? null : formatPosition(position),
        server.lagMeans,
        server.error,
      ];
    }),
  };
}

function poolRows(servers: readonly TopologyServer[], { nowMs, poolOf }: StatementContext): Rows {
  return {
    columns: [
      ...["address", "weight", "running", "idle", "max pooled", "role", "token", "rtt(ms)"],
      ...["delay(ms)", "update time", "state"],
    ],
    rows: servers.map((server) => {
      const pool = poolOf?.(server);
      return [
        server.name,
        String(server.weight),
        text(pool?.running),
        text(pool?.idle),
        text(pool?.max),
        server.role,
        null,
        text(server.rttMs),
        text(server.lagMs),
        updateTime(server, nowMs),
        server.state,
      ];
    }),
  };
}

function eventRows(events: readonly ClusterEvent[]): Rows {
  return {
    columns: ["number", "time", "event", "server", "from", "to", "reason", "duration(ms)"],
    rows: events.map((event) => [
      String(event.number),
      new Date(event.atMs).toISOString(),
      event.kind,
      event.server,
      event.from,
      event.to,
      event.reason,
      text(event.durationMs),
    ]),
  };
}

/** An answer is never shown without its age. */
function updateTime({ answeredMs }: TopologyServer, nowMs: number): string {
  return answeredMs === null ? "never" : `${Math.max(0, Math.round(nowMs - answeredMs))} ms ago`;
}

function text(value: number | null | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}

function yesOrNo(value: boolean): string {
  return value ? "YES" : "NO";
}

function ordered(written: string, order: (server: string) => OrderOutcome): "ok" | SqlError {
  let server: string;
  try {
    server = formatAddress(parseAddress(written, DEFAULT_PORT));
  } catch (error) {
    return failure(
      1064,
      `Cannot read the server's address '${written}': ${(error as Error).message}`,
    );
  }
  if (order(server) === "done") return "ok";
  return failure(1105, `Unknown server '${server}': SHOW CLUSTER lists those there are`);
}

function failure(code: number, message: string): SqlError {
  return { code, sqlState: code === 1064 ? "42000" : "HY000", message };
}
