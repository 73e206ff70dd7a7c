// Server connections: login, a FIFO of outstanding requests, idle connections kept for reuse.

export * from "./connection_pool.ts";
export * from "./login_exchange.ts";
export * from "./outstanding.ts";
export * from "./own_statement.ts";
export * from "./server.ts";
export * from "./server_connection.ts";
