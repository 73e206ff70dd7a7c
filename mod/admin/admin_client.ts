// The other end of the admin port: asks a proxy that runs, wherever it does.

import type { Connection, RowDataPacket, SslOptions } from "mysql2/promise";
import { connectAsOwn, Credential } from "../auth/mod.ts";
import type { Topology } from "../cluster/mod.ts";
import { parseAddress } from "../config/mod.ts";

const DEFAULT_PORT = 3308;

/** How TLS is used towards an admin port. */
export interface AdminTls extends Pick<SslOptions, "ca" | "rejectUnauthorized" | "verifyIdentity"> {
  /** Without TLS where the proxy does not offer it. @default {false} */
  readonly optional?: boolean;
}

/** How to log in at an admin port. */
export interface AdminLogin {
  readonly user: string;
  readonly password: string;
  /** For the login, and for each question, in milliseconds. */
  readonly timeoutMs: number;
  /** TLS towards the proxy; absent for none. Without effect on unix sockets. */
  readonly tls?: AdminTls | undefined;
}

/** A connection to an admin port. */
export class AdminClient implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #timeoutMs: number;

  private constructor(connection: Connection, timeoutMs: number) {
    this.#connection = connection;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Connects.
   *
   * @param address As in `--admin`.
   * @throws {SyntaxError} If the address is malformed.
   * @throws {Error} With the system's or the proxy's `code` and `errno`.
   */
  static async connect(address: string, login: AdminLogin): Promise<AdminClient> {
    const { user, password, timeoutMs, tls } = login;
    const parsed = parseAddress(address, DEFAULT_PORT);
    const where = parsed.kind === "unix"
      ? { socketPath: parsed.path }
      : { host: parsed.host, port: parsed.port, ...tlsOf(tls) };
    const credential = Credential.password(password);
    return new AdminClient(
      await connectAsOwn({ user, credential, ...where }, timeoutMs),
      timeoutMs,
    );
  }

  /** @throws {Error} Where the proxy does not watch its servers, or the connection has ended. */
  async topology(): Promise<Topology> {
    const [rows] = await this.#connection.query<RowDataPacket[]>({
      sql: "SHOW TOPOLOGY",
      timeout: this.#timeoutMs,
    });
    return JSON.parse(String(rows[0]?.["topology"])) as Topology;
  }

  /**
   * The rows of a statement's answer, by the names of its columns; none where it answers OK.
   *
   * @throws {Error} With the proxy's `code` and `errno`, or the system's where it is gone.
   */
  async query(statement: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const [answer] = await this.#connection.query<RowDataPacket[]>({
      sql: statement,
      timeout: this.#timeoutMs,
    });
    return Array.isArray(answer) ? answer : [];
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#connection.destroy(); // whoever does not answer takes no leave either
    return Promise.resolve();
  }
}

function tlsOf(tls: AdminTls | undefined) {
  if (tls === undefined) return {};
  const { optional = false, ...ssl } = tls;
  return { ssl, sslOptional: optional };
}
