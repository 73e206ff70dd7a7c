// A session's statement that waits for the answer of another session's, which is the same: see
// mod/backend/flights.ts.

import type { Flight, Passenger, PooledConnection } from "../../backend/mod.ts";
import type { PooledSession } from "../pooled_session.ts";
import { notePlainAnswer, noteWholeAnswer, writeWholeAnswer } from "./whole_answer.ts";

const NOTHING: readonly Uint8Array[] = [];

/** Waits for one answer. */
export class FlightPassenger implements Passenger {
  #session: PooledSession | undefined;

  constructor(session: PooledSession) {
    this.#session = session;
  }

  get isWaiting(): boolean {
    return this.#session !== undefined;
  }

  /** Nobody waits for the answer any more. */
  abandon(): void {
    this.#session = undefined;
  }

  answer({ pieces }: Flight, pooled: PooledConnection): void {
    const session = this.#leave();
    session.context.counters.poolConsolidated++;
    notePlainAnswer(session, pooled.connection.tracker);
    noteWholeAnswer(session, pooled.connection);
    writeWholeAnswer(session, pieces[0], pieces.length > 1 ? pieces.slice(1) : NOTHING);
  }

  goAlone(): void {
    this.#leave().runAlone();
  }

  lead(flight: Flight): void {
    const session = this.#leave();
    session.seat.leads(flight);
    session.placeAgain();
  }

  #leave(): PooledSession {
    const session = this.#session!;
    this.#session = undefined;
    session.seat.passenger = undefined;
    return session;
  }
}
