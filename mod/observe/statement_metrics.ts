// What a worker measures of statements: times by stage and server, counts by digest and server,
// errors. Each second the supervisor takes what has come. Hot path: numbers in typed arrays.

import { digestOf, type LexicalMode, Shape, withoutValues } from "../sql/mod.ts";
import { HistogramBank, type TimesDelta } from "./histogram.ts";

/** The stages of a statement whose time is measured, by the index of their histograms. */
export const STAGES = [
  "queue",
  "connect",
  "restore",
  "consistency",
  "execute",
  "stream",
  "total",
] as const;
/** A stage's name. */
export type StageName = typeof STAGES[number];
/** The index of each stage. */
export const Stage = {
  /** It waited for a server connection. */
  QUEUE: 0,
  /** A connection was opened: logins on behalf of a client or a pool. */
  CONNECT: 1,
  /** The connection was given the session's state. */
  RESTORE: 2,
  /** It waited until a replica had the data that it is to see. */
  CONSISTENCY: 3,
  /** From the moment it was sent to the end of its answer. */
  EXECUTE: 4,
  /** Of that, from the first piece of an answer to its end; not of answers in one piece. */
  STREAM: 5,
  /** From its arrival to the end of its answer. */
  TOTAL: 6,
} as const;

/** Servers with numbers of their own; further ones share the last. */
const SERVERS_MAX = 64;
/** Digests and servers between two deliveries; what is beyond counts as "others". */
const RECORDS_MAX = 4096;
/** And room for those of each server. */
const RECORDS_SIZE = RECORDS_MAX + SERVERS_MAX;
/** Places for shapes; half of them are used at most. */
const SLOTS = 16_384;
/** Digests made in a second: each costs some microseconds. */
const MADE_MAX = 2000;
/** Digests' texts and samples are cut off behind this, in bytes. */
const TEXT_MAX = 4096;
/** Error numbers and servers between two deliveries. */
const ERRORS_MAX = 512;

/** A digest that a worker tells of. */
export interface DigestDelta extends TimesDelta {
  /** The normalised statement; empty: statements without a digest. */
  readonly text: string;
  /** Told once: the statement with other values in place of its own. */
  readonly sample: string | undefined;
  readonly server: string;
  readonly db: string;
  readonly user: string;
  readonly errors: number;
  readonly rowsSent: number;
  readonly rowsAffected: number;
}

/** What a worker has measured since it told last. */
export interface MetricsDelta {
  readonly stages: readonly (TimesDelta & { readonly stage: StageName; readonly server: string })[];
  readonly digests: readonly DigestDelta[];
  readonly errors: readonly {
    readonly code: number;
    readonly server: string;
    readonly count: number;
  }[];
}

interface DigestRecord {
  readonly text: string;
  readonly sample: string;
  readonly server: number;
  db: string;
  user: string;
  told: boolean;
}

/** The measurements of one worker. */
export class StatementMetrics {
  /** Nothing is measured where this is off. */
  enabled: boolean;
  /** The record found last has to be described. */
  isNew = false;
  readonly #servers: string[] = [];
  #lastServer = "";
  #lastNumber = 0;
  readonly #shape = new Shape();
  readonly #slots = new Int32Array(SLOTS);
  readonly #lows = new Int32Array(SLOTS);
  readonly #highs = new Int32Array(SLOTS);
  #slotsUsed = 0;
  readonly #records: DigestRecord[] = [];
  /** Records are numbered from here on: those of a statement under way may have been forgotten. */
  #firstRecord = 0;
  readonly #byText = new Map<string, number>();
  readonly #errorsOf = new Float64Array(RECORDS_SIZE);
  readonly #rowsSent = new Float64Array(RECORDS_SIZE);
  readonly #rowsAffected = new Float64Array(RECORDS_SIZE);
  /** Made with the first statement. */
  #times: HistogramBank | undefined;
  readonly #stages = new HistogramBank(STAGES.length * SERVERS_MAX);
  readonly #errors = new Map<number, number>();
  #made = 0;

  constructor(enabled: boolean) {
    this.enabled = enabled;
  }

