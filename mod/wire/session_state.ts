// What an OK packet tells of a session's state: read, filtered, and given to a client in its form.
// Source: "OK_Packet" and "Session State Information" of the protocol pages; both servers' packets.

import { lenencEnd, lenencLow, okStatusPosition } from "./answer_facts.ts";
import { PacketReader, PacketWriter } from "./bytes.ts";
import { ServerStatus } from "./capabilities.ts";
import { frame, HEADER_LENGTH } from "./frame.ts";
import { encodeEof } from "./ok.ts";

/** The kinds of entries in a session state block. Source: "SESSION_TRACK_enum". */
export const StateEntry = {
  /** Names and values: see `decodeSystemVariables`. */
  SYSTEM_VARIABLES: 0,
  /** The default schema, as a string: see `decodeStateText`. */
  SCHEMA: 1,
  /** The character 1: something has changed, no more is said. */
  STATE_CHANGE: 2,
  /** An encoding byte, 0, and a string: see `decodeStateText` from the second byte on. */
  GTIDS: 3,
  /** The statements, as a string, that begin a transaction like the one that is open. */
  TRANSACTION_CHARACTERISTICS: 4,
  /** Eight letters as a string: what the open transaction has done. */
  TRANSACTION_STATE: 5,
} as const;

/** One entry of a session state block. */
export interface SessionStateEntry {
  /** A value of `StateEntry`, or another one of servers to come. */
  readonly type: number;
  /** Its content, in the form of its type. */
  readonly data: Uint8Array;
}

/** A system variable and its new value. */
export interface SystemVariable {
  readonly name: string;
  /** As the server writes it; NULL comes as an empty one. */
  readonly value: Uint8Array;
}

/**
 * Reads a session state block, without the leading total.
 *
 * @throws {MalformedPacketError} If it ends in the middle of an entry.
 */
export function decodeSessionState(block: Uint8Array): SessionStateEntry[] {
  const reader = new PacketReader(block);
  const entries: SessionStateEntry[] = [];
  while (reader.remaining > 0) entries.push({ type: reader.u8(), data: reader.lenencView() });
  return entries;
}

/** Writes a session state block, without the leading total. */
export function encodeSessionState(entries: readonly SessionStateEntry[]): Uint8Array {
  const writer = new PacketWriter();
  for (const { type, data } of entries) writer.u8(type).lenencBytes(data);
  return writer.done();
}

/**
 * Reads an entry of type SYSTEM_VARIABLES: one variable or, from some MariaDB servers, several.
 *
 * @throws {MalformedPacketError} If it ends in the middle of one.
 */
export function decodeSystemVariables(data: Uint8Array): SystemVariable[] {
  const reader = new PacketReader(data);
  const variables: SystemVariable[] = [];
  while (reader.remaining > 0) {
    variables.push({ name: text.decode(reader.lenencView()), value: reader.lenencView() });
  }
  return variables;
}

/** Writes the content of an entry of type SYSTEM_VARIABLES. */
export function encodeSystemVariables(variables: readonly SystemVariable[]): Uint8Array {
  const writer = new PacketWriter();
  for (const { name, value } of variables) {
    writer.lenencBytes(Buffer.from(name)).lenencBytes(value);
  }
  return writer.done();
}

/**
 * Reads an entry whose content is one string: SCHEMA and both about transactions.
 *
 * @throws {MalformedPacketError} If it is shorter than it says.
 */
export function decodeStateText(data: Uint8Array): Uint8Array {
  return new PacketReader(data).lenencView();
}

/**
 * Reads the entries of an OK packet from a peer with SESSION_TRACK. None where no state has changed,
 * and where an EOF packet says no more than that it has.
 *
 * @param packet With its header.
 * @throws {MalformedPacketError} If it does not have the form of such a packet.
 */
export function sessionStateOf(packet: Uint8Array): SessionStateEntry[] {
  return decodeSessionState(new TrackedOk(packet).state);
}

/** What is told of a transaction where none is open, and before the first. */
export const NO_TRANSACTION = "________";

/**
 * What is known of the transaction that is open, eight letters, behind an OK packet. What does not
 * have the form of such a packet tells nothing: that is for its reader to say. Hot path for
 * statements that change the session's state: a string is made only where it is another one.
 *
 * @param packet With its header, from a peer with SESSION_TRACK.
 * @param before What was known before it.
 */
export function transactionStateAfter(packet: Uint8Array, before: string): string {
  const isEof = packet[HEADER_LENGTH] === 0xfe && packet.length === HEADER_LENGTH + EOF_LENGTH;
  const status = okStatusPosition(packet, HEADER_LENGTH);
  if (isEof || !(status + OK_FLAGS_LENGTH < packet.length)) return before;
  const flags = packet[status] | (packet[status + 1] << 8);
  if ((flags & ServerStatus.SESSION_STATE_CHANGED) === 0) return before;
  // Behind the info, and the number of bytes of all entries.
  let at = stringEnd(packet, status + OK_FLAGS_LENGTH);
  at = lenencEnd(packet, at);
  for (; at < packet.length; at = stringEnd(packet, at + 1)) {
    if (packet[at] === StateEntry.TRANSACTION_STATE) {
      return lettersAt(packet, lenencEnd(packet, at + 1), before);
    }
  }
  return before;
}

/** The position behind a length-encoded string. */
function stringEnd(packet: Uint8Array, at: number): number {
  return lenencEnd(packet, at) + lenencLow(packet, at);
}

