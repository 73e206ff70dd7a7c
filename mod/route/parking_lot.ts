// Commands that wait for a server that takes them: bounded in number, bytes and time. Pure: the
// clock is the caller's.

/** What bounds a lot. */
export interface ParkingLimits {
  readonly countMax: number;
  readonly bytesMax: number;
}

/** When a parked thing is to be looked at. Milliseconds on the caller's clock. */
export interface Ticket {
  readonly bytes: number;
  /** From then on it may go; Infinity: not before it is called. */
  readonly dueMs: number;
  /** From then on it has waited too long. */
  readonly lateMs: number;
}

/** Parked things, in the order in which they came. Each is in it once. */
export class ParkingLot<T> {
  #limits: ParkingLimits;
  readonly #tickets = new Map<T, Ticket>();
  #bytes = 0;
  /** All that are here now may go. */
  #isCalled = false;

  constructor(limits: ParkingLimits) {
    this.#limits = limits;
  }

  /** Applies other bounds to those to come. */
  setBounds(limits: ParkingLimits): void {
    this.#limits = limits;
  }

  get size(): number {
    return this.#tickets.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @returns false if there is no room: it is not parked. */
  park(thing: T, ticket: Ticket): boolean {
    this.leave(thing);
    const { countMax, bytesMax } = this.#limits;
    if (this.size >= countMax || this.#bytes + ticket.bytes > bytesMax) return false;
    this.#tickets.set(thing, ticket);
    this.#bytes += ticket.bytes;
    return true;
  }

  /** @returns false if it was not here. */
  leave(thing: T): boolean {
    const ticket = this.#tickets.get(thing);
    if (ticket === undefined) return false;
    this.#tickets.delete(thing);
    this.#bytes -= ticket.bytes;
    if (this.size === 0) this.#isCalled = false;
    return true;
  }

  has(thing: T): boolean {
    return this.#tickets.has(thing);
  }

  /** All that wait may go as soon as they are taken; or, once more, not before their time. */
  call(isOpen: boolean): void {
    this.#isCalled = isOpen && this.size > 0;
  }

  /** Takes those that have waited too long. */
  takeLate(nowMs: number): T[] {
    return this.#take(Infinity, ({ lateMs }) => lateMs <= nowMs);
  }

  /** Takes those that may go, the first first. @param most No more of them. */
  takeDue(nowMs: number, most: number): T[] {
    return this.#take(most, ({ dueMs }) => this.#isCalled || dueMs <= nowMs);
  }

  #take(most: number, fits: (ticket: Ticket) => boolean): T[] {
    const taken: T[] = [];
    for (const [thing, ticket] of this.#tickets) {
      if (taken.length >= most) break;
      if (fits(ticket)) taken.push(thing);
    }
    for (const thing of taken) this.leave(thing);
    return taken;
  }
}
