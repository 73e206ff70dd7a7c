// A login on connections that are shared: it proves the client to the server on an idle connection
// (or a new one), learns what a fresh session has set, and gives the connection to the pool.

import {
  type AccountPool,
  type Baseline,
  closePolitely,
  kindOf,
  learnBaseline,
  type Lessee,
  type Login,
  LoginRefusedError,
  type LoginRequest,
  makeFresh,
  NoTrackersError,
  PooledConnection,
  ROLE,
  runStatement,
  type Server,
  type ServerConnection,
  type SessionState,
  userName,
} from "../backend/mod.ts";
import { ChannelClosedError } from "../net/mod.ts";
import { Capability, frame, HEADER_LENGTH, okForClient, type SqlError } from "../wire/mod.ts";
import type { ClientSession } from "./client_session.ts";
import { opener } from "./pool_opener.ts";
import { PooledSession } from "./pooled_session.ts";
import { carryOver } from "./preparation.ts";

/** A login, and what may become of its connection. */
export interface PooledLogin extends Login {
  /**
   * Gives the connection to the pool; the session has none of its own from now on. Where the server
   * cannot tell of changes of state, or runs statements for new connections, the session keeps it.
   */
  share(): Promise<void>;
  /** The client is refused after all. */
  giveUp(): void;
}

/**
 * Logs in. As long as an account has fewer connections than sessions each login brings one more, up
 * to the limit; then logins take turns on those that are there.
 *
 * @throws What `Server.login` throws; LoginRefusedError with 1040 if no connection gets free.
 */
export async function loginShared(
  session: ClientSession,
  server: Server,
  untracked: LoginRequest,
): Promise<PooledLogin> {
  const request = withTrackers(untracked);
  const pool = server.pools!.of(userName(request.login.user));
  const kind = kindOf(request);
  pool.countSession(kind, 1);
  let idle: PooledConnection | undefined;
  let login: Login;
  let hasPlace = false; // one is kept for a new connection
  try {
    if (pool.mayGrow(kind)) {
      pool.count++;
      hasPlace = true;
    } else {
      idle = await new LoginLessee(kind, session, pool).lease(request.signal);
      hasPlace = idle === undefined;
    }
    if (request.signal.aborted) {
      if (idle) pool.release(idle);
      idle = undefined;
      throw new ChannelClosedError("client left during its login");
    }
    if (idle && await server.hasInitConnect(idle.connection)) {
      pool.release(idle);
      idle = undefined;
    }
    if (idle) await leaveRole(idle);
    login = await server.login({ ...request, on: idle?.connection ?? "new" });
  } catch (error) {
    pool.countSession(kind, -1);
    if (idle) pool.drop(idle);
    else if (hasPlace) pool.count--;
    throw error;
  }
  const { connection } = login;
  // An idle one that has turned out to be dead was replaced by a new one.
  if (idle && connection !== idle.connection) {
    pool.lost(idle);
    pool.count++;
    hasPlace = true;
    idle = undefined;
  }
  const leave = () => {
    pool.countSession(kind, -1);
    if (idle) pool.lost(idle);
    else if (hasPlace) pool.count--;
  };
  return {
    connection,
    ok: loginOk(session, login.ok),
    giveUp() {
      leave();
      closePolitely(connection);
    },
    async share() {
      const { states } = server.pools!;
      let baseline: Baseline;
      let state: SessionState;
      if (!idle && await server.hasInitConnect(connection)) {
        leave();
        keepForSession(connection, session);
        return;
      }
      try {
        baseline = await pool.baseline(kind, () => learnBaseline(connection));
        state = await makeFresh(connection, { baseline, states });
      } catch (error) {
        leave();
        if (connection.closed) throw new ChannelClosedError("server closed during the login");
        if (!(error instanceof NoTrackersError)) {
          closePolitely(connection);
          throw error;
        }
        keepForSession(connection, session);
        return;
      }
      const pooled = idle ?? new PooledConnection(connection, state);
      pooled.becomeFresh(state);
      if (session.closed) pool.countSession(kind, -1);
      else session.pooled = new PooledSession(session, { pool, pooled, baseline, request });
      if (!idle) {
        pool.count--; // the place that was kept for it
        pool.addLeased(pooled);
      }
      pool.release(pooled);
      if (session.closed) throw new ChannelClosedError("client left during its login");
    },
  };
}

