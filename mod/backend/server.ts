// A server as sessions see it: who it is, how to log in to it, its idle connections.

import type { Credential } from "../auth/mod.ts";
import { addressText, ChannelClosedError } from "../net/mod.ts";
import type { Counters, Log } from "../observe/mod.ts";
import { Capability } from "../wire/mod.ts";
import type { ChangeUser, Greeting, HandshakeResponse } from "../wire/mod.ts";
import {
  closePolitely,
  ConnectionPool,
  DISCARDING,
  NO_ROWS,
  type PoolLimits,
} from "./connection_pool.ts";
import {
  type Authenticator,
  changeUser,
  type ConnectSettings,
  LoginRefusedError,
  openConnection,
  type OpenedConnection,
  readGreeting,
} from "./login_exchange.ts";
import { notRestoredByMariadb } from "./login_flags.ts";
import { kindOf } from "./connection_kind.ts";
import { isMariadb } from "./fresh_state.ts";
import { runStatement } from "./own_statement.ts";
import type { Pools } from "./pools.ts";
import { failureCode } from "./server_error.ts";
import { type ConnectionHolder, poolKey, ServerConnection } from "./server_connection.ts";
import { ServerTraffic } from "./server_traffic.ts";

/** A login at a server on behalf of a client. */
export interface LoginRequest {
  /** What the client said of itself. */
  readonly login: HandshakeResponse;
  readonly authenticator: Authenticator;
  /** The client's own connection is encrypted or local. */
  readonly clientSecure: boolean;
  /** The session is to be told the GTIDs of what it writes. @default {false} */
  readonly tracksGtids?: boolean;
  /** What the client has proved itself with to the proxy; undefined where it has not. */
  readonly credential?: Credential | undefined;
  /** Makes an authenticator for one more login of the account; undefined where only it can prove. */
  readonly again?: (() => Authenticator) | undefined;
  /** Who is told of what the connection does. */
  readonly holder: ConnectionHolder;
  /** Aborted when nobody waits for the login any more. */
  readonly signal: AbortSignal;
  /** The PROXY header for a new connection. */
  readonly preamble?: Uint8Array | undefined;
  /** Where to log in: on this connection, or a new one; absent: on an idle one of `Server.pool`. */
  readonly on?: ServerConnection | "new";
}

/** A logged-in connection and the OK packet to show the client. */
export interface Login {
  readonly connection: ServerConnection;
  /** The OK packet's payload. */
  readonly ok: Uint8Array;
}

/** Names remembered to be shared; when there are more, they start anew. */
const NAMES_MAX = 10_000;

/** One server of the configuration. */
export class Server {
  /** What the server said of itself last; undefined until it was reached once. */
  identity: Greeting | undefined;
  /** How connections to come are made. */
  settings: ConnectSettings;
  /** The address as people write it. */
  readonly name: string;
  readonly pool: ConnectionPool;
  /** What goes there. */
  readonly traffic: ServerTraffic = new ServerTraffic();
  /** Connections that sessions take turns on; undefined where none ever can. */
  readonly pools: Pools | undefined;
  /** Sessions that log in from now on take turns on them; else each has a connection of its own. */
  shares: boolean;
  /** The proxy's own account there; undefined: it has none. */
  account: OwnAccount | undefined;
  readonly #counters: Counters;
  readonly #log: Log;
  /** Kinds, account names and addresses, each string once: thousands of connections share a few. */
  readonly #names = new Map<string, string>();
  readonly #now: () => number;
  readonly #onFailure: (code: number) => void;
  readonly #onOpened: (ms: number) => void;
  #learning: Promise<Greeting> | undefined;
  /** Whether the server runs statements for new connections (init_connect), as last seen. */
  #initConnect = { isSet: false, seenAt: -Infinity };

