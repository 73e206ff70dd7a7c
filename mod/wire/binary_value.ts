// One value of the binary protocol, as clients send parameters.
// Source: "Binary Protocol Value" of the protocol pages.

import { PacketReader } from "./bytes.ts";
import { FieldType } from "./field_type.ts";

/** Integers, floating point, NULL, the text of dates and times; the bytes of all else, as a view. */
export type BinaryValue = bigint | number | string | null | Uint8Array;

/**
 * Reads one value.
 *
 * @param type A value of `FieldType`, or another one, whose value is a string.
 * @throws {MalformedPacketError} If it is cut off.
 */
export function readBinaryValue(
  reader: PacketReader,
  type: number,
  unsigned: boolean,
): BinaryValue {
  switch (type) {
    case FieldType.NULL:
      return null;
    case FieldType.TINY:
      return readInteger(reader.view(1), unsigned);
    case FieldType.SHORT:
    case FieldType.YEAR:
      return readInteger(reader.view(2), unsigned);
    case FieldType.INT24:
    case FieldType.LONG:
      return readInteger(reader.view(4), unsigned);
    case FieldType.LONGLONG:
      return readInteger(reader.view(8), unsigned);
    case FieldType.FLOAT:
      return viewOf(reader.view(4)).getFloat32(0, true);
    case FieldType.DOUBLE:
      return viewOf(reader.view(8)).getFloat64(0, true);
    case FieldType.DATE:
    case FieldType.DATETIME:
    case FieldType.TIMESTAMP:
      return readDateTime(new PacketReader(reader.view(reader.u8())), type);
    case FieldType.TIME:
      return readTime(new PacketReader(reader.view(reader.u8())));
    default:
      return reader.lenencView();
  }
}

function readInteger(bytes: Uint8Array, unsigned: boolean): bigint {
  let value = 0n;
  for (let at = bytes.length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at]);
  const bits = bytes.length * 8;
  // For SQLite, whose integers are signed: larger ones cannot be stored.
  return unsigned && bits < 64 ? value : BigInt.asIntN(bits, value);
}

function readDateTime(reader: PacketReader, type: number): string {
  const { remaining } = reader;
  const [year, month, day] = remaining >= 4 ? [reader.u16(), reader.u8(), reader.u8()] : [0, 0, 0];
  const time = remaining >= 7 ? [reader.u8(), reader.u8(), reader.u8()] : [0, 0, 0];
  const date = `${digits(year!, 4)}-${digits(month!, 2)}-${digits(day!, 2)}`;
  if (type === FieldType.DATE) return date;
  return `${date} ${time.map((part) => digits(part, 2)).join(":")}${fraction(reader)}`;
}

function readTime(reader: PacketReader): string {
  if (reader.remaining < 8) return "00:00:00";
  const sign = reader.u8() === 0 ? "" : "-";
  const hours = reader.u32() * 24 + reader.u8();
  const rest = [hours, reader.u8(), reader.u8()].map((part) => digits(part, 2)).join(":");
  return sign + rest + fraction(reader);
}

/** Microseconds, where there are some. */
function fraction(reader: PacketReader): string {
  const micros = reader.remaining >= 4 ? reader.u32() : 0;
  return micros === 0 ? "" : `.${digits(micros, 6)}`;
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, "0");
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
