// ERR_Packet. Source: "ERR_Packet" of the protocol pages.

import { PacketReader, PacketWriter } from "./bytes.ts";
import { latin1 } from "./greeting.ts";

/** An error as MySQL knows it. */
export interface SqlError {
  /** The error number, such as 1045. */
  readonly code: number;
  /** Five characters, such as `28000`. */
  readonly sqlState: string;
  readonly message: string;
}

/** The first byte of an ERR packet. */
export const ERR_HEADER = 0xff;

/** Reads an ERR packet's payload, its first byte included. */
export function decodeErr(payload: Uint8Array): SqlError {
  const reader = new PacketReader(payload, 1);
  const code = reader.u16();
  let sqlState = "HY000";
  if (reader.remaining >= 6 && reader.bytes[reader.position] === 0x23) {
    reader.skip(1);
    sqlState = latin1(reader.view(5));
  }
  return { code, sqlState, message: new TextDecoder().decode(reader.rest()) };
}

/** Writes an ERR packet's payload with its SQLSTATE. */
export function encodeErr(error: SqlError): Uint8Array {
  return new PacketWriter(error.message.length + 16)
    .u8(ERR_HEADER).u16(error.code).text("#").text(error.sqlState).text(error.message).done();
}

/** Writes an ERR payload as it is before capabilities are agreed on: without SQLSTATE. */
export function encodeEarlyErr(error: SqlError): Uint8Array {
  return new PacketWriter(error.message.length + 8)
    .u8(ERR_HEADER).u16(error.code).text(error.message).done();
}
