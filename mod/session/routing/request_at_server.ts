// The command under way as its server's counters see it: outstanding there until it is answered or
// given up, and waiting for data there until it is served.

import type { RouteServer } from "../../route/mod.ts";

/** One session's; used again for each command. Hot path: two times of the clock a command. */
export class RequestAtServer {
  /** The server that the command waits for to get further. */
  #waitsAt: RouteServer | undefined;
  /** The server that counts the command as outstanding, if `#sentAt` says that one does. */
  #sentTo: RouteServer | undefined;
  /** When the command went there, by `performance.now()`; 0: nowhere. */
  #sentAt = 0;

  /** The command goes to a server, unless it is on its way there already. @returns Whether it was not. */
  send(server: RouteServer): boolean {
    // It may have been meant for another one, and have waited for a connection there.
    if (this.#sentAt !== 0 && this.#sentTo !== server) this.abandon(false);
    if (this.#sentAt !== 0) return false;
    this.#sentAt = performance.now();
    this.#sentTo = server;
    server.noteSent(this.#sentAt);
    return true;
  }

  /** It was answered. */
  answered(): void {
    if (this.#sentAt === 0) return;
    const now = performance.now();
    this.#sentTo!.noteAnswered(now - this.#sentAt, now);
    this.#sentAt = 0;
  }

  /** Nobody waits for its answer there. @param failed The server is to blame. */
  abandon(failed: boolean): void {
    this.endWait(0);
    if (this.#sentAt === 0) return;
    this.#sentAt = 0;
    if (failed) this.#sentTo!.noteFailed(true);
    else this.#sentTo!.noteAbandoned();
  }

  /** It waits for data there. */
  wait(server: RouteServer): void {
    this.#waitsAt = server;
    server.noteWait(this.#sentAt);
  }

  /** It waits for this server to get further. */
  waitsAt(server: RouteServer): boolean {
    return this.#waitsAt === server;
  }

  /** @param now When the wait was served, by `performance.now()`; 0: it was not. */
  endWait(now: number): void {
    this.#waitsAt?.noteWaited(now);
    this.#waitsAt = undefined;
  }
}
