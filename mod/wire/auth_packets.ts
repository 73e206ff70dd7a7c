// The packets of an authentication exchange after the first answer.
// Source: Protocol::AuthSwitchRequest and Protocol::AuthMoreData.

import { PacketReader, PacketWriter } from "./bytes.ts";
import { latin1 } from "./greeting.ts";

/** First bytes of the packets a server may send during authentication. */
export const AuthPacket = {
  OK: 0x00,
  MORE_DATA: 0x01,
  NEXT_FACTOR: 0x02,
  SWITCH: 0xfe,
  ERR: 0xff,
} as const;

/** A server's wish to authenticate by another plugin. */
export interface AuthSwitch {
  /** `mysql_old_password` where the packet has no name. */
  readonly plugin: string;
  /** The plugin's own data: usually a 20-byte challenge and a NUL. */
  readonly data: Uint8Array;
}

/** Reads an AuthSwitchRequest payload, its first byte included. */
export function decodeAuthSwitch(payload: Uint8Array): AuthSwitch {
  if (payload.length === 1) return { plugin: "mysql_old_password", data: payload.subarray(1) };
  const reader = new PacketReader(payload, 1);
  return { plugin: latin1(reader.untilNul()), data: reader.rest() };
}

/** Writes an AuthSwitchRequest payload. */
export function encodeAuthSwitch(request: AuthSwitch): Uint8Array {
  return new PacketWriter().u8(AuthPacket.SWITCH).text(request.plugin).u8(0).raw(request.data)
    .done();
}

/** Writes an AuthMoreData payload. */
export function encodeAuthMoreData(data: Uint8Array): Uint8Array {
  return new PacketWriter(data.length + 1).u8(AuthPacket.MORE_DATA).raw(data).done();
}
