// What a KILL by one of the proxy's ids is aimed at. A session that holds a server connection is hit
// there, and until the server has answered nobody else gets that connection: a KILL that is on its
// way never meets another session's statement. A session that holds none has nothing to be
// interrupted; whether the killer may end it, the server says: of another account's session by what
// it says to a KILL QUERY of a connection of that account on which nothing runs.

import { type AccountPool, PooledConnection, type ServerConnection } from "../../backend/mod.ts";
import type { SqlError } from "../../wire/mod.ts";
import type { ClientSession } from "../client_session.ts";
import type { SessionContext } from "../context.ts";
import { OwnPin } from "../pins/own_pin.ts";
import type { PooledSession } from "../pooled_session.ts";

/** A KILL, and whose. */
export interface KillOrder {
  /** The proxy's id of the session that is meant. */
  readonly id: number;
  /** Only its statement is to end. */
  readonly queryOnly: boolean;
  /** The killer's account, one character a byte. */
  readonly user: string;
}

/** What a server has made of a KILL; `unknown` where it could not say so any more. */
export type KillVerdict = "killed" | "refused" | "unknown";

/** What is to be done about a KILL. */
export type KillAim =
  /** No session has the id: the server may say so. */
  | { readonly kind: "nobody" }
  /** It is done without the server. */
  | { readonly kind: "done" }
  /** The server could not be asked. */
  | { readonly kind: "refused"; readonly error: SqlError }
  /** The server is to be asked, and `settle` to be called, once, with what it has said. */
  | KillAtServer;

/** A server's thread that is nobody else's until the KILL is settled. */
export interface KillAtServer {
  readonly kind: "ask";
  /** The server's name. */
  readonly server: string;
  /** The server's id of the thread. */
  readonly thread: number;
  /** It is not the target's own: it may be sent KILL QUERY only. */
  readonly standsIn: boolean;
  settle(verdict: KillVerdict): void;
}

const NOBODY: KillAim = { kind: "nobody" };
const DONE: KillAim = { kind: "done" };

/** Finds what an order is aimed at, among the sessions of this worker. */
export function aimOf(order: KillOrder, context: SessionContext): KillAim | Promise<KillAim> {
  const session = context.directory.get(order.id);
  if (!session?.loggedIn) return NOBODY;
  const { server, pooled } = session;
  if (server) return new HeldConnection(session, server, order);
  if (!pooled) return NOBODY;
  if (session.user !== order.user) return askStandIn(session, order);
  strike(session, order);
  return DONE;
}

/** Does to a session without a connection what the server would do to one with it. */
function strike(session: ClientSession, { queryOnly }: KillOrder): void {
  const { pooled } = session;
  if (!queryOnly) session.endLost();
  else if (pooled?.busy && !pooled.pooled) {
    pooled.pool.cancel(pooled);
    pooled.refused(INTERRUPTED, false);
  }
}

/** The target's own connection. */
class HeldConnection implements KillAtServer {
  readonly kind = "ask";
  readonly standsIn = false;
  readonly #session: ClientSession;
  readonly #connection: ServerConnection;
  readonly #queryOnly: boolean;

  constructor(session: ClientSession, connection: ServerConnection, order: KillOrder) {
    this.#session = session;
    this.#connection = connection;
    this.#queryOnly = order.queryOnly;
    connection.kills++;
  }

  get server(): string {
    return this.#connection.facts.server;
  }

  get thread(): number {
    return this.#connection.facts.threadId;
  }

  settle(verdict: KillVerdict): void {
    const connection = this.#connection;
    const session = this.#session;
    connection.kills--;
    if (verdict === "unknown") connection.reusable = false;
    else if (verdict === "killed") {
      connection.mayBeInterrupted = true;
      if (!this.#queryOnly) this.#end();
    }
    if (!session.closed) session.pooled?.freeIfIdle();
  }

  /** Closing the connection is the server's part; with it the session ends. */
  #end(): void {
    const session = this.#session;
    this.#connection.reusable = false;
    if (session.closed || !session.pooled) return;
    if (session.server === this.#connection) session.pooled.endWithConnection(OwnPin.KILLED);
    else session.endLost();
  }
}

/**
 * Asks on a connection of the target's account on which nothing runs, leased as for a statement of
 * the target. What it has said then holds for the target, wherever that is by then.
 */
async function askStandIn(session: ClientSession, order: KillOrder): Promise<KillAim> {
  const target = session.pooled!;
  const { pool, context } = target;
  if (!target.open && !hasConnection(target)) return { kind: "refused", error: notOwner(order.id) };
  const leased = await leaseAny(target, pool);
  if (!(leased instanceof PooledConnection)) return { kind: "refused", error: leased };
  if (session.server || session.closed) {
    pool.release(leased);
    return await aimOf(order, context);
  }
  const { connection } = leased;
  return {
    kind: "ask",
    server: connection.facts.server,
    thread: connection.facts.threadId,
    standsIn: true,
    settle(verdict) {
      connection.mayBeInterrupted = true;
      if (verdict === "unknown") connection.reusable = false;
      pool.release(leased);
      if (verdict === "killed" && !session.closed) strike(session, order);
    },
  };
}

function hasConnection({ pool, kind }: PooledSession): boolean {
  for (const each of pool.census.connections) if (each.kind === kind) return true;
  return false;
}

/** Any connection of a session's pool at a server, whatever is on it. */
export function leaseAny(
  { kind }: PooledSession,
  pool: AccountPool,
): Promise<PooledConnection | SqlError> {
  return new Promise((resolve) => {
    pool.lease({
      kind,
      open: pool.openers.get(kind),
      state: undefined,
      last: undefined,
      waitingSince: 0,
      granted: resolve,
      refused: resolve,
      onConnectionLost() {},
    });
  });
}

const INTERRUPTED: SqlError = {
  code: 1317,
  sqlState: "70100",
  message: "Query execution was interrupted",
};

/** Another account's session. */
export function notOwner(id: number): SqlError {
  return { code: 1095, sqlState: "HY000", message: `You are not owner of thread ${id}` };
}
