// Keeps what lags are reckoned from: the primary's positions and its clock.

import type { Clock } from "./clock.ts";
import { lagOf, PositionHistory } from "./lag.ts";
import { readPosition } from "./position.ts";
import type { Known } from "./roster.ts";

/** The lags of a cluster's servers. */
export class Lags {
  readonly #clock: Clock;
  readonly #history = new PositionHistory();
  /** The primary's clock less the monitor's wall clock, in milliseconds; undefined: unknown. */
  #primaryAheadMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Another server is the primary: its positions need not go on from there. */
  changePrimary(primary: Known): void {
    this.#history.clear();
    this.#primaryAheadMs = undefined;
    this.seePrimary(primary);
  }

  /** The primary was looked at. */
  seePrimary({ reading, position }: Known): void {
    if (reading === undefined) return;
    if (position) this.#history.add(position, reading.atMs);
    if (reading.clockMs === undefined) return;
    const wallMs = this.#clock.wallMs() - (this.#clock.now() - reading.atMs);
    this.#primaryAheadMs = reading.clockMs - wallMs;
  }

  /** Reckons a server's lag by its last reading and all that is known of the primary now. */
  reckon(known: Known): void {
    const { reading, position, heartbeatMs, role } = known;
    known.lag = reading === undefined || role === "primary" ? undefined : lagOf({
      reading,
      position,
      history: this.#history,
      heartbeatMs,
      primaryAheadMs: this.#primaryAheadMs,
      clock: this.#clock,
    });
  }
}

/** Looks whose positions are kept: some seconds' where servers are looked at quickly. */
const TRAIL_MAX = 16;

/** The same text means the same position: sets of thousands of intervals are read once. */
export function readPositionOf(known: Known): void {
  const position = known.reading?.position;
  const before = known.position?.position;
  if (position === undefined) known.position = undefined;
  else if (before?.kind !== position.kind || valueOf(before) !== valueOf(position)) {
    try {
      known.position = readPosition(position);
    } catch {
      known.position = undefined;
    }
  }
  const { position: read, reading } = known;
  known.trail = read === undefined
    ? []
    : [...known.trail, { position: read, atMs: reading!.atMs }].slice(-TRAIL_MAX);
}

function valueOf(position: Parameters<typeof readPosition>[0]): string | number {
  return position.kind === "index" ? position.value : position.text;
}
