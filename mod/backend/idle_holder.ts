// Holds a shared connection that nobody uses.

import type { ConnectionHolder } from "./server_connection.ts";
import type { PooledConnection } from "./pooled_connection.ts";

/** Who is told that a connection has ended. */
interface Keeper {
  lost(connection: PooledConnection): void;
}

/** An idle connection that says or does anything is of no use any more. */
export class IdleHolder implements ConnectionHolder {
  readonly #pool: Keeper;
  readonly #connection: PooledConnection;

  constructor(pool: Keeper, connection: PooledConnection) {
    this.#pool = pool;
    this.#connection = connection;
  }

  onUnasked(): void {
    this.#pool.lost(this.#connection);
    this.#connection.connection.abandon();
  }

  onServerDrained(): void {}

  onServerClosed(): void {
    this.#pool.lost(this.#connection);
  }
}
