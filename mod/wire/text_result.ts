// A result set as a server sends it, for answers of the proxy's own: rows of text, or the binary rows
// that prepared statements are answered with.
// Source: "Text Resultset" and "Binary Protocol Resultset" of the protocol pages; MariaDB's "Result Set Packets".

import { PacketWriter } from "./bytes.ts";
import { Capability, MariadbCapability, ServerStatus } from "./capabilities.ts";
import { encodeColumnDefinition, encodeColumnShape } from "./column_definition.ts";
import { frame } from "./frame.ts";
import { encodeEof, encodeOk } from "./ok.ts";

const UTF8MB4 = 45;
/** What a column's values are: text on the wire, but drivers make numbers of numbers. */
export type ColumnType = "integer" | "real" | "text";

const BINARY = 63;
/** `enum_field_types`, collation and decimals by what a column's values are. */
const SHAPES = {
  integer: { type: 8, collation: BINARY, decimals: 0 },
  real: { type: 5, collation: BINARY, decimals: 31 },
  text: { type: 253, collation: UTF8MB4, decimals: 0 },
} as const;
/** The longest value that is announced, in bytes: some drivers make room for it. */
const LENGTH_MAX = 65_535;
const EOF_HEADER = 0xfe;
const NULL_VALUE = 0xfb;
const FULL_METADATA = 1;
const NONE = new Uint8Array(0);
const utf8 = new TextEncoder();

/** Rows of text under names; null is SQL's NULL. */
export interface TextResult {
  readonly columns: readonly string[];
  /** What each column's values are. @default text */
  readonly types?: readonly ColumnType[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** What decides the shape of a result set. */
export interface ResultShape {
  /** The flags in force on the connection. */
  readonly capabilities: number;
  /** Likewise, MariaDB's extended flags. @default {0} */
  readonly mariadbCapabilities?: number;
  /** Server status flags for the end. @default autocommit */
  readonly status?: number;
}

/** Encodes a result for a client, as the packets that follow the command's. */
export function encodeTextResult(result: TextResult, shape: ResultShape): Uint8Array {
  return encodeResult(result, shape, encodeRow);
}

/** As `encodeTextResult`, for the answer to COM_STMT_EXECUTE. */
export function encodeBinaryResult(result: TextResult, shape: ResultShape): Uint8Array {
  // A value that is not of its column's type would be another one.
  const types = result.columns.map((_, at) => {
    const type = result.types?.[at] ?? "text";
    const fits = FITS[type];
    return result.rows.every((row) => row[at] === null || fits(row[at]!)) ? type : "text";
  });
  return encodeResult({ ...result, types }, shape, (row) => encodeBinaryRow(row, types));
}

const FITS: Readonly<Record<ColumnType, (value: string) => boolean>> = {
  integer: (value) => /^-?\d{1,18}$/.test(value),
  real: (value) => value !== "" && Number.isFinite(Number(value)),
  text: () => true,
};

function encodeResult(
  result: TextResult,
  shape: ResultShape,
  encodeRow: (row: readonly (string | null)[]) => Uint8Array,
): Uint8Array {
  const { capabilities, mariadbCapabilities = 0, status = ServerStatus.AUTOCOMMIT } = shape;
  const deprecateEof = (capabilities & Capability.DEPRECATE_EOF) !== 0;
  const payloads: Uint8Array[] = [
    encodeHead(result.columns.length, { capabilities, mariadbCapabilities }),
  ];
  const isExtended = (mariadbCapabilities & MariadbCapability.EXTENDED_METADATA) !== 0;
  for (const [at, name] of result.columns.entries()) {
    payloads.push(encodeColumn(name, result.types?.[at] ?? "text", isExtended));
  }
  const end = { status, warnings: 0 };
  if (!deprecateEof) payloads.push(encodeEof(end));
  for (const row of result.rows) payloads.push(encodeRow(row));
  if (deprecateEof) {
    const ok = encodeOk(end, capabilities);
    ok[0] = EOF_HEADER;
    payloads.push(ok);
  } else payloads.push(encodeEof(end));
  return Buffer.concat(payloads.map((payload, index) => frame(payload, (index + 1) & 0xff)));
}

/** Encodes the answer to COM_FIELD_LIST: definitions, each with its default, which is NULL. */
export function encodeFieldList(
  { columns, types }: Omit<TextResult, "rows">,
  { capabilities }: ResultShape,
): Uint8Array {
  const end = { status: ServerStatus.AUTOCOMMIT, warnings: 0 };
  const payloads = columns.map((name, at) =>
    Buffer.concat([encodeColumn(name, types?.[at] ?? "text", false), Uint8Array.of(NULL_VALUE)])
  );
  if (capabilities & Capability.DEPRECATE_EOF) {
    const ok = encodeOk(end, capabilities);
    ok[0] = EOF_HEADER;
    payloads.push(Buffer.from(ok));
  } else payloads.push(Buffer.from(encodeEof(end)));
  return Buffer.concat(payloads.map((payload, index) => frame(payload, (index + 1) & 0xff)));
}

/** The number of columns, and that their definitions follow: MySQL and MariaDB say so differently. */
function encodeHead(columns: number, shape: Required<Omit<ResultShape, "status">>): Uint8Array {
  const writer = new PacketWriter();
  if (shape.capabilities & Capability.OPTIONAL_RESULTSET_METADATA) writer.u8(FULL_METADATA);
  writer.lenenc(columns);
  if (shape.mariadbCapabilities & MariadbCapability.CACHE_METADATA) writer.u8(FULL_METADATA);
  return writer.done();
}

/** A column of no table. @param isExtended With MariaDB's extended metadata, here none. */
export function encodeColumn(name: string, type: ColumnType, isExtended: boolean): Uint8Array {
  const fixed = encodeColumnShape({ ...SHAPES[type], length: LENGTH_MAX, flags: 0 });
  return encodeColumnDefinition({
    catalog: utf8.encode("def"),
    schema: NONE,
    table: NONE,
    originalTable: NONE,
    name: utf8.encode(name),
    originalName: NONE,
    // Extended metadata: here none.
    tail: isExtended ? Buffer.concat([Uint8Array.of(0), fixed]) : fixed,
  });
}

function encodeRow(row: readonly (string | null)[]): Uint8Array {
  const writer = new PacketWriter();
  for (const value of row) {
    if (value === null) writer.u8(NULL_VALUE);
    else writer.lenencBytes(utf8.encode(value));
  }
  return writer.done();
}

/** Bits of NULL begin behind two that are not used. */
const NULL_BITS_OFFSET = 2;

function encodeBinaryRow(
  row: readonly (string | null)[],
  types: readonly ColumnType[],
): Uint8Array {
  const nulls = new Uint8Array((row.length + 7 + NULL_BITS_OFFSET) >> 3);
  const parts: Uint8Array[] = [Uint8Array.of(0), nulls];
  for (const [at, value] of row.entries()) {
    const bit = at + NULL_BITS_OFFSET;
    if (value === null) nulls[bit >> 3] |= 1 << (bit & 7);
    else parts.push(encodeBinaryValue(value, types[at]));
  }
  return Buffer.concat(parts);
}

function encodeBinaryValue(value: string, type: ColumnType): Uint8Array {
  const bytes = Buffer.alloc(8);
  switch (type) {
    case "integer":
      bytes.writeBigInt64LE(BigInt(value));
      return bytes;
    case "real":
      bytes.writeDoubleLE(Number(value));
      return bytes;
    case "text":
      return new PacketWriter().lenencBytes(utf8.encode(value)).done();
  }
}
