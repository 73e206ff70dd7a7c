// A login on connections that are shared: it proves the client to the server on an idle connection
// (or a new one), learns what a fresh session has set, and gives the connection to the pool.

import {
  type AcceptedLogin,
  type AccountPool,
  type Baseline,
  closePolitely,
  isFull,
  isServerFull,
  kindOf,
  learnBaseline,
  type Login,
  LoginRefusedError,
  type LoginRequest,
  makeFresh,
  NoTrackersError,
  PooledConnection,
  resetConnection,
  runStatement,
  schemaAfterReset,
  type Server,
  type ServerConnection,
  type SessionState,
  userName,
} from "../../backend/mod.ts";
import { ChannelClosedError } from "../../net/mod.ts";
import { Capability, frame, HEADER_LENGTH, okForClient } from "../../wire/mod.ts";
import type { ClientSession } from "../client_session.ts";
import type { SessionContext } from "../context.ts";
import { LoginPlace } from "./login_place.ts";
import { OwnPin } from "../pins/own_pin.ts";
import { opener, rememberKind } from "./pool_opener.ts";
import { PooledSession } from "../pooled_session.ts";
import { becomeFresh, hasRole } from "../state/refresh.ts";

/** A login, and what may become of its connection. */
export interface PooledLogin {
  /** The connection it has taken place on; undefined where the server was not asked. */
  readonly connection: ServerConnection | undefined;
  /** The OK packet's payload. */
  readonly ok: Uint8Array;
  /**
   * Gives the connection to the pool; the session has none of its own from now on. Where the server
   * cannot tell of changes of state, or runs statements for new connections, the session keeps it.
   */
  share(): Promise<void>;
  /** The client is refused after all. */
  giveUp(): void;
}

/** One client's login at the pool of its account. */
interface Entry {
  readonly session: ClientSession;
  readonly server: Server;
  readonly pool: AccountPool;
  readonly request: LoginRequest;
  readonly kind: string;
  /** What logins that the server answers alike have in common. */
  readonly key: string;
}

/**
 * Logs in: without a word to the server where it has accepted such a login a moment ago. Where the
 * proxy knows no credential each login brings one more connection as long as an account has fewer
 * than sessions, up to the limit; then logins take turns on those that are there.
 *
 * @throws What `Server.login` throws; LoginRefusedError with 1040 if no connection gets free.
 */
export async function loginShared(
  session: ClientSession,
  server: Server,
  untracked: LoginRequest,
): Promise<PooledLogin> {
  const request = withTrackers(untracked, session.context);
  const { login, credential } = request;
  const pool = server.pools!.of(userName(login.user));
  const kind = kindOf(request);
  const key = `${kind}\n${login.collation}\n${userName(login.database)}`;
  const entry: Entry = { session, server, pool, request, kind, key };
  pool.census.countSession(kind, 1);
  if (credential && pool.census.connections.size > 0) {
    const known = pool.logins.find(key, credential, {
      now: session.context.now,
      mayAsk: pool.hasIdle(kind),
    });
    if (known) return knownLogin(entry, known);
  }
  try {
    return await askServer(entry);
  } catch (error) {
    pool.census.countSession(kind, -1);
    throw error;
  }
}

/** The session begins without a connection: its first statement gets one. */
function knownLogin(entry: Entry, { ok, state, baseline }: AcceptedLogin): PooledLogin {
  const { session, server, pool, kind } = entry;
  const options = { server, pool, kind };
  session.context.counters.loginsKnown++;
  const leave = () => pool.census.countSession(kind, -1);
  return {
    connection: undefined,
    ok: loginOk(session, ok),
    giveUp: leave,
    share() {
      if (session.closed) leave();
      else session.pooled = new PooledSession(session, { ...options, state, baseline });
      return Promise.resolve();
    },
  };
}

/** Asks on an idle connection or a new one; again where the server takes no more connections. */
async function askServer(entry: Entry): Promise<PooledLogin> {
  const { session, server, pool, request, kind } = entry;
  const schema = Buffer.from(request.login.database).toString("latin1");
  const place = new LoginPlace({ kind, schema }, pool, session.context.counters);
  for (;;) {
    const leased = await place.lease(request.signal);
    const idle = leased && await usable(leased, entry);
    if (request.signal.aborted) {
      if (idle) pool.release(idle);
      else if (!leased) pool.freePlace();
      throw new ChannelClosedError("client left during its login");
    }
    try {
      const authenticator = request.again?.() ?? request.authenticator; // good for one login
      const login = await server.login({
        ...request,
        authenticator,
        on: idle?.connection ?? "new",
      });
      return askedLogin(entry, login, { idle, hasPlace: leased === undefined });
    } catch (error) {
      if (idle) await recover(idle, pool, server);
      else if (leased === undefined) {
        if (isFull(error)) pool.noteFailure(error);
        pool.freePlace();
      }
      if (isRefusal(error)) pool.logins.forget();
      if (!mayTryAgain(error, request)) throw error;
    }
  }
}

