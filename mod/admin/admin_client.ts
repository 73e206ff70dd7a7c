// The other end of the admin port: asks a proxy that runs, wherever it does.

import type { Connection, RowDataPacket } from "mysql2/promise";
import { connectAsOwn, Credential } from "../auth/mod.ts";
import type { Topology } from "../cluster/mod.ts";
import { parseAddress } from "../config/mod.ts";

const DEFAULT_PORT = 3308;

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
   * @param account.timeoutMs For the login, and for each question.
   * @throws {SyntaxError} If the address is malformed.
   * @throws {Error} With the system's or the proxy's `code` and `errno`.
   */
  static async connect(
    address: string,
    account: { readonly user: string; readonly password: string; readonly timeoutMs: number },
  ): Promise<AdminClient> {
    const parsed = parseAddress(address, DEFAULT_PORT);
    const where = parsed.kind === "unix"
      ? { socketPath: parsed.path }
      : { host: parsed.host, port: parsed.port };
    const credential = Credential.password(account.password);
    return new AdminClient(
      await connectAsOwn({ user: account.user, credential, ...where }, account.timeoutMs),
      account.timeoutMs,
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

  [Symbol.asyncDispose](): Promise<void> {
    this.#connection.destroy(); // whoever does not answer takes no leave either
    return Promise.resolve();
  }
}
