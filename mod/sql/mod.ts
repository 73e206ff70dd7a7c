// Statements as bytes: the few facts the proxy needs to know of them. Pure.

export * from "./account_statement.ts";
export * from "./attention.ts";
export * from "./cluster_statement.ts";
export * from "./connection_id.ts";
export * from "./digest.ts";
export * from "./effect.ts";
export * from "./effects.ts";
export * from "./facts_cache.ts";
export * from "./form_table.ts";
export * from "./hint.ts";
export * from "./kill.ts";
export { KnownRoutines } from "./known_routines.ts";
export type { KnownObject } from "./known_routines.ts";
export * from "./lexical_mode.ts";
export * from "./mask_passwords.ts";
export * from "./mentions.ts";
export * from "./normal_form.ts";
export * from "./processlist.ts";
export { Bar, barInWords, barNames, HINTABLE_BARS } from "./replica_bar.ts";
export * from "./set_statement.ts";
export * from "./shape.ts";
export type { SetScope } from "./set_target.ts";
export * from "./tokens.ts";
export * from "./transaction_start.ts";
export * from "./user_variables.ts";
export * from "./value_free.ts";
