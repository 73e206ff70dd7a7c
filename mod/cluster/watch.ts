// Looks at one server again and again, over one connection that is kept. A slow server delays
// nobody but itself.

import type { ServerAddress } from "../config/mod.ts";
import { type Clock, within } from "./clock.ts";
import { type Failure, failureOf } from "./failure.ts";
import type { Flavor, ProbeSession } from "./flavor.ts";
import { Look } from "./look.ts";
import type { Connector, ProbeConnection } from "./probe_connection.ts";
import type { Member, Reading } from "./reading.ts";

/** What a look gave. */
export interface Answer {
  readonly reading: Reading;
  /** The members that the server names; undefined: it was not asked this time. */
  readonly members: readonly Member[] | undefined;
  /** What `monitor.lag_query` gave, in milliseconds; undefined without one. */
  readonly heartbeatMs: number | undefined;
}

/** What a watch needs from the monitor. */
export interface WatchOptions {
  readonly address: ServerAddress;
  readonly connector: Connector;
  readonly clock: Clock;
  /** Time limit of one look, connecting included, in milliseconds. */
  readonly timeoutMs: number;
  /** A statement whose one value is the lag in seconds; empty: none. */
  readonly lagQuery: string;
  /** The cluster's flavor; asked anew with every connection. */
  readonly flavorOf: (session: ProbeSession) => Promise<Flavor>;
  /** Whether members are to be asked for this time. */
  readonly wantsMembers: () => boolean;
  /** Time from the start of this look to the start of the next one, in milliseconds. */
  readonly delayMs: () => number;
  readonly onAnswer: (answer: Answer) => void;
  readonly onFailure: (failure: Failure) => void;
}

/** After a look, another one is not begun before this time, however often it is asked for. */
const PAUSE_MS = 20;

/** The watch over one server. */
export class ServerWatch {
  readonly #options: WatchOptions;
  #connection: ProbeConnection | undefined;
  #flavor: Flavor | undefined;
  /** What the last look has asked. */
  #plan: readonly string[] = [];
  #running = false;
  #stopped = false;
  #wanted = false;
  #endedMs = -Infinity;
  #cancelTimer: () => void = () => {};

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** Looks now, and from then on at intervals. */
  start(): void {
    void this.#look();
  }

  /** Ends it; what is under way is not told any more. */
  stop(): void {
    this.#stopped = true;
    this.#cancelTimer();
    this.#close();
  }

  /** Something is said to have changed: looks as soon as possible. */
  wake(): void {
    if (this.#stopped) return;
    if (this.#running) {
      this.#wanted = true;
      return;
    }
    const { clock } = this.#options;
    const restMs = this.#endedMs + PAUSE_MS - clock.now();
    if (restMs > 0) this.#after(restMs);
    else void this.#look();
  }

  async #look(): Promise<void> {
    const { clock, onAnswer, onFailure } = this.#options;
    this.#cancelTimer();
    this.#running = true;
    this.#wanted = false;
    const startedMs = clock.now();
    let failure: Failure | undefined;
    try {
      const answer = await this.#ask();
      this.#running = false;
      this.#endedMs = clock.now();
      if (!this.#stopped) onAnswer(answer);
    } catch (error) {
      failure = failureOf(error);
      this.#running = false;
      this.#endedMs = clock.now();
      if (this.#stopped) return;
      // Errors of statements leave the connection whole; all others leave it in an unknown state.
      if (failure.kind !== "error") this.#close();
      onFailure(failure);
    }
    if (this.#stopped) return;
    const waited = clock.now() - startedMs;
    if (this.#wanted || failure?.kind === "lost") this.#after(PAUSE_MS);
    else this.#after(Math.max(PAUSE_MS, this.#options.delayMs() - waited));
  }

  /** The one connection was ended by the other side. */
  #onLost(): void {
    if (this.#connection === undefined || this.#stopped) return;
    this.#connection = undefined;
    if (this.#running) return; // the statement under way fails, and tells
    this.#options.onFailure({ kind: "lost", reason: "the server closed the connection" });
    this.wake();
  }

  #after(delayMs: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#options.clock.after(delayMs, () => void this.#look());
  }

  #close(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.close();
  }

  /** @throws {Error} What {@link failureOf} understands. */
  async #ask(): Promise<Answer> {
    const { clock, timeoutMs, connector, address } = this.#options;
    if (this.#connection === undefined) {
      const opening = connector.open(address, { timeoutMs, onLost: () => this.#onLost() });
      const connection = await within(opening, { timeoutMs, clock, what: "connecting" })
        .catch((error: unknown) => {
          // Should it open after all, nobody wants it any more.
          opening.then((late) => late.close(), () => {});
          throw error;
        });
      if (this.#stopped) connection.close();
      this.#connection = connection;
      this.#flavor = undefined;
      this.#plan = [];
    }
    const connection = this.#connection;
    return await within(this.#converse(connection), { timeoutMs, clock, what: "asking" });
  }

  async #converse(session: ProbeConnection): Promise<Answer> {
    const { clock, wantsMembers, lagQuery, flavorOf } = this.#options;
    this.#flavor ??= await flavorOf(session);
    const flavor = this.#flavor;
    const look = new Look(session, { clock, plan: this.#plan });
    const findings = await flavor.probe(look);
    this.#plan = look.asked;
    const members = wantsMembers() ? await flavor.discover(session, findings) : undefined;
    const heartbeatMs = lagQuery === "" || findings.role === "primary"
      ? undefined
      : await heartbeat(session, lagQuery);
    const { atMs, rttMs } = look;
    return { reading: { ...findings, atMs, rttMs }, members, heartbeatMs };
  }
}

async function heartbeat(session: ProbeSession, sql: string): Promise<number | undefined> {
  const [row] = await session.query(sql);
  const [value] = Object.values(row ?? {});
  const seconds = value === null || value === undefined ? NaN : Number(value);
  return Number.isFinite(seconds) ? seconds * 1000 : undefined;
}
