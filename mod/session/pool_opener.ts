// Opens connections for a shared pool with what is known of an account.

import {
  type Baseline,
  DISCARDING,
  type LoginRequest,
  makeFresh,
  PooledConnection,
  resetConnection,
} from "../backend/mod.ts";
import { Capability } from "../wire/mod.ts";
import type { SessionContext } from "./context.ts";

/** Opens one more connection for the account; undefined where only a client can prove itself. */
export function opener(
  context: SessionContext,
  { request, baseline }: { readonly request: LoginRequest; readonly baseline: Baseline },
): (() => Promise<PooledConnection>) | undefined {
  const { server } = context;
  const { again } = request;
  if (!again) return undefined;
  // Without a schema: sessions of any can use it.
  const login = {
    ...request.login,
    capabilities: (request.login.capabilities & ~Capability.CONNECT_WITH_DB) >>> 0,
    database: new Uint8Array(0),
  };
  return async () => {
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
