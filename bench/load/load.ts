// A load of many clients in this process: as fast as answers come, or at a rate of its own.

import type { LoginOptions } from "../raw_client.ts";
import { Histogram } from "./histogram.ts";
import { LoadClient, type LoadObserver } from "./load_client.ts";
import { works } from "./work.ts";

/** What the clients are and do. */
export interface LoadOptions extends LoginOptions {
  /** A name of `works`. */
  readonly work: string;
  readonly prepared: boolean;
  readonly clients: number;
}

/** How long, and how much. */
export interface Phase {
  readonly ms: number;
  /** Units a second over all clients, whether answers come or not; 0: each client when it is free. */
  readonly rate: number;
}

/** What a phase has given. */
export interface PhaseResult {
  readonly seconds: number;
  /** Statements answered. */
  readonly queries: number;
  /** Units done, and how long each took from when it was due, in µs. */
  readonly units: number;
  readonly latencies: Histogram;
  /** Transactions begun anew after a deadlock. */
  readonly repeats: number;
  /** Units that were due in the phase and were not done at its end. */
  readonly overdue: number;
}

/** Logins under way at the same time. */
const LOGINS_AT_ONCE = 32;
/** The timer's own coarseness: what is sent later than that was due before it was sent. */
const TICK_MS = 1;
const LATE_MS = 2 * TICK_MS;

/** Clients that are logged in. */
export class Load implements LoadObserver {
  readonly #clients: LoadClient[] = [];
  readonly #latencies = new Histogram();
  #queries = 0;
  #repeats = 0;
  #startMs = 0;
  #endMs = 0;
  #rate = 0;
  /** Units that have been given to clients in the phase, and how many of them are done. */
  #due = 0;
  #done = 0;
  #finish: PromiseWithResolvers<void> | undefined;

  private constructor() {}

  /**
   * Logs all clients in.
   *
   * @throws {Error} If one is refused.
   */
  static async start(options: LoadOptions): Promise<Load> {
    const load = new Load();
    const unitOf = works[options.work];
    if (unitOf === undefined) throw new Error(`No work of this name: ${options.work}`);
    let begun = 0;
    await Promise.all(Array.from({ length: LOGINS_AT_ONCE }, async () => {
      while (begun < options.clients) {
        const unit = unitOf(begun++);
        const { prepared } = options;
        load.#clients.push(await LoadClient.login(options, { unit, prepared, observer: load }));
      }
    }));
    return load;
  }

  /**
   * Runs a phase.
   *
   * @throws {Error} If a statement fails, but for a deadlock, or a connection ends.
   */
  async run({ ms, rate }: Phase): Promise<PhaseResult> {
    this.#latencies.clear();
    this.#queries =
      this.#repeats =
      this.#due =
      this.#done =
        0;
    this.#rate = rate / 1000;
    this.#startMs = performance.now();
    this.#endMs = this.#startMs + ms;
    this.#finish = Promise.withResolvers();
    const ended = setTimeout(() => this.#finish?.resolve(), ms);
    const tick = rate === 0 ? undefined : setInterval(() => this.#sendDue(), TICK_MS);
    if (rate === 0) { for (const client of this.#clients) client.run(this.#startMs); }
    try {
      await this.#finish.promise;
    } finally {
      clearTimeout(ended);
      clearInterval(tick);
    }
    const seconds = (performance.now() - this.#startMs) / 1000;
    const result = {
      seconds,
      queries: this.#queries,
      units: this.#latencies.count,
      latencies: new Histogram(this.#latencies.toJSON()),
      repeats: this.#repeats,
      overdue: rate === 0 ? 0 : Math.floor(ms * this.#rate) - this.#done,
    };
    await this.#settle();
    return result;
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  onAnswer(): void {
    this.#queries++;
  }

  onUnit(client: LoadClient, dueMs: number): void {
    const now = performance.now();
    if (now > this.#endMs) return;
    this.#latencies.record((now - dueMs) * 1000);
    this.#done++;
    if (this.#rate === 0) client.run(now);
    else this.#sendDue();
  }

  onRepeat(): void {
    this.#repeats++;
  }

  onFailure(reason: string): void {
    this.#finish?.reject(new Error(reason));
  }

  /** Clients take turns; each unit is due at its own time, evenly spread. */
  #sendDue(): void {
    const now = performance.now();
    if (now > this.#endMs) return;
    const due = Math.floor((now - this.#startMs) * this.#rate);
    while (this.#due < due) {
      const at = this.#startMs + this.#due / this.#rate;
      const client = this.#clients[this.#due % this.#clients.length];
      this.#due++;
      // The timer's millisecond is the generator's own; whatever is later than that is waiting.
      client.run(now - at < LATE_MS ? now : at);
    }
  }

  /** Answers under way are taken, so that the next phase begins with idle clients. */
  async #settle(): Promise<void> {
    for (const client of this.#clients) client.forget();
    const deadline = performance.now() + 10_000;
    while (this.#clients.some((client) => client.busy) && performance.now() < deadline) {
      await Bun.sleep(1);
    }
  }
}
