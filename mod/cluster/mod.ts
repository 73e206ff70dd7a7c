// What the servers are: flavors, the monitor, positions and lag, topology snapshots, events.

export * from "./clock.ts";
export * from "./events.ts";
export * from "./failure.ts";
export * from "./flavor.ts";
export { detectFlavor, flavorNamed } from "./flavors/all.ts";
export { GtidSet } from "./gtid_set.ts";
export { MariadbPosition } from "./mariadb_position.ts";
export * from "./monitor.ts";
export type { Orders, ServerOrder } from "./orders.ts";
export * from "./position.ts";
export * from "./probe_connection.ts";
export type * from "./reading.ts";
export type { ServerState } from "./server_state.ts";
export type * from "./settings.ts";
export type { ServerSettings } from "./snapshot.ts";
export * from "./topology.ts";
export { StateFiles } from "./state_files.ts";
export type { Rows } from "./row_filter.ts";
export * from "./statement_text.ts";
export * from "./statements.ts";
export { describeClusterMetrics, prometheusText } from "./prometheus.ts";
export * from "./expectations.ts";
export { jsonReport } from "./reports/json.ts";
export { junitReport } from "./reports/junit.ts";
export { tableReport } from "./reports/table.ts";
export type { Diagnosis, Severity } from "./diagnosis/diagnosis.ts";
export { type Examination, examineCluster } from "./diagnosis/examine.ts";
