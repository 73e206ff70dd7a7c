// Notices that the primary owes answers and gives none: stopped in its tracks, or behind a network that
// swallows everything. Whoever watches the servers is told, and looks at once.

import type { Server } from "../backend/mod.ts";
import type { SessionContext } from "../session/mod.ts";

/** How often it is looked at, in milliseconds. */
const TICK_MS = 25;
/** A tick that comes later than this tells of the proxy itself, and nothing is concluded. */
const LATE_MS = 50;
/** So long it may be silent, in milliseconds; it may just be at a slow statement. */
const QUIET_MS = 50;
/** Between two reports: twice as long each time, up to this, in milliseconds. */
const REPORT_MS_MAX = 250;

/** One worker's. Hot path: nothing. Walks the connections to the primary at each tick. */
export class PrimarySilence {
  readonly #context: SessionContext;
  readonly #now: () => number;
  readonly #timer: ReturnType<typeof setInterval>;
  #tickedMs: number;
  #server: Server | undefined;
  /** Bytes that have come from it, on the connections of now. */
  #received = 0;
  /** Since when it is silent. */
  #sinceMs: number;
  /** How long it has to be for the next report. */
  #limitMs = QUIET_MS;

  constructor(context: SessionContext, now: () => number) {
    this.#context = context;
    this.#now = now;
    this.#tickedMs = this.#sinceMs = now();
    this.#timer = setInterval(() => this.tick(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Looks. Exported for tests, which give it the time. */
  tick(): void {
    const { server, cluster, counters } = this.#context;
    if (cluster === undefined || server.pools === undefined) return;
    const now = this.#now();
    const isLate = now - this.#tickedMs > LATE_MS;
    this.#tickedMs = now;
    const before = this.#received;
    const isOwed = this.#count(server);
    if (!isOwed || isLate || this.#received !== before || server !== this.#server) {
      this.#server = server;
      this.#sinceMs = now;
      this.#limitMs = QUIET_MS;
    } else if (now - this.#sinceMs >= this.#limitMs) {
      this.#limitMs += Math.min(this.#limitMs, REPORT_MS_MAX);
      counters.primarySilences++;
      cluster.reportSilence(server.name);
    }
  }

  /** @returns Whether answers are owed. */
  #count({ pools }: Server): boolean {
    let isOwed = false;
    let received = 0;
    for (const [, { census }] of pools!.all()) {
      for (const { connection } of census.connections) {
        received += connection.stream.received;
        if (connection.outstanding > 0) isOwed = true;
      }
    }
    this.#received = received;
    return isOwed;
  }
}
