// One client of the load generator: a state machine without a promise or closure for a query.

import { Expect, ResponseTracker } from "../../mod/wire/mod.ts";
import { CAPABILITIES, type LoginOptions, RawClient, type Receiver } from "../raw_client.ts";
import { Latecomers } from "./latecomers.ts";
import { ExecutePacket, queryPacket, Values } from "./values.ts";
import type { Statement, Unit } from "./work.ts";

/** Deadlock and lock wait timeout, and what MariaDB says where a row has changed meanwhile. */
const REPEATED_ERRORS: ReadonlySet<number> = new Set([1213, 1205, 1020]);
const ROLLBACK: Statement = { text: "ROLLBACK", parameters: [], always: "text" };

/** What is told of a client's work. */
export interface LoadObserver {
  /** A statement has been answered. */
  onAnswer(): void;
  /** A whole unit is done that was due at `dueMs`, by the clock of `performance.now()`. */
  onUnit(client: LoadClient, dueMs: number): void;
  /** A transaction has to be begun anew. */
  onRepeat(): void;
  /** No more can be measured. */
  onFailure(reason: string): void;
}

/** A client that is logged in and runs its unit whenever told to. */
export class LoadClient implements Receiver {
  readonly #raw: RawClient;
  readonly #observer: LoadObserver;
  readonly #tracker = new ResponseTracker(CAPABILITIES, 0);
  readonly #unit: Unit;
  readonly #packets: readonly (ExecutePacket | undefined)[];
  readonly #values = new Values();
  /** When units became due that have not begun. */
  readonly #late = new Latecomers();
  #step = 0;
  #isRollingBack = false;
  /** When the unit under way became due; below 0 where none is. */
  #dueMs = -1;

  private constructor(
    raw: RawClient,
    { unit, packets, observer }: {
      readonly unit: Unit;
      readonly packets: readonly (ExecutePacket | undefined)[];
      readonly observer: LoadObserver;
    },
  ) {
    this.#raw = raw;
    this.#unit = unit;
    this.#packets = packets;
    this.#observer = observer;
    raw.handOver(this);
  }

  /**
   * Logs in and prepares its statements.
   *
   * @throws {Error} If the server refuses either.
   */
  static async login(
    options: LoginOptions,
    { unit, prepared, observer }: {
      readonly unit: Unit;
      readonly prepared: boolean;
      readonly observer: LoadObserver;
    },
  ): Promise<LoadClient> {
    const raw = await RawClient.login(options);
    const ids = new Map<string, ExecutePacket>();
    const packets: (ExecutePacket | undefined)[] = [];
    for (const statement of unit) {
      const { text, always } = statement;
      if (!prepared || always === "text") packets.push(undefined);
      else {
        const packet = ids.get(text) ?? new ExecutePacket(statement, await raw.prepare(text));
        ids.set(text, packet);
        packets.push(packet);
      }
    }
    return new LoadClient(raw, { unit, packets, observer });
  }

  /** Runs the unit, or as soon as the one under way is done. */
  run(dueMs: number): void {
    if (this.#dueMs >= 0) {
      this.#late.add(dueMs);
      return;
    }
    this.#dueMs = dueMs;
    this.#begin();
  }

  /** Begins nothing more of what was due. */
  forget(): void {
    this.#late.clear();
  }

  /** A unit is under way. */
  get busy(): boolean {
    return this.#dueMs >= 0;
  }

  close(): void {
    this.#dueMs = -1;
    this.#raw.close();
  }

  onBytes(bytes: Uint8Array): void {
    const tracker = this.#tracker;
    tracker.feed(bytes, 0, bytes.length);
    if (tracker.done) this.#answered(tracker.errorCode);
  }

  onClosed(): void {
    if (this.busy) this.#observer.onFailure("connection closed by the other side");
  }

  #begin(): void {
    this.#step = 0;
    this.#values.renew();
    this.#send(this.#unit[0]!, this.#packets[0]);
  }

  #answered(error: number): void {
    this.#observer.onAnswer();
    if (error !== 0 && !REPEATED_ERRORS.has(error)) {
      this.#observer.onFailure(`statement failed: error ${error}: ${this.#unit[this.#step]?.text}`);
      return;
    }
    if (error !== 0) {
      this.#observer.onRepeat();
      this.#isRollingBack = true;
      this.#send(ROLLBACK, undefined);
    } else if (this.#isRollingBack) {
      this.#isRollingBack = false;
      this.#begin();
    } else if (++this.#step < this.#unit.length) {
      this.#send(this.#unit[this.#step], this.#packets[this.#step]);
    } else {
      const dueMs = this.#dueMs;
      this.#dueMs = this.#late.take();
      if (this.busy) this.#begin();
      this.#observer.onUnit(this, dueMs);
    }
  }

  #send(statement: Statement, packet: ExecutePacket | undefined): void {
    this.#tracker.begin(Expect.RESULT);
    this.#raw.write(packet?.fill(this.#values) ?? queryPacket(statement, this.#values));
  }
}
