// The servers that are fit for a read. Hot path: filters one after the other, in place, and none of
// them takes the last one away.

import type { RouteServer } from "./route_server.ts";

/** Servers by how well they will do: the first `count` of `servers` are the ones at hand. */
export class Candidates {
  servers: RouteServer[] = [];
  count = 0;
  /** What the filters go by. */
  tags: readonly string[] | undefined;
  nowMs = 0;

  /** Makes room for as many servers as there are. */
  resize(length: number): void {
    this.servers = new Array<RouteServer>(length);
    this.count = 0;
  }

  /**
   * Gathers those of `from` that are fit.
   *
   * @param zoneMin Servers there must be in the zone for it to count.
   */
  gather(from: readonly RouteServer[], zoneMin: number): void {
    let count = 0;
    for (let at = 0; at < from.length; at++) {
      if (from[at].takesReads) this.servers[count++] = from[at];
    }
    this.count = count;
    if (this.tags !== undefined) this.#keep(hasTags, 1);
    this.#keep(isTaken, 1);
    this.#keep(hasWeight, 1);
    this.#keep(isNear, zoneMin);
  }

  /** Goes on with a single server. */
  only(server: RouteServer): void {
    this.servers[0] = server;
    this.count = 1;
  }

  /** Adds one more. */
  add(server: RouteServer): void {
    this.servers[this.count++] = server;
  }

  /** Puts each of two in the other's place. */
  swap(one: number, other: number): void {
    const kept = this.servers[one];
    this.servers[one] = this.servers[other];
    this.servers[other] = kept;
  }

  /** Keeps those that fit, if they are at least `min`. */
  #keep(fits: (server: RouteServer, candidates: Candidates) => boolean, min: number): void {
    let kept = 0;
    for (let at = 0; at < this.count; at++) {
      if (fits(this.servers[at], this)) this.swap(at, kept++);
    }
    if (kept >= min) this.count = kept;
  }
}

function hasTags(server: RouteServer, { tags }: Candidates): boolean {
  for (let at = 0; at < tags!.length; at++) if (!server.tags.includes(tags![at])) return false;
  return true;
}

function isTaken(server: RouteServer, { nowMs }: Candidates): boolean {
  return server.ejectedUntilMs <= nowMs;
}

function hasWeight(server: RouteServer): boolean {
  return server.weight > 0;
}

function isNear(server: RouteServer): boolean {
  return server.inZone;
}
