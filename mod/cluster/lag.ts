// How far a server is behind its primary, in milliseconds, by the best means there is.

import type { Clock } from "./clock.ts";
import type { ReadPosition } from "./position.ts";
import type { LagHints, Reading } from "./reading.ts";

/** The primary stood at a position from one time to another, on the monitor's clock. */
interface Stay {
  readonly at: ReadPosition;
  readonly fromMs: number;
  toMs: number;
}

/** When the history is full, every other one of the older half is dropped. */
const STAYS_MAX = 512;

/** From so many transactions on they are taken to be evenly spread over time. */
const SPREAD_MIN = 8;

/** What a lag was reckoned from, best first. */
export type LagMeans =
  /** The flavor knows milliseconds by itself. */
  | "server"
  /** The statement of `monitor.lag_query`. */
  | "heartbeat"
  /** Positions of the primary over time. */
  | "position"
  /** When transactions were committed on the primary, by performance_schema. */
  | "commit-time"
  /** Seconds_Behind, whole seconds. */
  | "seconds";

/** A lag and where it comes from. */
export interface Lag {
  /** Milliseconds, at least 0. */
  readonly ms: number;
  readonly means: LagMeans;
}

/** Where the primary stood when. */
export class PositionHistory {
  #stays: Stay[] = [];

  /** The primary is another one, whose positions need not go on from there. */
  clear(): void {
    this.#stays = [];
  }

  /** The primary was seen at a position. Sightings come in the order of their times. */
  add(at: ReadPosition, atMs: number): void {
    const last = this.#stays.at(-1);
    if (last && last.at.count === at.count && last.at.contains(at)) {
      last.toMs = atMs;
      return;
    }
    this.#stays.push({ at, fromMs: atMs, toMs: atMs });
    if (this.#stays.length > STAYS_MAX) {
      const half = STAYS_MAX / 2;
      this.#stays = this.#stays.filter((_, index) => index >= half || index % 2 === 0);
    }
  }

  /**
   * How long ago the primary had the first transaction that a position lacks; undefined without a
   * history, and for positions before its beginning.
   *
   * Between two sightings transactions are taken to be evenly spread, so the error is at most the
   * time between them.
   *
   * @param atMs When the server was at the position.
   */
  lagOf(position: ReadPosition, atMs: number): number | undefined {
    const reached = this.#lastReached(position);
    // Already when the history began something was missing: since when is not known.
    if (reached < 0) return undefined;
    const next = this.#stays[reached + 1];
    if (next === undefined) return 0;
    const stay = this.#stays[reached];
    const between = next.at.count - stay.at.count;
    // The primary was seen there after the server was looked at. Of a few transactions nobody knows
    // whether they were before or behind that; many are spread.
    if (next.fromMs > atMs && between < SPREAD_MIN) return 0;
    const has = next.at.count - next.at.countBeyond(position) - stay.at.count;
    const part = between > 0 ? Math.min(1, Math.max(0, (has + 0.5) / between)) : 0;
    return Math.max(0, atMs - (stay.toMs + (next.fromMs - stay.toMs) * part));
  }

  /** The last stay that a position has reached; -1 for none. */
  #lastReached(position: ReadPosition): number {
    let [low, high] = [-1, this.#stays.length]; // low is reached, high is not
    const newest = this.#stays.at(-1);
    if (newest && position.contains(newest.at)) return high - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (position.contains(this.#stays[middle].at)) low = middle;
      else high = middle;
    }
    return low;
  }
}

/** What a lag is reckoned from. */
export interface LagFacts {
  readonly reading: Reading;
  readonly position: ReadPosition | undefined;
  readonly history: PositionHistory;
  /** What `monitor.lag_query` gave, in milliseconds; undefined without one. */
  readonly heartbeatMs?: number | undefined;
  /** The primary's clock less the monitor's wall clock, in milliseconds; undefined: unknown. */
  readonly primaryAheadMs?: number | undefined;
  readonly clock: Clock;
}

/** The lag of a server that is no primary; undefined where nothing tells. */
export function lagOf(facts: LagFacts): Lag | undefined {
  const { reading, position, history, heartbeatMs } = facts;
  const hints = reading.lag ?? {};
  if (typeof hints.exactMs === "number") return { ms: hints.exactMs, means: "server" };
  if (heartbeatMs !== undefined) return { ms: Math.max(0, heartbeatMs), means: "heartbeat" };
  const byPosition = position && history.lagOf(position, reading.atMs);
  if (byPosition !== undefined) return { ms: refined(byPosition, facts), means: "position" };
  const byCommit = commitLag(hints, facts);
  if (byCommit !== undefined) return { ms: byCommit, means: "commit-time" };
  if (typeof hints.seconds === "number") return { ms: hints.seconds * 1000, means: "seconds" };
  return undefined;
}

/**
 * Positions leave open when between two sightings the first missing transaction was committed.
 * The one that is being applied is the first missing one, and its time is known.
 */
function refined(byPosition: number, facts: LagFacts): number {
  const { applyingMs } = facts.reading.lag ?? {};
  if (applyingMs === undefined || byPosition === 0) return byPosition;
  const exact = agoMs(applyingMs, facts);
  return exact !== undefined && Math.abs(exact - byPosition) < REFINABLE_MS ? exact : byPosition;
}

/** Beyond this the times are of another transaction, or the clocks do not fit. */
const REFINABLE_MS = 1500;

/** Without a history: the transaction that is being applied, or the last one if more is there. */
function commitLag(hints: LagHints, facts: LagFacts): number | undefined {
  if (hints.applyingMs !== undefined) return agoMs(hints.applyingMs, facts);
  if (hints.appliedMs === undefined || hints.receivedMs === undefined) return undefined;
  return hints.receivedMs <= hints.appliedMs ? 0 : agoMs(hints.appliedMs, facts);
}

/** How long before the reading something happened by the primary's clock. */
function agoMs(atMs: number, { reading, primaryAheadMs, clock }: LagFacts): number | undefined {
  if (primaryAheadMs === undefined) return undefined;
  const readAtWall = clock.wallMs() - (clock.now() - reading.atMs);
  return Math.max(0, readAtWall + primaryAheadMs - atMs);
}
