// Opens connections for a shared pool with what is known of an account.

import {
  type AccountPool,
  type Authenticator,
  type Baseline,
  closePolitely,
  DISCARDING,
  learnBaseline,
  type LoginRequest,
  makeFresh,
  PooledConnection,
  resetConnection,
  type Server,
  type SessionState,
} from "../../backend/mod.ts";
import { Capability } from "../../wire/mod.ts";
import type { SessionContext } from "../context.ts";

/** How a session of a pool begins. */
export interface SessionBeginning {
  readonly server: Server;
  /** That of its account there. */
  readonly pool: AccountPool;
  /** The connection it has logged in on; undefined where the server was not asked. */
  readonly pooled?: PooledConnection;
  /** What it has set. */
  readonly state: SessionState;
  /** The kind of connections that will do for it. */
  readonly kind: string;
  readonly baseline: Baseline;
}

/** What sessions of a kind say of themselves when they log in, but for who they are. */
export function rememberKind(
  kind: string,
  { tables }: SessionContext,
  request: LoginRequest,
): void {
  const { kinds } = tables;
  if (kinds.has(kind)) return;
  const { login, clientSecure, tracksGtids = false } = request;
  kinds.set(kind, {
    clientSecure,
    tracksGtids,
    login: {
      ...login,
      // Without a schema: sessions of any can use it.
      capabilities: (login.capabilities & ~Capability.CONNECT_WITH_DB) >>> 0,
      attributes: Uint8Array.from(login.attributes), // not all of the packet they came in
      user: NONE,
      authResponse: NONE,
      database: NONE,
    },
  });
}

/** Opens one more connection of a remembered kind for an account. */
export function opener(
  context: SessionContext,
  account: {
    readonly server: Server;
    /** Its pool there. */
    readonly pool: AccountPool;
    readonly kind: string;
    /** In latin1. */
    readonly user: string;
    readonly again: () => Authenticator;
  },
): () => Promise<PooledConnection> {
  const { states, kinds } = context.tables;
  const { server, kind, user, pool } = account;
  return async () => {
    const again = pool.again ?? account.again; // it may have got another password meanwhile
    const { login, ...how } = kinds.get(kind)!;
    const signal = AbortSignal.timeout(context.config.pool.connectTimeoutMs);
    const { connection } = await server.login({
      login: { ...login, user: Buffer.from(user, "latin1") },
      authenticator: again(),
      again,
      ...how,
      holder: DISCARDING,
      signal,
      on: "new",
    });
    // Others wait for what is learned on this one: a server that says no more does not keep them.
    const lose = () => connection.lose("no answer within pool.connect_timeout");
    signal.addEventListener("abort", lose);
    try {
      // What it runs for new connections is no part of sessions that are there already.
      if (await server.hasInitConnect(connection)) await resetConnection(connection);
      const { variables } = server.pools!;
      const baseline = await pool.fresh.baseline(kind, () => learnBaseline(connection, variables));
      const state = await makeFresh(connection, { baseline, states });
      return new PooledConnection(connection, state);
    } catch (error) {
      if (!connection.closed) closePolitely(connection);
      throw error;
    } finally {
      signal.removeEventListener("abort", lose);
    }
  };
}

/**
 * The pool of an account at a server where it may never have logged in, with what opens connections
 * of a kind there: as in the account's pool at the server where it has.
 */
export function poolAt(
  server: Server,
  context: SessionContext,
  { kind, user, known }: {
    readonly kind: string;
    /** In latin1. */
    readonly user: string;
    readonly known: AccountPool;
  },
): AccountPool {
  const pool = server.pools!.of(user);
  const { again } = known;
  if (again === undefined) return pool;
  pool.again = again;
  if (!pool.openers.has(kind)) {
    pool.open = opener(context, { server, pool, kind, user, again });
    pool.openers.set(kind, pool.open);
  }
  return pool;
}

const NONE = new Uint8Array(0);
