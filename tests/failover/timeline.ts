// What happened when: answers, errors and latencies by tenths of a second, and the longest stalls.

const BUCKET_MS = 100;
/** Answers that took longer are remembered one by one, in milliseconds. */
const SLOW_MS = 200;

/** A tenth of a second of a load. */
export interface Bucket {
  writes: number;
  reads: number;
  errors: number;
  /** The slowest answer that came in it, in milliseconds. */
  slowestMs: number;
  slowestReadMs: number;
}

/** What happened when, as it is printed. */
export function markLine(atMs: number, what: string): string {
  return `  ${(atMs / 1000).toFixed(2)} s  ${what}`;
}

/** Collected while a load runs. */
export class Timeline {
  readonly startedMs = performance.now();
  readonly buckets: Bucket[] = [];
  /** The longest time that a session waited for one answer, by kind of statement, in ms. */
  longest = { read: 0, write: 0, error: 0 };
  /** Answers that took long: by when they came, how long they took. */
  readonly slow: { readonly atMs: number; readonly tookMs: number; readonly kind: string }[] = [];
  readonly #writtenMs: number[] = [];
  readonly marks: { readonly atMs: number; readonly what: string }[] = [];
  onMark: ((line: string) => void) | undefined;

  /** Since the load began. */
  get nowMs(): number {
    return performance.now() - this.startedMs;
  }

  /** Something was done to the cluster, or noticed. */
  mark(what: string): void {
    const atMs = this.nowMs;
    this.marks.push({ atMs, what });
    this.onMark?.(markLine(atMs, what));
  }

  /** An answer has come. @param startMs When the statement was sent, by `performance.now()`. */
  note(startMs: number, kind: "read" | "write" | "error"): void {
    const now = performance.now();
    const took = now - startMs;
    if (took > SLOW_MS) this.slow.push({ atMs: now - this.startedMs, tookMs: took, kind });
    const bucket = this.#bucket(now);
    if (kind === "read") {
      bucket.reads++;
      bucket.slowestReadMs = Math.max(bucket.slowestReadMs, took);
    } else if (kind === "write") {
      bucket.writes++;
      this.#writtenMs.push(now - this.startedMs);
    } else bucket.errors++;
    bucket.slowestMs = Math.max(bucket.slowestMs, took);
    this.longest[kind] = Math.max(this.longest[kind], took);
  }

  /** The last bucket is whole. */
  end(): void {
    this.#bucket(performance.now());
  }

  /** When the first write was answered from a time on; undefined: none was. */
  firstWriteAfter(atMs: number): number | undefined {
    return this.#writtenMs.find((ms) => ms >= atMs);
  }

  /** The slowest answers that came in a time, in milliseconds. */
  slowestIn(fromMs: number, toMs: number): { readonly any: number; readonly read: number } {
    const from = Math.floor(fromMs / BUCKET_MS);
    const buckets = this.buckets.slice(from, Math.ceil(toMs / BUCKET_MS));
    return {
      any: Math.max(0, ...buckets.map(({ slowestMs }) => slowestMs)),
      read: Math.max(0, ...buckets.map(({ slowestReadMs }) => slowestReadMs)),
    };
  }

  #bucket(now: number): Bucket {
    const at = Math.floor((now - this.startedMs) / BUCKET_MS);
    while (this.buckets.length <= at) {
      this.buckets.push({ writes: 0, reads: 0, errors: 0, slowestMs: 0, slowestReadMs: 0 });
    }
    return this.buckets[at]!;
  }
}
