// What cannot be equal on two connections on principle, replaced by what can. This is all of it:
//
// 1. the statement id in COM_STMT_PREPARE's answer, and in the error about an unknown one and
//    wherever that is shown;
// 2. the session's connection id among the values that a statement with CONNECTION_ID() gives;
// 3. in the session state of an OK packet the order of the variables, since MariaDB takes them from a
//    table whose order hangs on addresses in its memory, the value of MySQL's statement_id, which
//    counts the statements of all sessions, and that of a timestamp that is the time of day;
// 4. column definitions that a client has kept are put in where they are left out: see
//    cached_metadata.ts;
// 5. the flag METADATA_CHANGED of an execution: a proxy that has to prepare the statement once more
//    is not told (docs/pooling.md);
// 6. of a login or COM_CHANGE_USER only the last packet's payload is kept: how many challenges come
//    before it depends on what the peer remembers of the account;
// 7. the flag SESSION_STATE_CHANGED of EOF packets, behind which no state comes (docs/pooling.md);
// 8. the affected rows of a CALL, which are those of any statement before it where it writes nothing
//    (docs/pooling.md), and the flag SESSION_STATE_CHANGED of one that tells of no change;
// 9. what a client whose rows end with EOF packets is told later of a variable that the hint SET_VAR
//    has set for one statement (docs/pooling.md);
// 10. the end of the connection in place of an answer, and error 2013 in its place: comparison.ts.

import {
  Capability,
  decodeOk,
  encodeOk,
  ERR_HEADER,
  frame,
  HEADER_LENGTH,
  PacketReader,
  payloadLength,
} from "../../mod/wire/mod.ts";
import type { Answer } from "./session_client.ts";

/** What the masks need to know of the connection. */
export interface Masked {
  readonly command: string;
  /** The text of the statement that was run. */
  readonly sql: string;
  readonly threadId: number;
  /** OK packets carry session state. */
  readonly tracking: boolean;
}

/** Beginnings of errors that name a statement's id: 1243 and 1421. */
const UNKNOWN_STATEMENT = Buffer.from("Unknown prepared statement handler (");
const NO_CURSOR = Buffer.from("The statement (");
const STATEMENT_ID_AT = HEADER_LENGTH + 1;

