// What a worker's sessions have used since it told last: told each second, added up, and kept when the
// worker is gone.

import type { TrafficDelta } from "../backend/mod.ts";
import type { Config } from "../config/mod.ts";
import { type RuleHitsDelta, RuleHitTotals } from "../route/mod.ts";
import type { SessionContext } from "../session/mod.ts";

/** Servers that are remembered; one that nothing goes to any more is forgotten first. */
const SERVERS_MAX = 1000;

/** What goes to a server. */
interface ServerDelta extends TrafficDelta {
  /** Its name, as server connections have it. */
  readonly server: string;
}

/** What one worker tells. */
export interface UsageDelta {
  readonly rules: readonly RuleHitsDelta[];
  readonly servers: readonly ServerDelta[];
}

/** Takes what has come since the last time. Walks the server connections. */
export function takeUsage({ routing, servers }: SessionContext): UsageDelta {
  const used: ServerDelta[] = [];
  for (const { name, traffic } of servers.all()) {
    const delta = traffic.take();
    if (delta !== undefined) used.push({ server: name, ...delta });
  }
  return { rules: routing?.ruleHits.take() ?? [], servers: used };
}

/** Whether there is nothing to tell. */
export function isUnused({ rules, servers }: UsageDelta): boolean {
  return rules.length + servers.length === 0;
}

/** What has gone to one server. */
export class ServerUsage {
  bytesSent = 0;
  bytesReceived = 0;
  /**
   * Connections that sessions had at the same time, at most. With several workers each one's most
   * within the same second or so counts: it may be a few too many, never too few.
   */
  usedMax = 0;
  /** The same since somebody has taken it. */
  #recentMax = 0;
  /** By worker: the most that it has told of last. */
  readonly #used = new Map<number, number>();

  /** Adds what a worker tells. */
  add({ bytesSent, bytesReceived, usedMax }: TrafficDelta, worker: number): void {
    this.bytesSent += bytesSent;
    this.bytesReceived += bytesReceived;
    this.#used.set(worker, usedMax);
    const used = this.#now;
    this.usedMax = Math.max(this.usedMax, used);
    this.#recentMax = Math.max(this.#recentMax, used);
  }

  /** A worker has ended, and its connections with it. */
  end(worker: number): void {
    this.#used.delete(worker);
  }

  /** The most connections since the last time that it was taken. */
  takeUsedMax(): number {
    const most = this.#recentMax;
    this.#recentMax = this.#now;
    return most;
  }

  get #now(): number {
    return [...this.#used.values()].reduce((sum, used) => sum + used, 0);
  }
}

/** The sums since the start. */
export class UsageTotals {
  readonly rules: RuleHitTotals = new RuleHitTotals();
  readonly #servers = new Map<string, ServerUsage>();

  /** @param options.worker Whose it is. @param options.config The one in force. */
  add({ rules, servers }: UsageDelta, { worker, config }: {
    readonly worker: number;
    readonly config: Config;
  }): void {
    this.rules.add(rules);
    this.rules.forgetOthers(config.rules);
    for (const { server, ...delta } of servers) {
      const usage = this.#servers.get(server) ?? new ServerUsage();
      usage.add(delta, worker);
      this.#servers.delete(server); // a Map keeps the order of insertion: used last is last
      this.#servers.set(server, usage);
    }
    for (const server of this.#servers.keys()) {
      if (this.#servers.size <= SERVERS_MAX) break;
      this.#servers.delete(server);
    }
  }

  /** A worker has ended. */
  end(worker: number): void {
    for (const usage of this.#servers.values()) usage.end(worker);
  }

  /** By the names of servers, as server connections have them. */
  get servers(): ReadonlyMap<string, ServerUsage> {
    return this.#servers;
  }
}
