// The other end of the admin port: asks a proxy that runs, wherever it does.

import type { Connection, RowDataPacket } from "mysql2/promise";
import { connectAsOwn, Credential } from "../auth/mod.ts";
import type { Topology } from "../cluster/mod.ts";
import { parseAddress } from "../config/mod.ts";

const DEFAULT_PORT = 3308;
const TIMEOUT_MS = 5000;

/** A connection to an admin port. */
export class AdminClient implements AsyncDisposable {
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Connects.
   *
   * @param address As in `--admin`.
   * @throws {SyntaxError} If the address is malformed.
   * @throws {Error} With the system's or the proxy's `code` and `errno`.
   */
  static async connect(
    address: string,
    account: { readonly user: string; readonly password: string },
  ): Promise<AdminClient> {
    const parsed = parseAddress(address, DEFAULT_PORT);
    const where = parsed.kind === "unix"
      ? { socketPath: parsed.path }
      : { host: parsed.host, port: parsed.port };
    const credential = Credential.password(account.password);
    return new AdminClient(
      await connectAsOwn({ user: account.user, credential, ...where }, TIMEOUT_MS),
    );
  }

  /** @throws {Error} Where the proxy does not watch its servers, or the connection has ended. */
  async topology(): Promise<Topology> {
    const [rows] = await this.#connection.query<RowDataPacket[]>("SHOW TOPOLOGY");
    return JSON.parse(String(rows[0]?.["topology"])) as Topology;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.end();
  }
}
