// The proxy that a load goes through: another process after a takeover or a crash, on the same port.

import { createConnection, type RowDataPacket } from "mysql2/promise";
import { childrenOf, type ProxyOptions, type ProxyProcess, startProxy } from "../proxy_process.ts";
import { freePort, type Row } from "../servers/mod.ts";

/** One after the other. */
export class ProxyInCharge implements AsyncDisposable {
  readonly port: number;
  readonly #options: ProxyOptions;
  readonly #all: ProxyProcess[] = [];

  static async start(options: ProxyOptions): Promise<ProxyInCharge> {
    const proxy = new ProxyInCharge(options);
    await proxy.#start([]);
    return proxy;
  }

  private constructor(options: ProxyOptions) {
    this.#options = options;
    this.port = freePort();
  }

  async #start(more: readonly string[]): Promise<void> {
    const { args = [] } = this.#options;
    const listener = ["-l", `127.0.0.1:${this.port}`];
    this.#all.push(
      await startProxy({ ...this.#options, args: [...args, ...listener, ...more] }),
    );
  }

  get #current(): ProxyProcess {
    return this.#all.at(-1)!;
  }

  /** The processes of its workers; none where it serves by itself. */
  get workers(): readonly number[] {
    return childrenOf(this.#current.pid);
  }

  /** What all of them have said, one after the other. */
  log(): string {
    return this.#all.map((proxy) => proxy.log()).join("");
  }

  /** A new one takes new clients. @returns Resolves with the exit status of the old one. */
  async takeOver(): Promise<{ readonly oldEnded: Promise<number> }> {
    const old = this.#current;
    await this.#start(["--takeover"]);
    await this.#current.untilLogged(/taken over/);
    return { oldEnded: old.exited };
  }

  /** kill -9, and a new one as a service manager would start it. */
  async crash(): Promise<void> {
    const old = this.#current;
    process.kill(old.pid, "SIGKILL");
    await old.exited;
    await this.#start([]);
  }

  /** Asks the admin port. @throws {Error} The error that it answers with. */
  async order(statement: string): Promise<readonly Row[]> {
    const port = await this.#current.loggedPort("admin port");
    const login = { host: "127.0.0.1", port, user: "app", password: "app" };
    const admin = await createConnection(login);
    try {
      const [rows] = await admin.query<RowDataPacket[]>(statement);
      return rows;
    } finally {
      admin.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const proxy of this.#all) await proxy.stop();
  }
}
