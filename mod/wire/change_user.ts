// COM_CHANGE_USER: logging in again on a connection that is already open.

import { Capability } from "./capabilities.ts";
import { PacketReader, PacketWriter } from "./bytes.ts";
import { latin1 } from "./greeting.ts";
import { Command } from "./commands.ts";

/** The content of COM_CHANGE_USER. */
export interface ChangeUser {
  readonly user: Uint8Array;
  readonly authResponse: Uint8Array;
  /** Empty: none. */
  readonly database: Uint8Array;
  /** The collation id, 16 bits; 0 where the client left it out. */
  readonly collation: number;
  readonly authPlugin: string;
  readonly attributes: Uint8Array;
}

const NONE = new Uint8Array(0);

/**
 * Reads a COM_CHANGE_USER payload, command byte included.
 *
 * @throws {MalformedPacketError} If it ends too early.
 */
export function decodeChangeUser(payload: Uint8Array, capabilities: number): ChangeUser {
  const reader = new PacketReader(payload, 1);
  const user = reader.untilNul();
  const authResponse = capabilities & Capability.SECURE_CONNECTION
    ? reader.view(reader.u8())
    : reader.untilNul();
  const database = reader.untilNul();
  const collation = reader.remaining >= 2 ? reader.u16() : 0;
  const authPlugin = capabilities & Capability.PLUGIN_AUTH && reader.remaining > 0
    ? latin1(reader.untilNul())
    : "";
  const attributes = capabilities & Capability.CONNECT_ATTRS && reader.remaining > 0
    ? reader.lenencView()
    : NONE;
  return { user, authResponse, database, collation, authPlugin, attributes };
}

/** Writes a COM_CHANGE_USER payload, command byte included. */
export function encodeChangeUser(request: ChangeUser, capabilities: number): Uint8Array {
  const writer = new PacketWriter(256).u8(Command.CHANGE_USER).nulTerminated(request.user);
  if (capabilities & Capability.SECURE_CONNECTION) {
    writer.u8(request.authResponse.length).raw(request.authResponse);
  } else writer.nulTerminated(request.authResponse);
  writer.nulTerminated(request.database).u16(request.collation);
  if (capabilities & Capability.PLUGIN_AUTH) writer.text(request.authPlugin).u8(0);
  if (capabilities & Capability.CONNECT_ATTRS) writer.lenencBytes(request.attributes);
  return writer.done();
}
