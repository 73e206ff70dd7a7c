// Follows a server's answer through the bytes that pass and tells where it ends.
// Walks packet headers and looks at the first bytes of a packet only; rows are never decoded.
// Hot path: nothing is allocated, and what lies in one chunk is judged in place.

import { Capability, MariadbCapability, ServerStatus } from "./capabilities.ts";
import { Expect } from "./commands.ts";
import { HEADER_LENGTH, PAYLOAD_MAX } from "./frame.ts";

/** Where in an answer the tracker stands. */
const Phase = {
  /** Nothing is expected, or the answer is complete. */
  IDLE: 0,
  /** The first packet of an answer or of a further result. */
  HEAD: 1,
  COLUMNS: 2,
  /** The EOF packet behind the columns, for peers without DEPRECATE_EOF. */
  COLUMNS_END: 3,
  ROWS: 4,
  /** Definitions after COM_STMT_PREPARE's OK. */
  PREPARED_COLUMNS: 5,
  PREPARED_COLUMNS_END: 6,
  /** The EOF packets of definitions that were left out. */
  PREPARED_EOFS: 13,
  FIELDS: 7,
  ONE_OK: 8,
  ONE_TEXT: 9,
  PREPARE_HEAD: 10,
  STREAM: 11,
  /** The client's turn: the content of a local file. */
  LOCAL_FILE: 12,
} as const;

/** The bytes of a packet that are enough to judge it: those of an OK packet up to its warnings. */
const PREFIX_LENGTH = 24;

/** COM_STMT_PREPARE's OK up to its two counts; nothing shorter has any meaning but an error. */
const PREPARE_HEAD_LENGTH_MIN = 9;

const PROGRESS_CODE = 0xffff;

/** Follows answers on one connection with fixed capabilities, one after the other. */
export class ResponseTracker {
  /** The status flags the server sent last. */
  status: number = ServerStatus.AUTOCOMMIT;
  /** The error number of the answer followed last; 0 where it was no error. */
  errorCode = 0;
  /** The statement id that COM_STMT_PREPARE's answer carried. */
  statementId = 0;
  /** The sequence id of the answer's packet judged last; 0 before the first. */
  sequence = 0;

  readonly #deprecateEof: boolean;
  readonly #metadataFlag: boolean;
  readonly #prepareMetadataFlag: boolean;
  readonly #progress: boolean;

  #phase: number = Phase.IDLE;
  /** Payload bytes of the current packet still to come. */
  #skip = 0;
  /** The answer ends with the packet being skipped. */
  #ending = false;
  /** The packet being skipped has 16 MiB - 1 bytes, so that the next one belongs to it. */
  #continues = false;
  /** Definitions still to come. */
  #columnsLeft = 0;
  /** COM_STMT_PREPARE: definitions of the second group, result columns behind parameters. */
  #columnsThen = 0;
  /** The rows that come are a procedure's OUT values: the procedure's own end is still to come. */
  #outParameters = false;
  /** A header and prefix that straddle chunks are collected here. */
  #scratch: Uint8Array | undefined;
  #scratchLength = 0;

  /**
   * @param capabilities The flags in force on the connection: what both sides set.
   * @param mariadbCapabilities Likewise, MariaDB's extended flags.
   */
  constructor(capabilities: number, mariadbCapabilities: number) {
    this.#deprecateEof = (capabilities & Capability.DEPRECATE_EOF) !== 0;
    this.#prepareMetadataFlag = (capabilities & Capability.OPTIONAL_RESULTSET_METADATA) !== 0;
    this.#metadataFlag = this.#prepareMetadataFlag ||
      (mariadbCapabilities & MariadbCapability.CACHE_METADATA) !== 0;
    this.#progress = (mariadbCapabilities & MariadbCapability.PROGRESS) !== 0;
  }

  /** The answer begun last has come to its end (or none was begun). */
  get done(): boolean {
    return this.#phase === Phase.IDLE;
  }

  /** The server waits for the content of a local file from the client. */
  get wantsLocalFile(): boolean {
    return this.#phase === Phase.LOCAL_FILE;
  }

  /** Rows pass, and more will come. */
  get inRows(): boolean {
    return this.#phase === Phase.ROWS;
  }

