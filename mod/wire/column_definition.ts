// Protocol::ColumnDefinition41. Needed where the proxy answers itself or renames a column.

import { PacketReader, PacketWriter } from "./bytes.ts";

/** One column of a result as the server describes it. Names are bytes in the results' charset. */
export interface ColumnDefinition {
  readonly catalog: Uint8Array;
  readonly schema: Uint8Array;
  readonly table: Uint8Array;
  readonly originalTable: Uint8Array;
  readonly name: Uint8Array;
  readonly originalName: Uint8Array;
  /** Everything behind the names: extended metadata, the fixed part, a default value. */
  readonly tail: Uint8Array;
}

/** The fixed part of a column definition. */
export interface ColumnShape {
  readonly collation: number;
  /** The longest value in bytes. */
  readonly length: number;
  /** `enum_field_types`. */
  readonly type: number;
  readonly flags: number;
  readonly decimals: number;
}

/** Reads a column definition's payload. */
export function decodeColumnDefinition(payload: Uint8Array): ColumnDefinition {
  const reader = new PacketReader(payload);
  return {
    catalog: reader.lenencView(),
    schema: reader.lenencView(),
    table: reader.lenencView(),
    originalTable: reader.lenencView(),
    name: reader.lenencView(),
    originalName: reader.lenencView(),
    tail: reader.rest(),
  };
}

/** Writes a column definition's payload. */
export function encodeColumnDefinition(column: ColumnDefinition): Uint8Array {
  return new PacketWriter(256)
    .lenencBytes(column.catalog)
    .lenencBytes(column.schema)
    .lenencBytes(column.table)
    .lenencBytes(column.originalTable)
    .lenencBytes(column.name)
    .lenencBytes(column.originalName)
    .raw(column.tail)
    .done();
}

/** Writes the tail of a column definition: its fixed part. */
export function encodeColumnShape(shape: ColumnShape): Uint8Array {
  return new PacketWriter(16)
    .u8(0x0c)
    .u16(shape.collation)
    .u32(shape.length)
    .u8(shape.type)
    .u16(shape.flags)
    .u8(shape.decimals)
    .u16(0)
    .done();
}

/** Reads the fixed part of a column definition's payload. */
export function decodeColumnShape(payload: Uint8Array): ColumnShape {
  const { tail } = decodeColumnDefinition(payload);
  // At the end: MariaDB's extended metadata may stand before it.
  const reader = new PacketReader(tail, Math.max(0, tail.length - FIXED_LENGTH));
  return {
    collation: reader.u16(),
    length: reader.u32(),
    type: reader.u8(),
    flags: reader.u16(),
    decimals: reader.u8(),
  };
}

const FIXED_LENGTH = 0x0c;
