// The sessions that wait for a connection of an account, first come first served.

import type { SqlError } from "../wire/mod.ts";
import type { PooledConnection, Tenant } from "./pooled_connection.ts";
import type { SessionState } from "./session_state.ts";

/** Who wants a connection. */
export interface Lessee extends Tenant {
  /** Connections of this kind will do. */
  readonly kind: string;
  /** A connection in this state needs no restoring; undefined: any will do. */
  readonly state: SessionState | undefined;
  /** The connection used last. */
  readonly last: PooledConnection | undefined;
  /** When the waiting began, by the pool's clock; set by the pool. */
  waitingSince: number;
  /** Here it is. Called at once or later. */
  granted(connection: PooledConnection): void;
  /** There is none to be had. @param forEver Nor will there be one for this session. */
  refused(error: SqlError, forEver: boolean): void;
  /** Opens one more; undefined where only a client can prove who it is. */
  readonly open: (() => Promise<PooledConnection>) | undefined;
  /** It waits for several sessions, each of which is counted by itself. */
  readonly standsForSeveral?: true;
  /** It chooses a schema, whatever its state: for logins. */
  readonly choosesSchema?: boolean;
  /** It may open one itself: a place is kept for it. For logins. */
  readonly mayOpen?: () => void;
}

/** There is a schema on a connection that it has used. */
export function choosesSchema({ state, choosesSchema }: Lessee): boolean {
  return state === undefined ? choosesSchema === true : state.schema !== "";
}

/** A session with this state can use a connection: a schema once chosen cannot be unchosen. */
export function canServe(connection: PooledConnection, state: SessionState | undefined): boolean {
  return state === undefined || state.schema !== "" || connection.state.schema === "";
}

/** Lessees in the order in which they began to wait. */
export class WaitQueue {
  readonly #waiting: Lessee[] = [];

  get length(): number {
    return this.#waiting.length;
  }

  /** Who waits longest. */
  get first(): Lessee | undefined {
    return this.#waiting[0];
  }

  /** All who wait now. */
  all(): Lessee[] {
    return [...this.#waiting];
  }

  has(lessee: Lessee): boolean {
    return this.#waiting.includes(lessee);
  }

  /** Puts a lessee behind those that began to wait before it. */
  add(lessee: Lessee): void {
    let at = this.#waiting.length;
    while (at > 0 && this.#waiting[at - 1].waitingSince > lessee.waitingSince) at--;
    if (at === this.#waiting.length) this.#waiting.push(lessee);
    else this.#waiting.splice(at, 0, lessee);
  }

  /** @returns false if it did not wait. */
  remove(lessee: Lessee): boolean {
    const at = this.#waiting.indexOf(lessee);
    if (at < 0) return false;
    this.#waiting.splice(at, 1);
    return true;
  }

  /** Takes the first who can use a connection. @param isBare Only sessions without a schema may. */
  takeFor(connection: PooledConnection, isBare: boolean): Lessee | undefined {
    const waiting = this.#waiting;
    for (let at = 0; at < waiting.length; at++) {
      const lessee = waiting[at];
      if (lessee.kind !== connection.kind || !canServe(connection, lessee.state)) continue;
      if (isBare && choosesSchema(lessee)) continue;
      if (at === 0) waiting.shift();
      else waiting.splice(at, 1);
      return lessee;
    }
    return undefined;
  }

  /** Takes the first if it began to wait before a time. */
  takeOlder(than: number): Lessee | undefined {
    const [first] = this.#waiting;
    return first !== undefined && first.waitingSince < than ? this.#waiting.shift() : undefined;
  }
}