  /** No packet is cut: all bytes fed so far end at a packet's end. */
  get atBoundary(): boolean {
    return this.#skip === 0 && this.#scratchLength === 0 && !this.#continues;
  }

  /** Starts following the next answer. @param expect A value of `Expect`. */
  begin(expect: number): void {
    this.errorCode = 0;
    this.sequence = 0;
    this.#outParameters = false;
    switch (expect) {
      case Expect.RESULT:
        this.#phase = Phase.HEAD;
        break;
      case Expect.OK:
        this.#phase = Phase.ONE_OK;
        break;
      case Expect.PREPARE:
        this.#phase = Phase.PREPARE_HEAD;
        break;
      case Expect.ROWS:
        this.#phase = Phase.ROWS;
        break;
      case Expect.FIELDS:
        this.#phase = Phase.FIELDS;
        break;
      case Expect.TEXT:
        this.#phase = Phase.ONE_TEXT;
        break;
      case Expect.STREAM:
        this.#phase = Phase.STREAM;
        break;
      default:
        this.#phase = Phase.IDLE;
    }
  }

  /** The client has sent the whole local file: the answer goes on. */
  localFileSent(): void {
    if (this.#phase === Phase.LOCAL_FILE) this.#phase = Phase.HEAD;
  }

  /**
   * Takes bytes of the answer.
   *
   * @returns The position behind the last byte that belongs to the answer: `end`, or less where
   * the answer ended before (then `done` is true and the rest belongs to the next answer).
   */
  feed(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    if (this.#phase === Phase.STREAM) return end;
    while (at < end) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, end - at);
        this.#skip -= passed;
        at += passed;
      } else {
        if (this.#phase === Phase.ROWS && this.#scratchLength === 0 && !this.#continues) {
          at = this.#passRows(bytes, at, end);
          if (at === end) return at;
        }
        at = this.#judgeNext(bytes, at, end);
        if (this.#scratchLength > 0) return at; // cut before it can be judged
      }
      if (this.#skip === 0 && this.#ending && !this.#continues) return this.#end(at);
    }
    return at;
  }

  /** Passes rows that lie whole in the chunk: the loop that a large result spends its time in. */
  #passRows(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    let last = -1;
    while (end - at > HEADER_LENGTH) {
      const length = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
      const next = at + HEADER_LENGTH + length;
      if (next > end || bytes[at + HEADER_LENGTH] >= 0xfe || length === PAYLOAD_MAX) break;
      last = at;
      at = next;
    }
    if (last >= 0) this.sequence = bytes[last + 3];
    return at;
  }

  /** Judges the packet at `at`; gives the position up to which bytes are used. */
  #judgeNext(bytes: Uint8Array, at: number, end: number): number {
    if (!this.#judgeInPlace(bytes, at, end)) return this.#collect(bytes, at, end);
    const from = at + HEADER_LENGTH;
    const passed = Math.min(this.#skip, end - from);
    this.#skip -= passed;
    return from + passed;
  }

  #end(at: number): number {
    this.#ending = false;
    this.#phase = Phase.IDLE;
    return at;
  }

  /** Judges the packet at `at` if enough of it lies in the chunk; `#skip` is then its length. */
  #judgeInPlace(bytes: Uint8Array, at: number, end: number): boolean {
    const available = end - at - HEADER_LENGTH;
    if (available < 0 || this.#scratchLength > 0) return false;
    const length = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    if (available < length && available < PREFIX_LENGTH) return false;
    this.sequence = bytes[at + 3];
    this.#judge(bytes, at + HEADER_LENGTH, length);
    this.#skip = length;
    return true;
  }