/** The letters of a length-encoded string of eight. */
function lettersAt(packet: Uint8Array, at: number, before: string): string {
  const end = at + 1 + NO_TRANSACTION.length;
  if (packet[at] !== NO_TRANSACTION.length || end > packet.length) return before;
  for (let i = 0; i < NO_TRANSACTION.length; i++) {
    if (packet[at + 1 + i] !== before.charCodeAt(i)) {
      return Buffer.from(packet.subarray(at + 1, end)).toString("latin1");
    }
  }
  return before;
}

/** An entry that tells the state of the transaction that is open, in eight letters. */
export function transactionEntry(state: string): SessionStateEntry {
  const data = new PacketWriter().lenencBytes(Buffer.from(state, "latin1")).done();
  return { type: StateEntry.TRANSACTION_STATE, data };
}

/** In what form a client takes OK packets, and what it is told of its session's state. */
export interface ClientOkForm {
  /** It has CLIENT_SESSION_TRACK; without it no state is told. */
  readonly sessionTrack: boolean;
  /** It has CLIENT_DEPRECATE_EOF; without it rows end with an EOF packet. */
  readonly deprecateEof: boolean;
  /** Gives the entries that the client gets in place of those that came. */
  readonly told: (entries: readonly SessionStateEntry[]) => readonly SessionStateEntry[];
  /** It is told that something has changed, also where it is told nothing of it. @default {never} */
  readonly saysChanged?: () => boolean;
}

/**
 * Rewrites an OK or EOF packet from a server leg with SESSION_TRACK for a client. The info needs no other
 * form: servers write its length for clients without SESSION_TRACK as well, and where it is empty
 * and no state follows they write nothing.
 *
 * @param packet With its header, whose sequence id the result has too.
 * @throws {MalformedPacketError} If it does not have the form of such a packet.
 */
export function okForClient(packet: Uint8Array, client: ClientOkForm): Uint8Array {
  const ok = new TrackedOk(packet);
  const { warnings, info } = ok;
  const unchanged = ok.status & ~ServerStatus.SESSION_STATE_CHANGED;
  if (ok.isEof || (packet[HEADER_LENGTH] === 0xfe && !client.deprecateEof)) {
    // What has changed an EOF packet cannot tell: a later OK does.
    return frame(encodeEof({ status: unchanged, warnings }), packet[3]);
  }
  const kept = client.sessionTrack
    ? encodeSessionState(client.told(decodeSessionState(ok.state)))
    : NONE;
  // MySQL may say that something has changed and then not what: so it says to this client.
  if (client.sessionTrack && ok.state.length === 0 && kept.length === 0) return packet;
  const saysChanged = kept.length > 0 || (client.sessionTrack && client.saysChanged?.() === true);
  const writer = new PacketWriter(packet.length + 9)
    .raw(packet.subarray(HEADER_LENGTH, ok.statusAt))
    .u16(saysChanged ? ok.status | ServerStatus.SESSION_STATE_CHANGED : unchanged)
    .u16(warnings);
  if (info.length > 0 || saysChanged) writer.lenencBytes(info);
  if (saysChanged) writer.lenencBytes(kept);
  return frame(writer.done(), packet[3]);
}

/**
 * What an OK or EOF packet says of its statement alone, in a form of its own: without the session's
 * state, and of the status only some flags.
 *
 * @param packet With its header.
 * @param flags The status flags that count.
 * @throws {MalformedPacketError} If it does not have the form of such a packet.
 */
export function statementFacts(packet: Uint8Array, flags: number): Uint8Array {
  const { isEof, statusAt, status, warnings, info } = new TrackedOk(packet);
  // Behind the header that numbers it: the first byte and, of an OK packet, two numbers.
  const head = packet.subarray(HEADER_LENGTH - 1, isEof ? HEADER_LENGTH + 1 : statusAt);
  const writer = new PacketWriter(head.length + 4 + info.length);
  return writer.raw(head).u16(status & flags).u16(warnings).raw(info).done();
}

/** The parts of an OK packet that can differ between a server leg and a client. */
class TrackedOk {
  readonly isEof: boolean;
  /** Where an OK packet's status flags are: what is before passes as it is, whatever its numbers. */
  readonly statusAt: number;
  readonly status: number;
  readonly warnings: number;
  readonly info: Uint8Array = NONE;
  readonly state: Uint8Array = NONE;

  constructor(packet: Uint8Array) {
    this.isEof = packet[HEADER_LENGTH] === 0xfe && packet.length === HEADER_LENGTH + EOF_LENGTH;
    this.statusAt = okStatusPosition(packet, HEADER_LENGTH);
    const reader = new PacketReader(packet, this.isEof ? HEADER_LENGTH + 1 : this.statusAt);
    const first = reader.u16();
    const second = reader.u16();
    this.status = this.isEof ? second : first;
    this.warnings = this.isEof ? first : second;
    if (this.isEof) return;
    if (reader.remaining > 0) this.info = reader.lenencView();
    const changed = (this.status & ServerStatus.SESSION_STATE_CHANGED) !== 0;
    if (changed && reader.remaining > 0) this.state = reader.lenencView();
  }
}

const EOF_LENGTH = 5;
/** Status flags and the number of warnings. */
const OK_FLAGS_LENGTH = 4;
const NONE = new Uint8Array(0);
const text = new TextDecoder();
