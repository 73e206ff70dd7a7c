// Gives columns in an answer the names that the client's own words would have had.

import { type AnswerSink, passOk } from "../../backend/mod.ts";
import {
  decodeColumnDefinition,
  decodeOk,
  encodeColumnDefinition,
  ERR_HEADER,
  frame,
  PacketAssembler,
  PacketReader,
  ServerStatus,
} from "../../wire/mod.ts";

/** What stands in the statement, and what the client wrote. */
export interface Replacement {
  readonly literal: string;
  readonly original: string;
}

/** A column definition is not longer: 16 names and a default value. */
const DEFINITION_MAX = 1024 * 1024;
const PREPARE_HEAD_LENGTH = 12;

/**
 * Renames the columns of the first result with columns (or of a prepared statement) and passes everything behind
 * their definitions as the bytes that come, rows of any length among it.
 */
export class RenamedColumns implements AnswerSink {
  readonly #sink: AnswerSink;
  readonly #replacements: readonly Replacement[];
  readonly #prepared: boolean;
  #packets: PacketAssembler | undefined = new PacketAssembler(DEFINITION_MAX);
  /** Definitions still to come; undefined before the answer's first packet. */
  #left: number | undefined;

  constructor(
    sink: AnswerSink,
    options: { readonly replacements: readonly Replacement[]; readonly prepared: boolean },
  ) {
    this.#sink = sink;
    this.#replacements = options.replacements;
    this.#prepared = options.prepared;
  }

  onAnswerBytes(bytes: Uint8Array): void {
    const packets = this.#packets;
    if (packets === undefined) {
      this.#sink.onAnswerBytes(bytes);
      return;
    }
    packets.push(bytes);
    const written: Uint8Array[] = [];
    while (this.#left !== 0) {
      const payload = packets.next();
      if (payload === undefined) break;
      written.push(frame(this.#pass(payload), packets.sequence));
    }
    if (this.#left === 0) {
      this.#packets = undefined;
      written.push(packets.takeRest());
    }
    const passed = Buffer.concat(written);
    if (passed.length > 0) this.#sink.onAnswerBytes(passed);
  }

  /** Counts what is still to be looked at; gives the packet as the client gets it. */
  #pass(payload: Uint8Array): Uint8Array {
    if (this.#left === undefined) {
      if (payload[0] === ERR_HEADER) {
        this.#left = 0;
        return renameInError(payload, this.#replacements);
      }
      if (!isFollowedOk(payload, this.#prepared)) {
        this.#left = this.#prepared ? preparedDefinitions(payload) : resultColumns(payload);
      }
      return payload;
    }
    // Between parameters and columns stands an EOF packet for clients of the older kind.
    if (payload[0] === 0xfe) return payload;
    this.#left--;
    return rename(payload, this.#replacements);
  }

  onOkPacket(packet: Uint8Array): void {
    passOk(this.#sink, packet);
  }

  onAnswerEnd(): void {
    this.#sink.onAnswerEnd();
  }

  onServerLost(reason: string): void {
    this.#sink.onServerLost(reason);
  }
}

/** An OK behind which a further result comes, as of `SET @a = 1; SELECT CONNECTION_ID()`. */
function isFollowedOk(payload: Uint8Array, prepared: boolean): boolean {
  if (prepared || payload[0] !== 0) return false;
  return (decodeOk(payload, 0).status & ServerStatus.MORE_RESULTS_EXISTS) !== 0;
}

/** The number of columns that a result's first packet announces; 0 for an OK or an error. */
function resultColumns(payload: Uint8Array): number {
  const first = payload[0] ?? 0;
  if (first === 0 || first === 0xfb || first >= 0xfe) return 0;
  const reader = new PacketReader(payload);
  const columns = reader.lenenc();
  // A further byte tells, where the flags have it, that definitions are left out.
  return reader.remaining > 0 && reader.u8() === 0 ? 0 : columns;
}

/** Parameters and columns that COM_STMT_PREPARE's OK announces. */
function preparedDefinitions(payload: Uint8Array): number {
  if (payload[0] !== 0 || payload.length < PREPARE_HEAD_LENGTH) return 0;
  if (payload.length > PREPARE_HEAD_LENGTH && payload[PREPARE_HEAD_LENGTH] === 0) return 0;
  const reader = new PacketReader(payload, 5);
  return reader.u16() + reader.u16();
}

/** An error that quotes the statement quotes the client's own words. */
function renameInError(payload: Uint8Array, replacements: readonly Replacement[]): Uint8Array {
  let text = Buffer.from(payload).toString("latin1");
  for (const { literal, original } of replacements) text = text.replaceAll(literal, () => original);
  return Buffer.from(text, "latin1");
}

/** A column definition with the number in its name gets the client's own words back. */
function rename(payload: Uint8Array, replacements: readonly Replacement[]): Uint8Array {
  const view = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  if (!replacements.some(({ literal }) => view.includes(literal))) return payload;
  const column = decodeColumnDefinition(payload);
  let name = Buffer.from(column.name).toString("latin1");
  for (const { literal, original } of replacements) name = name.replaceAll(literal, () => original);
  return encodeColumnDefinition({ ...column, name: Buffer.from(name, "latin1") });
}
