// The server's first packet: Protocol::HandshakeV10, with MariaDB's extended capabilities.

import { Capability } from "./capabilities.ts";
import { MalformedPacketError, PacketReader, PacketWriter } from "./bytes.ts";

/** What a server says of itself before anybody has logged in. */
export interface Greeting {
  /** As `SELECT VERSION()` gives it, without the `5.5.5-` that some MariaDB servers put in front. */
  readonly serverVersion: string;
  /** The connection id, 32 bits. */
  readonly threadId: number;
  /** The 20-byte challenge. */
  readonly salt: Uint8Array;
  /** Capability flags, see `Capability`. */
  readonly capabilities: number;
  /** See `MariadbCapability`; 0 for a MySQL server. */
  readonly mariadbCapabilities: number;
  /** The low byte of the default collation's id. */
  readonly collation: number;
  /** Server status flags. */
  readonly status: number;
  /** The default authentication plugin; empty where the server names none. */
  readonly authPlugin: string;
}

const REPLICATION_VERSION_HACK = "5.5.5-";

/**
 * Reads a HandshakeV10 payload.
 *
 * @throws {MalformedPacketError} If it is not one.
 */
export function decodeGreeting(payload: Uint8Array): Greeting {
  const reader = new PacketReader(payload);
  const version = reader.u8();
  if (version !== 10) {
    throw new MalformedPacketError(`Server speaks protocol version ${version}, not 10`);
  }
  let serverVersion = latin1(reader.untilNul());
  if (serverVersion.startsWith(REPLICATION_VERSION_HACK) && serverVersion.includes("MariaDB")) {
    serverVersion = serverVersion.slice(REPLICATION_VERSION_HACK.length);
  }
  const threadId = reader.u32();
  const saltStart = reader.view(8);
  reader.skip(1);
  let capabilities = reader.u16();
  const collation = reader.u8();
  const status = reader.u16();
  capabilities = (capabilities | (reader.u16() << 16)) >>> 0;
  const saltLength = reader.u8();
  reader.skip(6);
  const extended = reader.u32();
  const isMariadb = (capabilities & Capability.LONG_PASSWORD) === 0;
  const salt = new Uint8Array(20);
  salt.set(saltStart);
  if (capabilities & Capability.SECURE_CONNECTION) {
    salt.set(reader.view(Math.max(13, saltLength - 8)).subarray(0, 12), 8);
  }
  const authPlugin = capabilities & Capability.PLUGIN_AUTH ? latin1(reader.untilNul()) : "";
  return {
    serverVersion,
    threadId,
    salt,
    capabilities,
    mariadbCapabilities: isMariadb ? extended : 0,
    collation,
    status,
    authPlugin,
  };
}

/** Writes a HandshakeV10 payload. MariaDB's version prefix for old replicas is put back. */
export function encodeGreeting(greeting: Greeting): Uint8Array {
  const isMariadb = (greeting.capabilities & Capability.LONG_PASSWORD) === 0;
  const writer = new PacketWriter()
    .u8(10)
    .text(isMariadb && needsVersionHack(greeting.serverVersion) ? REPLICATION_VERSION_HACK : "")
    .text(greeting.serverVersion).u8(0)
    .u32(greeting.threadId)
    .raw(greeting.salt.subarray(0, 8)).u8(0)
    .u16(greeting.capabilities)
    .u8(greeting.collation)
    .u16(greeting.status)
    .u16(greeting.capabilities >>> 16)
    .u8(greeting.capabilities & Capability.PLUGIN_AUTH ? 21 : 0)
    .zeros(6)
    .u32(isMariadb ? greeting.mariadbCapabilities : 0)
    .raw(greeting.salt.subarray(8, 20)).u8(0);
  if (greeting.capabilities & Capability.PLUGIN_AUTH) writer.text(greeting.authPlugin).u8(0);
  return writer.done();
}

/** MariaDB 10.x says 5.5.5-10.x because replicas of MySQL 5.x read one digit only; 11 does not. */
function needsVersionHack(serverVersion: string): boolean {
  return serverVersion.startsWith("10.");
}

/** Bytes to a string one to one: for names that are ASCII by definition. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
