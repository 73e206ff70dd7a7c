// A running proxy as a source of topologies, for `probe --via`.

import type { AdminClient } from "../mod/admin/mod.ts";
import type { Topology } from "../mod/cluster/mod.ts";

/** How to reach the proxy. */
export interface ProxyLogin {
  readonly address: string;
  readonly user: string;
  readonly password: string;
  /** For the login, and for each question, in milliseconds. */
  readonly timeoutMs: number;
}

/** Asks a proxy, on a new connection where the last one has ended. */
export class ProxySource implements AsyncDisposable {
  readonly #login: ProxyLogin;
  #client: AdminClient | undefined;

  constructor(login: ProxyLogin) {
    this.#login = login;
  }

  /** @throws {Error} With the system's or the proxy's `code` and `errno`. */
  async topology(): Promise<Topology> {
    const { AdminClient } = await import("../mod/admin/mod.ts");
    const { address, ...account } = this.#login;
    this.#client ??= await AdminClient.connect(address, account);
    try {
      return await this.#client.topology();
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.[Symbol.asyncDispose]();
  }
}
