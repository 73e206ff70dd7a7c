// Statements that are the same and under way at the same time: who runs, who waits for whom.

import { describe, expect, test } from "bun:test";
import {
  type Flight,
  flightHash,
  type FlightKey,
  Flights,
  type Passenger,
  type PooledConnection,
} from "../../../mod/backend/mod.ts";

const POOLED = {} as PooledConnection;

function keyOf(text: string, prepared?: string): FlightKey {
  return { command: Buffer.from(`xxxx${text}`), from: 4, prepared, types: undefined };
}

/** One that notes what becomes of it. */
class Noting implements Passenger {
  isWaiting = true;
  readonly name: string;
  readonly #told: string[];

  constructor(name: string, told: string[]) {
    this.name = name;
    this.#told = told;
  }

  answer({ pieces }: Flight): void {
    this.#told.push(`${this.name}: ${Buffer.concat(pieces)}`);
  }

  goAlone(): void {
    this.#told.push(`${this.name} alone`);
  }

  lead(flight: Flight): void {
    this.#told.push(`${this.name} leads`);
    flight.isSent = true;
    flight.add(Buffer.from("second"));
    flight.land(POOLED, true);
  }
}

function begin() {
  const flights = new Flights();
  const key = keyOf("SELECT 1");
  const flight = flights.open(key, flightHash(key));
  const told: string[] = [];
  const join = (name: string, anyAge = false) => {
    const passenger = new Noting(name, told);
    flight.join(passenger, anyAge);
    return passenger;
  };
  return { flights, flight, told, join, key };
}

describe("a statement that others have asked, too", () => {
  test("is found by its text, what was prepared and nothing else", () => {
    const { flights, flight, key } = begin();
    const found = (other: FlightKey) => flights.find(other, flightHash(other));
    expect(found(keyOf("SELECT 1"))).toBe(flight);
    expect(found({ ...key, command: Buffer.from("yyyySELECT 1") })).toBe(flight);
    expect(found(keyOf("SELECT 2"))).toBeUndefined();
    expect(flights.find(keyOf("SELECT 2"), flightHash(key))).toBeUndefined();
    expect(found(keyOf("SELECT 1", "SELECT ?"))).toBeUndefined();
    flight.land(POOLED, true);
    expect(found(key)).toBeUndefined();
  });

  test("answers those that had asked before it went out", () => {
    const { flight, told, join } = begin();
    join("a");
    join("gone").isWaiting = false;
    flight.isSent = true;
    flight.add(Buffer.from("fi"));
    flight.add(Buffer.from("rst"));
    flight.land(POOLED, true);
    expect(told).toEqual(["a: first"]);
  });

  test("is too old for who asks afterwards: it runs once more for all of those", () => {
    const { flight, told, join } = begin();
    join("a");
    flight.isSent = true;
    join("gone").isWaiting = false;
    join("b");
    join("c");
    join("d");
    join("old", true);
    flight.add(Buffer.from("first"));
    flight.land(POOLED, true);
    expect(told).toEqual(["a: first", "old: first", "b leads", "c: second", "d: second"]);
  });

  test("is nobody else's where it fails, leaves something, or is long", () => {
    for (
      const end of [
        (flight: Flight) => flight.fail(),
        (flight: Flight) => flight.land(POOLED, false),
        (flight: Flight) => {
          flight.add(new Uint8Array(200_000));
          flight.add(new Uint8Array(200_000));
          flight.land(POOLED, true);
        },
      ]
    ) {
      const { flight, told, join } = begin();
      join("a");
      join("b");
      flight.isSent = true;
      join("c");
      end(flight);
      expect(told).toEqual(["a alone", "b alone", "c leads"]);
    }
  });
});
