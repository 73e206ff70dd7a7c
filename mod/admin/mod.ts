// The proxy's own ports: SHOW commands over the MySQL protocol, health over HTTP.

export * from "./admin_client.ts";
export * from "./admin_port.ts";
export * from "./http_port.ts";
export { localSockets } from "./local_socket.ts";
export * from "./port_kind.ts";
export { describeMetrics } from "./metrics.ts";
export { adminReference, metricsReference, proxysqlReference } from "./reference.ts";
export * from "./statements.ts";
export type * from "./view.ts";
