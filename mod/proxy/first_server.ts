// Where nobody watches the servers all sessions go to the first one of the configuration. Another one
// takes its place once it has said who it is.

import type { ServerAddress } from "../config/mod.ts";
import type { SessionContext } from "../session/mod.ts";
import type { LeavingServers } from "./leaving_servers.ts";

/** One that does not answer is asked again after this time, in milliseconds. */
const RETRY_MS = 1000;

/** The first server of one worker. */
export class FirstServer {
  readonly #context: SessionContext;
  readonly #leaving: LeavingServers;
  /** Counts up with every wish: an older one is not waited for any more. */
  #wishes = 0;
  #isStopped = false;

  constructor(context: SessionContext, leaving: LeavingServers) {
    this.#context = context;
    this.#leaving = leaving;
  }

  /** From now on it is this one; until it answers the one before goes on. */
  be(address: ServerAddress): void {
    void this.#change(address, ++this.#wishes);
  }

  /** It is said by others which one it is. */
  rest(): void {
    this.#wishes++;
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #change(address: ServerAddress, wish: number): Promise<void> {
    const context = this.#context;
    const server = context.servers.at(address);
    let complaint = "";
    while (server !== context.server && wish === this.#wishes && !this.#isStopped) {
      try {
        await server.identify();
        break;
      } catch (error) {
        const { message } = error as Error;
        if (message !== complaint) {
          context.log.warn("the new server does not answer yet, the one before stays", {
            server: server.name,
            reason: message,
          });
        }
        complaint = message;
        await Bun.sleep(RETRY_MS);
      }
    }
    if (wish !== this.#wishes || this.#isStopped) return;
    if (server !== context.server) {
      context.log.info("all sessions go to another server", {
        from: context.server.name,
        to: server.name,
      });
      context.server = server;
    }
    this.#leaving.keep((each) => each === server);
  }
}
