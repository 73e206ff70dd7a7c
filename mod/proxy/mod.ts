// The proxy as a process: listeners, workers, timeouts, drain.

export { throttleLimits } from "./apply_config.ts";
export type { RunningCluster } from "./cluster.ts";
export { ownEndpoint } from "./credentials.ts";
export { examineMachine } from "./examine_machine.ts";
export * from "./live_config.ts";
export { monitorSettings } from "./monitor_settings.ts";
export { poolMax } from "./pool_use.ts";
export * from "./running.ts";
export * from "./serve.ts";
export * from "./start_error.ts";
export { AdminAudit } from "./statement_logs.ts";
export type * from "./survey.ts";
export type { ServerUsage, UsageTotals } from "./usage.ts";
export * from "./worker.ts";
export * from "./worker_process.ts";
