// OK_Packet and EOF_Packet. Source: the pages of these names in the protocol documentation.

import { Capability, ServerStatus } from "./capabilities.ts";
import { PacketReader, PacketWriter } from "./bytes.ts";

/** The content of an OK packet. */
export interface OkPacket {
  readonly affectedRows: number;
  readonly lastInsertId: number;
  /** Server status flags. */
  readonly status: number;
  readonly warnings: number;
  /** Human readable; MariaDB's certificate proof after a login. */
  readonly info: Uint8Array;
  /** Session state changes as they came, without the leading total; empty: none. */
  readonly sessionState: Uint8Array;
}

const NONE = new Uint8Array(0);

/**
 * Reads an OK packet's payload, its first byte (0x00 or 0xfe) included. The info stands behind its
 * length whether or not the peers have SESSION_TRACK: servers do not keep to the documented
 * `string<EOF>`.
 *
 * @throws {MalformedPacketError} If it does not have the form of such a packet.
 */
export function decodeOk(payload: Uint8Array, capabilities: number): OkPacket {
  const reader = new PacketReader(payload, 1);
  const affectedRows = reader.lenenc();
  const lastInsertId = reader.lenenc();
  const status = reader.u16();
  const warnings = reader.u16();
  const info = reader.remaining > 0 ? reader.lenencView() : NONE;
  const hasState = capabilities & Capability.SESSION_TRACK &&
    status & ServerStatus.SESSION_STATE_CHANGED && reader.remaining > 0;
  const sessionState = hasState ? reader.lenencView() : NONE;
  return { affectedRows, lastInsertId, status, warnings, info, sessionState };
}

/**
 * Writes an OK packet's payload for a peer with these capabilities.
 *
 * @param ok What differs from an OK without any content.
 */
export function encodeOk(ok: Partial<OkPacket>, capabilities: number): Uint8Array {
  const info = ok.info ?? NONE;
  const tracked = (capabilities & Capability.SESSION_TRACK) !== 0;
  const sessionState = tracked ? ok.sessionState ?? NONE : NONE;
  let status = ok.status ?? ServerStatus.AUTOCOMMIT;
  if (sessionState.length === 0) status &= ~ServerStatus.SESSION_STATE_CHANGED;
  const writer = new PacketWriter(32 + info.length + sessionState.length)
    .u8(0)
    .lenenc(ok.affectedRows ?? 0)
    .lenenc(ok.lastInsertId ?? 0)
    .u16(status)
    .u16(ok.warnings ?? 0);
  if (info.length > 0 || sessionState.length > 0) writer.lenencBytes(info);
  if (sessionState.length > 0) writer.lenencBytes(sessionState);
  return writer.done();
}

/** Writes an EOF packet's payload: the form that ends columns and rows without DEPRECATE_EOF. */
export function encodeEof(eof: { readonly status: number; readonly warnings: number }): Uint8Array {
  return new PacketWriter(5).u8(0xfe).u16(eof.warnings).u16(eof.status).done();
}
