// Follows a server's answer through the bytes that pass and tells where it ends.
// Walks packet headers and looks at the first bytes of a packet only; rows are never decoded.
// Hot path: nothing is allocated, and what lies in one chunk is judged in place.

import { AnswerFacts, okStatusPosition } from "./answer_facts.ts";
import { firstPhase, isDefinition, isEofPlace, isOkHeader, Phase } from "./answer_phase.ts";
import { Capability, MariadbCapability, ServerStatus } from "./capabilities.ts";
import { HEADER_LENGTH, PAYLOAD_MAX, payloadLength } from "./frame.ts";

/** The bytes of a packet that are enough to judge it: those of an OK packet up to its warnings. */
const PREFIX_LENGTH = 24;

/** COM_STMT_PREPARE's OK up to its two counts; nothing shorter has any meaning but an error. */
const PREPARE_HEAD_LENGTH_MIN = 9;
/** The same with the number of warnings. */
const PREPARE_HEAD_LENGTH = 12;

/** An EOF packet: its first byte, warnings and status. */
const EOF_LENGTH = 5;

/** An OK packet of small numbers up to its warnings. What is shorter and begins with 0xfe is an EOF. */
const OK_LENGTH_MIN = 7;

const PROGRESS_CODE = 0xffff;

/** Follows answers on one connection with fixed capabilities, one after the other. */
export class ResponseTracker extends AnswerFacts {
  /**
   * Stop in front of OK and EOF packets whose status says that the session's state has changed, so
   * that somebody may look at them whole. Only to be changed while no answer is under way.
   */
  stopAtState = false;
  /** With `stopAtState`: stop in front of each OK and EOF packet, whatever its status says. */
  stopAtOk = false;
  /** The next packet is such an OK or EOF packet: it waits for `passOk`. */
  stopped = false;

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
    super();
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
    this.resetFacts();
    this.stopped = false;
    this.#outParameters = false;
    this.#phase = firstPhase(expect);
  }

  /** The client has sent the whole local file: the answer goes on. */
  localFileSent(): void {
    if (this.#phase === Phase.LOCAL_FILE) this.#phase = Phase.HEAD;
  }

  /**
   * Takes bytes of the answer.
   *
   * @returns The position behind the last byte taken: `end`, or less where
   * - the answer ended before: `done` is true, and the rest belongs to the next answer;
   * - a packet comes next that `stopAtState` is about: `stopped` is true, see `passOk`;
   * - otherwise, and with `stopAtState` only: the rest is the start of a packet that cannot be judged
   *   yet. It is to be fed again, with as many bytes behind it as make `canJudge` true, or more.
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
        const next = this.#judgeNext(bytes, at, end);
        if (this.#scratchLength > 0 || next === at) return next; // cut short, or stopped
        at = next;
      }
      if (this.#skip === 0 && this.#ending && !this.#continues) return this.#end(at);
    }
    return at;
  }

  /**
   * With `stopAtState`: whether a packet can be judged by as much of it as there is.
   *
   * @param at Where its header begins. @param end Behind the last byte there is: 28 always suffice.
   */
  canJudge(bytes: Uint8Array, at: number, end: number): boolean {
    const available = end - at - HEADER_LENGTH;
    if (available < 0) return false;
    if (available >= PREFIX_LENGTH || available >= payloadLength(bytes, at)) return true;
    if (this.#continues || isDefinition(this.#phase)) return true;
    const inRows = this.#phase === Phase.ROWS || this.#phase === Phase.FIELDS;
    return inRows && available > 0 && bytes[at + HEADER_LENGTH] < 0xfe;
  }

  /** Takes the packet that it has stopped at, whole and with its header. */
  passOk(packet: Uint8Array): void {
    this.stopped = false;
    this.sequence = packet[3];
    this.#judge(packet, HEADER_LENGTH, packet.length - HEADER_LENGTH);
    if (this.#ending) this.#end(0);
  }

  /** Passes rows that lie whole in the chunk: the loop that a large result spends its time in. */
  #passRows(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    let last = -1;
    let rows = 0;
    while (end - at > HEADER_LENGTH) {
      const length = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
      const next = at + HEADER_LENGTH + length;
      if (next > end || bytes[at + HEADER_LENGTH] >= 0xfe || length === PAYLOAD_MAX) break;
      last = at;
      at = next;
      rows++;
    }
    if (last >= 0) {
      this.sequence = bytes[last + 3];
      this.rows += rows;
    }
    return at;
  }

  /** Judges the packet at `at`; gives the position up to which bytes are used. */
  #judgeNext(bytes: Uint8Array, at: number, end: number): number {
    if (this.stopAtState && !this.done && !this.#mayPass(bytes, at, end)) return at;
    if (!this.#judgeInPlace(bytes, at, end)) return this.#collect(bytes, at, end);
    const from = at + HEADER_LENGTH;
    const passed = Math.min(this.#skip, end - from);
    this.#skip -= passed;
    return from + passed;
  }

  /** With `stopAtState`: nothing of a packet may pass before it is known that all of it may. */
  #mayPass(bytes: Uint8Array, at: number, end: number): boolean {
    if (!this.canJudge(bytes, at, end)) return false;
    this.stopped = this.#tellsState(bytes, at + HEADER_LENGTH, payloadLength(bytes, at));
    return !this.stopped;
  }

  /**
   * An OK packet with session state, or an EOF packet that says that there would be some. One of
   * 16 MiB or more could not be looked at whole: it passes.
   */
  #tellsState(bytes: Uint8Array, at: number, length: number): boolean {
    if (this.#continues || length < EOF_LENGTH || length === PAYLOAD_MAX) return false;
    if (length < OK_LENGTH_MIN) {
      return bytes[at] === 0xfe && isEofPlace(this.#phase) &&
        (this.stopAtOk || hasStateFlag(bytes, at + 3));
    }
    if (!isOkHeader(this.#phase, bytes[at], this.#deprecateEof)) return false;
    const status = okStatusPosition(bytes, at);
    return status + 2 <= at + length && (this.stopAtOk || hasStateFlag(bytes, status));
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
    const length = payloadLength(bytes, at);
    if (available < length && available < PREFIX_LENGTH && !this.stopAtState) return false;
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
    const length = payloadLength(scratch, 0);
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
        else this.rows++;
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
        if (first === 0xff) this.readErr(bytes, at);
        else if (first === 0x00 || first === 0xfe) this.#readOkOrEof(bytes, at, length);
        if (!this.#isProgress(bytes, at, length)) this.#ending = true;
        return;
      case Phase.ONE_TEXT:
        if (first === 0xff) this.readErr(bytes, at);
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
      this.readOk(bytes, at, length);
      this.sawRows = false;
      if ((this.status & ServerStatus.MORE_RESULTS_EXISTS) === 0) this.#ending = true;
      return;
    }
    if (first === 0xff) {
      if (this.#isProgress(bytes, at, length)) return;
      this.readErr(bytes, at);
      this.#ending = true;
      return;
    }
    if (first === 0xfb) {
      this.#phase = Phase.LOCAL_FILE;
      return;
    }
    if (first === 0xfe && length < 9) { // EOF as OK, from servers that answer so
      this.#readOkOrEof(bytes, at, length);
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
    this.sawRows = true;
    this.columnsSeen = columns;
    this.rows = 0;
    const left = this.#metadataFlag && length > used && bytes[at + used] === 0 ? 0 : columns;
    this.#columnsLeft = left;
    if (left > 0) this.#phase = Phase.COLUMNS;
    else this.#phase = this.#deprecateEof ? Phase.ROWS : Phase.COLUMNS_END;
  }

  #columnsEnd(bytes: Uint8Array, at: number, length: number): void {
    if (length > 0 && bytes[at] === 0xff) {
      this.readErr(bytes, at);
      this.#ending = true;
      return;
    }
    this.readEof(bytes, at, length);
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
      this.readErr(bytes, at);
      this.#ending = true;
      return;
    }
    if (this.#deprecateEof) {
      if (length === PAYLOAD_MAX) { // a row whose first value has 16 MiB and more
        this.rows++;
        return;
      }
      this.#readOkOrEof(bytes, at, length);
    } else {
      if (length >= 9) {
        this.rows++;
        return;
      }
      this.readEof(bytes, at, length);
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
      if (length > 0) this.readErr(bytes, at);
      this.#ending = true;
      return;
    }
    this.statementId = (bytes[at + 1] | (bytes[at + 2] << 8) | (bytes[at + 3] << 16) |
      (bytes[at + 4] << 24)) >>> 0;
    if (length >= PREPARE_HEAD_LENGTH) this.warnings = bytes[at + 10] | (bytes[at + 11] << 8);
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

  /** What begins with 0x00, or with 0xfe: which of the two such a packet is, its length tells. */
  #readOkOrEof(bytes: Uint8Array, at: number, length: number): void {
    if (length < OK_LENGTH_MIN) this.readEof(bytes, at, length);
    else this.readOk(bytes, at, length);
  }
}

function hasStateFlag(bytes: Uint8Array, statusAt: number): boolean {
  const status = bytes[statusAt] | (bytes[statusAt + 1] << 8);
  return (status & ServerStatus.SESSION_STATE_CHANGED) !== 0;
}
