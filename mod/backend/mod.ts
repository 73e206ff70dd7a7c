// Server connections: login, a FIFO of outstanding requests, idle connections kept for reuse.

export * from "./account_pool.ts";
export * from "./connection_pool.ts";
export * from "./fresh_state.ts";
export * from "./known_logins.ts";
export * from "./login_exchange.ts";
export * from "./open_gate.ts";
export * from "./outstanding.ts";
export * from "./own_statement.ts";
export * from "./pooled_connection.ts";
export * from "./pool_connections.ts";
export * from "./pool_status.ts";
export * from "./pool_tables.ts";
export * from "./pools.ts";
export * from "./prepared_texts.ts";
export * from "./reset.ts";
export * from "./server.ts";
export * from "./server_connection.ts";
export * from "./server_error.ts";
export * from "./server_list.ts";
export * from "./server_room.ts";
export * from "./session_defaults.ts";
export * from "./session_state.ts";
export * from "./wait_queue.ts";
export * from "./small_map.ts";
