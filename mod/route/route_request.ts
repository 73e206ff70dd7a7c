// What a decision about a statement hangs on, beside its text and its session.

/** What of a statement its text does not tell. */
export interface RouteRequest {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** It begins a READ ONLY transaction. */
  readonly beginsReadOnly?: boolean;
  /** It mentions a temporary table of its session. */
  readonly usesTemporary?: boolean;
  /** The server of the decision before was asked, and its position is among the needs. */
  readonly hasAsked?: boolean;
  /** Its answer can be held until the primary has told that nothing was written meanwhile. */
  readonly mayGuess?: boolean;
  /** A replica was waited for in vain: the primary is the one. */
  readonly hasWaited?: boolean;
  /** It has left a replica whose data gets no newer: no other one is waited for. */
  readonly hasLeft?: boolean;
  /** A replica has refused it, since it takes no writes. */
  readonly isRefused?: boolean;
}
