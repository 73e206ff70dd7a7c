// What a worker measures of statements: times by stage and server, counts by digest and server,
// errors. Each second the supervisor takes what has come. Hot path: numbers in typed arrays. A
// statement that has waited for nothing is added to its digest alone, once: what the stages have of
// it is added up when it is taken.

import { digestOf, type LexicalMode, Shape, withoutValues } from "../sql/mod.ts";
import { HistogramBank, Times, type TimesDelta } from "./histogram.ts";

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
/** Words of a place: the shape's two, and the record's number from 1 on; the fourth is not used. */
const SLOT_WORDS = 4;
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

/** What an answer adds to its digest. */
export interface MeasuredAnswer {
  readonly errorCode: number;
  readonly rows: number;
  readonly affectedRows: number;
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
  readonly #slots = new Int32Array(SLOTS * SLOT_WORDS);
  #slotsUsed = 0;
  readonly #records: DigestRecord[] = [];
  /** Records are numbered from here on: those of a statement under way may have been forgotten. */
  #firstRecord = 0;
  readonly #byText = new Map<string, number>();
  readonly #errorsOf = new Float64Array(RECORDS_SIZE);
  readonly #rowsSent = new Float64Array(RECORDS_SIZE);
  readonly #rowsAffected = new Float64Array(RECORDS_SIZE);
  /** By record, of statements that were sent as they came. Made with the first one. */
  #times: HistogramBank | undefined;
  /** By record, of those that have waited for something. */
  #waitedTimes: HistogramBank | undefined;
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

  /**
   * Adds the time of a stage. Hot path.
   *
   * @param stage A value of `Stage`. TOTAL comes with the statements, and so does EXECUTE of those
   *   that have waited for nothing.
   */
  addStage(stage: number, server: number, us: number): void {
    this.#stages.add(stage * SERVERS_MAX + server, us);
  }

  /**
   * Adds a statement that was sent as it came: all of its time is EXECUTE. Hot path.
   *
   * @param found From `find`.
   */
  addStatement(found: number, server: number, us: number, answer: MeasuredAnswer): void {
    const record = this.#note(found, server, answer);
    (this.#times ??= new HistogramBank(RECORDS_SIZE)).add(record, us);
  }

  /** Adds one that has waited for something; its EXECUTE is added by itself. */
  addWaited(found: number, server: number, us: number, answer: MeasuredAnswer): void {
    const record = this.#note(found, server, answer);
    (this.#waitedTimes ??= new HistogramBank(RECORDS_SIZE)).add(record, us);
  }

  #note(found: number, server: number, answer: MeasuredAnswer): number {
    let record = found - this.#firstRecord;
    // Forgotten while the statement was under way.
    if (record < 0) record = this.#othersOf(server);
    const { rows, affectedRows } = answer;
    if (answer.errorCode !== 0) this.#errorsOf[record]++;
    if (rows > 0) this.#rowsSent[record] += rows;
    if (affectedRows > 0) this.#rowsAffected[record] += affectedRows;
    return record;
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
    let at = placeOf(low);
    for (;;) {
      const found = this.#slots[at + 2];
      if (found === 0) break;
      if (this.#slots[at] === low && this.#slots[at + 1] === high) {
        return this.#firstRecord + found - 1;
      }
      at = placeBehind(at);
    }
    const record = this.#recordOf(bytes.subarray(start, limit), mode, server);
    // Of too many at a time one is found when it comes again.
    if (this.#records[record].text !== "") this.#keepShape(low, high, record);
    return this.#firstRecord + record;
  }

  #keepShape(low: number, high: number, record: number): void {
    if (this.#slotsUsed >= SLOTS / 2) this.#forgetShapes();
    this.#slotsUsed++;
    let at = placeOf(low);
    while (this.#slots[at + 2] !== 0) at = placeBehind(at);
    this.#slots[at] = low;
    this.#slots[at + 1] = high;
    this.#slots[at + 2] = record + 1;
  }

  /** A record that was found before is still that of a digest at a server. Hot path. */
  isOf(record: number, server: number): boolean {
    const at = record - this.#firstRecord;
    if (at < 0 || at >= this.#records.length) return false;
    const known = this.#records[at];
    return known.server === server && known.text !== "";
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
    const plain = this.#servers.map(() => new Times());
    const waited = this.#servers.map(() => new Times());
    const digests = this.#takeDigests(plain, waited);
    const delta = {
      stages: this.#takeStages(plain, waited),
      digests,
      errors: [...this.#errors].map(([key, count]) => ({
        code: Math.floor(key / SERVERS_MAX),
        server: this.#servers[key % SERVERS_MAX],
        count,
      })),
    };
    this.#errors.clear();
    return delta;
  }

  /** By server: the times of its statements without waits, and with them. */
  #takeStages(plain: readonly Times[], waited: readonly Times[]): MetricsDelta["stages"] {
    return STAGES.flatMap((stage, at) =>
      this.#servers.flatMap((server, number) => {
        const own = this.#stages.take(at * SERVERS_MAX + number);
        const times = at === Stage.EXECUTE
          ? sumOf(own, plain[number].delta)
          : at === Stage.TOTAL
          ? sumOf(plain[number].delta, waited[number].delta)
          : own;
        return times.count === 0 ? [] : [{ stage, server, ...times }];
      })
    );
  }

  #takeDigests(plain: readonly Times[], waited: readonly Times[]): DigestDelta[] {
    const deltas: DigestDelta[] = [];
    for (const [at, record] of this.#records.entries()) {
      const atOnce = take(this.#times, at);
      const later = take(this.#waitedTimes, at);
      const times = atOnce !== undefined && later !== undefined
        ? sumOf(atOnce, later)
        : atOnce ?? later;
      if (times === undefined) continue;
      const { text, sample, server, db, user, told } = record;
      if (atOnce !== undefined) plain[server].add(atOnce);
      if (later !== undefined) waited[server].add(later);
      deltas.push({
        text,
        sample: told ? undefined : sample,
        server: this.#servers[server],
        db,
        user,
        errors: this.#errorsOf[at],
        rowsSent: this.#rowsSent[at],
        rowsAffected: this.#rowsAffected[at],
        ...times,
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

/** Where a shape is looked for first. */
function placeOf(low: number): number {
  return (low & (SLOTS - 1)) * SLOT_WORDS;
}

/** And where, if that place is another one's. */
function placeBehind(at: number): number {
  return (at + SLOT_WORDS) & (SLOTS * SLOT_WORDS - 1);
}

function take(bank: HistogramBank | undefined, at: number): TimesDelta | undefined {
  return bank === undefined || bank.isEmpty(at) ? undefined : bank.take(at);
}

function sumOf(...all: readonly TimesDelta[]): TimesDelta {
  const times = new Times();
  for (const each of all) times.add(each);
  return times.delta;
}
