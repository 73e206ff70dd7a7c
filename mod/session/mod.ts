// The client's side: login, commands and their stages, answers.

export * from "./audit_choice.ts";
export * from "./administered_kill.ts";
export * from "./client_session.ts";
export type * from "./cluster_desk.ts";
export * from "./context.ts";
export * from "./credential_authenticator.ts";
export * from "./directory.ts";
export * from "./failover_gate.ts";
export * from "./inactivity.ts";
export * from "./open_ahead.ts";
export * from "./kill_target.ts";
export * from "./peers.ts";
export * from "./fresh_route.ts";
export * from "./routing.ts";
export { carryOver } from "./preparation.ts";
export * from "./presence.ts";
export * from "./survey.ts";
export * from "./details.ts";
export * from "./user_counts.ts";
