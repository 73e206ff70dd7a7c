// What all workers have measured since the start: what they tell each second, added up. Bounded: of
// too many digests those that were seen longest ago go.

import { createHash } from "node:crypto";
import type { DigestName } from "./digest_names.ts";
import { Times } from "./histogram.ts";
import type { DigestDelta, MetricsDelta, StageName } from "./statement_metrics.ts";

/** Where there are too many digests, room is made for so many more, as a part of all. */
const EVICTED_PART = 1 / 16;

/** A digest at one server, or all statements of it without one. */
export class DigestTotals {
  readonly times = new Times();
  errors = 0;
  rowsSent = 0;
  rowsAffected = 0;
  /** Milliseconds since 1970. */
  readonly firstMs: number;
  lastMs: number;
  readonly server: string;
  /** Default schema and account of one of its statements. */
  readonly db: string;
  readonly user: string;
  readonly digest: Digest | undefined;

  constructor(delta: DigestDelta, digest: Digest | undefined, nowMs: number) {
    this.server = delta.server;
    this.db = delta.db;
    this.user = delta.user;
    this.digest = digest;
    this.firstMs = this.lastMs = nowMs;
  }

  add(delta: DigestDelta, nowMs: number): void {
    this.times.add(delta);
    this.errors += delta.errors;
    this.rowsSent += delta.rowsSent;
    this.rowsAffected += delta.rowsAffected;
    this.lastMs = nowMs;
  }
}

/** A digest, wherever its statements go. */
export interface Digest {
  /** The server's STATEMENT_DIGEST() once that is known; before, and where it has none, the proxy's own. */
  hash: string;
  text: string;
  /** Whether the server has said so. */
  isServers: boolean;
}

/** A digest that a server may be asked about. */
export interface NewDigest {
  readonly digest: Digest;
  /** The normalised text, one character a byte. */
  readonly text: string;
  /** A statement of it without its values. */
  readonly sample: string;
  readonly server: string;
}

/** An error number at one server. */
export interface ErrorTotals {
  readonly code: number;
  readonly server: string;
  count: number;
  readonly firstMs: number;
  lastMs: number;
}

/** A stage at one server. */
export interface StageTotals {
  readonly stage: StageName;
  readonly server: string;
  readonly times: Times;
}

/** The sums. */
export class MetricsTotals {
  #digestsMax: number;
  readonly #onDigest: (digest: NewDigest) => void;
  /** By text. */
  readonly #known = new Map<string, Digest>();
  readonly #digests = new Map<string, DigestTotals>();
  readonly #stages = new Map<string, StageTotals>();
  readonly #errors = new Map<string, ErrorTotals>();

  /**
   * @param options.digestsMax Digests and servers that are kept.
   * @param options.onDigest Told of each that is new.
   */
  constructor(options: {
    readonly digestsMax: number;
    readonly onDigest?: (digest: NewDigest) => void;
  }) {
    this.#digestsMax = options.digestsMax;
    this.#onDigest = options.onDigest ?? (() => {});
  }

  /** Keeps more or fewer digests and servers. */
  setDigestsMax(digestsMax: number): void {
    this.#digestsMax = digestsMax;
  }

  get digests(): readonly DigestTotals[] {
    return [...this.#digests.values()];
  }

  /** What servers call those digests that they were asked about. */
  get names(): readonly DigestName[] {
    return [...this.#known].filter(([, { isServers }]) => isServers)
      .map(([text, { hash }]) => [text, hash]);
  }

  get stages(): readonly StageTotals[] {
    return [...this.#stages.values()];
  }

  get errors(): readonly ErrorTotals[] {
    return [...this.#errors.values()];
  }

  /** Adds what a worker tells. */
  add({ stages, digests, errors }: MetricsDelta, nowMs: number): void {
    for (const delta of stages) {
      const { stage, server } = delta;
      const key = `${stage} ${server}`;
      const known = this.#stages.get(key) ?? { stage, server, times: new Times() };
      known.times.add(delta);
      this.#stages.set(key, known);
    }
    for (const delta of digests) this.#addDigest(delta, nowMs);
    for (const { code, server, count } of errors) {
      const key = `${code} ${server}`;
      const known = this.#errors.get(key);
      if (known) {
        known.count += count;
        known.lastMs = nowMs;
      } else this.#errors.set(key, { code, server, count, firstMs: nowMs, lastMs: nowMs });
    }
    if (this.#digests.size > this.#digestsMax) this.#evict();
  }

  #addDigest(delta: DigestDelta, nowMs: number): void {
    const key = `${delta.server} ${delta.text}`;
    let totals = this.#digests.get(key);
    if (totals === undefined) {
      const digest = delta.text === "" ? undefined : this.#digestOf(delta);
      totals = new DigestTotals(delta, digest, nowMs);
    } else this.#digests.delete(key); // a Map keeps the order of insertion: seen last is last
    totals.add(delta, nowMs);
    this.#digests.set(key, totals);
  }

  #digestOf({ text, sample, server }: DigestDelta): Digest {
    const known = this.#known.get(text);
    if (known) return known;
    const digest: Digest = { hash: hashOf(text), text: readable(text), isServers: false };
    this.#known.set(text, digest);
    if (sample !== undefined) this.#onDigest({ digest, text, sample, server });
    return digest;
  }

  /** What goes is added to the statements without a digest, so that sums stay true. */
  #evict(): void {
    const wanted = this.#digests.size - Math.floor(this.#digestsMax * (1 - EVICTED_PART));
    let gone = 0;
    for (const [key, totals] of this.#digests) {
      if (gone === wanted) break;
      if (totals.digest === undefined) continue;
      this.#digests.delete(key);
      gone++;
      const others = this.#others(totals);
      others.times.merge(totals.times);
      others.errors += totals.errors;
      others.rowsSent += totals.rowsSent;
      others.rowsAffected += totals.rowsAffected;
      others.lastMs = Math.max(others.lastMs, totals.lastMs);
    }
    const used = new Set([...this.#digests.values()].map(({ digest }) => digest));
    for (const [text, digest] of this.#known) if (!used.has(digest)) this.#known.delete(text);
  }

  #others({ server, firstMs }: DigestTotals): DigestTotals {
    const key = `${server} `;
    const known = this.#digests.get(key);
    if (known) return known;
    const none = { text: "", sample: undefined, server, db: "", user: "", buckets: [] };
    const delta = {
      ...none,
      count: 0,
      sumUs: 0,
      maxUs: 0,
      errors: 0,
      rowsSent: 0,
      rowsAffected: 0,
    };
    const others = new DigestTotals(delta, undefined, firstMs);
    this.#digests.set(key, others);
    return others;
  }
}

function hashOf(text: string): string {
  return createHash("sha256").update(text, "latin1").digest("hex");
}

/** Texts are kept one character a byte. */
function readable(text: string): string {
  return Buffer.from(text, "latin1").toString();
}
