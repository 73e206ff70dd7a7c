// One look at a server: what the look before has asked is asked again in one round trip.

import type { ServerAddress } from "../config/mod.ts";
import type { Clock } from "./clock.ts";
import { errorNumber } from "./failure.ts";
import type { ProbeSession, Row } from "./flavor.ts";
import type { ProbeConnection } from "./probe_connection.ts";

/** The session that a flavor has for one look. */
export class Look implements ProbeSession {
  readonly address: ServerAddress;
  readonly memory: Map<string, unknown>;
  readonly #connection: ProbeConnection;
  readonly #clock: Clock;
  readonly #plan: readonly string[];
  readonly #asked: string[] = [];
  /** Answers that were got together and not taken yet. */
  readonly #waiting = new Map<string, readonly Row[]>();
  #first: { readonly askedMs: number; readonly answeredMs: number } | undefined;

  /** @param options.plan What the look before has asked, in order. */
  constructor(
    connection: ProbeConnection,
    options: { readonly clock: Clock; readonly plan: readonly string[] },
  ) {
    this.address = connection.address;
    this.memory = connection.memory;
    this.#connection = connection;
    this.#clock = options.clock;
    this.#plan = options.plan;
  }

  /** What was asked and answered. */
  get asked(): readonly string[] {
    return this.#asked;
  }

  /** The middle between the first question and its answer. */
  get atMs(): number {
    const { askedMs, answeredMs } = this.#first ?? this.#never();
    return (askedMs + answeredMs) / 2;
  }

  /** From the first question to its answer, in milliseconds. */
  get rttMs(): number {
    const { askedMs, answeredMs } = this.#first ?? this.#never();
    return answeredMs - askedMs;
  }

  async query(sql: string): Promise<readonly Row[]> {
    const rows = this.#waiting.get(sql) ?? await this.#ask(sql);
    this.#waiting.delete(sql);
    this.#asked.push(sql);
    return rows;
  }

  async #ask(sql: string): Promise<readonly Row[]> {
    if (this.#first !== undefined) return await this.#connection.query(sql);
    const askedMs = this.#clock.now();
    const rows = this.#plan.length > 1 && this.#plan[0] === sql
      ? await this.#askAll(sql)
      : await this.#connection.query(sql);
    this.#first = { askedMs, answeredMs: this.#clock.now() };
    return rows;
  }

  async #askAll(sql: string): Promise<readonly Row[]> {
    try {
      const answers = await this.#connection.queryAll(this.#plan);
      for (const [at, rows] of answers.entries()) this.#waiting.set(this.#plan[at]!, rows);
      return answers[0] ?? [];
    } catch (error) {
      // One of them no longer works: which one is found out by asking one by one.
      if (errorNumber(error) === 0) throw error;
      return await this.#connection.query(sql);
    }
  }

  #never() {
    const now = this.#clock.now();
    return { askedMs: now, answeredMs: now };
  }
}
