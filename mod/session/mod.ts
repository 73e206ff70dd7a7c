// The client's side: login, commands and their stages, answers.

export * from "./client_session.ts";
export * from "./context.ts";
export * from "./failover/failover_gate.ts";
export * from "./failover/open_ahead.ts";
export * from "./login/credential_authenticator.ts";
export * from "./login/user_counts.ts";
export * from "./observing/audit_choice.ts";
export * from "./observing/details.ts";
export * from "./observing/directory.ts";
export * from "./observing/peers.ts";
export * from "./observing/presence.ts";
export * from "./observing/survey.ts";
export type * from "./routing/cluster_desk.ts";
export * from "./routing/fresh_route.ts";
export * from "./routing/routing.ts";
export * from "./stages/administered_kill.ts";
export * from "./stages/kill_target.ts";
export * from "./state/inactivity.ts";
export { carryOver } from "./state/preparation.ts";
