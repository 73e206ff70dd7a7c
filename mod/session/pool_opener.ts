// Opens connections for a shared pool with what is known of an account.

import {
  type AccountPool,
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
  /** How it has logged in. */
  readonly request: LoginRequest;
}

/** Opens one more connection for the account; undefined where only a client can prove itself. */
export function opener(
  context: SessionContext,
  { pool, request, baseline }: Pick<SessionBeginning, "pool" | "request" | "baseline">,
): (() => Promise<PooledConnection>) | undefined {
  const { server } = context;
  if (!request.again) return undefined;
  // Without a schema: sessions of any can use it.
  const login = {
    ...request.login,
    capabilities: (request.login.capabilities & ~Capability.CONNECT_WITH_DB) >>> 0,
    database: new Uint8Array(0),
  };
  return async () => {
    // The account may have got another password meanwhile.
    const again = pool.again ?? request.again!;
    const { connection } = await server.login({
      login,
      authenticator: again(),
      again,
      clientSecure: request.clientSecure,
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
