// A server as sessions see it: who it is, how to log in to it, its idle connections.

import { addressText, ChannelClosedError, DialError } from "../net/mod.ts";
import type { Counters, Log } from "../observe/mod.ts";
import { Expect, frame } from "../wire/mod.ts";
import type { ChangeUser, Greeting, HandshakeResponse, SqlError } from "../wire/mod.ts";
import { ConnectionPool, type PoolLimits } from "./connection_pool.ts";
import {
  type Authenticator,
  changeUser,
  type ConnectSettings,
  LoginRefusedError,
  openConnection,
  readGreeting,
} from "./login_exchange.ts";
import type { AnswerSink } from "./outstanding.ts";
import { type ConnectionHolder, poolKey, ServerConnection } from "./server_connection.ts";

/** A login at a server on behalf of a client. */
export interface LoginRequest {
  /** What the client said of itself. */
  readonly login: HandshakeResponse;
  readonly authenticator: Authenticator;
  /** The client's own connection is encrypted or local. */
  readonly clientSecure: boolean;
  /** Who is told of what the connection does. */
  readonly holder: ConnectionHolder;
  /** The PROXY header for a new connection. */
  readonly preamble?: Uint8Array | undefined;
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
  readonly settings: ConnectSettings;
  readonly pool: ConnectionPool;
  readonly #counters: Counters;
  readonly #log: Log;
  /** Kinds and account names, each string once: thousands of connections share a few. */
  readonly #names = new Map<string, string>();
  #learning: Promise<Greeting> | undefined;

  constructor(settings: ConnectSettings, options: {
    readonly pool: PoolLimits;
    readonly counters: Counters;
    readonly log: Log;
    readonly now: () => number;
  }) {
    this.settings = settings;
    this.pool = new ConnectionPool(options.pool, options.now);
    this.#counters = options.counters;
    this.#log = options.log;
  }

  /** The address as people write it. */
  get name(): string {
    return addressText(this.settings.address);
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
    const idle = request.preamble
      ? undefined
      : this.pool.take(poolKey(kindOf(request), userName(request.login.user)));
    const again = idle && await this.#loginAgain(idle, request);
    if (again) return again;
    const opened = await openConnection(this.settings, request.login, {
      authenticator: request.authenticator,
      clientSecure: request.clientSecure,
      preamble: request.preamble,
      onGreeting: (greeting) => this.#learn(greeting),
    });
    this.#counters.serverConnectionsOpened++;
    const connection = new ServerConnection(opened.stream, {
      facts: {
        threadId: opened.greeting.threadId,
        capabilities: opened.capabilities,
        mariadbCapabilities: opened.mariadbCapabilities,
        kind: this.#shared(kindOf(request)),
        secure: opened.secure,
      },
      holder: request.holder,
      user: this.#shared(userName(request.login.user)),
    });
    return { connection, ok: opened.ok };
  }

  #shared(name: string): string {
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
    const { stream, facts } = connection;
    let asked = false;
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
      this.#counters.serverConnectionsReused++;
      stream.owner = connection;
      connection.holder = request.holder;
      return { connection, ok };
    } catch (error) {
      stream.destroy();
      if (error instanceof ChannelClosedError && !asked) return undefined;
      throw error;
    }
  }

  /**
   * Ends a connection whose client has gone while a statement ran: kills the statement through an
   * idle connection of the same account, if there is one, and closes the connection.
   */
  discard(connection: ServerConnection): void {
    const running = connection.outstanding > 0;
    connection.abandon();
    if (!running) return;
    const killer = this.pool.takeOf(connection.user);
    if (!killer) {
      this.#log.debug("statement of a client that left runs on: nobody there to kill it", {
        server: this.name,
        thread: connection.facts.threadId,
      });
      return;
    }
    this.#counters.statementsKilled++;
    const statement = new TextEncoder().encode(`\x03KILL ${connection.facts.threadId}`);
    killer.request(frame(statement, 0), Expect.RESULT, new KillSink(this.pool, killer));
  }
}

/** Connections are alike if their flags and their kind of transport are. */
function kindOf({ login, clientSecure }: LoginRequest): string {
  const flags = login.capabilities.toString(16);
  const extended = login.mariadbCapabilities.toString(16);
  return `${flags}:${extended}:${clientSecure ? "secure" : "plain"}`;
}

/** Gives the killer's connection back when the server has answered. */
class KillSink implements AnswerSink {
  readonly #pool: ConnectionPool;
  readonly #connection: ServerConnection;

  constructor(pool: ConnectionPool, connection: ServerConnection) {
    this.#pool = pool;
    this.#connection = connection;
    connection.holder = { onUnasked() {}, onServerDrained() {}, onServerClosed() {} };
  }

  onAnswerBytes(): void {}

  onAnswerEnd(): void {
    this.#pool.giveBack(this.#connection);
  }

  onServerLost(): void {}
}

/** An account's name as a key: bytes one to one, whatever the client's charset. */
function userName(user: Uint8Array): string {
  return Buffer.from(user).toString("latin1");
}

function changeUserRequest(login: HandshakeResponse): ChangeUser {
  return {
    user: login.user,
    authResponse: new Uint8Array(0),
    database: login.database,
    collation: login.collation,
    authPlugin: RELAY_PLUGIN,
    attributes: login.attributes,
  };
}

/** A plugin that no server has: so that it answers with its own challenge for the account. */
export const RELAY_PLUGIN = "mysqlproxy_relay";

/** The error a client gets for what went wrong between the proxy and a server. */
export function serverError(error: unknown, server: string): SqlError {
  if (error instanceof LoginRefusedError) return error.error;
  if (error instanceof DialError) {
    return {
      code: 2003,
      sqlState: "HY000",
      message: `Can't connect to MySQL server on '${server}' (${error.code})`,
    };
  }
  if (error instanceof ChannelClosedError) {
    return {
      code: 2013,
      sqlState: "HY000",
      message: `Lost connection to MySQL server on '${server}' during login: ${error.message}`,
    };
  }
  return { code: 2000, sqlState: "HY000", message: "Unknown MySQL error" };
}
