// Idle connections of one server, kept after a clean reset for the next session like the last one.

import { Command, Expect, frame } from "../wire/mod.ts";
import type { AnswerSink } from "./outstanding.ts";
import { queryPacket } from "./own_statement.ts";
import type { ConnectionHolder, ServerConnection } from "./server_connection.ts";

/** What bounds a pool. */
export interface PoolLimits {
  /** Idle connections kept at most; 0: none. */
  readonly idleMax: number;
  /** How long one is kept, in milliseconds. */
  readonly idleTimeoutMs: number;
}

const RESET_CONNECTION = frame(Uint8Array.of(Command.RESET_CONNECTION), 0);
/** A reset leaves FOUND_ROWS() what it was; a new connection's is 0, as behind this. */
export const NO_ROWS = "SELECT 1 LIMIT 0";

const QUIT = frame(Uint8Array.of(Command.QUIT), 0);

/** Keeps idle connections by their pool key, newest first. */
export class ConnectionPool {
  #limits: PoolLimits;
  readonly #now: () => number;
  readonly #notReset: () => readonly string[];
  readonly #idle = new Map<string, ServerConnection[]>();
  #count = 0;
  /** Connections that are being reset. */
  #resetting = 0;
  #isLeaving = false;

  /**
   * @param now A monotonic clock in milliseconds.
   * @param notReset Statements for what a reset leaves as it was; asked at each reset.
   */
  constructor(limits: PoolLimits, now: () => number, notReset: () => readonly string[]) {
    this.#limits = limits;
    this.#notReset = notReset;
    this.#now = now;
  }

  /** Applies other bounds: to what there is too, with the next sweep. */
  setLimits(limits: PoolLimits): void {
    this.#limits = limits;
  }

  /** The server is to get no connections any more: what is idle is closed, now and from now on. */
  leave(isLeaving: boolean): void {
    this.#isLeaving = isLeaving;
    if (isLeaving) this.close();
  }

  /** Connections that wait to be used. */
  get idle(): number {
    return this.#count;
  }

  /** None is idle, or will be without somebody's giving one back. */
  get empty(): boolean {
    return this.#count === 0 && this.#resetting === 0;
  }

  /** All of them now. */
  connections(): ServerConnection[] {
    return [...this.#idle.values()].flat();
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
    if (!isSound || this.#limits.idleMax === 0 || this.#isLeaving) {
      closePolitely(connection);
      return;
    }
    const sink = new ResetSink(this, connection);
    this.#resetting++;
    connection.request(RESET_CONNECTION, Expect.OK, sink);
    for (const text of this.#notReset()) {
      connection.request(queryPacket(connection, text), Expect.RESULT, sink);
    }
  }

  /** A reset has ended. @param isSound The connection is as good as new. */
  onReset(connection: ServerConnection, isSound: boolean): void {
    this.#resetting--;
    if (isSound) this.keep(connection);
    else if (!connection.closed) closePolitely(connection);
  }

  /** Puts a connection that is as good as new among the idle ones, or closes it. */
  keep(connection: ServerConnection): void {
    if (this.#count >= this.#limits.idleMax || this.#isLeaving) {
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
  #failed: boolean | undefined;
  #hasEnded = false;

  constructor(pool: ConnectionPool, connection: ServerConnection) {
    this.#pool = pool;
    this.#connection = connection;
  }

  onAnswerBytes(): void {}

  onAnswerEnd(): void {
    // The first answer is that to the reset; a server may not know a statement behind it.
    this.#failed ??= this.#connection.tracker.errorCode !== 0;
    if (this.#connection.outstanding > 0) return;
    this.#end(!this.#failed);
  }

  onServerLost(): void {
    this.#end(false); // for each answer that is missing
  }

  #end(isSound: boolean): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#pool.onReset(this.#connection, isSound);
  }
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
