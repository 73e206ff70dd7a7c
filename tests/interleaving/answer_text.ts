// Answers as lines of text, for people who look for what differs in them.

import {
  Capability,
  decodeColumnDefinition,
  decodeErr,
  decodeOk,
  HEADER_LENGTH,
  latin1,
  PacketReader,
  payloadLength,
} from "../../mod/wire/mod.ts";
import type { Played } from "./performance.ts";
import type { Step, VariedFlag } from "./program.ts";

/** The lines of an answer, a packet each; what can't be read stands there as bytes. */
export function describeAnswer({ step, answer }: Played, flags: readonly VariedFlag[]): string[] {
  const lines: string[] = [];
  const reader = new AnswerReader(step, flags);
  const { bytes } = answer;
  if (step.command === "enter" || step.command === "change_user") {
    if (bytes.length > 0) lines.push(reader.packet(bytes));
  } else {
    for (let at = 0; at < bytes.length;) {
      const length = payloadLength(bytes, at);
      const from = at + HEADER_LENGTH;
      const sequence = bytes[at + 3]!;
      lines.push(`${sequence}: ${reader.packet(bytes.subarray(from, from + length))}`);
      at = from + length;
    }
  }
  if (answer.ending === "late") lines.push("(no more within the time limit)");
  if (answer.ending === "closed" && step.command !== "leave") lines.push("(connection closed)");
  return lines;
}

/** Reads the packets of one answer in their order. */
class AnswerReader {
  readonly #step: Step;
  readonly #capabilities: number;
  #columns = 0;
  #eofs = 0;

  constructor(step: Step, flags: readonly VariedFlag[]) {
    this.#step = step;
    this.#capabilities = flags.includes("SESSION_TRACK") ? Capability.SESSION_TRACK : 0;
  }

  packet(payload: Uint8Array): string {
    try {
      return this.#read(payload);
    } catch {
      return `bytes ${hex(payload)}`;
    }
  }

  #read(payload: Uint8Array): string {
    const first = payload[0];
    if (first === 0xff) {
      const { code, sqlState, message } = decodeErr(payload);
      return `ERR ${code} (${sqlState}) ${JSON.stringify(message)}`;
    }
    if (payload.length >= 4 && latin1(payload.subarray(0, 4)) === "\x03def") return column(payload);
    if (first === 0xfe && payload.length === 5) {
      // The first one ends the column definitions, the second the rows.
      if (this.#eofs++ % 2 === 1) this.#columns = 0;
      return `EOF warnings=${u16(payload, 1)} status=${status(u16(payload, 3))}`;
    }
    if (this.#step.command === "prepare" && first === 0 && payload.length === 12) {
      return `PREPARED columns=${u16(payload, 5)} parameters=${u16(payload, 7)} ` +
        `warnings=${u16(payload, 10)}`;
    }
    if (first === 0xfe || (first === 0 && this.#columns === 0)) return this.#ok(payload);
    if (this.#columns === 0) {
      this.#columns = new PacketReader(payload).lenenc();
      return `COLUMNS ${this.#columns}${payload.length > 1 ? ` ${hex(payload)}` : ""}`;
    }
    return this.#row(payload);
  }

  #ok(payload: Uint8Array): string {
    const ok = decodeOk(payload, this.#capabilities);
    this.#columns = 0;
    return `OK${payload[0] === 0xfe ? " (end of rows)" : ""} affected=${ok.affectedRows} ` +
      `insert_id=${ok.lastInsertId} status=${status(ok.status)} warnings=${ok.warnings} ` +
      `info=${quoted(ok.info)} state=${describeState(ok.sessionState)}`;
  }

  #row(payload: Uint8Array): string {
    if (this.#step.command !== "query") return `ROW ${hex(payload)} ${quoted(payload)}`;
    const reader = new PacketReader(payload);
    const values: string[] = [];
    while (reader.remaining > 0) {
      if (payload[reader.position] === 0xfb) {
        reader.skip(1);
        values.push("NULL");
      } else values.push(quoted(reader.lenencView()));
    }
    return `ROW ${values.join(", ")}`;
  }
}

function column(payload: Uint8Array): string {
  const { schema, table, originalTable, name, originalName, tail } = decodeColumnDefinition(
    payload,
  );
  const places = [schema, table, originalTable, name, originalName].map(quoted).join(" ");
  return `COLUMN ${places} ${hex(tail)}`;
}

/** Bits with a name are named. */
const STATUS_NAMES: readonly (readonly [number, string])[] = [
  [0x1, "IN_TRANS"],
  [0x2, "AUTOCOMMIT"],
  [0x8, "MORE_RESULTS"],
  [0x10, "NO_GOOD_INDEX"],
  [0x20, "NO_INDEX"],
  [0x40, "CURSOR"],
  [0x80, "LAST_ROW"],
  [0x100, "DB_DROPPED"],
  [0x200, "NO_BACKSLASH_ESCAPES"],
  [0x400, "METADATA_CHANGED"],
  [0x800, "SLOW"],
  [0x1000, "OUT_PARAMS"],
  [0x2000, "READONLY"],
  [0x4000, "STATE_CHANGED"],
  [0x8000, "ANSI_QUOTES"],
];

function status(flags: number): string {
  return STATUS_NAMES.filter(([bit]) => flags & bit).map(([, name]) => name).join("|") || "0";
}

/** Types of entries, in the order of their numbers. */
const STATE_TYPES = ["variable", "schema", "change", "gtids", "characteristics", "transaction"];

function describeState(state: Uint8Array): string {
  const entries: string[] = [];
  const reader = new PacketReader(state);
  while (reader.remaining > 0) {
    const type = reader.u8();
    const entry = new PacketReader(reader.lenencView());
    const parts: string[] = [];
    while (entry.remaining > 0) {
      parts.push(type === 3 ? quoted(entry.rest()) : quoted(entry.lenencView()));
    }
    entries.push(`${STATE_TYPES[type] ?? type}=${parts.join(":")}`);
  }
  return `[${entries.join(" ")}]`;
}

function u16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** As text where the bytes are text, else byte by byte. */
function quoted(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("utf8");
  const same = Buffer.from(text).equals(bytes);
  return JSON.stringify(same ? text : latin1(bytes));
}
