// Statements as bytes: the few facts the proxy needs to know of them. Pure.

export * from "./account_statement.ts";
export * from "./attention.ts";
export * from "./connection_id.ts";
export * from "./kill.ts";
export * from "./processlist.ts";
export * from "./tokens.ts";