  /** Judges a packet near a chunk's edge from a copy of its head, once enough of it has come. */
  #collect(bytes: Uint8Array, start: number, end: number): number {
    const scratch = this.#scratch ??= new Uint8Array(HEADER_LENGTH + PREFIX_LENGTH);
    let at = start;
    while (this.#scratchLength < HEADER_LENGTH) {
      if (at === end) return at;
      scratch[this.#scratchLength++] = bytes[at++];
    }
    const length = scratch[0] | (scratch[1] << 8) | (scratch[2] << 16);
    const wanted = HEADER_LENGTH + Math.min(length, PREFIX_LENGTH);
    while (this.#scratchLength < wanted) {
      if (at === end) return at;
      scratch[this.#scratchLength++] = bytes[at++];
    }
    this.#scratchLength = 0;
    this.sequence = scratch[3];
    this.#judge(scratch, HEADER_LENGTH, length);
    this.#skip = length - (wanted - HEADER_LENGTH);
    return at;
  }

  /** Looks at one packet's first bytes and moves on; sets `#ending` where the answer ends with it. */
  #judge(bytes: Uint8Array, at: number, length: number): void {
    const continued = this.#continues;
    this.#continues = length === PAYLOAD_MAX;
    if (continued) return;
    const first = length === 0 ? 0 : bytes[at];
    switch (this.#phase) {
      case Phase.ROWS:
        if (first >= 0xfe) this.#judgeRowsEnd(bytes, at, length);
        return;
      case Phase.HEAD:
      case Phase.LOCAL_FILE: // the server may give up before the file is sent
        this.#judgeHead(bytes, at, length);
        return;
      case Phase.COLUMNS:
        if (--this.#columnsLeft === 0) {
          this.#phase = this.#deprecateEof ? Phase.ROWS : Phase.COLUMNS_END;
        }
        return;
      case Phase.COLUMNS_END:
        this.#columnsEnd(bytes, at, length);
        return;
      case Phase.ONE_OK:
        if (first === 0xff) this.#fail(bytes, at);
        else if (first === 0xfe && length < 9) this.#readEof(bytes, at, length);
        else if (first === 0x00 || first === 0xfe) this.#readOk(bytes, at, length);
        if (!this.#isProgress(bytes, at, length)) this.#ending = true;
        return;
      case Phase.ONE_TEXT:
        if (first === 0xff) this.#fail(bytes, at);
        this.#ending = true;
        return;
      case Phase.FIELDS:
        if (first >= 0xfe) this.#judgeRowsEnd(bytes, at, length);
        return;
      case Phase.PREPARE_HEAD:
        this.#judgePrepareHead(bytes, at, length);
        return;
      case Phase.PREPARED_COLUMNS:
        if (--this.#columnsLeft > 0) return;
        if (this.#deprecateEof) this.#nextPreparedColumns();
        else this.#phase = Phase.PREPARED_COLUMNS_END;
        return;
      case Phase.PREPARED_EOFS:
        if (--this.#columnsLeft === 0) this.#ending = true;
        return;
      case Phase.PREPARED_COLUMNS_END:
        this.#nextPreparedColumns();
        return;
      default: // an answer nobody waits for, passed on as it is
        return;
    }
  }

  #judgeHead(bytes: Uint8Array, at: number, length: number): void {
    const first = bytes[at];
    if (length === 0) return;
    if (first === 0x00 && length >= 7) {
      this.#readOk(bytes, at, length);
      if ((this.status & ServerStatus.MORE_RESULTS_EXISTS) === 0) this.#ending = true;
      return;
    }
    if (first === 0xff) {
      if (this.#isProgress(bytes, at, length)) return;
      this.#fail(bytes, at);
      this.#ending = true;
      return;
    }
    if (first === 0xfb) {
      this.#phase = Phase.LOCAL_FILE;
      return;
    }
    if (first === 0xfe && length < 9) { // EOF as OK, from servers that answer so
      this.#readEof(bytes, at, length);
      this.#ending = true;
      return;
    }
    let columns = first;
    let used = 1;
    if (first === 0xfc && length > 2) {
      columns = bytes[at + 1] | (bytes[at + 2] << 8);
      used = 3;
    } else if (first === 0xfd && length > 3) {
      columns = bytes[at + 1] | (bytes[at + 2] << 8) | (bytes[at + 3] << 16);
      used = 4;
    }
    const left = this.#metadataFlag && length > used && bytes[at + used] === 0 ? 0 : columns;
    this.#columnsLeft = left;
    if (left > 0) this.#phase = Phase.COLUMNS;
    else this.#phase = this.#deprecateEof ? Phase.ROWS : Phase.COLUMNS_END;
  }

  #columnsEnd(bytes: Uint8Array, at: number, length: number): void {
    if (length > 0 && bytes[at] === 0xff) {
      this.#fail(bytes, at);
      this.#ending = true;
      return;
    }
    this.#readEof(bytes, at, length);
    this.#phase = Phase.ROWS;
    this.#outParameters = (this.status & ServerStatus.PS_OUT_PARAMS) !== 0;
    // An open cursor: rows come by COM_STMT_FETCH.
    if (this.status & ServerStatus.CURSOR_EXISTS) this.#ending = true;
  }

  /** A packet in the rows that starts with 0xfe or 0xff: their end, an error, or a huge row. */
  #judgeRowsEnd(bytes: Uint8Array, at: number, length: number): void {
    const first = bytes[at];
    if (first === 0xff) {
      if (this.#isProgress(bytes, at, length)) return;
      this.#fail(bytes, at);
      this.#ending = true;
      return;
    }
    if (this.#deprecateEof) {
      if (length === PAYLOAD_MAX) return; // a row whose first value has 16 MiB and more
      if (length < 7) this.#readEof(bytes, at, length);
      else this.#readOk(bytes, at, length);
    } else {
      if (length >= 9) return;
      this.#readEof(bytes, at, length);
    }
    const more = this.#outParameters || (this.status & ServerStatus.MORE_RESULTS_EXISTS) !== 0;
    this.#outParameters = false;
    if (this.#phase === Phase.ROWS && more) {
      this.#phase = Phase.HEAD;
    } else {
      this.#ending = true;
    }
  }

  #judgePrepareHead(bytes: Uint8Array, at: number, length: number): void {
    if (length < PREPARE_HEAD_LENGTH_MIN || bytes[at] === 0xff) {
      if (length > 0) this.#fail(bytes, at);
      this.#ending = true;
      return;
    }
    this.statementId = (bytes[at + 1] | (bytes[at + 2] << 8) | (bytes[at + 3] << 16) |
      (bytes[at + 4] << 24)) >>> 0;
    const columns = bytes[at + 5] | (bytes[at + 6] << 8);
    const parameters = bytes[at + 7] | (bytes[at + 8] << 8);
    const withMetadata = !(this.#prepareMetadataFlag && length > 12 && bytes[at + 12] === 0);
    if (!withMetadata) {
      this.#withoutDefinitions(parameters, columns);
      return;
    }
    this.#columnsLeft = parameters;
    this.#columnsThen = columns;
    if (parameters > 0) this.#phase = Phase.PREPARED_COLUMNS;
    else this.#nextPreparedColumns();
  }

  /** Definitions are left out, the EOF packet behind each group of them is not. */
  #withoutDefinitions(parameters: number, columns: number): void {
    const groups = (parameters > 0 ? 1 : 0) + (columns > 0 ? 1 : 0);
    if (this.#deprecateEof || groups === 0) {
      this.#ending = true;
      return;
    }
    this.#phase = Phase.PREPARED_EOFS;
    this.#columnsLeft = groups;
  }

  #nextPreparedColumns(): void {
    this.#columnsLeft = this.#columnsThen;
    this.#columnsThen = 0;
    if (this.#columnsLeft > 0) this.#phase = Phase.PREPARED_COLUMNS;
    else this.#ending = true;
  }

  #isProgress(bytes: Uint8Array, at: number, length: number): boolean {
    return this.#progress && length > 2 && bytes[at] === 0xff &&
      (bytes[at + 1] | (bytes[at + 2] << 8)) === PROGRESS_CODE;
  }

  #fail(bytes: Uint8Array, at: number): void {
    this.errorCode = bytes[at + 1] | (bytes[at + 2] << 8);
  }

  #readEof(bytes: Uint8Array, at: number, length: number): void {
    if (length >= 5) this.status = bytes[at + 3] | (bytes[at + 4] << 8);
  }

  #readOk(bytes: Uint8Array, at: number, length: number): void {
    let position = lenencEnd(bytes, at + 1);
    position = lenencEnd(bytes, position);
    if (position + 2 <= at + length) {
      this.status = bytes[position] | (bytes[position + 1] << 8);
    }
  }
}

/** The position behind a length-encoded integer. */
function lenencEnd(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < 0xfb) return at + 1;
  if (first === 0xfc) return at + 3;
  if (first === 0xfd) return at + 4;
  return at + 9;
}
