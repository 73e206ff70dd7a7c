// Where a statement goes: rules, hints, splitting of reads from writes, consistency, balancing. A pure
// decision with a reason; no socket, no timer.

export type { Balance } from "./balance.ts";
export * from "./counts.ts";
export * from "./decision.ts";
export * from "./explain.ts";
export { prefixOf } from "./gtid_runs.ts";
export * from "./learned_routines.ts";
export * from "./own_variables.ts";
export * from "./parking_lot.ts";
export * from "./positions.ts";
export * from "./reason.ts";
export * from "./retry_policy.ts";
export * from "./route_facts.ts";
export * from "./route_request.ts";
export { RouteServer } from "./route_server.ts";
export * from "./route_state.ts";
export * from "./route_statements.ts";
export * from "./router.ts";
export * from "./rule_hits.ts";
export * from "./rules.ts";
export * from "./shared_question.ts";
export { Needs, SessionPosition } from "./session_position.ts";
export * from "./wait.ts";
