// How many sessions and connections of each kind a pool has.

import type { PooledConnection } from "./pooled_connection.ts";

/** Counts by kind. */
export class ConnectionCensus {
  readonly #sessions = new Map<string, number>();
  readonly #kinds = new Map<string, number>();
  /** Open connections: idle and leased. */
  readonly connections = new Set<PooledConnection>();
  /** Sessions without a schema that can open no connection. */
  readonly #bare = new Map<string, Set<object>>();

  /** Sessions logged in or logging in. */
  get sessions(): number {
    let sum = 0;
    for (const sessions of this.#sessions.values()) sum += sessions;
    return sum;
  }

  /** One session more or, with -1, less. */
  countSession(kind: string, change: 1 | -1): void {
    const count = this.sessionsOf(kind) + change;
    if (count > 0) this.#sessions.set(kind, count);
    else this.#sessions.delete(kind);
  }

  sessionsOf(kind: string): number {
    return this.#sessions.get(kind) ?? 0;
  }

  /** Open connections of a kind. */
  connectionsOf(kind: string): number {
    return this.#kinds.get(kind) ?? 0;
  }

  add(connection: PooledConnection): void {
    this.connections.add(connection);
    this.#kinds.set(connection.kind, this.connectionsOf(connection.kind) + 1);
  }

  /** It has ended, or is about to: once is enough. */
  remove(connection: PooledConnection): void {
    if (!this.connections.delete(connection)) return;
    const count = this.connectionsOf(connection.kind) - 1;
    if (count > 0) this.#kinds.set(connection.kind, count);
    else this.#kinds.delete(connection.kind);
  }

  /** There is a connection of that sort. Walks them. */
  hasFor(isOfSort: (connection: PooledConnection) => boolean): boolean {
    for (const each of this.connections) if (isOfSort(each)) return true;
    return false;
  }

  /** Notes whether a session has no schema; undefined: it has left. */
  noteSchema(session: { readonly kind: string }, schema: string | undefined): void {
    const bare = this.#bare.get(session.kind);
    if (schema !== "") bare?.delete(session);
    else if (bare) bare.add(session);
    else this.#bare.set(session.kind, new Set([session]));
  }

  /**
   * The connection is the only one of its kind that has no schema yet, and there are sessions
   * without one, which no other can serve. Walks all connections.
   */
  isLastBare(connection: PooledConnection): boolean {
    if (connection.state.schema !== "" || !this.#bare.get(connection.kind)?.size) return false;
    for (const each of this.connections) {
      if (each !== connection && each.kind === connection.kind && each.state.schema === "") {
        return false;
      }
    }
    return true;
  }
}
