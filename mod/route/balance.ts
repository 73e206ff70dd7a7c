// Which of several servers that will do gets a read. Hot path: a few comparisons for each server.

import type { RouteServer } from "./route_server.ts";

/** How one of several is chosen, see `route.balance`. */
export type Balance =
  | "least-outstanding"
  | "two-choices"
  | "least-lag"
  | "round-robin"
  | "random";

/** What balancing goes by. */
export interface BalanceOptions {
  readonly balance: Balance;
  /** Requests that the primary counts as having more. */
  readonly primaryPenalty: number;
  /** How long a server that is back gets less than its share, in milliseconds. */
  readonly slowStartMs: number;
}

/** How many times busier than another a server must be for a session to leave it. */
const BUSIER = 2;
/** And how many requests it must have at least. */
const BUSY_MIN = 8;
const WEIGHT_MIN = 1e-9;

/** A server that is just back gets at least this share of its share. */
const SHARE_MIN = 0.05;

/** Chooses servers. One object serves all sessions of a worker. */
export class Balancer {
  readonly #options: BalanceOptions;
  readonly #random: () => number;
  #turn = 0;

  /** @param random A number from 0 up to 1, 1 excluded. */
  constructor(options: BalanceOptions, random: () => number) {
    this.#options = options;
    this.#random = random;
  }

  /** One of the first `count` servers of `from`, which is at least 1. */
  choose(from: readonly RouteServer[], count: number, nowMs: number): RouteServer {
    if (count === 1) return from[0];
    switch (this.#options.balance) {
      case "least-outstanding":
        return this.#least(from, count, nowMs);
      case "two-choices":
        return this.#ofTwo(from, count, nowMs);
      case "least-lag":
        return this.#leastLag(from, count, nowMs);
      case "round-robin":
        return this.#inTurn(from, count, nowMs);
      case "random":
        return this.#byChance(from, count, nowMs);
    }
  }

  /** A server's weight now: less while it is cold. */
  weightOf(server: RouteServer, nowMs: number): number {
    const { warmAtMs, weight } = server;
    if (warmAtMs === null || nowMs >= warmAtMs || this.#options.slowStartMs === 0) return weight;
    const share = 1 - (warmAtMs - nowMs) / this.#options.slowStartMs;
    return weight * Math.min(1, Math.max(SHARE_MIN, share));
  }

  /**
   * Whether sessions should leave a server for another of the first `count` of `from`: they stay where
   * they have read, so that a server that is back would get none.
   */
  isMuchBusier(
    server: RouteServer,
    from: readonly RouteServer[],
    count: number,
    nowMs: number,
  ): boolean {
    if (server.outstanding < BUSY_MIN) return false;
    const weight = Math.max(this.weightOf(server, nowMs), WEIGHT_MIN);
    for (let at = 0; at < count; at++) {
      const other = from[at];
      const share = this.weightOf(other, nowMs) / weight;
      if (other === server || (other.outstanding + 1) * BUSIER > server.outstanding * share) {
        continue;
      }
      // Now; lately as well? Those that leave follow each other, and would all be back at once.
      const now = performance.now();
      const lately = server.meanOutstanding(now) * share;
      if ((other.meanOutstanding(now) + 1) * BUSIER <= lately) return true;
    }
    return false;
  }

  #load(server: RouteServer): number {
    return server.outstanding + (server.isPrimary ? this.#options.primaryPenalty : 0);
  }

  /** Of servers with alike loads each gets its turn: all counts are 0 where little is to be done. */
  #least(from: readonly RouteServer[], count: number, nowMs: number): RouteServer {
    const start = this.#turn++ % count;
    let best = from[start];
    let least = Infinity;
    for (let i = 0; i < count; i++) {
      const server = from[(start + i) % count];
      // One more than it has: else a server without any would be the best whatever its weight.
      const load = (this.#load(server) + 1) / Math.max(this.weightOf(server, nowMs), WEIGHT_MIN);
      if (load >= least) continue;
      best = server;
      least = load;
    }
    return best;
  }

  #ofTwo(from: readonly RouteServer[], count: number, nowMs: number): RouteServer {
    const one = this.#byChance(from, count, nowMs);
    const other = this.#byChance(from, count, nowMs);
    if (one === other) return one;
    const cost = (server: RouteServer) =>
      Math.max(server.latencyMs, 1e-3) * (this.#load(server) + 1);
    return cost(one) <= cost(other) ? one : other;
  }

  #leastLag(from: readonly RouteServer[], count: number, nowMs: number): RouteServer {
    let best = from[0];
    for (let i = 1; i < count; i++) {
      const difference = (from[i].lagMs ?? Infinity) - (best.lagMs ?? Infinity);
      const isLess = difference < 0 ||
        (!(difference > 0) &&
          this.#load(from[i]) / this.weightOf(from[i], nowMs) <
            this.#load(best) / this.weightOf(best, nowMs));
      if (isLess) best = from[i];
    }
    return best;
  }

  /** Each as often as its weight says, spread evenly. */
  #inTurn(from: readonly RouteServer[], count: number, nowMs: number): RouteServer {
    // The fractions of the golden ratio's multiples fill a line evenly, in any number of parts.
    return this.#at(from, count, { nowMs, place: (this.#turn++ * 0.618_033_988_749_895) % 1 });
  }

  #byChance(from: readonly RouteServer[], count: number, nowMs: number): RouteServer {
    return this.#at(from, count, { nowMs, place: this.#random() });
  }

  /** The server at a place from 0 to 1 on a line on which each has a part as long as its weight. */
  #at(
    from: readonly RouteServer[],
    count: number,
    { nowMs, place }: { readonly nowMs: number; readonly place: number },
  ): RouteServer {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += this.weightOf(from[i], nowMs);
    let left = place * sum;
    for (let i = 0; i < count; i++) {
      left -= this.weightOf(from[i], nowMs);
      if (left < 0) return from[i];
    }
    return from[count - 1];
  }
}
