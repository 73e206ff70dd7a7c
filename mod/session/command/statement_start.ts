// Where a statement's text starts behind the query attributes of COM_QUERY.
// Source: "COM_QUERY" of the protocol pages, CLIENT_QUERY_ATTRIBUTES; WL#12542.

import { PacketReader } from "../../wire/mod.ts";

/** Fixed lengths of binary values by `enum_field_types`; absent: length-encoded. */
const FIXED_LENGTHS = new Map<number, number>([
  [1, 1], // TINY
  [2, 2], // SHORT
  [3, 4], // LONG
  [4, 4], // FLOAT
  [5, 8], // DOUBLE
  [6, 0], // NULL
  [8, 8], // LONGLONG
  [9, 4], // INT24
  [13, 2], // YEAR
]);

/**
 * The position of the text in a COM_QUERY that lies at `start` to `end`. Without attributes that
 * is two bytes behind the command; nothing is allocated then.
 */
export function statementStart(bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start + 1] === 0) return start + 3;
  try {
    const reader = new PacketReader(bytes, start + 1, end);
    const count = reader.lenenc();
    reader.lenenc(); // the number of parameter sets: always 1
    const nulls = reader.view((count + 7) >> 3);
    reader.skip(1); // new_params_bind_flag: always 1
    const types: number[] = [];
    for (let i = 0; i < count; i++) {
      types.push(reader.u16() & 0xff);
      reader.lenencView();
    }
    for (let i = 0; i < count; i++) {
      if (nulls[i >> 3] & (1 << (i & 7))) continue;
      const length = valueLength(types[i], reader);
      reader.skip(length);
    }
    return reader.position;
  } catch {
    return end; // the server will say what is wrong with it
  }
}

function valueLength(type: number, reader: PacketReader): number {
  const fixed = FIXED_LENGTHS.get(type);
  if (fixed !== undefined) return fixed;
  // Dates and times have a length byte, which reads as a length-encoded integer as well.
  return reader.lenenc();
}
