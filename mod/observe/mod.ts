// What the proxy tells of itself: events and counters.

export * from "./audit_log.ts";
export * from "./counters.ts";
export * from "./digest_names.ts";
export * from "./exposition.ts";
export * from "./histogram.ts";
export * from "./log.ts";
export * from "./line_buffer.ts";
export * from "./log_file.ts";
export * from "./log_line.ts";
export * from "./log_lines.ts";
export { LoggedSession, type LoggedStatement } from "./logged_statement.ts";
export * from "./loop_lag.ts";
export * from "./metrics_totals.ts";
export * from "./slow_log.ts";
export * from "./statement_metrics.ts";
