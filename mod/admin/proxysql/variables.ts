// global_variables: ProxySQL's names for what our configuration says.

import { type Config, formatAddress, formatNetwork } from "../../config/mod.ts";
import { proxysqlVersion } from "./version.ts";
import type { Running } from "../../proxy/mod.ts";

/** How a value is written there and here. */
type Unit = "number" | "ms" | "bytes" | "boolean";

/** A variable. */
export interface Variable {
  readonly name: string;
  readonly doc: string;
  readonly value: (config: Config, running: Running) => string | number | boolean;
  /** The key that an UPDATE changes; absent: it cannot be changed so. */
  readonly key?: { readonly path: string; readonly unit: Unit };
}

type Declaration = readonly [
  name: string,
  path: string,
  unit: Unit,
  value: (config: Config) => number | boolean,
];

/** Those that stand for one key each. */
const KEYS: readonly Declaration[] = [
  ["mysql-max_connections", "limits.clients_max", "number", ({ limits }) => limits.clientsMax],
  ["mysql-wait_timeout", "limits.idle_timeout", "ms", ({ limits }) => limits.idleTimeoutMs],
  [
    "mysql-max_allowed_packet",
    "limits.packet_max",
    "bytes",
    ({ limits }) => limits.packetMaxBytes,
  ],
  [
    "mysql-connect_timeout_client",
    "limits.login_timeout",
    "ms",
    ({ limits }) => limits.loginTimeoutMs,
  ],
  [
    "mysql-connect_timeout_server",
    "pool.connect_timeout",
    "ms",
    ({ pool }) => pool.connectTimeoutMs,
  ],
  ["mysql-connect_timeout_server_max", "pool.wait_timeout", "ms", ({ pool }) => pool.waitTimeoutMs],
  ["mysql-connection_max_age_ms", "pool.max_age", "ms", ({ pool }) => pool.maxAgeMs],
  ["mysql-long_query_time", "slow_log.threshold", "ms", ({ slowLog }) => slowLog.thresholdMs],
  ["mysql-query_digests", "metrics.statements", "boolean", ({ metrics }) => metrics.statements],
  ["mysql-monitor_ping_interval", "monitor.interval", "ms", ({ monitor }) => monitor.intervalMs],
  ["mysql-monitor_ping_timeout", "monitor.timeout", "ms", ({ monitor }) => monitor.timeoutMs],
  [
    "mysql-monitor_ping_max_failures",
    "monitor.failures_max",
    "number",
    ({ monitor }) => monitor.failuresMax,
  ],
];

const LISTED = (values: readonly string[]) => values.join(";");

/** Those that are only shown. */
const SHOWN: readonly Variable[] = [
  {
    name: "mysql-interfaces",
    doc: "Where clients are accepted.",
    value: (_, { addresses }) => LISTED(addresses.map(formatAddress)),
  },
  { name: "mysql-threads", doc: "`workers`.", value: ({ workers }) => workers },
  {
    name: "mysql-multiplexing",
    doc: "Whether `pool.mode` is `transaction`.",
    value: ({ pool }) => pool.mode === "transaction",
  },
  {
    name: "mysql-server_version",
    doc: "The primary's version; empty: not watched.",
    value: (_, { cluster }) => {
      const topology = cluster?.topology;
      return topology?.servers.find(({ name }) => name === topology.primary)?.version ?? "";
    },
  },
  {
    name: "mysql-monitor_username",
    doc: "`account.user`.",
    value: ({ account }) => account?.user ?? "",
  },
  {
    name: "mysql-monitor_enabled",
    doc: "Whether the servers are watched.",
    value: (_, { cluster }) => cluster !== undefined,
  },
  {
    name: "mysql-have_ssl",
    doc: "Whether clients are offered TLS.",
    value: ({ clientTls }) => clientTls.mode !== "disabled",
  },
  {
    name: "mysql-have_compress",
    doc: "Whether clients are offered compression.",
    value: ({ compression }) => compression.clients.length > 0,
  },
  {
    name: "mysql-proxy_protocol_networks",
    doc: "`proxy_protocol.trusted`.",
    value: ({ proxyProtocol }) => proxyProtocol.trusted.map(formatNetwork).join(","),
  },
  { name: "mysql-auditlog_filename", doc: "`audit.file`.", value: ({ audit }) => audit.filePath },
  {
    name: "mysql-eventslog_filename",
    doc: "`slow_log.file`.",
    value: ({ slowLog }) => slowLog.filePath,
  },
  {
    name: "admin-mysql_ifaces",
    doc: "`admin.listen`.",
    value: ({ admin: { listen } }) => listen === undefined ? "" : formatAddress(listen),
  },
  { name: "admin-read_only", doc: "Always `false`.", value: () => false },
  {
    name: "admin-version",
    doc: "The version of ProxySQL that this is like, and the proxy's.",
    value: () => proxysqlVersion,
  },
];

/** All of them, by name. */
export const VARIABLES: ReadonlyMap<string, Variable> = new Map(
  [
    ...KEYS.map(([name, path, unit, value]): Variable => ({
      name,
      doc: `\`${path}\``,
      value,
      key: { path, unit },
    })),
    ...SHOWN,
  ].map((variable) => [variable.name, variable]),
);

/** Names and values now. */
export function variableRows(running: Running): readonly (readonly [string, string])[] {
  return [...VARIABLES.values()].map(({ name, value }) => [
    name,
    String(value(running.config, running)),
  ]);
}