/** An idle connection is of no use where the server runs statements for new ones. */
async function usable(
  idle: PooledConnection,
  { server, pool }: Entry,
): Promise<PooledConnection | undefined> {
  if (await server.hasInitConnect(idle.connection)) {
    pool.release(idle);
    return undefined;
  }
  // MariaDB keeps a role through a login unless the account has a default role.
  if (hasRole(idle.state)) await runStatement(idle.connection, "SET ROLE NONE");
  return idle;
}

/** A server that takes no more connections may have one of ours free soon. */
function mayTryAgain(error: unknown, { again }: LoginRequest): boolean {
  return isFull(error) && (again !== undefined || isServerFull(error));
}

function isRefusal(error: unknown): boolean {
  return error instanceof LoginRefusedError && !isFull(error);
}

/**
 * After a refused login MariaDB leaves the connection to its old account: a client that proves nothing
 * costs the others nothing. MySQL closes it, and MariaDB after the third; it is given up after two.
 */
async function recover(idle: PooledConnection, pool: AccountPool, server: Server): Promise<void> {
  const { connection } = idle;
  const baseline = pool.fresh.known(idle.kind);
  if (!connection.closed && baseline && await resetConnection(connection)) {
    try {
      const { states } = server.pools!.tables;
      const state = await makeFresh(connection, { baseline, states });
      idle.becomeFresh(states.with(state, schemaAfterReset(state.schema)));
      pool.release(idle);
      return;
    } catch {
      // It is of no use any more.
    }
  }
  pool.drop(idle);
}

/** The server has accepted the client. */
function askedLogin(
  entry: Entry,
  { connection, ok }: Login,
  place: { readonly idle: PooledConnection | undefined; readonly hasPlace: boolean },
): PooledLogin {
  const { session, server, pool, kind } = entry;
  let { idle, hasPlace } = place;
  // An idle one that has turned out to be dead was replaced by a new one.
  if (idle && connection !== idle.connection) {
    pool.lost(idle);
    pool.count++;
    hasPlace = true;
    idle = undefined;
  }
  const leave = () => {
    pool.census.countSession(kind, -1);
    if (idle) pool.lost(idle);
    else if (hasPlace) pool.freePlace();
  };
  return {
    connection,
    ok: loginOk(session, ok),
    giveUp() {
      leave();
      closePolitely(connection);
    },
    async share() {
      const { variables, tables: { states } } = server.pools!;
      let baseline: Baseline;
      let state: SessionState;
      if (!idle && await server.hasInitConnect(connection)) {
        leave();
        keepForSession(connection, session);
        return;
      }
      try {
        baseline = await pool.fresh.baseline(kind, () => learnBaseline(connection, variables));
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
      accept(entry, { ok, state, baseline });
      const pooled = idle ?? new PooledConnection(connection, state);
      if (idle) pool.tally.reset++;
      pooled.becomeFresh(state);
      if (session.closed) pool.census.countSession(kind, -1);
      else {
        const options = { server, pool, pooled, state, kind, baseline };
        session.pooled = new PooledSession(session, options);
      }
      if (!idle) {
        pool.count--; // the place that was kept for it
        pool.addLeased(pooled);
      }
      pool.release(pooled);
      if (session.closed) throw new ChannelClosedError("client left during its login");
    },
  };
}

/** What the server has accepted it will accept again, and the pool may log in with it. */
function accept(
  { session, server, pool, request, kind, key }: Entry,
  login: Pick<AcceptedLogin, "ok" | "state" | "baseline">,
): void {
  const { credential, again } = request;
  rememberKind(kind, session.context, request);
  if (!again) return;
  pool.again = again;
  const user = userName(request.login.user);
  pool.open = opener(session.context, { server, pool, kind, user, again });
  pool.openers.set(kind, pool.open);
  if (credential) pool.logins.learn(key, { ...login, credential }, session.context.now);
}

/** The connection is one session's alone: nobody else's state is ever set on it. */
function keepForSession(connection: ServerConnection, { capabilities }: ClientSession): void {
  connection.reusable = false;
  connection.tracker.stopAtState = (capabilities & Capability.SESSION_TRACK) === 0;
}

/** Server connections are always told of changes of state; what clients see is filtered. */
function withTrackers(request: LoginRequest, { tables }: SessionContext): LoginRequest {
  const { login } = request;
  return {
    ...request,
    tracksGtids: tables.tracksGtids,
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
  const before = session.pooled!;
  const { server, kind } = before;
  const { variables, tables: { states } } = server.pools!;
  const pool = server.pools!.of(connection.user);
  const baseline = await pool.fresh.baseline(kind, () => learnBaseline(connection, variables));
  const state = await makeFresh(connection, { baseline, states });
  const { user, again } = connection;
  if (again) {
    pool.again ??= again;
    pool.openers.set(kind, opener(session.context, { server, pool, kind, user, again }));
  }
  const pooled = before.pooled!;
  const isSameAccount = before.pool === pool;
  pooled.owner = undefined;
  before.pool.lost(pooled);
  before.settle(server, pool);
  pool.addLeased(pooled);
  before.baseline = baseline;
  before.loginState = state;
  const hadRole = hasRole(before.state);
  becomeFresh(before, pooled, state);
  if (hadRole && hasRole(state) && !isSameAccount) before.ownPins |= OwnPin.ROLE_LEFT;
}
