// The connections of an account that nobody uses, and which of them suits whom best.

import { DISCARDING } from "./connection_pool.ts";
import { type PooledConnection, Residue, type Tenant } from "./pooled_connection.ts";
import { isSameState, type SessionState } from "./session_state.ts";
import { canServe, choosesSchema, type Lessee } from "./wait_queue.ts";

/** Ordered by when they were used last, the latest at the end. */
export class IdleConnections {
  readonly #idle: PooledConnection[] = [];
  readonly #isKept: (connection: PooledConnection, isLogin: boolean) => boolean;

  /** @param isKept Tells of a connection that it is kept for sessions without a schema. */
  constructor(isKept: (connection: PooledConnection, isLogin: boolean) => boolean) {
    this.#isKept = isKept;
  }

  get length(): number {
    return this.#idle.length;
  }

  /** All of them now. */
  all(): PooledConnection[] {
    return [...this.#idle];
  }

  /** There is one of a kind. */
  has(kind: string): boolean {
    return this.#idle.some((each) => each.kind === kind);
  }

  /**
   * Takes the one that suits best: own, same state, nothing left on it, any. Hot path: nothing is
   * allocated.
   */
  takeBest(lessee: Lessee): PooledConnection | undefined {
    const idle = this.#idle;
    const { last, kind, state } = lessee;
    const isWithSchema = choosesSchema(lessee);
    let best = -1;
    let rank = 0;
    for (let at = idle.length - 1; at >= 0; at--) {
      const each = idle[at];
      if (each === last && isOf(each, lessee)) return this.#take(at);
      if (each.kind !== kind || !canServe(each, state)) continue;
      if (isWithSchema && this.#isKept(each, state === undefined)) continue;
      const found = each.residue !== Residue.NONE
        ? 1
        : state && isSameState(each.state, state)
        ? 3
        : 2;
      // Of those that hold something the one that was left longest ago is taken.
      if (found > rank || (found === 1 && rank === 1)) {
        best = at;
        rank = found;
        if (found === 3 && !(last && isOf(last, lessee))) break;
      }
    }
    return best < 0 ? undefined : this.#take(best);
  }

  /**
   * Takes the one that was used last of those in a state, with nothing of anybody on it. Hot path:
   * nothing is allocated.
   *
   * @param withoutConditions Nor warnings or errors, whosever they are.
   */
  takeClean(
    kind: string,
    state: SessionState,
    withoutConditions: boolean,
  ): PooledConnection | undefined {
    const idle = this.#idle;
    for (let at = idle.length - 1; at >= 0; at--) {
      const each = idle[at];
      if (each.residue !== Residue.NONE || !isSameState(each.state, state)) continue;
      if (each.kind !== kind || (withoutConditions && each.hasConditions)) continue;
      // Where commands are numbered they cannot follow each other unasked.
      if (each.connection.stream.sequence !== undefined) continue;
      if (state.schema !== "" && this.#isKept(each, false)) continue;
      return this.#take(at);
    }
    return undefined;
  }

  /** Takes the first that will do, the one that was not used for longest. */
  takeFirst(will: (connection: PooledConnection) => boolean): PooledConnection | undefined {
    const at = this.#idle.findIndex(will);
    return at < 0 ? undefined : this.#take(at);
  }

  /** Takes this one. @returns false if it is not idle. */
  take(connection: PooledConnection): boolean {
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#take(at);
    return at >= 0;
  }

  #take(at: number): PooledConnection {
    const connection = this.#idle[at];
    if (at === this.#idle.length - 1) this.#idle.pop();
    else this.#idle.splice(at, 1);
    connection.connection.holder = DISCARDING;
    return connection;
  }

  /** Puts one in its place by `idleSince`. */
  put(connection: PooledConnection): void {
    const idle = this.#idle;
    let at = idle.length;
    while (at > 0 && idle[at - 1].idleSince > connection.idleSince) at--;
    if (at === idle.length) idle.push(connection);
    else idle.splice(at, 0, connection);
  }
}

function isOf({ owner }: { readonly owner: Tenant | undefined }, lessee: Lessee): boolean {
  return owner === lessee;
}