  constructor(settings: ConnectSettings, options: {
    readonly pool: PoolLimits;
    readonly pools?: Pools | undefined;
    /** @default {whether there are pools} */
    readonly shares?: boolean;
    readonly account?: OwnAccount | undefined;
    /** Told when logging in fails: the server's error number, or 0 if it could not be reached. */
    readonly onFailure?: (code: number) => void;
    /** Told how long it took to open a connection and log in on it, in milliseconds. */
    readonly onOpened?: (ms: number) => void;
    readonly counters: Counters;
    readonly log: Log;
    readonly now: () => number;
  }) {
    this.settings = settings;
    this.name = addressText(settings.address);
    this.pool = new ConnectionPool(
      options.pool,
      options.now,
      () => this.identity && isMariadb(this.identity) ? NOT_RESET_BY_MARIADB : NOT_RESET,
    );
    this.pools = options.pools;
    this.shares = options.shares ?? options.pools !== undefined;
    this.#counters = options.counters;
    this.#log = options.log;
    this.#now = options.now;
    this.account = options.account;
    this.#onFailure = options.onFailure ?? (() => {});
    this.#onOpened = options.onOpened ?? (() => {});
  }

  /**
   * Who the server is: known already, or asked now (once for all who wait).
   *
   * @throws {DialError | ChannelClosedError | LoginRefusedError} If it cannot be asked.
   */
  identify(): Promise<Greeting> {
    if (this.identity) return Promise.resolve(this.identity);
    this.#learning ??= readGreeting(this.settings).then((greeting) => {
      this.#learn(greeting);
      return greeting;
    }).finally(() => this.#learning = undefined);
    return this.#learning;
  }

  #learn(greeting: Greeting): void {
    const known = this.identity;
    if (known?.serverVersion !== greeting.serverVersion) {
      this.#log.info("server found", { server: this.name, version: greeting.serverVersion });
    }
    this.identity = greeting;
  }

  /**
   * Logs in: on an idle connection of the same account and kind, or on a new one.
   *
   * @throws {DialError | ChannelClosedError | LoginRefusedError}
   */
  async login(request: LoginRequest): Promise<Login> {
    const idle = request.on === "new" || request.preamble
      ? undefined
      : request.on ?? await this.#takeIdle(request);
    const again = idle && await this.#loginAgain(idle, request);
    if (again) return again;
    const since = this.#now();
    const { authenticator, clientSecure } = request;
    const opened = await openConnection(this.settings, request.login, {
      authenticator,
      clientSecure,
      preamble: request.preamble,
      onGreeting: (greeting) => this.#learn(greeting),
      signal: request.signal,
    }).catch((error: unknown) => {
      if (!request.signal.aborted) this.#onFailure(failureCode(error));
      throw error;
    });
    this.#onOpened(this.#now() - since);
    this.#counters.serverConnectionsOpened++;
    const connection = this.#connectionOf(opened, request);
    connection.again = request.again;
    // It is said to be of one client's address.
    if (request.preamble) connection.reusable = false;
    return { connection, ok: opened.ok };
  }

  #connectionOf(opened: OpenedConnection, request: LoginRequest): ServerConnection {
    return new ServerConnection(opened.stream, {
      facts: {
        server: this.name,
        threadId: opened.greeting.threadId,
        capabilities: opened.capabilities,
        mariadbCapabilities: opened.mariadbCapabilities,
        kind: this.shared(kindOf(request)),
        secure: opened.secure,
      },
      holder: request.holder,
      user: this.shared(userName(request.login.user)),
      traffic: this.traffic,
    });
  }

  /**
   * An idle connection that is as good as a new one. It is not where the server runs statements
   * for new connections (init_connect): logging in again does not run them.
   */
  async #takeIdle(request: LoginRequest): Promise<ServerConnection | undefined> {
    // A login with no collation of its own gets the server's, which a second login does not change.
    if ((request.login.collation & 0xff) === 0) return undefined;
    const idle = this.pool.take(poolKey(kindOf(request), userName(request.login.user)));
    if (!idle || !await this.hasInitConnect(idle)) return idle;
    if (!idle.closed) closePolitely(idle);
    this.pool.close();
    return undefined;
  }

  /**
   * The server runs statements for new connections, which it does not at a second login. Asked at
   * most every 10 s.
   */
  async hasInitConnect(connection: ServerConnection): Promise<boolean> {
    const known = this.#initConnect;
    if (this.#now() < known.seenAt + INIT_CONNECT_MS) return known.isSet;
    const [{ errorCode, value }] = await Promise.all([
      runStatement(connection, "SELECT @@GLOBAL.init_connect"),
      runStatement(connection, NO_ROWS), // or its one row would be found by the next client
    ]);
    if (errorCode === 0) this.#initConnect = { isSet: value !== "", seenAt: this.#now() };
    return this.#initConnect.isSet;
  }

  /** Something has happened that logins may be answered otherwise for. */
  forgetLogins(): void {
    this.#initConnect.seenAt = -Infinity;
    this.pools?.forgetLogins();
  }

  /** The same string for all who have it. For kinds, account names and addresses. */
  shared(name: string): string {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    if (this.#names.size >= NAMES_MAX) this.#names.clear();
    this.#names.set(name, name);
    return name;
  }

  /** Gives undefined where the idle connection turns out to be dead before anybody was asked. */
  async #loginAgain(
    connection: ServerConnection,
    request: LoginRequest,
  ): Promise<Login | undefined> {
    if (connection.closed) return undefined; // since it was taken: nobody would tell of its end again
    const { stream, facts } = connection;
    let asked = false;
    const giveUp = () => stream.destroy();
    request.signal.addEventListener("abort", giveUp);
    try {
      const ok = await changeUser(stream, changeUserRequest(request.login), {
        authenticator: {
          first: (greeting, secure) => request.authenticator.first(greeting, secure),
          answer: (payload, secure) => {
            asked = true;
            return request.authenticator.answer(payload, secure);
          },
        },
        capabilities: facts.capabilities,
        secure: facts.secure,
        onClosed: () => {},
      });
      stream.owner = connection;
      const restore = notRestoredByMariadb(facts.capabilities, this.identity, {
        hasSchema: request.login.database.length > 0,
      });
      if (restore !== "") await runStatement(connection, restore);
      if (connection.closed) throw new ChannelClosedError("server closed during the login");
      this.#counters.serverConnectionsReused++;
      connection.holder = request.holder;
      connection.again = request.again;
      return { connection, ok };
    } catch (error) {
      // The caller's connection is the old account's again, for as long as servers put up with it.
      const isWhole = error instanceof LoginRefusedError && error.payload !== undefined;
      if (isWhole && request.on === connection && ++connection.failedLogins < FAILED_LOGINS_MAX) {
        stream.owner = connection;
      } else connection.abandon();
      if (error instanceof ChannelClosedError && !asked && !request.signal.aborted) {
        return undefined;
      }
      throw error;
    } finally {
      request.signal.removeEventListener("abort", giveUp);
    }
  }

  /** Ends a connection whose client has gone, and the statement that runs on it. */
  discard(connection: ServerConnection): void {
    const running = connection.outstanding > 0;
    connection.abandon();
    if (!running) return;
    this.#kill(connection).catch((error: unknown) => {
      this.#log.debug("statement of a client that left runs on", {
        server: this.name,
        thread: connection.facts.threadId,
        reason: (error as Error).message,
      });
    });
  }

  /**
   * Servers notice a client's end only when they write to it, so the thread is killed: through an
   * idle connection of the same account, or a new one as that account or the proxy's own.
   */
  async #kill(
    { user, again, facts }: ServerConnection,
    statement = `KILL ${facts.threadId}`,
  ): Promise<void> {
    const pool = this.pools?.of(user);
    const shared = pool?.takeUnused();
    if (shared) {
      const { errorCode } = await runStatement(shared.connection, statement);
      shared.touch();
      pool!.release(shared);
      if (isKilled(errorCode)) return this.#countKill();
    }
    const idle = this.pool.takeOf(user);
    if (idle) {
      idle.holder = DISCARDING;
      const { errorCode } = await runStatement(idle, statement);
      this.pool.giveBack(idle);
      if (isKilled(errorCode)) return this.#countKill();
    }
    const { account } = this;
    const logins = [
      ...(again ? [{ user: Buffer.from(user, "latin1"), authenticator: again() }] : []),
      ...(account ? [{ user: account.user, authenticator: account.authenticator(this) }] : []),
    ];
    for (const login of logins) {
      const killer = await this.#openOwn(login);
      const { errorCode } = await runStatement(killer, statement);
      closePolitely(killer);
      if (isKilled(errorCode)) return this.#countKill();
    }
    throw new Error("nobody there who may kill it");
  }

  /**
   * Ends the statement that runs on a connection, which stays. Nobody else may get it before.
   *
   * @throws {Error} If nobody there may, or can be asked.
   */
  interrupt(connection: ServerConnection): Promise<void> {
    return this.#kill(connection, `KILL QUERY ${connection.facts.threadId}`);
  }

  #countKill(): void {
    this.#counters.statementsKilled++;
  }

  /**
   * Opens a connection as the proxy's own account.
   *
   * @throws {DialError | ChannelClosedError | LoginRefusedError | Error} The last: it has none.
   */
  openOwnConnection(): Promise<ServerConnection> {
    const { account } = this;
    if (account === undefined) throw new Error("the proxy has no account of its own");
    return this.#openOwn({ user: account.user, authenticator: account.authenticator(this) });
  }

  async #openOwn(
    { user, authenticator }: { readonly user: Uint8Array; readonly authenticator: Authenticator },
  ): Promise<ServerConnection> {
    const login = { ...OWN_LOGIN, user };
    const signal = AbortSignal.timeout(this.settings.timeoutMs);
    const request = { login, authenticator, clientSecure: true, holder: DISCARDING, signal };
    const opened = await openConnection(this.settings, login, {
      authenticator,
      clientSecure: true,
      onGreeting: () => {},
      signal,
    });
    return this.#connectionOf(opened, request);
  }
}