/** The connection is one session's alone: nobody else's state is ever set on it. */
function keepForSession(connection: ServerConnection, { capabilities }: ClientSession): void {
  connection.reusable = false;
  connection.tracker.stopAtState = (capabilities & Capability.SESSION_TRACK) === 0;
}

/** Server connections are always told of changes of state; what clients see is filtered. */
function withTrackers(request: LoginRequest): LoginRequest {
  const { login } = request;
  return {
    ...request,
    login: { ...login, capabilities: (login.capabilities | Capability.SESSION_TRACK) >>> 0 },
  };
}

/** A client without SESSION_TRACK gets the OK packet that it would have got. */
export function loginOk({ capabilities }: ClientSession, ok: Uint8Array): Uint8Array {
  if (capabilities & Capability.SESSION_TRACK) return ok;
  return okWithoutState(frame(ok, 0), capabilities).subarray(HEADER_LENGTH);
}

/** An OK packet, with its header, as a client without SESSION_TRACK gets it. */
export function okWithoutState(packet: Uint8Array, capabilities: number): Uint8Array {
  return okForClient(packet, {
    sessionTrack: false,
    deprecateEof: (capabilities & Capability.DEPRECATE_EOF) !== 0,
    told: () => [],
  });
}

/** After COM_CHANGE_USER the session and its connection belong to another account, fresh. */
export async function moveToPool(
  session: ClientSession,
  connection: ServerConnection,
): Promise<void> {
  const { server } = session.context;
  const before = session.pooled!;
  const pool = server.pools!.of(connection.user);
  const { kind } = before;
  const baseline = await pool.baseline(kind, () => learnBaseline(connection));
  const state = await makeFresh(connection, { baseline, states: server.pools!.states });
  const { request } = before;
  const opening = {
    ...request,
    login: { ...request.login, user: Buffer.from(connection.user, "latin1") },
    again: connection.again,
  };
  const pooled = before.pooled!;
  before.pool.countSession(kind, -1);
  pooled.owner = undefined;
  before.pool.lost(pooled);
  before.pool = pool;
  pool.countSession(kind, 1);
  pool.addLeased(pooled);
  before.baseline = baseline;
  before.request = opening;
  before.open = opener(session.context, { baseline, request: opening });
  before.becomeFresh(state);
}

/** MariaDB keeps a role through a login unless the account has a default role. */
async function leaveRole({ connection, state }: PooledConnection): Promise<void> {
  if ((state.variables.get(ROLE) ?? "NONE") !== "NONE") {
    await runStatement(connection, "SET ROLE NONE");
  }
}

/** Waits for a connection to log in on, in the queue of all who wait. */
class LoginLessee implements Lessee {
  readonly kind: string;
  readonly state = undefined;
  readonly last = undefined;
  readonly open = undefined;
  waitingSince = 0;
  readonly #session: ClientSession;
  readonly #pool: AccountPool;
  readonly #leased = Promise.withResolvers<PooledConnection | undefined>();

  constructor(kind: string, session: ClientSession, pool: AccountPool) {
    this.kind = kind;
    this.#session = session;
    this.#pool = pool;
  }

  /** @returns undefined where it may open one, whose place in the pool is kept. */
  async lease(signal: AbortSignal): Promise<PooledConnection | undefined> {
    const leave = () => {
      if (!this.#pool.cancel(this)) return; // it has been given one, or a place
      this.#leased.reject(new ChannelClosedError("client left during its login"));
    };
    signal.addEventListener("abort", leave);
    try {
      this.#pool.lease(this);
      return await this.#leased.promise;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  granted(pooled: PooledConnection): void {
    carryOver(pooled, this.#session.context.counters).then(
      () => this.#leased.resolve(pooled),
      (error: unknown) => {
        this.#pool.drop(pooled);
        this.#leased.reject(error);
      },
    );
  }

  mayOpen(): void {
    this.#leased.resolve(undefined);
  }

  refused(error: SqlError): void {
    this.#leased.reject(new LoginRefusedError(error));
  }

  onConnectionLost(): void {}
}