  /** A server's number. Hot path: the same server as before is found at once. */
  server(name: string): number {
    if (name === this.#lastServer) return this.#lastNumber;
    let number = this.#servers.indexOf(name);
    if (number < 0) {
      if (this.#servers.length === SERVERS_MAX) number = SERVERS_MAX - 1;
      else number = this.#servers.push(name) - 1;
    }
    this.#lastServer = name;
    return this.#lastNumber = number;
  }

  /** Adds the time of a stage. Hot path. @param stage A value of `Stage`. */
  addStage(stage: number, server: number, us: number): void {
    this.#stages.add(stage * SERVERS_MAX + server, us);
  }

  /** Adds a statement to its digest. Hot path. @param record From `find`. */
  addStatement(found: number, us: number, answer: {
    readonly errorCode: number;
    readonly rows: number;
    readonly affectedRows: number;
  }): void {
    // Forgotten while the statement was under way: then nobody else has got its number.
    if (found < this.#firstRecord) return;
    const record = found - this.#firstRecord;
    (this.#times ??= new HistogramBank(RECORDS_SIZE)).add(record, us);
    if (answer.errorCode !== 0) this.#errorsOf[record]++;
    this.#rowsSent[record] += answer.rows;
    this.#rowsAffected[record] += answer.affectedRows;
  }

  /** Counts an error that a server has answered with. */
  addError(code: number, server: number): void {
    const key = code * SERVERS_MAX + server;
    const count = this.#errors.get(key);
    if (count !== undefined || this.#errors.size < ERRORS_MAX) {
      this.#errors.set(key, (count ?? 0) + 1);
    }
  }

  /** The record of a server's statements without a digest. */
  others(server: number): number {
    return this.#firstRecord + this.#othersOf(server);
  }

  /**
   * The record of the statement at `start` to `end`. Hot path: one pass over its bytes. `isNew` says
   * whether it is to be described.
   */
  find(bytes: Uint8Array, start: number, end: number, mode: LexicalMode, server: number): number {
    const shape = this.#shape;
    const limit = Math.min(end, start + TEXT_MAX);
    shape.read(bytes, start, limit, mode);
    const low = shape.low ^ Math.imul(server + 1, 0x9e3779b1);
    const { high } = shape;
    this.isNew = false;
    let slot = low & (SLOTS - 1);
    for (;;) {
      const found = this.#slots[slot];
      if (found === 0) break;
      if (this.#lows[slot] === low && this.#highs[slot] === high) {
        return this.#firstRecord + found - 1;
      }
      slot = (slot + 1) & (SLOTS - 1);
    }
    const record = this.#recordOf(bytes.subarray(start, limit), mode, server);
    if (this.#slotsUsed >= SLOTS / 2) this.#forgetShapes();
    this.#slotsUsed++;
    slot = low & (SLOTS - 1);
    while (this.#slots[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
    this.#slots[slot] = record + 1;
    this.#lows[slot] = low;
    this.#highs[slot] = high;
    return this.#firstRecord + record;
  }

  /** A record that was found before is still that of a server's statements. Hot path. */
  isOf(record: number, server: number): boolean {
    const at = record - this.#firstRecord;
    return at >= 0 && at < this.#records.length && this.#records[at].server === server;
  }

  /** The normalised text of a record; empty: it has none, or is forgotten. */
  textOf(record: number): string {
    return this.#records[record - this.#firstRecord]?.text ?? "";
  }

  /** Says who sent the first statement of a digest that is new. */
  describe(record: number, user: string, db: string): void {
    const found = this.#records[record - this.#firstRecord];
    found.user = user;
    found.db = db;
  }

  #recordOf(text: Uint8Array, mode: LexicalMode, server: number): number {
    if (++this.#made > MADE_MAX || this.#records.length >= RECORDS_MAX) {
      return this.#othersOf(server);
    }
    const digest = digestOf(text, 0, text.length, mode);
    const known = this.#byText.get(`${server} ${digest}`);
    if (known !== undefined) return known;
    this.isNew = true;
    const sample = withoutValues(text, mode.ansiQuotes === true);
    return this.#addRecord({ text: digest, sample, server, db: "", user: "", told: false });
  }

  #othersOf(server: number): number {
    const known = this.#byText.get(`${server} `);
    if (known !== undefined) return known;
    return this.#addRecord({ text: "", sample: "", server, db: "", user: "", told: true });
  }

  #addRecord(record: DigestRecord): number {
    const number = this.#records.push(record) - 1;
    this.#byText.set(`${record.server} ${record.text}`, number);
    return number;
  }

  #forgetShapes(): void {
    this.#slots.fill(0);
    this.#slotsUsed = 0;
  }

  /** What has come since the last time. Once a second. */
  take(): MetricsDelta {
    this.#made = 0;
    const delta = {
      stages: this.#takeStages(),
      digests: this.#takeDigests(),
      errors: [...this.#errors].map(([key, count]) => ({
        code: Math.floor(key / SERVERS_MAX),
        server: this.#servers[key % SERVERS_MAX],
        count,
      })),
    };
    this.#errors.clear();
    return delta;
  }

  #takeStages(): MetricsDelta["stages"] {
    return STAGES.flatMap((stage, at) =>
      this.#servers.flatMap((server, number) => {
        const histogram = at * SERVERS_MAX + number;
        if (this.#stages.totals[histogram] === 0) return [];
        return [{ stage, server, ...this.#stages.take(histogram) }];
      })
    );
  }

  #takeDigests(): DigestDelta[] {
    const times = this.#times;
    if (times === undefined) return [];
    const deltas: DigestDelta[] = [];
    for (const [at, record] of this.#records.entries()) {
      if (times.totals[at] === 0) continue;
      const { text, sample, server, db, user, told } = record;
      deltas.push({
        text,
        sample: told ? undefined : sample,
        server: this.#servers[server],
        db,
        user,
        errors: this.#errorsOf[at],
        rowsSent: this.#rowsSent[at],
        rowsAffected: this.#rowsAffected[at],
        ...times.take(at),
      });
      record.told = true;
      this.#errorsOf[at] = this.#rowsSent[at] = this.#rowsAffected[at] = 0;
    }
    // Room for those to come: nothing of what is here is lost any more.
    if (this.#records.length > RECORDS_MAX / 2) {
      this.#firstRecord += this.#records.length;
      this.#records.length = 0;
      this.#byText.clear();
      this.#forgetShapes();
    }
    return deltas;
  }
}