/** The proxy's own account on its servers. */
export interface OwnAccount {
  readonly user: Uint8Array;
  readonly authenticator: (server: Server) => Authenticator;
}

const NOT_RESET = [NO_ROWS];
/** There a role stays behind a reset and, unless the account has a default role, a login. */
const NOT_RESET_BY_MARIADB = [NO_ROWS, "SET ROLE NONE"];

/** How long what init_connect is is taken for granted, in milliseconds. */
const INIT_CONNECT_MS = 10_000;

const UNKNOWN_THREAD = 1094;

function isKilled(errorCode: number): boolean {
  return errorCode === 0 || errorCode === UNKNOWN_THREAD;
}

/** Refused logins on one connection; MariaDB closes it after the third, MySQL after the first. */
const FAILED_LOGINS_MAX = 2;

const NONE = new Uint8Array(0);

/** What the proxy says of itself where it logs in for itself. */
const OWN_LOGIN: HandshakeResponse = {
  capabilities: Capability.LONG_PASSWORD | Capability.PROTOCOL_41 | Capability.TRANSACTIONS |
    Capability.SECURE_CONNECTION | Capability.PLUGIN_AUTH,
  mariadbCapabilities: 0,
  packetMax: 0x1000000,
  collation: 45, // utf8mb4_general_ci, which all servers have
  user: NONE,
  authResponse: NONE,
  database: NONE,
  authPlugin: "",
  attributes: NONE,
  zstdLevel: 0,
};

/** An account's name as a key: bytes one to one, whatever the client's charset. */
export function userName(user: Uint8Array): string {
  return Buffer.from(user).toString("latin1");
}

function changeUserRequest(login: HandshakeResponse): ChangeUser {
  return {
    user: login.user,
    authResponse: new Uint8Array(0),
    database: login.database,
    collation: login.collation & 0xff, // of a handshake servers read one byte, of this two
    authPlugin: RELAY_PLUGIN,
    attributes: login.attributes,
  };
}

/** A plugin that no server has: so that it answers with its own challenge for the account. */
export const RELAY_PLUGIN = "mysqlproxy_relay";
