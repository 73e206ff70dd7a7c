// Memory that clients have left is given back when there is nothing to do. The collector goes by what
// is allocated: where nobody does anything it does not run, and garbage of a day's peak stays all night.

/** Looks in a row with next to nothing to do, before it is rest; a second holds four. */
const QUIET_LOOKS = 8;

/** Commands, logins and departures between two looks that are next to nothing. */
const QUIET_EVENTS = 1;

/** Clients that have gone make so many worth it: some 5 KB each. */
const GONE_MIN = 500;

/** What a worker counts that is looked at. */
export interface Traffic {
  readonly commands: number;
  /** Clients accepted since the start. */
  readonly clientsAccepted: number;
  /** Clients connected now. */
  readonly clients: number;
}

/** When to collect. */
export class CollectionAtRest {
  readonly #collect: () => void;
  #events = 0;
  #quiet = 0;
  /** Clients that had gone when memory was collected last. */
  #gone = 0;

  /** @param collect Collects garbage. It stops the event loop, some 2 ms for each 1,000 clients. */
  constructor(collect: () => void = () => Bun.gc(true)) {
    this.#collect = collect;
  }

  /**
   * Looks at what there is to do; called each quarter of a second. Collects only where as many have
   * gone as are there: what it costs hangs on these, what it brings on those.
   */
  look({ commands, clientsAccepted, clients }: Traffic): void {
    const gone = clientsAccepted - clients;
    const events = commands + clientsAccepted + gone;
    this.#quiet = events - this.#events <= QUIET_EVENTS ? this.#quiet + 1 : 0;
    this.#events = events;
    if (this.#quiet < QUIET_LOOKS || gone - this.#gone < Math.max(GONE_MIN, clients)) return;
    this.#gone = gone;
    this.#quiet = 0;
    this.#collect();
  }
}
