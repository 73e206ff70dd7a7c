// What a server needs for a statement on a lane, while it works for others too. Where all processors
// are busy an answer takes the longer the more connections share them: a mean would grow with every
// connection that is added, and say that statements are slow where only the machine is full. So it
// is the time below which one turn in five stays; LaneGroup divides it by the lanes that are busy.

/** The part of turns that stay below. */
const QUANTILE = 0.2;
/** The part of itself by which the estimate moves; it halves in about 14 turns. */
const STEP = 1 / 16;

/** The estimate. Costs a multiplication a turn. */
export class ServiceTime {
  #us = 0;

  /** In microseconds; 0: nothing is known. */
  get us(): number {
    return this.#us;
  }

  /** The statements of a turn took so many microseconds each. Hot path. */
  note(us: number): void {
    if (this.#us === 0) this.#us = us;
    else if (us < this.#us) this.#us *= 1 - STEP * (1 - QUANTILE);
    else this.#us *= 1 + STEP * QUANTILE;
  }
}
