// Opens connections for a shared pool with what is known of an account.

import {
  type AccountPool,
  type Authenticator,
  type Baseline,
  DISCARDING,
  type LoginRequest,
  makeFresh,
  PooledConnection,
  resetConnection,
  type SessionState,
} from "../backend/mod.ts";
import { Capability } from "../wire/mod.ts";
import type { SessionContext } from "./context.ts";

/** How a session of a pool begins. */
export interface SessionBeginning {
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
  { server }: SessionContext,
  request: LoginRequest,
): void {
  const { kinds } = server.pools!;
  if (kinds.has(kind)) return;
  const { login, clientSecure } = request;
  kinds.set(kind, {
    clientSecure,
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
    readonly kind: string;
    /** In latin1. */
    readonly user: string;
    readonly pool: AccountPool;
    readonly again: () => Authenticator;
    readonly baseline: Baseline;
  },
): () => Promise<PooledConnection> {
  const { server } = context;
  const { kind, user, pool, baseline } = account;
  return async () => {
    const again = pool.again ?? account.again; // it may have got another password meanwhile
    const { login, clientSecure } = server.pools!.kinds.get(kind)!;
    const { connection } = await server.login({
      login: { ...login, user: Buffer.from(user, "latin1") },
      authenticator: again(),
      again,
      clientSecure,
      holder: DISCARDING,
      signal: AbortSignal.timeout(context.config.pool.connectTimeoutMs),
      on: "new",
    });
    // What it runs for new connections is no part of sessions that are there already.
    if (await server.hasInitConnect(connection)) await resetConnection(connection);
    const state = await makeFresh(connection, { baseline, states: server.pools!.states });
    return new PooledConnection(connection, state);
  };
}

const NONE = new Uint8Array(0);
