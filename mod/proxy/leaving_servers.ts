// Servers that were removed while the proxy runs: what runs there ends, and then their connections
// close. Control plane: walks sessions only while such a server is there.

import type { Server } from "../backend/mod.ts";
import type { ClientSession, SessionContext } from "../session/mod.ts";
import type { SqlError } from "../wire/mod.ts";

/** How often they are looked at, in milliseconds. */
const LOOK_MS = 100;
/** Behind the longest login that may be on its way, how long nobody may have to do with one. */
const FORGET_MS = 10_000;

/** Those of one worker. */
export class LeavingServers {
  readonly #context: SessionContext;
  readonly #now: () => number;
  /** Since when each is leaving. */
  readonly #since = new Map<Server, number>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(context: SessionContext, now: () => number) {
    this.#context = context;
    this.#now = now;
  }

  /** Takes over which servers there are; those that are none any more begin to leave. */
  keep(isKept: (server: Server) => boolean): void {
    for (const server of this.#context.servers.all()) {
      const isLeaving = !isKept(server);
      if (isLeaving === this.#since.has(server)) continue;
      if (isLeaving) this.#since.set(server, this.#now());
      else this.#since.delete(server);
      server.pool.leave(isLeaving);
      server.pools?.leave(isLeaving);
      const { log } = this.#context;
      log.info(isLeaving ? "server leaves" : "server is back", { server: server.name });
    }
    if (this.#since.size > 0) this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { config, directory, servers, log } = this.#context;
    const now = this.#now();
    const stayed = Map.groupBy(directory.all(), (session) => this.#serverOf(session));
    for (const [server, since] of this.#since) {
      const sessions = stayed.get(server) ?? [];
      // Who could go elsewhere has gone at its next statement.
      if (now - since > config.drain.timeoutMs) {
        for (const session of sessions) {
          if (session.idle && !session.hasBegun) session.shutDown(REMOVED);
        }
      }
      const isUnused = sessions.length === 0 && server.pool.empty &&
        server.pools?.empty !== false && server !== this.#context.server;
      if (!isUnused || now - since < server.settings.timeoutMs + FORGET_MS) continue;
      this.#since.delete(server);
      servers.forget(server);
      log.info("server has left", { server: server.name });
    }
    if (this.#since.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Where a session has a connection, or has to have its next one. */
  #serverOf({ server, pooled }: ClientSession): Server | undefined {
    if (server !== undefined) return this.#context.servers.of(server);
    return pooled === undefined || pooled.canMove ? undefined : pooled.server;
  }
}

/** As from a server that is shut down. */
const REMOVED: SqlError = {
  code: 1053,
  sqlState: "08S01",
  message: "Server shutdown in progress: the server was removed from the configuration",
};
