// All lanes of a pool: found by what sessions have set, given up where others need connections,
// watched for statements that take too long.

import type { Lane, LaneSink } from "./lane.ts";
import { LaneGroup, type LaneGroupFacts, type LanePool, type PipelineDepth } from "./lane_group.ts";
import type { SessionState } from "./session_state.ts";

/** States at the same time; sessions in others do not share. */
const GROUPS_MAX = 32;
/** How often lanes are looked at while there are any, in milliseconds. */
const WATCH_MS = 25;
/** A statement that takes longer is no quick one: those behind it look for another way. */
const STUCK_MS = 50;
/** The part of the pool's wait_timeout after which a statement waits for any connection. */
const PATIENCE = 0.5;

/** The lanes of one account at one server. */
export class Lanes {
  readonly #pool: LanePool;
  #depth: PipelineDepth | undefined;
  readonly #groups: LaneGroup[] = [];
  #watch: ReturnType<typeof setInterval> | undefined;

  /** @param depth Undefined: no statement is to go on a lane. */
  constructor(pool: LanePool, depth: PipelineDepth | undefined) {
    this.#pool = pool;
    this.#depth = depth;
  }

  /** Statements may go on lanes. */
  get isOn(): boolean {
    return this.#depth !== undefined;
  }

  /** Applies another depth: what is on lanes stays there, what waits for one goes the ordinary way. */
  setDepth(depth: PipelineDepth | undefined): void {
    if (depth === this.#depth) return;
    this.#depth = depth;
    for (const group of this.#groups) {
      if (depth !== undefined) group.setDepth(depth);
      else group.close();
    }
  }

  /** Sessions of a kind and state; undefined where there are too many states. */
  groupOf(
    kind: string,
    state: SessionState,
    facts: () => LaneGroupFacts,
  ): LaneGroup | undefined {
    const now = this.#pool.now();
    let group = this.#groups.find((each) => each.facts.state === state && each.facts.kind === kind);
    if (group === undefined) {
      if (this.#groups.length >= GROUPS_MAX && !this.#forgetOne()) return undefined;
      group = new LaneGroup(facts(), this.#pool, {
        depth: this.#depth!,
        onLane: () => this.#watch ??= setInterval(() => this.#lookAtAll(), WATCH_MS),
      });
      this.#groups.push(group);
    }
    group.usedAt = now;
    return group;
  }

  /** The one that was not looked for for longest, of those without lanes. */
  #forgetOne(): boolean {
    let oldest: LaneGroup | undefined;
    for (const group of this.#groups) {
      if (group.empty && (oldest === undefined || group.usedAt < oldest.usedAt)) oldest = group;
    }
    if (oldest === undefined) return false;
    this.#groups.splice(this.#groups.indexOf(oldest), 1);
    return true;
  }

  /** So many sessions wait for connections of their own: as many lanes come to their end. */
  yieldTo(waiting: number): void {
    let closing = 0;
    for (const { lanes } of this.#groups) for (const { open } of lanes) if (!open) closing++;
    for (; closing < waiting; closing++) {
      const lane = this.#leastLoaded();
      if (lane === undefined) return;
      lane.open = false;
    }
    for (const group of this.#groups) group.seat();
  }

  /** The server does not answer: ends all of them, as if it had. */
  lose(reason: string): void {
    for (const { lanes } of this.#groups) {
      for (const { connection } of [...lanes]) connection.lose(reason);
    }
  }

  #leastLoaded(): Lane | undefined {
    let least: Lane | undefined;
    for (const { lanes } of this.#groups) {
      for (const lane of lanes) {
        if (lane.open && (least === undefined || lane.load < least.load)) least = lane;
      }
    }
    return least;
  }

  /** Called by the janitor. @param waitTimeoutMs How long a statement may wait in all. */
  sweep(now: number, waitTimeoutMs: number): void {
    for (const group of this.#groups) {
      for (const lane of group.lanes) if (lane.pooled.retireAt <= now) lane.open = false;
      group.dismissOlder(now - waitTimeoutMs * PATIENCE);
      group.seat();
    }
  }

  #lookAtAll(): void {
    const now = performance.now();
    let some = false;
    for (const group of this.#groups) {
      for (const lane of group.lanes) {
        some = true;
        lookAt(lane, now);
      }
      group.seat();
    }
    if (some) return;
    clearInterval(this.#watch);
    this.#watch = undefined;
  }
}

/** Twice seen waiting for the same answer: between the two everything that came was read. */
function lookAt(lane: Lane, now: number): void {
  if (lane.load === 0) return;
  const isSeenAgain = lane.seenSince === lane.since;
  lane.seenSince = lane.since;
  if (!isSeenAgain || now - lane.since < STUCK_MS || !lane.open) return;
  lane.open = false;
  let isHead = true;
  for (const sink of lane.connection.sinks()) {
    (sink as LaneSink).onStuck(isHead); // nothing else is on a lane
    isHead = false;
  }
}
