// What figures were when somebody has set them to 0, which ProxySQL's tables with `_reset` behind their
// name do when they are read, and TRUNCATE does. The figures themselves go on: our own tables and /metrics
// show them since the start.

import { type DigestTotals, type ErrorTotals, Times, type TimesDelta } from "../../observe/mod.ts";

/** What a server's figures were. */
export interface ServerFigures {
  readonly opened: number;
  readonly failed: number;
  readonly statements: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** What a digest's figures were. */
interface DigestFigures {
  readonly times: TimesDelta;
  readonly rowsSent: number;
  readonly rowsAffected: number;
}

/** A digest's figures since a moment. */
export interface DigestSince {
  readonly times: Times;
  readonly rowsSent: number;
  readonly rowsAffected: number;
}

/** Figures of statements as they were at a moment. Totals that are gone are forgotten with it. */
export class StatementMark {
  /** When that was, in milliseconds since 1970; 0: never, all counts since the start. */
  digestsAtMs = 0;
  errorsAtMs = 0;
  #digests = new WeakMap<DigestTotals, DigestFigures>();
  #errors = new WeakMap<ErrorTotals, number>();

  /** What has come since then; undefined: nothing. */
  ofDigest(totals: DigestTotals): DigestSince | undefined {
    const before = this.#digests.get(totals);
    if (before === undefined) return totals;
    if (before.times.count === totals.times.count) return undefined;
    return {
      times: timesSince(totals.times.delta, before.times),
      rowsSent: totals.rowsSent - before.rowsSent,
      rowsAffected: totals.rowsAffected - before.rowsAffected,
    };
  }

  /** How many there were since then. */
  ofError(totals: ErrorTotals): number {
    return totals.count - (this.#errors.get(totals) ?? 0);
  }

  /** Digests begin at 0. */
  markDigests(all: readonly DigestTotals[], nowMs: number): void {
    this.digestsAtMs = nowMs;
    for (const totals of all) {
      const { times, rowsSent, rowsAffected } = totals;
      this.#digests.set(totals, { times: times.delta, rowsSent, rowsAffected });
    }
  }

  /** Errors do. */
  markErrors(all: readonly ErrorTotals[], nowMs: number): void {
    this.errorsAtMs = nowMs;
    for (const totals of all) this.#errors.set(totals, totals.count);
  }
}

/** All of them; the same for everybody who asks, as ProxySQL's are. */
export class Baselines {
  /** Of the tables themselves: moved by TRUNCATE. */
  readonly shown: StatementMark = new StatementMark();
  /** Of those with `_reset`: moved by reading them, too. */
  readonly reset: StatementMark = new StatementMark();
  /** Of stats_mysql_connection_pool_reset, by server. */
  readonly servers = new Map<string, ServerFigures>();
  /** Of stats_mysql_client_host_cache_reset, by address. */
  readonly hosts = new Map<string, number>();
  #last: Promise<unknown> = Promise.resolve();

  /** One after the other: what one has set to 0 no other one sees, or counts from an older figure. */
  inTurn<T>(read: () => Promise<T>): Promise<T> {
    const result = this.#last.then(read);
    this.#last = result.catch(() => {});
    return result;
  }
}

/** How much a figure has grown; one that has begun anew counts whole. */
export function grown(now: number, before: number | undefined): number {
  return before === undefined || now < before ? now : now - before;
}

/** The longest is known where it is the longest of all; else by its bucket. */
function timesSince(now: TimesDelta, before: TimesDelta): Times {
  const known = new Map<number, number>();
  for (let at = 0; at < before.buckets.length; at += 2) {
    known.set(before.buckets[at], before.buckets[at + 1]);
  }
  const buckets: number[] = [];
  for (let at = 0; at < now.buckets.length; at += 2) {
    const count = now.buckets[at + 1] - (known.get(now.buckets[at]) ?? 0);
    if (count > 0) buckets.push(now.buckets[at], count);
  }
  const times = new Times();
  times.add({
    count: now.count - before.count,
    sumUs: now.sumUs - before.sumUs,
    maxUs: now.maxUs,
    buckets,
  });
  if (now.maxUs === before.maxUs) times.maxUs = times.percentile(1) ?? 0;
  return times;
}
