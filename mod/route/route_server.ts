// A server as routing sees it: one object for as long as it is a member, changed by each topology
// and by each answer. No socket.

import {
  type Position,
  type ReadPosition,
  readPosition,
  type Role,
  type TopologyServer,
} from "../cluster/mod.ts";
import { SOURCES_MAX } from "./sources.ts";

/** How much of a new latency is taken into the mean. */
const LATENCY_SHARE = 0.1;
/** Over how long requests that are outstanding are averaged, in milliseconds. */
const MEAN_MS = 20;

/** A server with its live counters. */
export class RouteServer {
  readonly name: string;
  role: Role = "none";
  isPrimary = false;
  /** New reads may go to it, as the topology says. */
  reads = false;
  /** New writes may. */
  writes = false;
  weight = 1;
  tags: readonly string[] = [];
  /** It is in the proxy's zone. */
  inZone = false;
  /** Null: not known. */
  lagMs: number | null = null;
  warmAtMs: number | null = null;
  /** Its data is too old, or it replicates no more, as the topology says. */
  lags = false;
  /** It is a member of the topology at hand. */
  isMember = true;

  /** Requests sent and not answered. */
  outstanding = 0;
  /** The mean time of its answers, in milliseconds; 0 before the first. */
  latencyMs = 0;
  /** Failures since its last answer. */
  failures = 0;
  /** Until when it gets no reads, in milliseconds since 1970; 0: it does. */
  ejectedUntilMs = 0;
  /** Requests sent to it, ever. */
  sent = 0;
  /** Since when it has owed answers and given none, by `performance.now()`. */
  quietSince = 0;
  /** It hangs: it gets no reads. */
  isStalled = false;
  /** Its data gets no newer, as reads have found out that waited for it. */
  standsStill = false;
  /** Reads that wait for it to get as far as they must see. */
  waits = 0;
  /** Since when such reads have been waiting and none was served, by `performance.now()`. */
  waitsSince = 0;

  /** Of each source it has all up to this number. */
  readonly prefix = new Float64Array(SOURCES_MAX);
  /** When it had what it said last that it has, at the earliest, in milliseconds since 1970. */
  positionMs = 0;
  /** What `outstanding` was on average until some time, by `performance.now()`. */
  #mean = 0;
  #meanAt = 0;
  #position: Position | undefined;
  #read: ReadPosition | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** What it said last that it has; undefined: it never did. Read when it is first asked for. */
  get position(): ReadPosition | undefined {
    if (this.#read === undefined && this.#position !== undefined) {
      this.#read = readPosition(this.#position);
    }
    return this.#read;
  }

  /** It has said how far it is. */
  setPosition(position: Position, positionMs: number): void {
    this.#position = position;
    this.#read = undefined;
    this.positionMs = positionMs;
  }

  /** New reads may go to it now. */
  get takesReads(): boolean {
    return this.reads && !this.isStalled;
  }

  /** Nobody waits for it to get further. */
  get isLate(): boolean {
    return this.lags || this.standsStill;
  }

  /** A request goes to it. @param now By `performance.now()`. */
  noteSent(now: number): void {
    this.meanOutstanding(now);
    if (this.outstanding++ === 0) this.quietSince = now;
    this.sent++;
  }

  /**
   * A request was answered.
   *
   * @param latencyMs From sending to the answer's end.
   * @param now By `performance.now()`.
   */
  noteAnswered(latencyMs: number, now: number): void {
    this.meanOutstanding(now);
    this.outstanding--;
    this.quietSince = now;
    this.failures = 0;
    this.latencyMs = this.latencyMs === 0
      ? latencyMs
      : this.latencyMs + (latencyMs - this.latencyMs) * LATENCY_SHARE;
  }

  /**
   * How many requests have been outstanding lately: answers come many at a time, so that at any
   * moment one server may have none of them. Hot path. @param now By `performance.now()`.
   */
  meanOutstanding(now: number): number {
    const ms = now - this.#meanAt;
    if (ms > 0) {
      this.#mean += (this.outstanding - this.#mean) * ms / (ms + MEAN_MS);
      this.#meanAt = now;
    }
    return this.#mean;
  }

  /** A read waits for it to get further. @param now By `performance.now()`. */
  noteWait(now: number): void {
    if (this.waits++ === 0) this.waitsSince = now;
  }

  /** It waits no more. @param now When it was served; 0: it was not. */
  noteWaited(now: number): void {
    this.waits--;
    if (now !== 0) this.waitsSince = now;
  }

  /** Nobody waits for a request's answer any more. */
  noteAbandoned(): void {
    this.outstanding--;
  }

  /** A request will not be answered, or a connection could not be had. */
  noteFailed(wasSent: boolean): void {
    if (wasSent) this.outstanding--;
    this.failures++;
  }

  /** Takes over what a topology says. @param zone Tag of the proxy's zone; "" for none. */
  update(server: TopologyServer, isPrimary: boolean, zone: string): void {
    this.role = server.role;
    this.isPrimary = isPrimary;
    this.reads = server.reads;
    this.writes = server.writes;
    this.weight = server.weight;
    this.tags = server.tags;
    this.inZone = zone !== "" && server.tags.includes(zone);
    this.lagMs = server.lagMs;
    this.lags = server.state === "lagging";
    this.warmAtMs = server.warmAtMs;
  }

  /** It may have been given other data: what it was known to have counts no more. */
  forgetPosition(): void {
    this.prefix.fill(0);
    this.#position = undefined;
    this.#read = undefined;
    this.positionMs = 0;
  }
}