/** The answer's bytes with the masks on. */
export function mask(answer: Answer, about: Masked): Uint8Array {
  const { errorCode } = answer;
  let { bytes } = answer;
  if (answer.ending !== "whole" || bytes.length === 0) return bytes;
  if (about.command === "prepare" && errorCode === 0) {
    const masked = Buffer.from(bytes).fill(0, STATEMENT_ID_AT, STATEMENT_ID_AT + 4);
    return withoutStateInEof(masked);
  }
  const searched = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (searched.includes(UNKNOWN_STATEMENT) || searched.includes(NO_CURSOR)) {
    bytes = maskStatementId(bytes);
  }
  if (/connection_id\s*\(/i.test(about.sql)) bytes = maskConnectionId(bytes, about);
  if (about.command === "execute" && (answer.status & METADATA_CHANGED) !== 0) {
    bytes = endsChanged(bytes, withoutMetadataChanged);
  }
  bytes = withoutStateInEof(bytes);
  const calls = /^\W*(?:\w\W+)?CALL\b/i.test(about.sql);
  if (calls) bytes = endsChanged(bytes, withoutAffectedRows);
  if (!about.tracking || about.command === "fetch") return bytes;
  // Of a login there is the payload only.
  const masked = (payload: Uint8Array) => maskState(payload, calls);
  return about.command === "change_user" ? masked(bytes) : endsChanged(bytes, masked);
}

/** One byte is enough for the rows that programs change. */
function withoutAffectedRows(payload: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(payload);
  if (payload[0] === 0 && payload.length >= 7 && payload[1]! < 0xfb) copy[1] = 0;
  return copy;
}

/** `SERVER_SESSION_STATE_CHANGED`. */
const SESSION_STATE_CHANGED = 0x4000;

function withoutStateInEof(bytes: Uint8Array): Uint8Array {
  let copy: Uint8Array | undefined;
  for (let at = 0; at + HEADER_LENGTH <= bytes.length;) {
    const length = payloadLength(bytes, at);
    const statusAt = at + HEADER_LENGTH + 4;
    const isEof = length === EOF_LENGTH && bytes[at + HEADER_LENGTH] === 0xfe;
    if (isEof && bytes[statusAt]! & (SESSION_STATE_CHANGED >> 8)) {
      copy ??= Uint8Array.from(bytes);
      copy[statusAt]! &= ~(SESSION_STATE_CHANGED >> 8);
    }
    at += HEADER_LENGTH + length;
  }
  return copy ?? bytes;
}

/** `SERVER_STATUS_METADATA_CHANGED`. */
const METADATA_CHANGED = 0x400;

function withoutMetadataChanged(payload: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(payload);
  if (payload.length === EOF_LENGTH) {
    copy[4] &= ~(METADATA_CHANGED >> 8);
    return copy;
  }
  const reader = new PacketReader(payload, 1);
  reader.lenenc();
  reader.lenenc();
  copy[reader.position + 1] &= ~(METADATA_CHANGED >> 8);
  return copy;
}

/** In the error, and in rows about it, where the text's length stands in front of it. */
function maskStatementId(bytes: Uint8Array): Uint8Array {
  return replaced(bytes, (payload) =>
    payload.replace(
      /([^])(Unknown prepared statement handler \(|The statement \()\d+(\) (?:given to \w+|has no open cursor\.?))/g,
      (all, before: string, start: string, end: string) => {
        const text = `${start}ID${end}`;
        const isLength = before.charCodeAt(0) === all.length - 1;
        return (isLength ? String.fromCharCode(text.length) : before) + text;
      },
    ));
}

function maskConnectionId(bytes: Uint8Array, { command, threadId }: Masked): Uint8Array {
  let text: string;
  if (command === "query") {
    const digits = String(threadId);
    text = `${String.fromCharCode(digits.length)}${digits}`;
  } else {
    const integer = Buffer.alloc(4);
    integer.writeUInt32LE(threadId);
    text = integer.toString("latin1");
  }
  // Not in a column definition, nor in a count of columns.
  return replaced(
    bytes,
    (payload) =>
      payload.startsWith("\x03def") || payload.length === 1
        ? payload
        : payload.replace(text, () => "CONNECTION"),
  );
}

/** Changes packets' payloads, given as latin1, and corrects their lengths. */
function replaced(bytes: Uint8Array, change: (payload: string) => string): Uint8Array {
  return rebuilt(
    bytes,
    (payload) => Buffer.from(change(Buffer.from(payload).toString("latin1")), "latin1"),
  );
}

/** Changes packets' payloads and corrects their lengths. */
function rebuilt(
  bytes: Uint8Array,
  change: (payload: Uint8Array) => Uint8Array,
): Uint8Array {
  const packets: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = payloadLength(bytes, at);
    const from = at + HEADER_LENGTH;
    packets.push(frame(change(bytes.subarray(from, from + length)), bytes[at + 3]));
    at = from + length;
  }
  return Buffer.concat(packets);
}

const EOF_LENGTH = 5;

/** Changes the OK and EOF packets of an answer that is not a fetch's. */
function endsChanged(
  bytes: Uint8Array,
  change: (payload: Uint8Array) => Uint8Array,
): Uint8Array {
  // The packet is the first of a result: there 0x00 begins an OK packet, not a row.
  let head = true;
  let eofs = 0;
  return rebuilt(bytes, (payload) => {
    const first = payload[0];
    if (first === 0xfe && payload.length === EOF_LENGTH) {
      if (++eofs === 2) head = true;
      return change(payload);
    }
    if (first === 0xfe || (head && first === 0)) {
      head = true;
      return change(payload);
    }
    if (head) {
      head = false;
      eofs = 0;
    }
    return payload;
  });
}

/** `SESSION_TRACK_SYSTEM_VARIABLES`, the type of an entry. */
const VARIABLE_ENTRY = 0;
const OK_LENGTH_MIN = 7;
const STATEMENT_ID_ENTRY = Buffer.from("\x0cstatement_id");

const TIMESTAMP_ENTRY = Buffer.from("\x09timestamp");
/** Programs take less long, in seconds. */
const TIME_OF_DAY_MAX = 3600;

/** SET timestamp = -1, or DEFAULT: the server tells of the time at which it was run. */
function isTimeOfDay(entry: Buffer): boolean {
  const at = entry.indexOf(TIMESTAMP_ENTRY);
  if (at < 0) return false;
  const value = Number(entry.toString("latin1", at + TIMESTAMP_ENTRY.length + 1));
  return Math.abs(value - Date.now() / 1000) < TIME_OF_DAY_MAX;
}

function maskState(payload: Uint8Array, calls: boolean): Uint8Array {
  if (payload[0] === ERR_HEADER || payload.length < OK_LENGTH_MIN) return payload;
  const ok = decodeOk(payload, Capability.SESSION_TRACK);
  if (ok.sessionState.length === 0 && !calls) return payload;
  const variables: Buffer[] = [];
  const others: Buffer[] = [];
  const reader = new PacketReader(ok.sessionState);
  while (reader.remaining > 0) {
    const from = reader.position;
    const type = reader.u8();
    reader.lenencView();
    const entry = Buffer.from(ok.sessionState.subarray(from, reader.position));
    if (type !== VARIABLE_ENTRY) others.push(entry);
    else if (isTimeOfDay(entry)) variables.push(TIMESTAMP_ENTRY);
    else variables.push(entry.includes(STATEMENT_ID_ENTRY) ? STATEMENT_ID_ENTRY : entry);
  }
  const sessionState = Buffer.concat([...variables.sort(Buffer.compare), ...others]);
  const status = sessionState.length > 0 ? ok.status : ok.status & ~SESSION_STATE_CHANGED;
  const masked = encodeOk({ ...ok, status, sessionState }, Capability.SESSION_TRACK);
  masked[0] = payload[0];
  return masked;
}
