// Looks at one server again and again, over one connection that is kept. A slow server delays
// nobody but itself.

import type { ServerAddress } from "../config/mod.ts";
import { type Clock, within } from "./clock.ts";
import { type Failure, failureOf, ProbeTimeoutError } from "./failure.ts";
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
  /** After this time without an answer a look has failed, in milliseconds. */
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
  /** It was said to be silent, and has given no answer since this time. */
  readonly onSilence: (sinceMs: number) => void;
}

/** After a look, another one is not begun before this time, however often it is asked for. */
const PAUSE_MS = 20;

/** A server that is said to be silent is believed to be after this time without a look's end. */
const SILENT_MS = 100;
/** When that comes later than so much nothing is concluded: this process itself was held up. */
const LATE_MS = 25;

/** What has not come after this time will not: a new connection is tried, in milliseconds. */
const ABANDON_MS = 10_000;

/** The watch over one server. */
export class ServerWatch {
  readonly #options: WatchOptions;
  #connection: ProbeConnection | undefined;
  #flavor: Flavor | undefined;
  /** What the last look has asked. */
  #plan: readonly string[] = [];
  /** What was asked and is not answered. */
  #pending: { readonly answer: Promise<Answer>; readonly sinceMs: number } | undefined;
  /** Counts the attempts to connect; only the last one counts. */
  #opening = 0;
  #running = false;
  #stopped = false;
  #wanted = false;
  #endedMs = -Infinity;
  #cancelTimer: () => void = () => {};
  /** Looks that are over. */
  #ended = 0;
  #cancelDoubt: (() => void) | undefined;

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
    this.#cancelDoubt?.();
    this.#close();
  }

  /** It is said to be silent: looks as soon as possible, and tells if nothing comes of that soon. */
  doubt(): void {
    if (this.#stopped || this.#cancelDoubt !== undefined) return;
    const { clock, onSilence } = this.#options;
    const sinceMs = clock.now();
    const ended = this.#ended;
    this.#cancelDoubt = clock.after(SILENT_MS, () => {
      this.#cancelDoubt = undefined;
      const isLate = clock.now() - sinceMs > SILENT_MS + LATE_MS;
      if (this.#ended === ended && this.#running && !isLate) onSilence(sinceMs);
    });
    if (!this.#running) this.wake();
  }

  /** The cluster turns out to be of another flavor: asks for it at the next look. */
  forgetFlavor(): void {
    this.#flavor = undefined;
    this.#plan = [];
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
    const wasConnected = this.#connection !== undefined;
    let failure: Failure | undefined;
    try {
      const answer = await this.#ask();
      this.#running = false;
      this.#ended++;
      this.#endedMs = clock.now();
      if (!this.#stopped) onAnswer(answer);
    } catch (error) {
      failure = failureOf(error);
      this.#running = false;
      this.#ended++;
      this.#endedMs = clock.now();
      if (this.#stopped) return;
      // Errors of statements leave the connection whole; what takes too long may still come.
      if (failure.kind !== "error" && failure.kind !== "timeout") this.#close();
      onFailure(failure);
    }
    if (this.#stopped) return;
    const waited = clock.now() - startedMs;
    // The kept connection has ended under the look: whether another one can be had says what it means.
    if (failure?.kind === "lost" && wasConnected) void this.#look();
    else if (this.#wanted || failure?.kind === "lost") this.#after(PAUSE_MS);
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

  /** Nothing of the connection, or of opening it, is wanted any more. */
  #close(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#pending = undefined;
    this.#opening++;
    connection?.close();
  }

  /**
   * Asks, or goes on waiting for what was asked before: a server that hangs gets no new connection
   * for each look, since it would count them as errors of this host and block it in the end.
   *
   * @throws {Error} What {@link failureOf} understands.
   */
  async #ask(): Promise<Answer> {
    const { clock, timeoutMs } = this.#options;
    for (;;) {
      if (this.#pending && clock.now() - this.#pending.sinceMs > ABANDON_MS) this.#close();
      const pending = this.#pending ??= { answer: this.#answer(), sinceMs: clock.now() };
      const what = this.#connection === undefined ? "connecting" : "asking";
      let answer: Answer;
      try {
        answer = await within(pending.answer, { timeoutMs, clock, what });
      } catch (error) {
        if (!(error instanceof ProbeTimeoutError)) this.#pending = undefined;
        throw error;
      }
      this.#pending = undefined;
      if (clock.now() - pending.sinceMs <= timeoutMs) return answer;
      // What was asked long ago says little about now: it is asked anew.
    }
  }

  async #answer(): Promise<Answer> {
    if (this.#connection === undefined) {
      const { connector, address } = this.#options;
      const opening = ++this.#opening;
      const connection = await connector.open(address, {
        timeoutMs: ABANDON_MS,
        onLost: () => this.#onLost(),
      });
      if (this.#stopped || opening !== this.#opening) {
        connection.close();
        throw new ProbeTimeoutError("connecting: given up");
      }
      this.#connection = connection;
      this.#flavor = undefined;
      this.#plan = [];
    }
    return await this.#converse(this.#connection);
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
