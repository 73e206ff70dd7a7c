// What an answer tells beside its rows: status, warnings, counts. Read in place, nothing allocated.

import { ServerStatus } from "./capabilities.ts";

/** Facts about the answer followed last. All but `status` begin anew with each answer. */
export class AnswerFacts {
  /** The status flags the server sent last, whichever answer they came with. */
  status: number = ServerStatus.AUTOCOMMIT;
  /** The error number of the answer followed last; 0 where it was no error. */
  errorCode = 0;
  /** The statement id that COM_STMT_PREPARE's answer carried. */
  statementId = 0;
  /** The sequence id of the answer's packet judged last; 0 before the first. */
  sequence = 0;
  /** The warning count of the OK or EOF packet judged last. */
  warnings = 0;
  /** The affected rows of the OK packet judged last that did not end rows; exact up to 2^53. */
  affectedRows = 0;
  /** The result that came last was rows, so that ROW_COUNT() is -1 rather than `affectedRows`. */
  sawRows = false;
  /** Columns of the result set that came last; 0 before the first. */
  columnsSeen = 0;
  /** Rows of the result set that came last, as far as they have come. */
  rows = 0;

  #hasState = false;
  readonly #state = new Uint8Array(5);
  #insertIdLow = 0;
  #insertIdHigh = 0;

  /** An OK packet of the answer carried an insert id other than 0. */
  get hasInsertId(): boolean {
    return (this.#insertIdLow | this.#insertIdHigh) !== 0;
  }

  /** The last insert id other than 0 of the answer's OK packets; 0 where none had one. */
  get insertId(): bigint {
    return (BigInt(this.#insertIdHigh) << 32n) | BigInt(this.#insertIdLow);
  }

  /** Starts anew for the next answer. */
  protected resetFacts(): void {
    this.errorCode = 0;
    this.sequence = 0;
    this.warnings = 0;
    this.affectedRows = 0;
    this.sawRows = false;
    this.columnsSeen = 0;
    this.rows = 0;
    this.#insertIdLow = 0;
    this.#insertIdHigh = 0;
  }

  /** Reads the payload of an EOF packet at `at`. */
  protected readEof(bytes: Uint8Array, at: number, length: number): void {
    if (length < 5) return;
    this.warnings = bytes[at + 1] | (bytes[at + 2] << 8);
    this.status = bytes[at + 3] | (bytes[at + 4] << 8);
  }

  /** Reads the payload of an OK packet at `at`, up to its warnings. */
  protected readOk(bytes: Uint8Array, at: number, length: number): void {
    const insertIdAt = lenencEnd(bytes, at + 1);
    const statusAt = lenencEnd(bytes, insertIdAt);
    if (statusAt + 2 > at + length) return;
    this.status = bytes[statusAt] | (bytes[statusAt + 1] << 8);
    if (statusAt + 4 <= at + length) {
      this.warnings = bytes[statusAt + 2] | (bytes[statusAt + 3] << 8);
    }
    if (bytes[at] !== 0) return; // it ends rows: its counts are no statement's
    this.affectedRows = lenencLow(bytes, at + 1) + 0x100000000 * lenencHigh(bytes, at + 1);
    const low = lenencLow(bytes, insertIdAt);
    const high = lenencHigh(bytes, insertIdAt);
    if ((low | high) === 0) return;
    this.#insertIdLow = low;
    this.#insertIdHigh = high;
  }

  /** Reads the payload of an ERR packet at `at`. */
  protected readErr(bytes: Uint8Array, at: number): void {
    this.errorCode = bytes[at + 1] | (bytes[at + 2] << 8);
    this.#hasState = bytes[at + 3] === 0x23; // '#'
    for (let i = 0; i < this.#state.length; i++) this.#state[i] = bytes[at + 4 + i];
  }

  /** The SQLSTATE of the error; undefined where it came without one. Makes a string. */
  get sqlState(): string | undefined {
    return this.#hasState ? String.fromCharCode(...this.#state) : undefined;
  }
}

/** The position of an OK packet's status flags; the payload begins at `at`. */
export function okStatusPosition(bytes: Uint8Array, at: number): number {
  return lenencEnd(bytes, lenencEnd(bytes, at + 1));
}

/** The position behind a length-encoded integer. */
export function lenencEnd(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < 0xfb) return at + 1;
  if (first === 0xfc) return at + 3;
  if (first === 0xfd) return at + 4;
  return at + 9;
}

/** The low 32 bits of a length-encoded integer. */
export function lenencLow(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < 0xfb) return first;
  const low = bytes[at + 1] | (bytes[at + 2] << 8);
  if (first === 0xfc) return low;
  if (first === 0xfd) return low | (bytes[at + 3] << 16);
  return (low | (bytes[at + 3] << 16) | (bytes[at + 4] << 24)) >>> 0;
}

/** The high 32 bits of a length-encoded integer. */
function lenencHigh(bytes: Uint8Array, at: number): number {
  if (bytes[at] < 0xfe) return 0;
  return (bytes[at + 5] | (bytes[at + 6] << 8) | (bytes[at + 7] << 16) | (bytes[at + 8] << 24)) >>>
    0;
}
