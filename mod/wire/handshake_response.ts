// The client's answer to the greeting: Protocol::HandshakeResponse41 and the SSLRequest before it.

import { Capability } from "./capabilities.ts";
import { MalformedPacketError, PacketReader, PacketWriter } from "./bytes.ts";
import { latin1 } from "./greeting.ts";

/** What a client says of itself to log in. Names are bytes: their charset is the client's. */
export interface HandshakeResponse {
  /** The capabilities the client wants, a part of what the server offered. */
  readonly capabilities: number;
  /** MariaDB's extended ones; 0 unless the client speaks to a MariaDB server as such. */
  readonly mariadbCapabilities: number;
  /** The longest packet the client takes, in bytes. */
  readonly packetMax: number;
  /** The collation id; MySQL puts ids above 255 in the following byte. */
  readonly collation: number;
  readonly user: Uint8Array;
  /** The first answer to the greeting's challenge. */
  readonly authResponse: Uint8Array;
  /** Empty: none. */
  readonly database: Uint8Array;
  /** Empty where the client names none. */
  readonly authPlugin: string;
  /** The connection attributes as they came: length-encoded pairs without the leading total. */
  readonly attributes: Uint8Array;
  /** Level 1 to 22; 0 where zstd is not asked for. */
  readonly zstdLevel: number;
}

/** The length of an SSLRequest payload: a HandshakeResponse41 cut before the user name. */
export const SSL_REQUEST_LENGTH = 32;

const NONE = new Uint8Array(0);

/** Tells an SSLRequest from a HandshakeResponse41. */
export function isSslRequest(payload: Uint8Array): boolean {
  return payload.length === SSL_REQUEST_LENGTH &&
    (payload[1] & (Capability.SSL >>> 8)) !== 0;
}

/**
 * Reads a HandshakeResponse41 payload.
 *
 * @throws {MalformedPacketError} If it is not one (a client from before MySQL 4.1, or garbage).
 */
export function decodeHandshakeResponse(payload: Uint8Array): HandshakeResponse {
  const reader = new PacketReader(payload);
  const capabilities = reader.u32();
  if (!(capabilities & Capability.PROTOCOL_41)) {
    throw new MalformedPacketError("Client does not speak the 4.1 protocol");
  }
  const packetMax = reader.u32();
  const collation = reader.u16();
  reader.skip(18);
  const extended = reader.u32();
  const user = reader.untilNul();
  let authResponse: Uint8Array;
  if (capabilities & Capability.PLUGIN_AUTH_LENENC) authResponse = reader.lenencView();
  else if (capabilities & Capability.SECURE_CONNECTION) authResponse = reader.view(reader.u8());
  else authResponse = reader.untilNul();
  const database = capabilities & Capability.CONNECT_WITH_DB ? reader.untilNul() : NONE;
  const authPlugin = capabilities & Capability.PLUGIN_AUTH ? latin1(reader.untilNul()) : "";
  const attributes = capabilities & Capability.CONNECT_ATTRS && reader.remaining > 0
    ? reader.lenencView()
    : NONE;
  const zstdLevel = capabilities & Capability.ZSTD_COMPRESSION && reader.remaining > 0
    ? reader.u8()
    : 0;
  const isMariadb = (capabilities & Capability.LONG_PASSWORD) === 0;
  return {
    capabilities,
    mariadbCapabilities: isMariadb ? extended : 0,
    packetMax,
    collation,
    user,
    authResponse,
    database,
    authPlugin,
    attributes,
    zstdLevel,
  };
}

/** Writes a HandshakeResponse41 payload; what its capabilities do not cover is left out. */
export function encodeHandshakeResponse(response: HandshakeResponse): Uint8Array {
  const { capabilities } = response;
  const writer = writeHead(response).nulTerminated(response.user);
  if (capabilities & Capability.PLUGIN_AUTH_LENENC) writer.lenencBytes(response.authResponse);
  else if (capabilities & Capability.SECURE_CONNECTION) {
    writer.u8(response.authResponse.length).raw(response.authResponse);
  } else writer.nulTerminated(response.authResponse);
  if (capabilities & Capability.CONNECT_WITH_DB) writer.nulTerminated(response.database);
  if (capabilities & Capability.PLUGIN_AUTH) writer.text(response.authPlugin).u8(0);
  if (capabilities & Capability.CONNECT_ATTRS) writer.lenencBytes(response.attributes);
  if (capabilities & Capability.ZSTD_COMPRESSION) writer.u8(response.zstdLevel);
  return writer.done();
}

/** Writes the SSLRequest that goes before an encrypted HandshakeResponse41. */
export function encodeSslRequest(response: HandshakeResponse): Uint8Array {
  return writeHead(response).done();
}

function writeHead(response: HandshakeResponse): PacketWriter {
  return new PacketWriter(256)
    .u32(response.capabilities)
    .u32(response.packetMax)
    .u16(response.collation)
    .zeros(18)
    .u32(response.mariadbCapabilities);
}
