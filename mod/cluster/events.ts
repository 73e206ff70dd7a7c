// What has happened to the cluster: events with numbers, the last ones kept.

/** The kinds of events. */
export const EVENT_KINDS = [
  "flavor-found",
  "server-added",
  "server-removed",
  "role-changed",
  "state-changed",
  "lag-crossed",
  "failover-began",
  "failover-ended",
  "server-ordered",
  "switchover-began",
  "switchover-step",
  "switchover-ended",
] as const;

/** The kind of an event. */
export type EventKind = typeof EVENT_KINDS[number];

/** Something that happened. */
export interface ClusterEvent {
  /** Counts up from 1 since the start. */
  readonly number: number;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly kind: EventKind;
  /** The server it is about; null: the whole. */
  readonly server: string | null;
  /** What was before, and what is now. */
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  /** How long what has ended had lasted, in milliseconds; null where nothing ended. */
  readonly durationMs: number | null;
}

/** An event before it has its number and its time. */
export type EventFacts =
  & Pick<ClusterEvent, "kind" | "server">
  & Partial<Pick<ClusterEvent, "from" | "to" | "reason" | "durationMs">>;

/** The last events, and how many of each kind there were. */
export class EventRing {
  #max: number;
  readonly #wallMs: () => number;
  readonly #onEvent: (event: ClusterEvent) => void;
  readonly #counts = new Map<EventKind, number>();
  #events: ClusterEvent[] = [];
  #number = 0;

  /** @param options.max Events that are kept. */
  constructor(
    options: {
      readonly max: number;
      readonly wallMs: () => number;
      readonly onEvent?: (event: ClusterEvent) => void;
    },
  ) {
    this.#max = options.max;
    this.#wallMs = options.wallMs;
    this.#onEvent = options.onEvent ?? (() => {});
  }

  /** Keeps more or fewer from the next one on. */
  setMax(max: number): void {
    this.#max = max;
  }

  /** The events that are kept, oldest first. */
  get all(): readonly ClusterEvent[] {
    return this.#events;
  }

  /** How many events of a kind there were since the start. */
  count(kind: EventKind): number {
    return this.#counts.get(kind) ?? 0;
  }

  add(facts: EventFacts): ClusterEvent {
    const event: ClusterEvent = {
      from: "",
      to: "",
      reason: "",
      durationMs: null,
      ...facts,
      number: ++this.#number,
      atMs: Math.round(this.#wallMs()),
    };
    this.#events = [...this.#events.slice(Math.max(0, this.#events.length - this.#max + 1)), event];
    this.#counts.set(event.kind, this.count(event.kind) + 1);
    this.#onEvent(event);
    return event;
  }
}
