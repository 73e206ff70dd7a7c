// Idle connections of one server, kept after a clean reset for the next session like the last one.

import { Command, Expect, frame } from "../wire/mod.ts";
import type { AnswerSink } from "./outstanding.ts";
import type { ConnectionHolder, ServerConnection } from "./server_connection.ts";

/** What bounds a pool. */
export interface PoolLimits {
  /** Idle connections kept at most; 0: none. */
  readonly idleMax: number;
  /** How long one is kept, in milliseconds. */
  readonly idleTimeoutMs: number;
}

const RESET_CONNECTION = frame(Uint8Array.of(Command.RESET_CONNECTION), 0);
const QUIT = frame(Uint8Array.of(Command.QUIT), 0);

/** Keeps idle connections by their pool key, newest first. */
export class ConnectionPool {
  readonly #limits: PoolLimits;
  readonly #now: () => number;
  readonly #idle = new Map<string, ServerConnection[]>();
  #count = 0;

  /** @param now A monotonic clock in milliseconds. */
  constructor(limits: PoolLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Connections that wait to be used. */
  get idle(): number {
    return this.#count;
  }

  /** Takes the connection used last among those with this key. */
  take(key: string): ServerConnection | undefined {
    const found = this.#idle.get(key);
    const connection = found?.pop();
    if (!connection) return undefined;
    if (found!.length === 0) this.#idle.delete(key);
    this.#count--;
    return connection;
  }

  /** Takes any idle connection of an account: to kill a statement of the same account. */
  takeOf(user: string): ServerConnection | undefined {
    for (const [key, connections] of this.#idle) {
      if (connections[0].user === user) return this.take(key);
    }
    return undefined;
  }

  /**
   * Takes a connection back: resets it and keeps it if the reset succeeds. Nothing may be
   * outstanding on it. The reset ends its transaction and frees its locks at once.
   */
  giveBack(connection: ServerConnection): void {
    connection.holder = DISCARDING;
    if (connection.closed) return;
    const isSound = connection.reusable && !connection.optionChanged && connection.kills === 0;
    if (!isSound || this.#limits.idleMax === 0) {
      closePolitely(connection);
      return;
    }
    connection.request(RESET_CONNECTION, Expect.OK, new ResetSink(this, connection));
  }

  /** Puts a connection that is as good as new among the idle ones, or closes it. */
  keep(connection: ServerConnection): void {
    if (this.#count >= this.#limits.idleMax) {
      closePolitely(connection);
      return;
    }
    connection.idleSince = this.#now();
    connection.holder = new IdleHolder(this, connection);
    const key = connection.poolKey;
    const idle = this.#idle.get(key);
    if (idle) idle.push(connection);
    else this.#idle.set(key, [connection]);
    this.#count++;
  }

  /** Forgets an idle connection that has ended by itself. */
  remove(connection: ServerConnection): void {
    const key = connection.poolKey;
    const idle = this.#idle.get(key);
    const at = idle?.indexOf(connection) ?? -1;
    if (at < 0) return;
    idle!.splice(at, 1);
    if (idle!.length === 0) this.#idle.delete(key);
    this.#count--;
  }

  /** Closes connections that have been idle for too long. Called by the janitor. */
  sweep(): void {
    const before = this.#now() - this.#limits.idleTimeoutMs;
    for (const idle of [...this.#idle.values()]) {
      for (const connection of idle.filter((one) => one.idleSince <= before)) {
        this.remove(connection);
        closePolitely(connection);
      }
    }
  }

  /** Closes all idle connections. */
  close(): void {
    for (const idle of [...this.#idle.values()]) {
      for (const connection of [...idle]) {
        this.remove(connection);
        closePolitely(connection);
      }
    }
  }
}

/** Says COM_QUIT, so that the server does not count an aborted connection. */
export function closePolitely(connection: ServerConnection): void {
  connection.holder = DISCARDING;
  connection.stream.startCommand();
  connection.stream.write(QUIT);
  connection.stream.end();
}

class ResetSink implements AnswerSink {
  readonly #pool: ConnectionPool;
  readonly #connection: ServerConnection;

  constructor(pool: ConnectionPool, connection: ServerConnection) {
    this.#pool = pool;
    this.#connection = connection;
  }

  onAnswerBytes(): void {}

  onAnswerEnd(): void {
    if (this.#connection.tracker.errorCode === 0) this.#pool.keep(this.#connection);
    else closePolitely(this.#connection);
  }

  onServerLost(): void {}
}

/** An idle connection that says or does anything is of no use any more. */
class IdleHolder implements ConnectionHolder {
  readonly #pool: ConnectionPool;
  readonly #connection: ServerConnection;

  constructor(pool: ConnectionPool, connection: ServerConnection) {
    this.#pool = pool;
    this.#connection = connection;
  }

  onUnasked(): void {
    this.#pool.remove(this.#connection);
    this.#connection.abandon();
  }

  onServerDrained(): void {}

  onServerClosed(): void {
    this.#pool.remove(this.#connection);
  }
}

/** Holds connections that no session cares about. */
export const DISCARDING: ConnectionHolder = {
  onUnasked() {},
  onServerDrained() {},
  onServerClosed() {},
};
