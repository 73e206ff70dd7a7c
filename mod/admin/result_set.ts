// A text result set as a server sends it: the admin port's answers.

import {
  Capability,
  encodeColumnDefinition,
  encodeColumnShape,
  encodeEof,
  encodeOk,
  frame,
  PacketWriter,
  ServerStatus,
} from "../wire/mod.ts";

const UTF8MB4 = 45;
const VAR_STRING = 253;
const LENGTH_MAX = 1024;
const EOF_HEADER = 0xfe;
const NONE = new Uint8Array(0);
const utf8 = new TextEncoder();

/** Rows of text under names; null is SQL's NULL. */
export interface TextResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** Encodes a result for a client, as the packets that follow the command's. */
export function encodeTextResult(result: TextResult, capabilities: number): Uint8Array {
  const deprecateEof = (capabilities & Capability.DEPRECATE_EOF) !== 0;
  const status = ServerStatus.AUTOCOMMIT;
  const payloads: Uint8Array[] = [new PacketWriter().lenenc(result.columns.length).done()];
  for (const name of result.columns) {
    payloads.push(encodeColumnDefinition({
      catalog: utf8.encode("def"),
      schema: NONE,
      table: NONE,
      originalTable: NONE,
      name: utf8.encode(name),
      originalName: NONE,
      tail: encodeColumnShape({
        collation: UTF8MB4,
        length: LENGTH_MAX,
        type: VAR_STRING,
        flags: 0,
        decimals: 0,
      }),
    }));
  }
  if (!deprecateEof) payloads.push(encodeEof({ status, warnings: 0 }));
  for (const row of result.rows) payloads.push(encodeRow(row));
  if (deprecateEof) {
    const end = encodeOk({ status }, capabilities);
    end[0] = EOF_HEADER;
    payloads.push(end);
  } else payloads.push(encodeEof({ status, warnings: 0 }));
  return Buffer.concat(payloads.map((payload, index) => frame(payload, (index + 1) & 0xff)));
}

function encodeRow(row: readonly (string | null)[]): Uint8Array {
  const writer = new PacketWriter();
  for (const value of row) {
    if (value === null) writer.u8(0xfb);
    else writer.lenencBytes(utf8.encode(value));
  }
  return writer.done();
}
