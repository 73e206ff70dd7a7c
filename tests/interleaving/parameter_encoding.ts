// COM_STMT_EXECUTE and COM_STMT_BULK_EXECUTE as bytes. Sources: "COM_STMT_EXECUTE" and "Binary
// Protocol Value" of the MySQL protocol pages, "COM_STMT_BULK_EXECUTE" of MariaDB's.

import { Capability, Command, PacketWriter } from "../../mod/wire/mod.ts";
import type { Parameter, ParameterType } from "./program.ts";

const UNSIGNED = 0x8000;

/** `enum_field_types` by our names. */
const TYPE_CODES: Readonly<Record<ParameterType, number>> = {
  tiny: 1,
  utiny: 1 | UNSIGNED,
  short: 2,
  ushort: 2 | UNSIGNED,
  long: 3,
  ulong: 3 | UNSIGNED,
  float: 4,
  double: 5,
  null: 6,
  timestamp: 7,
  longlong: 8,
  ulonglong: 8 | UNSIGNED,
  date: 10,
  time: 11,
  datetime: 12,
  varchar: 15,
  json: 245,
  decimal: 246,
  blob: 252,
  string: 253,
};

const CURSOR_READ_ONLY = 1;
/** A parameter count goes in front of the values, since query attributes may follow. */
const PARAMETER_COUNT_AVAILABLE = 8;

/** A prepared statement's execution. */
export interface Execution {
  readonly statementId: number;
  readonly cursor: boolean;
  readonly bind: boolean;
  readonly parameters: readonly Parameter[];
  /** Parameters the statement has. */
  readonly count: number;
}

/** COM_STMT_EXECUTE for a client with these flags. */
export function encodeExecute(execution: Execution, capabilities: number): Uint8Array {
  const { statementId, cursor, bind, parameters } = execution;
  const withAttributes = (capabilities & Capability.QUERY_ATTRIBUTES) !== 0;
  const flags = (cursor ? CURSOR_READ_ONLY : 0) | (withAttributes ? PARAMETER_COUNT_AVAILABLE : 0);
  const writer = new PacketWriter().u8(Command.STMT_EXECUTE).u32(statementId).u8(flags).u32(1);
  if (withAttributes) writer.lenenc(parameters.length);
  if (parameters.length === 0) return writer.done();
  const nulls = new Uint8Array((parameters.length + 7) >> 3);
  for (const [i, { value }] of parameters.entries()) {
    if (value === null) nulls[i >> 3] |= 1 << (i & 7);
  }
  writer.raw(nulls).u8(bind ? 1 : 0);
  if (bind) {
    for (const { type } of parameters) {
      writer.u16(TYPE_CODES[type]);
      if (withAttributes) writer.lenenc(0);
    }
  }
  for (const parameter of parameters) writeValue(writer, parameter);
  return writer.done();
}

const BULK_SEND_TYPES = 128;
const BulkIndicator = { NONE: 0, NULL: 1 } as const;

/** COM_STMT_BULK_EXECUTE: the parameters of all rows one after the other. */
export function encodeBulk(execution: Execution): Uint8Array {
  const { statementId, parameters, count } = execution;
  const writer = new PacketWriter().u8(Command.STMT_BULK_EXECUTE).u32(statementId);
  writer.u16(BULK_SEND_TYPES);
  for (const { type } of parameters.slice(0, count)) writer.u16(TYPE_CODES[type]);
  for (const parameter of parameters) {
    writer.u8(parameter.value === null ? BulkIndicator.NULL : BulkIndicator.NONE);
    writeValue(writer, parameter);
  }
  return writer.done();
}

/** COM_QUERY, with as many attributes as asked for where the client's flags have them. */
export function encodeQuery(
  { sql, attributes }: { readonly sql: string; readonly attributes: number },
  capabilities: number,
): Uint8Array {
  const text = Buffer.from(sql);
  const writer = new PacketWriter(text.length + 16).u8(Command.QUERY);
  if (capabilities & Capability.QUERY_ATTRIBUTES) {
    writer.lenenc(attributes).lenenc(1);
    if (attributes > 0) {
      writer.zeros((attributes + 7) >> 3).u8(1);
      for (let i = 0; i < attributes; i++) {
        writer.u16(TYPE_CODES.string).lenencBytes(Buffer.from(`attribute${i}`));
      }
      for (let i = 0; i < attributes; i++) writer.lenencBytes(Buffer.from(`value ${i}`));
    }
  }
  return writer.raw(text).done();
}

function writeValue(writer: PacketWriter, { type, value }: Parameter): void {
  if (value === null || value === undefined) return;
  switch (type) {
    case "null":
      return;
    case "tiny":
    case "utiny":
      writer.u8(Number(value));
      return;
    case "short":
    case "ushort":
      writer.u16(Number(value));
      return;
    case "long":
    case "ulong":
      writer.u32(Number(value));
      return;
    case "longlong":
    case "ulonglong": {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
      writer.raw(bytes);
      return;
    }
    case "float":
    case "double": {
      const bytes = Buffer.alloc(type === "float" ? 4 : 8);
      if (type === "float") bytes.writeFloatLE(Number(value));
      else bytes.writeDoubleLE(Number(value));
      writer.raw(bytes);
      return;
    }
    case "date":
    case "datetime":
    case "timestamp":
      writeDate(writer, value);
      return;
    case "time":
      writeTime(writer, value);
      return;
    default:
      writer.lenencBytes(Buffer.from(value));
  }
}

/** "YYYY-MM-DD", with "HH:MM:SS" and ".ffffff" where there are. */
function writeDate(writer: PacketWriter, value: string): void {
  const [year, month, day, hour, minute, second, micros] = numbersOf(value);
  const length = micros !== undefined ? 11 : hour !== undefined ? 7 : 4;
  writer.u8(length).u16(year!).u8(month!).u8(day!);
  if (length >= 7) writer.u8(hour!).u8(minute!).u8(second!);
  if (length === 11) writer.u32(micros!);
}

/** "[-]HH:MM:SS[.ffffff]". */
function writeTime(writer: PacketWriter, value: string): void {
  const [hours, minute, second, micros] = numbersOf(value);
  writer.u8(micros === undefined ? 8 : 12).u8(value.startsWith("-") ? 1 : 0)
    .u32(Math.floor(hours! / 24)).u8(hours! % 24).u8(minute!).u8(second!);
  if (micros !== undefined) writer.u32(micros);
}

function numbersOf(value: string): number[] {
  return (value.match(/\d+/g) ?? []).map(Number);
}
