// Prepared statements of a server of the proxy's own: the answer to COM_STMT_PREPARE, and what
// COM_STMT_EXECUTE gives as values.
// Source: "COM_STMT_PREPARE Response" and "COM_STMT_EXECUTE" of the protocol pages.

import { MalformedPacketError, PacketReader, PacketWriter } from "./bytes.ts";
import { Capability, ServerStatus } from "./capabilities.ts";
import { frame } from "./frame.ts";
import { encodeEof } from "./ok.ts";
import { encodeColumn } from "./text_result.ts";

/** The value of a parameter. */
export type ParameterValue = string | number | bigint | null;

/** The types of parameters, as a client has given them: two bytes each. */
export type ParameterTypes = readonly (readonly [type: number, unsigned: boolean])[];

/**
 * Encodes that a statement is prepared. Its columns are not told: as of SHOW they come with the rows.
 *
 * @param parameters How many it has.
 */
export function encodePrepared(
  id: number,
  parameters: number,
  { capabilities }: { readonly capabilities: number },
): Uint8Array {
  const head = new PacketWriter().u8(0).u32(id).u16(0).u16(parameters).u8(0).u16(0).done();
  const payloads = [head];
  for (let at = 0; at < parameters; at++) payloads.push(encodeColumn("?", "text", false));
  if (parameters > 0 && (capabilities & Capability.DEPRECATE_EOF) === 0) {
    payloads.push(encodeEof({ status: ServerStatus.AUTOCOMMIT, warnings: 0 }));
  }
  return Buffer.concat(payloads.map((payload, index) => frame(payload, (index + 1) & 0xff)));
}

/**
 * Reads the values of an execution.
 *
 * @param payload The command's payload.
 * @param known.types Those of the execution before, if there was one.
 * @param known.long Values that were sent ahead, by the number of their parameter.
 * @throws {MalformedPacketError} If they cannot be read.
 */
export function decodeExecution(payload: Uint8Array, known: {
  readonly parameters: number;
  readonly types: ParameterTypes;
  readonly long: ReadonlyMap<number, Uint8Array>;
}): { readonly values: readonly ParameterValue[]; readonly types: ParameterTypes } {
  const { parameters, long } = known;
  if (parameters === 0) return { values: [], types: [] };
  const reader = new PacketReader(payload);
  reader.skip(1 + 4 + 1 + 4); // command, statement, cursor type, iterations
  const nulls = reader.view((parameters + 7) >> 3);
  const isBound = reader.u8() === 1;
  const types = isBound
    ? Array.from({ length: parameters }, () => {
      const type = reader.u8();
      return [type, (reader.u8() & UNSIGNED) !== 0] as const;
    })
    : known.types;
  if (types.length < parameters) throw new MalformedPacketError("no types of parameters");
  const values = Array.from({ length: parameters }, (_, at) => {
    const sent = long.get(at);
    if (sent !== undefined) return utf8.decode(sent);
    if ((nulls[at >> 3] & (1 << (at & 7))) !== 0) return null;
    return readValue(reader, ...types[at]);
  });
  return { values, types };
}

const UNSIGNED = 0x80;
const utf8 = new TextDecoder();

/** `enum_field_types`. */
const Type = {
  TINY: 1,
  SHORT: 2,
  LONG: 3,
  FLOAT: 4,
  DOUBLE: 5,
  NULL: 6,
  TIMESTAMP: 7,
  LONGLONG: 8,
  INT24: 9,
  DATE: 10,
  TIME: 11,
  DATETIME: 12,
  YEAR: 13,
} as const;

function readValue(reader: PacketReader, type: number, unsigned: boolean): ParameterValue {
  const take = (count: number) => {
    const bytes = reader.view(count);
    return new DataView(bytes.buffer, bytes.byteOffset, count);
  };
  switch (type) {
    case Type.NULL:
      return null;
    case Type.TINY:
      return unsigned ? take(1).getUint8(0) : take(1).getInt8(0);
    case Type.SHORT:
    case Type.YEAR:
      return unsigned ? take(2).getUint16(0, true) : take(2).getInt16(0, true);
    case Type.LONG:
    case Type.INT24:
      return unsigned ? take(4).getUint32(0, true) : take(4).getInt32(0, true);
    case Type.LONGLONG:
      return unsigned ? take(8).getBigUint64(0, true) : take(8).getBigInt64(0, true);
    case Type.FLOAT:
      return take(4).getFloat32(0, true);
    case Type.DOUBLE:
      return take(8).getFloat64(0, true);
    case Type.DATE:
    case Type.DATETIME:
    case Type.TIMESTAMP:
      return readDate(take(reader.u8()), type === Type.DATE);
    case Type.TIME:
      return readTime(take(reader.u8()));
    default:
      return utf8.decode(reader.lenencView());
  }
}

const two = (value: number) => String(value).padStart(2, "0");

function readDate(view: DataView, isDate: boolean): string {
  const has = view.byteLength;
  const date = has < 4
    ? "0000-00-00"
    : `${String(view.getUint16(0, true)).padStart(4, "0")}-${two(view.getUint8(2))}-${
      two(view.getUint8(3))
    }`;
  if (isDate) return date;
  const time = has < 7 ? [0, 0, 0] : [view.getUint8(4), view.getUint8(5), view.getUint8(6)];
  return `${date} ${time.map(two).join(":")}${fraction(view, 7)}`;
}

function readTime(view: DataView): string {
  if (view.byteLength < 8) return "00:00:00";
  const hours = view.getUint32(1, true) * 24 + view.getUint8(5);
  const sign = view.getUint8(0) === 0 ? "" : "-";
  return `${sign}${two(hours)}:${two(view.getUint8(6))}:${two(view.getUint8(7))}${
    fraction(view, 8)
  }`;
}

/** Microseconds, where there are some. */
function fraction(view: DataView, at: number): string {
  if (view.byteLength < at + 4) return "";
  const micros = view.getUint32(at, true);
  return micros === 0 ? "" : `.${String(micros).padStart(6, "0")}`;
}
