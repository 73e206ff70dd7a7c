// Query consolidation: of reads that are word for word the same and under way at the same time one
// runs, and its answer is everybody's. Who asks when it has gone out already waits for the next one,
// which runs once for all of those: so nobody is told what is older than the question, and however
// many ask, two of them run. Where any age will do the one under way is enough.

import type { PooledConnection } from "./pooled_connection.ts";

/** Longer answers are nobody's but the leader's, in bytes. */
const ANSWER_MAX = 256 * 1024;

/** Who waits for a flight's answer. */
export interface Passenger {
  /** Its client still waits. */
  readonly isWaiting: boolean;
  /** Here it is; what the tracker of the connection tells is true of it. */
  answer(flight: Flight, pooled: PooledConnection): void;
  /** There is none: it runs by itself. */
  goAlone(): void;
  /** It runs, for itself and those that wait with it. */
  lead(flight: Flight): void;
}

/** What makes two statements the same, beside what the sessions of a group have in common. */
export interface FlightKey {
  readonly command: Uint8Array;
  /** Where in it that begins that has to be the same. */
  readonly from: number;
  /** What was prepared; undefined: text. */
  readonly prepared: string | undefined;
  /** The types of its parameters, as shared by all who have given the same. */
  readonly types: object | undefined;
}

/** One statement that runs, and those that wait for it. */
export class Flight {
  readonly key: FlightKey;
  readonly hash: number;
  /** It has gone out: what is committed from now on may be missing in its answer. */
  isSent = false;
  /** The answer as it has come, in pieces. */
  readonly pieces: Uint8Array[] = [];
  readonly #table: Flights;
  #length = 0;
  #passengers: Passenger[];
  readonly #standby: Passenger[] = [];

  constructor(table: Flights, key: FlightKey, hash: number, passengers: Passenger[]) {
    this.#table = table;
    this.key = key;
    this.hash = hash;
    this.#passengers = passengers;
  }

  /** Takes one more. @param anyAge An answer may be older than its question. */
  join(passenger: Passenger, anyAge: boolean): void {
    if (this.isSent && !anyAge) this.#standby.push(passenger);
    else this.#passengers.push(passenger);
  }

  /** Keeps a piece of the answer. The bytes are kept, not copied. */
  add(bytes: Uint8Array): void {
    this.#length += bytes.length;
    if (this.#length <= ANSWER_MAX) this.pieces.push(bytes);
    else this.pieces.length = 0;
  }

  /**
   * The answer is complete.
   *
   * @param pooled Where it has come from.
   * @param isPlain It leaves nothing behind that a session would have.
   */
  land(pooled: PooledConnection, isPlain: boolean): void {
    if (!isPlain || this.#length > ANSWER_MAX) {
      this.fail();
      return;
    }
    this.#table.remove(this);
    for (const each of this.#passengers) if (each.isWaiting) each.answer(this, pooled);
    this.#depart();
  }

  /** There will be no answer that is everybody's. */
  fail(): void {
    this.#table.remove(this);
    for (const each of this.#passengers) if (each.isWaiting) each.goAlone();
    this.#depart();
  }

  #depart(): void {
    const waiting = this.#standby.filter(({ isWaiting }) => isWaiting);
    const leader = waiting.shift();
    if (leader === undefined) return;
    // Whoever has asked while those before were answered leads already.
    const begun = this.#table.find(this.key, this.hash);
    if (begun === undefined) leader.lead(this.#table.open(this.key, this.hash, waiting));
    else for (const each of [leader, ...waiting]) begun.join(each, false);
  }
}

/** The flights of sessions that have set the same. */
export class Flights {
  readonly #flights = new Map<number, Flight>();

  /** One that runs the same; undefined: none does. */
  find(key: FlightKey, hash: number): Flight | undefined {
    const found = this.#flights.get(hash);
    return found !== undefined && isSame(found.key, key) ? found : undefined;
  }

  /** Begins one. */
  open(key: FlightKey, hash: number, passengers: Passenger[] = []): Flight {
    const flight = new Flight(this, key, hash, passengers);
    this.#flights.set(hash, flight);
    return flight;
  }

  /** It takes nobody any more. */
  remove(flight: Flight): void {
    if (this.#flights.get(flight.hash) === flight) this.#flights.delete(flight.hash);
  }
}

/** The hash by which a statement's flight is found. */
export function flightHash({ command, from }: FlightKey): number {
  return Bun.hash.xxHash32(command.subarray(from));
}

function isSame(a: FlightKey, b: FlightKey): boolean {
  return a.from === b.from && a.prepared === b.prepared && a.types === b.types &&
    Buffer.compare(a.command.subarray(a.from), b.command.subarray(b.from)) === 0;
}
